"""One article at a time against all cards: passages, channels, fusion, evidence. `match` and `rank` both end here."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from index_config.languages import text_field
from processing.encoder import Encoded, Floats, Tokens
from processing.match.fuse import Calibration, Channels, Level
from processing.match.lexical import Hit, LexicalChannel
from processing.match.rules import RuleBook, Witness
from processing.match.semantic import SemanticChannel
from processing.passages import Passage, sentences, split
from processing.sentences import trim

VERSION = "3"
CANDIDATES = 100
"""Cards whose claims are looked for word by word: more do not change the first ten."""
READ = (2, 5, 20)
"""An article is read as far as its second passage; if that is near to some card, as far as the fifth; and if that is, on."""
_AFTER = 300
"""Characters shown after a phrase that stands farther down than passages are made."""


@dataclass(frozen=True)
class Text:
    """What is matched: an article's title and text, and its language's code."""

    title: str | None
    text: str
    language: str


@dataclass(frozen=True, kw_only=True)
class Match:
    """One narrative found in one article: how sure, by which channel, and the passage that says it.

    `score` is a probability, `semantic` a cosine, `coverage` the share of the claim's words found, `lexical` a BM25 score.
    `sentence` is where in the text (or, for the passage kind `title`, in the title) the passage's nearest sentence stands, as
    `Matcher.exact` finds it, else the whole passage.
    `phrase` is an analyst's phrase for the card as it stands in the passage; `level` counts it, `score` does not.
    """

    narrative: str
    score: float
    semantic: float
    coverage: float
    lexical: float
    level: Level
    passage: Passage
    sentence: tuple[int, int]
    words: tuple[str, ...]
    phrase: str | None = None


@dataclass(frozen=True)
class Seen:
    """An article as the channels see it: for each passage read and each of the `chosen` cards (rows of the deck).

    `vectors` are the passages', [passages, dimensions]. `met`: cards have words in the text's language, so the lexical
    channel could find some.
    """

    passages: Sequence[Passage]
    vectors: Floats
    tokens: tuple[Tokens, ...]
    chosen: NDArray[np.intp]
    channels: Channels
    hits: list[list[Hit]]
    met: bool


@dataclass(frozen=True)
class Part:
    """Some passages and all cards: what costs little to know."""

    encoded: Encoded
    channels: Channels
    hits: list[list[Hit]]


@dataclass(frozen=True)
class Reading:
    """A text that was read: what the channels saw, and what analysts' rules say.

    `barred` are rows of the deck; `witnesses` say by row of the deck in which passage (row of `seen`) a phrase stands.
    """

    text: Text
    seen: Seen | None
    barred: frozenset[int]
    witnesses: Mapping[int, tuple[int, Witness]]


@dataclass(frozen=True)
class Matcher:
    """The two channels over one deck of cards, what fuses them, and the rules that analysts gave to some of the cards.

    `among`: of how many cards these are the part that is looked at, where they are not all; levels hold for the whole.
    """

    semantic: SemanticChannel
    lexical: LexicalChannel
    calibration: Calibration
    rules: RuleBook = field(default_factory=lambda: RuleBook({}))
    among: int = 0

    @property
    def ids(self) -> tuple[str, ...]:
        return self.semantic.cards.ids

    @property
    def name(self) -> str:
        return f"{self.semantic.encoder.name}+bm25/{VERSION}"

    def rank(self, text: Text, most: int, *, at_least: Level = "none") -> list[Match]:
        """The best cards for a text, best first, at most `most`, none below the level asked for."""
        reading = self.read(text, most)
        found = self.matches(reading, most, at_least=at_least)
        return found if at_least == "none" else [self.exact(reading, match) for match in found]

    def read(self, text: Text, most: int = CANDIDATES, also: Collection[str] = ()) -> Reading:
        """Read as much of a text as the cards deserve.

        Args:
            most: how many cards will be asked for.
            also: ids of cards to look at even if many others are nearer.
        """
        passages = split(text.title, text.text, language=text.language)
        if not passages or not self.ids:
            return Reading(text, None, frozenset(), {})
        ruled = self.rules.read(text.title, text.text, text.language)
        barred = frozenset(self._column[card] for card in ruled.barred if card in self._column)
        found = {self._column[card]: witness for card, witness in ruled.witnesses.items() if card in self._column}
        places = {column: _place(passages, text.text, witness) for column, witness in found.items()}
        named = {*places, *(self._column[card] for card in also if card in self._column)}
        seen = self.look(passages, text_field(text.language), most, named=named, beyond=places.values())
        row = {passage.number: row for row, passage in enumerate(seen.passages)}
        witnesses = {column: (row[places[column]], witness) for column, witness in found.items()}
        return Reading(text, seen, barred, witnesses)

    def look(
        self,
        passages: Sequence[Passage],
        language: str,
        most: int = CANDIDATES,
        *,
        named: Collection[int] = (),
        beyond: Collection[int] = (),
    ) -> Seen:
        """What the channels say of each passage and the most likely cards; `language` is a language property of the index.

        Reading stops early in an article whose beginning is near to nothing: most of what is published is, and to encode
        a passage costs more than all the rest. `named` cards are looked at and passages `beyond` are read in any case.
        """
        met = language in self.lexical.languages
        fusion, parts, first = self.calibration.fusion(met=met), [], np.zeros((0, len(self.ids)), dtype=np.float32)
        read_on = self.calibration.read_on(met=met, cards=self.among or len(self.ids))
        for begin, end, enough in zip((0, *READ), READ, (*read_on, np.inf), strict=False):
            if begin < len(passages):
                parts.append(self._part(passages[begin:end], language))
                first = np.vstack((first, fusion.weights.sum(parts[-1].channels)))
            if first.max() < enough:
                break
        rest = sorted(place for place in set(beyond) if place >= len(first))
        if rest:
            parts.append(self._part([passages[place] for place in rest], language))
        chosen = np.argsort(-first.max(axis=0), kind="stable")[: max(most, CANDIDATES)]
        chosen = np.union1d(chosen, np.array(sorted(named), dtype=np.intp))
        tokens = tuple(found for part in parts for found in part.encoded.tokens)
        channels = Channels(
            wording=np.vstack([part.channels.wording[:, chosen] for part in parts]),
            whole=np.vstack([part.channels.whole[:, chosen] for part in parts]),
            coverage=self.semantic.coverage(tokens, chosen),
            overlap=np.vstack([part.channels.overlap[:, chosen] for part in parts]),
            usual=np.vstack([part.channels.usual[:, chosen] for part in parts]),
        )
        return Seen(
            passages=[*passages[: len(first)], *(passages[place] for place in rest)],
            vectors=np.vstack([part.encoded.vectors for part in parts]),
            tokens=tokens,
            chosen=chosen,
            channels=channels,
            hits=[hit for part in parts for hit in part.hits],
            met=met,
        )

    def matches(self, reading: Reading, most: int, *, at_least: Level = "none") -> list[Match]:
        """The best cards for a text that was read, best first, at most `most`, none below the level asked for.

        Cards that their own rules bar are left out. An analyst's phrase lifts its card to `suggest`, and to `flag` where the
        channels alone suggest it.
        """
        seen = reading.seen
        if seen is None:
            return []
        fusion = self.calibration.fusion(met=seen.met)
        sums, probability = fusion.weights.sum(seen.channels), fusion.probability(seen.channels).max(axis=0)
        best, rows = sums.max(axis=0), sums.argmax(axis=0)
        ranked = []
        for column, card in enumerate(seen.chosen.tolist()):
            level = self._level(reading, card, float(probability[column]))
            if card not in reading.barred and ORDER[level] >= ORDER[at_least]:
                ranked.append((card not in reading.witnesses, -float(best[column]), self.ids[card], column, level))
        return [
            self._match(reading, column, float(probability[column]), int(rows[column]), level)
            for *_, column, level in sorted(ranked)[:most]  # equal sums in the order of ids, wherever it runs
        ]

    def exact(self, reading: Reading, match: Match) -> Match:
        """The match with the sentence of its passage: the one in which the phrase begins, else that with most of the claim."""
        assert reading.seen
        passage, card = match.passage, self._column[match.narrative]
        spans = sentences(passage.text, reading.text.language)
        if match.phrase:
            at = reading.witnesses[card][1].found.start - passage.start
            start, end = next((span for span in spans if span[0] <= at < span[1]), (0, len(passage.text)))
        elif len(spans) < 2 or not self.semantic.encoder.token_dimensions:
            start, end = 0, len(passage.text)
        else:
            row = next(row for row, one in enumerate(reading.seen.passages) if one.number == passage.number)
            lengths = self.semantic.encoder.lengths([passage.text[start:end] for start, end in spans])
            start, end = spans[self.semantic.sentence(reading.seen.tokens[row], lengths, card)]
        return replace(match, sentence=(passage.start + start, passage.start + end))

    def _level(self, reading: Reading, card: int, probability: float) -> Level:
        assert reading.seen
        characters = len(reading.text.text)
        level = self.calibration.level(
            probability,
            characters,
            met=reading.seen.met,
            cards=self.among or len(self.ids),
            language=reading.text.language,
        )
        if card not in reading.witnesses:
            return level
        return "flag" if level != "none" and characters >= self.calibration.shortest else "suggest"

    def _part(self, passages: Sequence[Passage], language: str) -> Part:
        encoded = self.semantic.encoder.encode_with_tokens([passage.text for passage in passages], "passage")
        wording, whole = self.semantic.near(encoded.vectors)
        hits = self.lexical.search([(passage.text, language) for passage in passages])
        overlap = np.zeros_like(wording)
        for row, found in enumerate(hits):
            for hit in found:
                if hit.narrative in self._column:
                    overlap[row, self._column[hit.narrative]] = hit.overlap
        usual = np.broadcast_to(self.semantic.usual, wording.shape)
        return Part(encoded, Channels(wording, whole, np.zeros_like(wording), overlap, usual), hits)

    @cached_property
    def _column(self) -> dict[str, int]:
        return {narrative: number for number, narrative in enumerate(self.ids)}

    def _match(self, reading: Reading, column: int, score: float, row: int, level: Level) -> Match:
        seen = reading.seen
        assert seen
        narrative = self.ids[seen.chosen[column]]
        row, witness = reading.witnesses.get(int(seen.chosen[column]), (row, None))
        hit = next((hit for hit in seen.hits[row] if hit.narrative == narrative), None)
        return Match(
            narrative=narrative,
            score=score,
            semantic=float(seen.channels.wording[row, column]),
            coverage=float(seen.channels.coverage[row, column]),
            lexical=hit.score if hit else 0.0,
            level=level,
            passage=seen.passages[row],
            sentence=(seen.passages[row].start, seen.passages[row].end),
            words=hit.words if hit else (),
            phrase=witness.found.phrase if witness else None,
        )


def _place(passages: list[Passage], text: str, witness: Witness) -> int:
    """The number of the passage in which a phrase begins, the last of several; one is added where there is none so far down."""
    begin = witness.found.start
    own = [one for one in passages if (one.kind == "title") == witness.in_title]
    inside = [one.number for one in own if one.start <= begin < one.end]
    if not inside:
        start, end = trim(text, begin, min(len(text), witness.found.end + _AFTER))
        passages.append(Passage(len(passages), "body", start, end, text[start:end]))
    return inside[-1] if inside else len(passages) - 1


_LEVELS: tuple[Level, ...] = ("none", "suggest", "flag")
ORDER: dict[Level, int] = {level: place for place, level in enumerate(_LEVELS)}
