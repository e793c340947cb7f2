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
from crawlers.period import Period
from crawlers.run import crawl
from crawlers.salvage import run_of, salvage
from index_config import bulk
from index_config.cluster import Cluster
from narrawatch.progress import CrawlProgress, counting
from narrawatch.settings import Settings
from processing.archive import open_archive
from processing.article import Article
from processing.chain import account, pending, process_files
from processing.duplicates_clusters import cluster_all
from processing.encoder import load_encoder
from processing.matching import Deck, Matched, load_deck
from processing.outcomes import ProcessingOutcome
from processing.rematch import carry_out, plan, plan_one
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
    """What `match` did: articles matched, and their flags by level and by narrative (id and title); new ones, and gone ones.

    `passed_over`: articles that no changed card is near to, so that they were not matched again.
    """

    articles: int = 0
    passed_over: int = 0
    levels: Counter[str] = field(default_factory=Counter)
    narratives: Counter[tuple[str, str]] = field(default_factory=Counter)
    gained: Counter[tuple[str, str]] = field(default_factory=Counter)
    lost: Counter[tuple[str, str]] = field(default_factory=Counter)


def crawl_step(
    settings: Settings,
    cluster: Cluster,
    outlets: Sequence[Outlet],
    run_id: str,
    console: Console,
    *,
    period: Period | None = None,
) -> list[OutletRun]:
    with CrawlProgress(console, len(outlets)) as progress:
        return crawl(settings, cluster, outlets, run_id, progress=progress, clock=clock, period=period)


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
    with counting(console, "articles compared", None) as advance:
        cluster_all(cluster, advance)
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
    """Match what has not been matched against the present cards; with `narrative`, whatever may carry that one.

    Raises:
        NothingToMatch: there are no cards, or not the one asked for.
        ClusterError: Elasticsearch cannot be reached.
    """
    found, encoder = Found(), load_encoder(settings.encoder)
    deck, archive = load_deck(cluster, encoder), open_archive(cluster, encoder, clock)
    if narrative:
        deck.check(narrative)
    work = plan_one(cluster, narrative, since) if narrative else plan(cluster, deck, archive, since)
    with counting(console, "articles matched", None if work.cards else len(work.articles)) as advance:
        for matched in carry_out(cluster, deck, archive, work, clock=clock):
            _count(found, matched, deck)
            advance()
    found.passed_over = max(0, work.settled - (found.articles - len(work.articles)))
    cluster.client.indices.refresh(index=cluster.name("flags"))
    return found


def _count(found: Found, matched: Matched, deck: Deck) -> None:
    found.articles += 1
    found.levels.update(matched.levels.values())
    for counter, cards in (
        (found.narratives, matched.levels),
        (found.gained, matched.gained),
        (found.lost, matched.lost),
    ):
        counter.update((card, deck.title(card)) for card in cards)
