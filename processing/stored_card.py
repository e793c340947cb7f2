"""A card as `narratives` and `narratives-history` hold it: the narrative, and what the store knows about it."""

from dataclasses import asdict, dataclass, field, fields
from typing import Any

from processing.narrative import Narrative

_FIELDS = tuple(item.name for item in fields(Narrative) if item.name != "id")
SOURCE = (
    "narrative",
    *_FIELDS,
    "version",
    "generation",
    "content_hash",
    "updated",
    "author",
    "reason",
    "retired",
    "linked",
    "family",
    "retold",
    "kin_by",
    "narrower",
    "gathered",
)


@dataclass(frozen=True, kw_only=True)
class StoredCard:
    """One version of a card.

    `linked` are the cards whose titles are among its `related_claims`, `retold` those with the same claim, `family` is the
    id of the card that heads its family, `narrower` are the cards below it. These are found, not given (with the encoder
    `kin_by`), so one that changes when another card arrives makes no new version. `gathered` is the generation of cards in
    which the narrower ones last changed.
    """

    narrative: Narrative
    version: int
    generation: int
    updated: str
    author: str
    reason: str
    retired: bool = False
    linked: tuple[str, ...] = field(default=(), compare=False)
    family: str = field(default="", compare=False)
    retold: tuple[str, ...] = field(default=(), compare=False)
    kin_by: str = field(default="", compare=False)
    narrower: tuple[str, ...] = field(default=(), compare=False)
    gathered: int = field(default=0, compare=False)

    @property
    def new_since(self) -> int:
        """The generation since which the card is looked for as it is now: its own, or that of the cards below it."""
        return max(self.generation, self.gathered)

    def to_document(self) -> dict[str, Any]:
        """The document of `narratives`."""
        card = self.narrative
        return {
            **self.to_history(),
            "claim": card.claims_by_field,
            **self.found(),
        }

    def found(self) -> dict[str, Any]:
        """The part of the document that other cards decide."""
        return {
            "linked": list(self.linked),
            "family": self.family or self.narrative.id,
            "retold": list(self.retold),
            "kin_by": self.kin_by,
            "narrower": list(self.narrower),
            "gathered": self.gathered,
        }

    def to_history(self) -> dict[str, Any]:
        """The document of `narratives-history`: without what only searching needs, and without links, which change later."""
        card = asdict(self.narrative)
        content = {name: _thawed(value) for name, value in card.items()}
        return {
            "narrative": content.pop("id"),
            **content,
            "version": self.version,
            "generation": self.generation,
            "content_hash": self.narrative.content_hash,
            "updated": self.updated,
            "author": self.author,
            "reason": self.reason,
            "retired": self.retired,
        }


def from_document(source: dict[str, Any]) -> StoredCard:
    """The inverse of `to_document` and `to_history`."""
    content = {name: source[name] for name in _FIELDS if source.get(name) is not None}
    content = {name: _frozen(value) for name, value in content.items()}
    return StoredCard(
        narrative=Narrative(id=source["narrative"], **content),
        version=source["version"],
        generation=source["generation"],
        updated=source["updated"],
        author=source["author"],
        reason=source["reason"],
        retired=source["retired"],
        linked=tuple(source.get("linked", ())),
        family=source.get("family") or source["narrative"],
        retold=tuple(source.get("retold", ())),
        kin_by=source.get("kin_by", ""),
        narrower=tuple(source.get("narrower") or ()),
        gathered=source.get("gathered") or 0,
    )


def _frozen(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _frozen(item) for name, item in value.items()}
    return tuple(value) if isinstance(value, list) else value


def _thawed(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _thawed(item) for name, item in value.items()}
    return list(value) if isinstance(value, tuple) else value
