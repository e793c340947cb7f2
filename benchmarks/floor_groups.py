"""The figures that have floors, in groups that are measured together; see floors.py."""

import hashlib
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

import duplicates
import flagging
import match
from golden import golden_pages
from labelled import SETS
from language import NEEDED, SAMPLES, corpora, mapped
from rich.console import Console
from text import Page, authors_f1, date_right, read_truth, score, text_f1, title_right

from index_config.cluster import connect
from narrawatch import settings
from processing.article import Extracted
from processing.language import detect

FIXTURES = Path(__file__).parents[1] / "tests" / "fixtures"
PART = 4  # one of so many pages, and sentences, are the quick part

Figures = dict[str, float]


@dataclass(frozen=True)
class Group:
    """Figures that are measured together, and the files they are measured on."""

    measure: Callable[[Path], Figures]
    files: Callable[[Path], Iterable[Path]]


def golden(_: Path) -> Figures:
    rows: dict[str, list[float]] = {name: [] for name in ("text f1", "title", "date", "authors f1", "language")}
    for page in golden_pages():
        found, true = page.read(), page.expected
        if not isinstance(found, Extracted):
            found = Extracted(title=None, text="")
        seen = Page(found.title, found.text, found.authors, found.published)
        rows["text f1"].append(text_f1(seen.text, "\n".join(true["text"])))
        rows["title"].append(title_right(seen.title, true["title"]))
        rows["authors f1"].append(authors_f1(seen.authors, true["authors"]))
        rows["language"].append(float(detect(found.text).code == true["language"]))
        if true["published"]:
            rows["date"].append(date_right(seen.published, true["published"]))
    return {f"golden {name}": fmean(values) for name, values in rows.items()}


def in_part(name: str) -> bool:
    """Whether this one belongs to the quick part: by its own hash, so that no other text's coming or going moves it."""
    return hashlib.sha256(name.encode()).digest()[0] % PART == 0


def text_figures(data: Path, *, part: bool = False) -> Figures:
    rows = [
        score("narrawatch", data / "articles" / corpus, truth)
        for corpus in ("fundus", "scrapinghub")
        for truth in read_truth(data / "articles" / corpus)
        if not part or in_part(truth["id"])
    ]
    names = {"text": "text f1", "title": "text title", "date": "text date", "authors": "text authors f1"}
    return {label: fmean(row[name] for row in rows if name in row) for name, label in names.items()}


def language_figures(data: Path, *, part: bool = False) -> Figures:
    everything = corpora(data)
    kinds = {"news": "news", "sentences": "sentences", **({} if part else {"samples": "our samples"})}
    kinds |= {} if part else {"joined": "joined sentences"}
    right: dict[str, list[bool]] = {}
    for label, corpus in kinds.items():
        for language, text in everything[corpus]:
            if part and not in_part(text):
                continue
            hit = detect(text.replace("\n", " ")).code == language
            if label in {"news", "sentences"}:
                right.setdefault(f"language {label}", []).append(hit)
            elif language in {mapped(code) for code in NEEDED}:
                right.setdefault(f"language {language}", []).append(hit)
    return {name: fmean(hits) for name, hits in right.items()}


def quick(data: Path) -> Figures:
    found = text_figures(data, part=True) | language_figures(data, part=True)
    return {f"quick {name}": value for name, value in found.items()}


def duplicates_figures(data: Path) -> Figures:
    cluster = connect(settings.load(os.environ | {"NARRAWATCH_INDEX_PREFIX": f"floors-duplicates-{os.getpid()}-"}))
    documents = duplicates.corpus(data, 300)
    try:
        duplicates.fresh(cluster)
        found = duplicates.rates(documents, duplicates.ours(documents, cluster))
    finally:
        duplicates.drop(cluster)
        cluster.client.close()
    return {"duplicates precision": found.precision, "duplicates recall": found.recall}


def match_figures(data: Path) -> Figures:
    figures: Figures = {}
    for name in match.SETS:
        ours = match.run(data, name, Path("var/benchmarks"), Console(stderr=True))["methods"][match.OURS]
        for labels in ours.keys() & {"strict", "lenient", "claims", "narratives"}:
            figures[f"match {name} {labels} MAP@5"] = ours[labels]["map5"]
            figures[f"match {name} {labels} recall@10"] = ours[labels]["recall10"]
    return figures


def flagging_figures(data: Path) -> Figures:
    """Average precision of articles that tell a narrative, among others on their topics, by language."""
    found = flagging.run(data, Path("var/benchmarks"), Console(stderr=True))["articles"]
    return {
        f"flagging {language} average precision": part["methods"][flagging.OURS]["average_precision"]
        for language, part in found.items()
    }


def _articles(data: Path) -> list[Path]:
    folders = [data / "articles" / corpus for corpus in ("fundus", "scrapinghub")]
    return [path for folder in folders for path in (folder / "truth.jsonl.gz", *(folder / "pages").iterdir())]


def _language(data: Path) -> list[Path]:
    semeval = data / "narratives" / "semeval2025_t10" / "articles.jsonl.gz"
    return [data / "languages" / "sentences.jsonl.gz", data / "articles" / "fundus" / "truth.jsonl.gz", semeval]


def _duplicates(data: Path) -> list[Path]:
    semeval = data / "narratives" / "semeval2025_t10" / "articles.jsonl.gz"
    return [*(data / "articles").glob("*/truth.jsonl.gz"), semeval]


def _match(data: Path) -> list[Path]:
    return [data / "narratives" / name / file for name in SETS for file in ("cards.jsonl.gz", "queries.jsonl.gz")]


def _flagging(data: Path) -> list[Path]:
    return [
        data / "flagging" / "items.jsonl.gz",
        *(data / "narratives" / name / "cards.jsonl.gz" for name in (flagging.ARTICLES, flagging.EVERYTHING)),
    ]


def _golden(_: Path) -> list[Path]:
    return [*FIXTURES.glob("outlets/*/*"), *FIXTURES.glob("pages/*/*")]


GROUPS = {
    "golden": Group(golden, _golden),
    "quick": Group(quick, lambda data: {*_articles(data), *_language(data)}),
    "text": Group(text_figures, _articles),
    "language": Group(language_figures, lambda data: [*_language(data), SAMPLES]),
    "duplicates": Group(duplicates_figures, _duplicates),
    "match": Group(match_figures, _match),
    "flagging": Group(flagging_figures, _flagging),
}
