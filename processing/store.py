"""Articles into Elasticsearch: one document an article, earlier wordings kept, what is refused put aside to be replayed."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crawlers.capture import Capture
from crawlers.known import NO_TEXT, End, Known
from crawlers.visits import later
from index_config import bulk
from index_config.cluster import Cluster, ClusterError
from processing import joined, versions
from processing.article import Article
from processing.changes import Change
from processing.extract import Rejected
from processing.looks import Look
from processing.outcomes import ProcessingOutcome


@dataclass(frozen=True)
class Vanished:
    """What a capture says that tells of a page's absence."""


Result = Article | Rejected | Vanished
Note = Callable[[Capture, Change], None]


def _forget(_capture: Capture, _change: Change) -> None:
    """Nobody wants to know."""


@dataclass(frozen=True)
class ArticleStore:
    """Writes articles, and tells `urls` how each capture ended. `dead_letter` is the folder for refused documents."""

    cluster: Cluster
    dead_letter: Path

    def write(self, results: Sequence[tuple[Capture, Result]], note: Note = _forget) -> list[ProcessingOutcome]:
        """Store what processing made of captures; returns one outcome each, in order.

        Args:
            results: the captures, in whatever order, and what was made of each.
            note: told of each change of an article that a capture is news of.

        Raises:
            ClusterError: Elasticsearch cannot be reached; writing the same results again is harmless.
        """
        outcomes: list[ProcessingOutcome] = []
        for wave in _waves(results):
            outcomes += self._write_wave(wave, note)
        return outcomes

    def retry_dead(self) -> Iterator[tuple[Path, str | None]]:
        """Replay the dead letters; yields each file with None when it went in (and is gone), else the reason it did not."""
        for path in sorted(self.dead_letter.glob("*.json")):
            try:
                letter = json.loads(path.read_text())
                actions = self._again(letter["alias"], letter["id"], letter["document"])
            except (ValueError, KeyError, TypeError) as error:
                yield path, f"is no dead letter ({error}); look at it and delete it"
                continue
            failed = bulk.write(self.cluster, actions).failed
            if failed:
                yield path, failed[0].reason
                continue
            self._mark_indexed(letter["document"])
            path.unlink()
            yield path, None

    def _write_wave(self, results: Sequence[tuple[Capture, Result]], note: Note) -> list[ProcessingOutcome]:
        existing = self._existing([capture.id for capture, _ in results])
        articles = [result for _, result in results if isinstance(result, Article)]
        joins = joined.find(self.cluster, articles, existing)
        outcomes = {capture.id: _first_outcome(result) for capture, result in results}
        captures = {capture.id: capture for capture, _ in results}
        waiting = self._get("article-versions", list(map(versions.waiting_id, captures.keys() - existing.keys())))

        def put(some: Iterable[tuple[str, Article | None]]) -> None:
            looks = [
                Look.at(captures[name], one, existing.get(name), waiting.get(versions.waiting_id(name)))
                for name, one in some
            ]
            outcomes.update(self._put(looks, note))

        put((one.id, one) for one in articles if one.id not in joins.into)
        joins.give_up({name for name, outcome in outcomes.items() if outcome is ProcessingOutcome.DEAD_LETTER})
        alone = [one for one in articles if outcomes[one.id] is ProcessingOutcome.JOINED and one.id not in joins.into]
        put((one.id, one) for one in alone)
        put((capture.id, None) for capture, result in results if isinstance(result, Vanished))
        ends = {one.id: _end(one, outcomes[one.id], stored=one.id in existing) for one, _ in results}
        Known(self.cluster).remember_captures(captures.values(), ends)
        joins.write()
        return [outcomes[capture.id] for capture, _ in results]

    def _put(self, looks: Sequence[Look], note: Note) -> dict[str, ProcessingOutcome]:
        kept = self._kept(looks)
        outcomes = {look.article: look.outcome for look in looks}
        actions = [action for look in looks for action in look.plan(kept)]
        for failure in bulk.write(self.cluster, actions).failed:
            if (
                "language" not in failure.document
            ):  # dates and addresses of ours; nothing that could be mended and replayed
                raise ClusterError(f"{failure.alias}: {failure.id} was refused ({failure.status}: {failure.reason})")
            self._bury(failure)
            outcomes[failure.id.partition(":")[0]] = ProcessingOutcome.DEAD_LETTER
        for look in looks:
            if outcomes[look.article] is not ProcessingOutcome.DEAD_LETTER:
                for change in look.changes(kept):
                    note(look.capture, change)
        return outcomes

    def _kept(self, looks: Sequence[Look]) -> dict[str, dict[str, Any]]:
        """The earlier wordings of the articles that have any, by their ids in `article-versions`."""
        ids = [name for look in looks for name in look.wordings]
        return self._get("article-versions", ids)

    def _again(self, alias: str, name: str, document: dict[str, Any]) -> list[bulk.Action]:
        """What to write for a dead letter, beside what has been stored since."""
        stored = self._existing([name]).get(name) if alias == "articles" else None
        if stored is None:
            return [bulk.Action(alias, name, document)]
        seen = versions.history(stored, *versions.history(document))
        version = versions.version_id(name, document["text_hash"])
        kept = self._get("article-versions", [version]).get(version)
        return versions.plan(name, versions.bare(document), stored, seen, kept)

    def _existing(self, ids: list[str]) -> dict[str, dict[str, Any]]:
        return self._get("articles", ids)

    def _get(self, alias: str, ids: list[str]) -> dict[str, dict[str, Any]]:
        if not ids:
            return {}
        answer = self.cluster.client.mget(index=self.cluster.name(alias), ids=ids)
        return {item["_id"]: item["_source"] for item in answer["docs"] if item.get("found")}

    def _bury(self, failure: bulk.Failure) -> None:
        """Keep a refused document; its name comes from its id, so that processing again overwrites it."""
        self.dead_letter.mkdir(parents=True, exist_ok=True)
        letter = {
            "alias": failure.alias,
            "id": failure.id,
            "status": failure.status,
            "reason": failure.reason,
            "document": failure.document,
        }
        path = self.dead_letter / f"{failure.id.replace(':', '-')}.json"
        temporary = path.with_suffix(".tmp")
        temporary.write_text(json.dumps(letter, ensure_ascii=False, indent=1))
        temporary.replace(path)

    def _mark_indexed(self, document: dict[str, Any]) -> None:
        known = Known(self.cluster)
        for url in document["urls"]:
            known.set_state(url, "indexed")


def _waves(results: Sequence[tuple[Capture, Result]]) -> Iterator[list[tuple[Capture, Result]]]:
    """Cut where an article comes a second time: the later capture must see what the earlier one stored."""
    wave: dict[str, tuple[Capture, Result]] = {}
    for capture, result in results:
        if capture.id in wave:
            yield list(wave.values())
            wave = {}
        wave[capture.id] = (capture, result)
    if wave:
        yield list(wave.values())


def _first_outcome(result: Result) -> ProcessingOutcome:
    """That of articles is not known yet: those that are put have another in the end."""
    if isinstance(result, Rejected):
        return ProcessingOutcome(result.outcome)
    return ProcessingOutcome.WITHDRAWN if isinstance(result, Vanished) else ProcessingOutcome.JOINED


def _end(capture: Capture, outcome: ProcessingOutcome, *, stored: bool) -> End:
    """State and next visit of a URL after processing. An article stays one, whatever its page is found to be later."""
    if outcome is ProcessingOutcome.DEAD_LETTER:
        return End("dead_letter", changed=True)
    if outcome is ProcessingOutcome.INDEXED:
        return End("indexed", changed=True)
    if stored or outcome in {ProcessingOutcome.UNCHANGED, ProcessingOutcome.JOINED, ProcessingOutcome.WITHDRAWN}:
        return End("indexed")
    return End(outcome.value, later(capture.fetched, NO_TEXT))
