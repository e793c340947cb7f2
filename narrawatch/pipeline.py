"""The main job's three steps as the command line runs them, each usable alone: crawl, process, match."""

import datetime as dt
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console

from crawlers.ledger import OutletRun, document_id
from crawlers.outlet import Outlet
from crawlers.run import crawl
from crawlers.salvage import run_of, salvage
from index_config import bulk
from index_config.cluster import Cluster
from narrawatch.progress import CrawlProgress, counting
from narrawatch.settings import Settings
from processing.article import Article
from processing.chain import account, pending, process_files
from processing.encoder import load_encoder
from processing.match.matcher import Match
from processing.matching import all_articles, load_deck, sweep, unmatched
from processing.outcomes import ProcessingOutcome
from processing.store import ArticleStore


def clock() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def new_run_id() -> str:
    """From the time, so that run ids sort by it."""
    return clock().strftime("%Y%m%dT%H%M%SZ")


@dataclass
class Processed:
    """What `process` did: captures by outcome, new articles by language."""

    outcomes: Counter[str] = field(default_factory=Counter)
    languages: Counter[str] = field(default_factory=Counter)
    files: int = 0
    problems: list[str] = field(default_factory=list)
    """WARC files that could not be read to their ends."""


@dataclass
class Found:
    """What `match` did: articles looked at, and the matches by level and by narrative's title."""

    articles: int = 0
    levels: Counter[str] = field(default_factory=Counter)
    narratives: Counter[tuple[str, str]] = field(default_factory=Counter)


def crawl_step(
    settings: Settings, cluster: Cluster, outlets: Sequence[Outlet], run_id: str, console: Console
) -> list[OutletRun]:
    with CrawlProgress(console, len(outlets)) as progress:
        return crawl(settings, cluster, outlets, run_id, progress=progress, clock=clock)


def process_step(
    settings: Settings,
    cluster: Cluster,
    outlets: Mapping[str, Outlet],
    console: Console,
    paths: Sequence[Path] = (),
    *,
    run_id: str | None = None,
) -> Processed:
    """Process the files given, or all that wait (of one run, with its id); enters the outcomes into `crawls`."""
    salvage(settings, cluster)
    paths = list(paths) or [path for path in pending(settings) if run_id in {None, run_of(path)}]
    done = Processed()
    with counting(console, "pages processed", None) as advance:

        def progress(_outlet: str, outcome: ProcessingOutcome, article: Article | None) -> None:
            done.outcomes[outcome.value] += 1
            if article and outcome is ProcessingOutcome.INDEXED:
                done.languages[article.language.code] += 1
            advance()

        store = ArticleStore(cluster, settings.dead_letter)
        touched: set[tuple[str, str]] = set()
        for result in process_files(paths, store, outlets, workers=os.cpu_count() or 1, progress=progress):
            done.files += 1
            done.problems += [result.problem] if result.problem else []
            touched |= result.outcomes.keys()
    _count_processing(settings, cluster, touched)
    return done


def _count_processing(settings: Settings, cluster: Cluster, runs: set[tuple[str, str]]) -> None:
    """Enter a run's processing outcomes into `crawls`, over all WARC files of the run: the same however often it is done."""
    actions = []
    for outlet, run in sorted(runs):
        files = (settings.warc / outlet).glob(f"{run}-*.warc.gz")
        total: Counter[str] = sum((account(path).get((outlet, run), Counter()) for path in files), Counter())
        counts = {outcome.value: total[outcome.value] for outcome in ProcessingOutcome}
        document = {"outlet": outlet, "run": run, "processing": counts}
        actions.append(bulk.Action("crawls", document_id(outlet, run), document, "update", doc_as_upsert=True))
    bulk.write_all(cluster, actions, refresh=True)


def match_step(
    settings: Settings, cluster: Cluster, console: Console, *, narrative: str | None = None, since: str | None = None
) -> Found:
    """Match what has not been matched against the present cards; with `narrative`, all articles against that one."""
    found = Found()
    deck = load_deck(cluster, load_encoder(settings.encoder), narrative)
    articles = all_articles(cluster, since) if narrative else unmatched(cluster, deck.generation, since)
    with counting(console, "articles matched", len(articles)) as advance:
        for matched in sweep(cluster, deck, articles, clock=clock, only=narrative):
            found.articles += 1
            for match in matched.matches:
                _count(found, match, deck.cards[match.narrative].narrative.title)
            advance()
    cluster.client.indices.refresh(index=cluster.name("flags"))
    return found


def _count(found: Found, match: Match, title: str) -> None:
    found.levels[match.level] += 1
    found.narratives[match.narrative, title] += 1
