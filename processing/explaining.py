"""Why a flag is there: what was stored with it, what the same article and card give now, and why these differ."""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

from index_config.cluster import Cluster
from index_config.languages import text_field
from processing.cards import CardError, StoredCard, card_generation, load_card
from processing.encoder import Encoder
from processing.match.fuse import fingerprint
from processing.match.judged import judged
from processing.match.matcher import Match, Text
from processing.match.rules import rules_of
from processing.matching import ANALYST, Deck, load_deck, text_of

MEANS = {
    "semantic": "cosine of the passage with the claim, by the encoder; the same text has 1",
    "whole": "cosine of the passage with all the card says, its summary too",
    "coverage": "share of the claim's words found in the passage, in whatever language",
    "lexical": "BM25 of the passage's words over the cards in its own language; 0: none in common, or no card has words in it",
    "usual": "how near the card is to what is always written: counts against it; 0: no usual passages are known of the encoder",
    "score": "the channels fused to one probability",
    "level_by_score": "what the probability alone gives",
    "level": "what the stance leaves of it",
}
_NUMBERS = ("semantic", "whole", "coverage", "lexical", "usual", "score")
_COMPARED = ("level_by_score", "level", "stance", "passage", "sentence_start", "sentence_end", "matched_words")
_CLOSE = 0.005
"""Numbers that differ by less print the same: an encoder's may differ between processors in the fourth decimal."""


@dataclass(frozen=True)
class Explanation:
    """`now` is what a match would write today, None when `not_again` says why there is none.

    `narrower` are the cards below the flag's, `measured` says how often the flag's level by score was right in its language.
    `differences` name the fields in which `now` is not what was stored, `because` what has changed since.
    """

    flag: dict[str, Any]
    now: dict[str, Any] | None
    not_again: str | None
    calibration: dict[str, Any]
    measured: str | None
    rules: tuple[str, ...]
    narrower: tuple[str, ...]
    differences: tuple[str, ...]
    because: tuple[str, ...]

    def to_document(self) -> dict[str, Any]:
        return asdict(self) | {"means": MEANS, "priors": None}


def explain(cluster: Cluster, flag: dict[str, Any], encoder: Callable[[], Encoder]) -> Explanation:
    """Match the flag's article once more, and compare what is found of its card.

    Args:
        flag: as `processing.flags.get_flag` gives it.
        encoder: loads the encoder; not called when there is nothing to match again.

    Raises:
        NarrawatchError: the card has no vector of this encoder, or the encoder no calibration.
    """
    card, document = _card(cluster, flag), _article(cluster, flag)
    impossible = _impossible(flag, card, document)
    rules, below = (tuple(_rules(flag, card)), card.narrower) if card else ((), ())
    if impossible or document is None or card is None:
        return Explanation(flag, None, impossible, {}, None, rules, below, (), tuple(_changes(flag, card, None, None)))
    deck = load_deck(cluster, encoder())
    now = _again(deck, text_of(document), flag["narrative"], document.get("kind"))
    differences = tuple(_differences(flag, now))
    changes = tuple(_changes(flag, card, deck, card_generation(cluster))) if differences else ()
    if differences and not changes:
        changes = ("the calibration, the cue words or the words of other cards, which the lexical channel counts",)
    calibration = asdict(deck.matcher.calibration) | {"fingerprint": fingerprint(deck.matcher.calibration)}
    return Explanation(flag, now, None, calibration, _measured(deck, flag), rules, below, differences, changes)


def _measured(deck: Deck, flag: dict[str, Any]) -> str | None:
    level, language = flag.get("level_by_score"), flag["language"]
    if level not in {"flag", "suggest"}:
        return None
    met = text_field(language) in deck.matcher.lexical.languages
    stated = deck.matcher.calibration.says(level, met=met, language=language)
    return f"{level} in {stated.language or 'languages like this'}: {stated}" if stated else None


def _card(cluster: Cluster, flag: dict[str, Any]) -> StoredCard | None:
    try:
        return load_card(cluster, flag["narrative"])
    except CardError:
        return None


def _article(cluster: Cluster, flag: dict[str, Any]) -> dict[str, Any] | None:
    answer = cluster.client.mget(index=cluster.name("articles"), ids=[flag["article"]])["docs"][0]
    found: dict[str, Any] | None = answer.get("_source")
    return found


def _impossible(flag: dict[str, Any], card: StoredCard | None, document: dict[str, Any] | None) -> str | None:
    if flag.get("matcher") == ANALYST:
        return "it stands on an analyst's word"
    if card is None or card.retired:
        return "its card is " + ("gone" if card is None else "retired")
    if document is None:
        return "its article is gone"
    if document["text_hash"] != flag["text_hash"]:
        return "its article has another wording now"
    return None


def _again(deck: Deck, text: Text, narrative: str, kind: str | None) -> dict[str, Any]:
    """The matcher's fields of a flag, as a sweep would write them; those of a card that would not be flagged, too."""
    reading = deck.matcher.read(text, also=[narrative])
    found = {match.narrative: match for match in deck.matcher.matches(reading, len(deck.cards))}
    if narrative not in found:
        return {"level": "none", "level_by_score": "none"}
    match = deck.matcher.exact(reading, found[narrative])
    return _fields(match) | judged(deck.guard, text, match, deck.cards[narrative].narrative, kind).to_document()


def _fields(match: Match) -> dict[str, Any]:
    return {name: round(float(getattr(match, name)), 4) for name in _NUMBERS} | {
        "passage": match.passage.text,
        "sentence_start": match.sentence[0],
        "sentence_end": match.sentence[1],
        "matched_words": list(match.words),
    }


def _differences(flag: dict[str, Any], now: dict[str, Any]) -> Iterator[str]:
    for name in _NUMBERS:
        if name in flag and abs(flag[name] - now.get(name, 0.0)) >= _CLOSE:
            yield name
    for name in _COMPARED:
        if name in flag and name in now and flag[name] != now[name]:
            yield name


def _changes(flag: dict[str, Any], card: StoredCard | None, deck: Deck | None, generation: int | None) -> Iterator[str]:
    if card and card.version != flag.get("narrative_version"):
        yield f"the card is at version {card.version}, the flag was made from version {flag.get('narrative_version')}"
    if deck and deck.matcher.name != flag.get("matcher"):
        yield f"the matcher is {deck.matcher.name}, it was {flag.get('matcher')}"
    if deck and flag.get("calibration") and fingerprint(deck.matcher.calibration) != flag["calibration"]:
        yield f"the calibration is {fingerprint(deck.matcher.calibration)}, it was {flag['calibration']}"
    if generation and generation != flag.get("generation"):
        yield f"cards are at generation {generation}, it was {flag.get('generation')}: words of other cards count, too"


def _rules(flag: dict[str, Any], card: StoredCard) -> Iterator[str]:
    """The card's own phrases that stand in the passage."""
    for rules in rules_of([card.narrative]).values():
        yield from dict.fromkeys(found.phrase for found in rules.find(flag["passage"], flag["language"]))
