"""One article at a time against all cards: passages, channels, fusion, evidence. `match` and `rank` both end here."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from index_config.languages import text_field
from narrawatch.batches import batches
from processing.encoder import Encoded, Floats, Tokens
from processing.match.fuse import Calibration, Channels, Fusion, Level
from processing.match.lexical import Hit, LexicalChannel
from processing.match.rules import RuleBook, Witness
from processing.match.semantic import SemanticChannel
from processing.passages import Passage, sentences, split
from processing.sentences import trim

VERSION = "4"
CANDIDATES = 100
"""Cards whose claims are looked for word by word: more do not change the first ten."""
TELLING = 40
"""The same for those by which levels are decided, which may be others."""
READ = (1, 3, 21)
"""As far as which passage: an article's opening is skimmed; if it tells of some card, title and lead are read; then the rest."""
_TOGETHER = 50
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

    `score` is a probability, `semantic` the cosine with the claim and `whole` that with all the card says, `coverage` the
    share of the claim's words found, `lexical` a BM25 score; `usual` counts against the card, as `Channels` has it.
    `sentence` is where in the text (or, for the passage kind `title`, in the title) the passage's nearest sentence stands, as
    `Matcher.exact` finds it, else the whole passage.
    `phrase` is an analyst's phrase for the card as it stands in the passage; `level` counts it, `score` does not.
    """

    narrative: str
    score: float
    semantic: float
    whole: float
    coverage: float
    lexical: float
    usual: float
    level: Level
    passage: Passage
    sentence: tuple[int, int]
    words: tuple[str, ...]
    phrase: str | None = None


@dataclass(frozen=True)
class Seen:
    """An article as the channels see it: for each passage read and each of the `chosen` cards (rows of the deck).

    The opening is among the passages only where no other was read. `vectors` are the passages', [passages, dimensions]. `met`: cards have words in the text's language, so the lexical
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

    passages: Sequence[Passage]
    encoded: Encoded
    channels: Channels
    hits: list[list[Hit]]

    def rows(self, begin: int, end: int) -> "Part":
        """Some of its passages."""
        encoded = Encoded(self.encoded.vectors[begin:end], self.encoded.tokens[begin:end])
        channels = Channels(**{one.name: getattr(self.channels, one.name)[begin:end] for one in fields(Channels)})
        return Part(self.passages[begin:end], encoded, channels, self.hits[begin:end])


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
class Before:
    """What is known of an article that was read before.

    `vectors` of the passages read, the most words that one of them shares with a card (`overlap`), and up to which stage of
    `READ` it was read; None: to the end.
    """

    vectors: Floats
    language: str
    overlap: float
    stage: int | None


@dataclass(frozen=True)
class Matcher:
    """The two channels over one deck of cards, what fuses them, and the rules that analysts gave to some of the cards.

    `whole`: the vectors of all cards, where only a part of them is looked at; what is read and levels hold for the whole.
    """

    semantic: SemanticChannel
    lexical: LexicalChannel
    calibration: Calibration
    rules: RuleBook = field(default_factory=lambda: RuleBook({}))
    whole: SemanticChannel | None = None

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
        return next(self.read_all([text], most, also))

    def read_all(self, texts: Iterable[Text], most: int = CANDIDATES, also: Collection[str] = ()) -> Iterator[Reading]:
        """The same for many texts, some at a time: what begins each of them is compared with all cards at once.

        To pass the vectors of thousands of cards through memory costs as much as to encode a short text.
        """
        for some in batches(texts, _TOGETHER):
            passages = [split(text.title, text.text, language=text.language) for text in some]
            begun = self._begun([(own[0], _language(text)) for text, own in zip(some, passages, strict=True) if own])
            for text, own in zip(some, passages, strict=True):
                if own and self.ids:
                    yield self._reading(text, own, next(begun), most, also)
                else:
                    yield Reading(text, None, frozenset(), {})

    def _begun(self, first: Sequence[tuple[Passage, str]]) -> Iterator[Part]:
        """What the channels say of each of these passages, given with its language property."""
        if first and self.ids:
            part = self.part([passage for passage, _ in first], [language for _, language in first])
            yield from (part.rows(row, row + 1) for row in range(len(first)))

    def _reading(self, text: Text, passages: list[Passage], first: Part, most: int, also: Collection[str]) -> Reading:
        ruled = self.rules.read(text.title, text.text, text.language)
        barred = frozenset(self._column[card] for card in ruled.barred if card in self._column)
        found = {self._column[card]: witness for card, witness in ruled.witnesses.items() if card in self._column}
        places = {column: _place(passages, text.text, witness) for column, witness in found.items()}
        named = {*places, *(self._column[card] for card in also if card in self._column)}
        seen = self.look(passages, _language(text), most, named=named, beyond=places.values(), first=first)
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
        first: Part | None = None,
    ) -> Seen:
        """What the channels say of each passage and the most likely cards; `language` is a language property of the index.

        Reading stops early in an article whose opening is near to nothing: most of what is published is, and to encode
        a passage costs more than all the rest. `named` cards are looked at and passages `beyond` are read in any case;
        `first` is what was read already.
        """
        met = language in self.lexical.languages
        fusion = self.calibration.fusion(met=met)
        parts = list(self._read(passages, language, fusion, first, met=met))
        read = {passage.number for part in parts for passage in part.passages}
        if rest := [passages[place] for place in sorted(set(beyond) - read)]:
            parts.append(self.part(rest, [language] * len(rest)))
        if parts[0].passages[0].kind == "opening" and len(parts) > 1:
            del parts[0]
        sums = np.vstack([fusion.weights.sum(part.channels) for part in parts])
        telling = np.vstack([fusion.telling(part.channels) for part in parts])
        chosen = np.union1d(_best(sums, max(most, CANDIDATES)), _best(telling, TELLING))
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
            passages=[passage for part in parts for passage in part.passages],
            vectors=np.vstack([part.encoded.vectors for part in parts]),
            tokens=tokens,
            chosen=chosen,
            channels=channels,
            hits=[hit for part in parts for hit in part.hits],
            met=met,
        )

    def _read(
        self, passages: Sequence[Passage], language: str, fusion: Fusion, first: Part | None, *, met: bool
    ) -> Iterator[Part]:
        """Part by part, as long as one so far is near enough to some card."""
        nearest = -np.inf
        for (begin, end), enough in zip(pairwise((0, *READ)), (*self._read_on[met], np.inf), strict=True):
            if some := passages[begin:end]:
                part = first if first and not begin else self.part(some, [language] * len(some))
                yield part
                nearest = max(nearest, float(fusion.near(part.channels).max()))
            if nearest < enough:
                return

    def may_choose(self, card: str, articles: Sequence["Before"]) -> list[bool]:
        """For each article whether a card may be looked for in it word by word if it is read anew. Nothing is encoded.

        It may where not too many cards are nearer, and where the card is so near that more would be read than was. What
        words other cards share with the article is not known and not counted, which says so of a few too many.
        """
        found = np.zeros(len(articles), dtype=bool)
        for met in (False, True):
            rows = [row for row, one in enumerate(articles) if self._met(one.language) is met]
            if rows:
                found[rows] = self._may_choose(card, [articles[row] for row in rows], met=met)
        return found.tolist()

    def _may_choose(self, card: str, articles: Sequence["Before"], *, met: bool) -> NDArray[np.bool_]:
        column, fusion = self._column[card], self.calibration.fusion(met=met)
        firsts = np.cumsum([0, *(len(one.vectors) for one in articles)])[:-1]
        sums = self.semantic.nearest(np.concatenate([one.vectors for one in articles]), self._weighed[met])
        ranking = np.maximum.reduceat(sums, firsts, axis=0)
        telling = ranking - fusion.usual * self.semantic.usual
        chosen = np.zeros(len(articles), dtype=bool)
        shared = fusion.weights.overlap * np.array([[one.overlap] for one in articles], dtype=np.float32)
        for best, most in ((ranking, CANDIDATES), (telling, TELLING)):
            chosen |= (best > best[:, [column]] + shared).sum(axis=1) < most
        enough = [np.inf if one.stage is None else self._read_on[met][one.stage] for one in articles]
        chosen |= telling[:, column] >= np.array(enough)
        return chosen

    def overlap(self, card: str, passages: Sequence[tuple[Passage, str]]) -> list[float]:
        """What words a card shares with passages, each given with its article's language, as `Channels` has it."""
        texts = [(passage.read, text_field(language)) for passage, language in passages]
        return [max((hit.overlap for hit in hits), default=0.0) for hits in self.lexical.search(texts, card)]

    def may_tell(self, passages: Sequence[tuple[Passage, str, bool]], card: str) -> list[bool]:
        """For each passage whether its article may be found to tell a card if it is read anew.

        It may where this passage tells it, and where the passage is so near to the card that more would be read than was.
        Costs what it does to encode the passages; nothing else of their articles is looked at.

        Args:
            passages: with the article's language, and whether there is more of it than was read.
        """
        alone = replace(self, semantic=self.semantic.only([card]), whole=self.deck)
        read = alone.part([one for one, _, _ in passages], [text_field(language) for _, language, _ in passages])
        coverage = alone.semantic.coverage(read.encoded.tokens, np.zeros(1, dtype=np.intp))
        channels = replace(read.channels, coverage=coverage)
        fusions = {met: self.calibration.fusion(met=met) for met in (False, True)}
        told = {met: fusion.probability(channels)[:, 0] for met, fusion in fusions.items()}
        near = {met: fusion.near(channels)[:, 0] for met, fusion in fusions.items()}
        found = []
        for row, (passage, language, more) in enumerate(passages):
            met, cards = self._met(language), len(self.deck.cards.ids)
            least = self.calibration.threshold("suggest", met=met, cards=cards, language=language)
            enough = self._read_on[met][0 if passage.kind == "opening" else 1]
            found.append(bool(told[met][row] >= least or (more and near[met][row] >= enough)))
        return found

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
        elif passage.kind == "opening" or len(spans) < 2 or not self.semantic.encoder.token_dimensions:
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
            cards=len(self.deck.cards.ids),
            language=reading.text.language,
        )
        if card not in reading.witnesses:
            return level
        return "flag" if level != "none" and characters >= self.calibration.shortest else "suggest"

    def part(self, passages: Sequence[Passage], languages: Sequence[str]) -> Part:
        """What the channels say of passages, each with its language property, and all cards; coverage is zero."""
        encoded = self.semantic.encoder.encode_with_tokens([passage.read for passage in passages], "passage")
        wording, whole = self.semantic.near(encoded.vectors)
        hits = self.lexical.search(
            [(passage.read, language) for passage, language in zip(passages, languages, strict=True)]
        )
        overlap = np.zeros_like(wording)
        for row, found in enumerate(hits):
            for hit in found:
                if hit.narrative in self._column:
                    overlap[row, self._column[hit.narrative]] = hit.overlap
        usual = np.broadcast_to(self.semantic.usual, wording.shape)
        return Part(passages, encoded, Channels(wording, whole, np.zeros_like(wording), overlap, usual), hits)

    @property
    def deck(self) -> SemanticChannel:
        return self.whole or self.semantic

    @cached_property
    def _read_on(self) -> dict[bool, tuple[float, ...]]:
        """Whether cards have words in the text's language → how near its opening must be, and what is read next."""
        found = {}
        for met in (False, True):
            usually = self.deck.usually(self.calibration.fusion(met=met))
            found[met] = self.calibration.read_on(met=met, cards=len(self.deck.cards.ids), usually=usually)
        return found

    @cached_property
    def _weighed(self) -> dict[bool, Floats]:
        """All cards' wordings weighed, by whether cards have words in the text's language: one product where `near` takes two."""
        return {met: self.semantic.weighed(self.calibration.fusion(met=met).weights) for met in (False, True)}

    def _met(self, language: str) -> bool:
        return text_field(language) in self.lexical.languages

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
            whole=float(seen.channels.whole[row, column]),
            coverage=float(seen.channels.coverage[row, column]),
            lexical=hit.score if hit else 0.0,
            usual=float(seen.channels.usual[row, column]),
            level=level,
            passage=seen.passages[row],
            sentence=(seen.passages[row].start, seen.passages[row].end),
            words=hit.words if hit else (),
            phrase=witness.found.phrase if witness else None,
        )


def _language(text: Text) -> str:
    """The language property of the index."""
    return text_field(text.language)


def _best(scores: Floats, most: int) -> NDArray[np.intp]:
    """The columns with the highest score in any row, in no order; of equal ones the first."""
    best = scores.max(axis=0)
    if len(best) <= most:
        return np.arange(len(best))
    least = np.partition(best, -most)[-most]
    above, equal = np.flatnonzero(best > least), np.flatnonzero(best == least)
    return np.concatenate((above, equal[: most - len(above)]))


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
