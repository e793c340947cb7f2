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
)


@dataclass(frozen=True, kw_only=True)
class StoredCard:
    """One version of a card.

    `linked` are the cards whose titles are among its `related_claims`. They are found, not given, so a link that appears
    when another card arrives makes no new version.
    """

    narrative: Narrative
    version: int
    generation: int
    updated: str
    author: str
    reason: str
    retired: bool = False
    linked: tuple[str, ...] = field(default=(), compare=False)

    def to_document(self) -> dict[str, Any]:
        """The document of `narratives`."""
        card = self.narrative
        return {
            **self.to_history(),
            "claim": card.claims_by_field,
            "linked": list(self.linked),
        }

    def to_history(self) -> dict[str, Any]:
        """The document of `narratives-history`: without what only searching needs, and without links, which change later."""
        card = asdict(self.narrative)
        content = {name: list(value) if isinstance(value, tuple) else value for name, value in card.items()}
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
    content = {name: tuple(value) if isinstance(value, list) else value for name, value in content.items()}
    return StoredCard(
        narrative=Narrative(id=source["narrative"], **content),
        version=source["version"],
        generation=source["generation"],
        updated=source["updated"],
        author=source["author"],
        reason=source["reason"],
        retired=source["retired"],
        linked=tuple(source.get("linked", ())),
    )
