"""The invented past as documents of `articles`, `flags` and `crawls`, in the shapes the pipeline writes, and its outlet files."""

import datetime as dt
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import yaml

from crawlers.known import timestamp
from crawlers.ledger import OutletRun, StartOutcome
from crawlers.outcomes import FetchOutcome
from crawlers.outlet import Outlet
from index_config.bulk import Action
from index_config.languages import text_field
from processing.article import Article, Extracted, Language
from processing.narrative import Narrative
from review.history import SEED, DemoHistory, load
from review.sightings import CONFIRMED, NOT_COUNTED, REJECTED
from review.weeks import Week

_HOUR = dt.timedelta(hours=1)
_EDITED, _CONFIRMED = 0.03, 0.2  # of articles, of flags
_NOISE: tuple[tuple[float, dict[str, Any]], ...] = (  # of other articles: flags that do not count
    (0.03, {"level": "suggest", "score": 0.41}),
    (0.01, {"verdict": REJECTED}),
    (0.01, {"verdict": "unsure", "still_matched": False}),
)


def outlets() -> dict[str, Outlet]:
    """The invented outlets, by id."""
    return {
        name: Outlet.model_validate(
            {
                "id": name,
                "name": outlet.name,
                "country": outlet.country,
                "languages": tuple(outlet.languages),
                "kind": outlet.kind,
                "start": {"feeds": (f"https://{_host(name)}/feed.xml",)},
                "schedule": "0 5 * * *",
                "expect": {"per_day": (outlet.articles // 14, outlet.articles // 3)},
            }
        )
        for name, outlet in load().outlets.items()
    }


def write_outlets(folder: Path) -> None:
    """Write the invented outlets as outlet files."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, outlet in outlets().items():
        content = yaml.safe_dump(
            outlet.model_dump(mode="json", exclude_none=True, exclude_defaults=True),
            allow_unicode=True,
            sort_keys=False,
        )
        (folder / f"{name}.yml").write_text(content, encoding="utf-8")


def actions(past: DemoHistory, zone: ZoneInfo, cards: Mapping[str, Narrative], seed: int = SEED) -> Iterator[Action]:
    """Every document, by week and outlet: the same for the same seed.

    Args:
        cards: the demo's narratives by id, whose titles and rebuttals the flags quote.
    """
    random = np.random.default_rng(seed)
    wanted: dict[tuple[Week, str], list[tuple[str, str]]] = {}
    for sighting, number in sorted(past.history.flags.items()):
        place = wanted.setdefault((sighting.week, sighting.outlet), [])
        place += [(sighting.narrative, sighting.language)] * number
    for week in past.history.weeks:
        for outlet in outlets().values():
            up, total = past.up[week, outlet.id], past.history.articles.get((week, outlet.id), 0)
            desk = _Desk(outlet, week.bounds(zone)[0].astimezone(dt.UTC), cards, random)
            if up is not None:
                yield from desk.crawls(up, total)
            yield from desk.articles(wanted.get((week, outlet.id), []), total)


@dataclass(frozen=True)
class _Desk:
    """One outlet in the week that begins then."""

    outlet: Outlet
    monday: dt.datetime
    cards: Mapping[str, Narrative]
    random: np.random.Generator

    def crawls(self, up: float, total: int) -> Iterator[Action]:
        """A crawl a day; of an outlet that is down, or fails since some day, the start point is not read."""
        for day in range(7):
            began = self.monday + day * 24 * _HOUR + 5 * _HOUR
            run = OutletRun(self.outlet, _run(began), timestamp(began))
            answers = day < 7 * up
            found = total // max(1, round(7 * up)) if answers else 0
            outcome = "read" if answers else FetchOutcome.TIMEOUT.value if up else FetchOutcome.HTTP_403.value
            run.starts.append(StartOutcome(self.outlet.start.feeds[0], "feed", outcome, found))
            for number in range(found):
                run.discover(str(number))
                run.settle(str(number), FetchOutcome.CAPTURED)
            run.close(timestamp(began + _HOUR), interrupted=False)
            yield Action("crawls", run.id, run.to_document())

    def articles(self, wanted: list[tuple[str, str]], total: int) -> Iterator[Action]:
        own = self.outlet.languages[0]
        for place, (narrative, language) in enumerate([*wanted, *[("", own)] * (total - len(wanted))]):
            changes: dict[str, Any] = {"verdict": CONFIRMED} if self.random.random() < _CONFIRMED else {}
            if not narrative:
                narrative, changes = self._noise()  # noqa: PLW2901 - the others keep theirs
            yield from self._filed(place, narrative, language, changes)

    def _noise(self) -> tuple[str, dict[str, Any]]:
        any_narrative = str(self.random.choice(sorted(load().narratives)))
        if self.outlet.kind == NOT_COUNTED:
            return any_narrative, {}
        drawn = self.random.random()
        for share, changes in _NOISE:
            if drawn < share:
                return any_narrative, changes
            drawn -= share
        return "", {}

    def _filed(self, place: int, narrative: str, language: str, changes: dict[str, Any]) -> Iterator[Action]:
        seen = self.monday + dt.timedelta(seconds=int(self.random.integers(0, 166 * 3600)))
        fetched = seen + (3 * 24 * _HOUR if self.random.random() < _EDITED else dt.timedelta())
        article = self._article(place, narrative, language, (seen, fetched))
        matched = {"first_seen": timestamp(seen), "matched_generation": 1, "matched": article.fetched}
        yield Action("articles", article.id, article.to_document(text_field(language)) | matched)
        if narrative:
            flag = self._flag(article, self.cards[narrative]) | changes
            yield Action("flags", f"{article.id}:{narrative}", flag)

    def _article(self, place: int, narrative: str, language: str, when: tuple[dt.datetime, dt.datetime]) -> Article:
        said = load().passages.get(narrative, {}).get(language) or [(f"{self.outlet.name}, {place + 1}", "…")]
        title, passage = said[place % len(said)]
        url = f"https://{_host(self.outlet.id)}/{self.monday:%Y/%m/%d}/{place + 1}.html"
        seen, fetched = when
        return Article(
            id=hashlib.sha256(url.encode()).hexdigest()[:32],
            url=url,
            urls=(url,),
            outlet=self.outlet.id,
            country=self.outlet.country,
            kind=self.outlet.kind,
            page=Extracted(title=title, text=passage, published=timestamp(seen - _HOUR)),
            language=Language(language, 1.0),
            fetched=timestamp(fetched),
            run=_run(fetched),
            warc=f"{self.outlet.id}/{_run(fetched)}-1.warc.gz",
            offset=0,
        )

    def _flag(self, article: Article, card: Narrative) -> dict[str, Any]:
        text = article.page.text
        score = round(float(self.random.uniform(0.75, 0.99)), 4)
        document = article.to_document("en")
        copied = ("title", "url", "outlet", "country", "kind", "language", "published", "fetched", "text_hash")
        return {
            **{name: document[name] for name in copied},
            "article": article.id,
            "narrative": card.id,
            "narrative_title": card.title,
            "narrative_url": card.url,
            "narrative_version": 1,
            "rebuttal": card.response,
            "rebuttal_documented": bool(card.response),
            "score": score,
            "semantic": score,
            "whole": score,
            "coverage": score,
            "lexical": 0.0,
            "usual": 0.0,
            "level": "flag",
            "level_by_score": "flag",
            "stance": "repeats",
            "stance_probability": score,
            "stance_reasons": [],
            "calibration": "demo",
            "cluster": None,
            "passage": text,
            "passage_kind": "lead",
            "passage_start": 0,
            "passage_end": len(text),
            "sentence_start": 0,
            "sentence_end": len(text),
            "matched_words": [],
            "phrase": None,
            "family": card.id,
            "see_also": [],
            "matcher": "demo",
            "generation": 1,
            "matched": article.fetched,
            "first_seen": article.fetched,
            "still_matched": True,
        }


def _host(outlet: str) -> str:
    return f"{outlet.replace('_', '-')}.example"


def _run(moment: dt.datetime) -> str:
    return moment.strftime("%Y%m%dT%H%M%SZ")
