"""What is written in `sites/`: one folder per outlet with `site.yml`, `page.html` and `articles/<slug>.md`."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta, timezone
from pathlib import Path
from string import Template
from typing import Any, Literal

import yaml

from narrawatch.demo import FOLDER
from narrawatch.errors import NarrawatchError

About = Literal["repeats", "reports", "debunks", "unrelated"]
StartKind = Literal["rss", "atom", "news-sitemap", "sitemap-index", "section"]


class SampleError(NarrawatchError):
    """A file of the demo's outlets is broken; the message names file and fault."""


@dataclass(frozen=True, kw_only=True)
class SampleArticle:
    """One invented article. `about` and `narrative` say what a matcher ought to find in it."""

    slug: str
    title: str
    description: str
    language: str
    section: str
    minutes_ago: int
    body: str
    authors: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    about: About = "unrelated"
    narrative: str | None = None
    updated_minutes_ago: int | None = None
    claim: str | None = None
    rating: str | None = None
    video: bool = False


@dataclass(frozen=True, kw_only=True)
class Extra:
    """A link the outlet lists besides its articles: a duplicate, a moved page, one that is gone or closed to robots."""

    link: str
    title: str
    minutes_ago: int


@dataclass(frozen=True, kw_only=True)
class Site:
    """One invented outlet. `path` is the address of an article with `{slug}` in it; `home` its make-believe web address."""

    id: str
    name: str
    country: str
    languages: tuple[str, ...]
    kind: str
    home: str
    path: str
    starts: tuple[StartKind, ...]
    offset: timezone
    date_format: str
    disallow: tuple[str, ...]
    template: Template
    articles: tuple[SampleArticle, ...]
    encoding: str = "utf-8"
    links: str = ""
    extras: tuple[Extra, ...] = ()
    redirects: Mapping[str, str]

    def address(self, article: SampleArticle) -> str:
        """Path of an article on its outlet."""
        return self.path.format(slug=article.slug)


def load_sites(folder: Path = FOLDER / "sites") -> tuple[Site, ...]:
    """Read every outlet in `folder`, in the order of their ids. Raises SampleError."""
    return tuple(_site(path.parent) for path in sorted(folder.glob("*/site.yml")))


def read_article(path: Path, language: str) -> SampleArticle:
    """Read front matter and paragraphs; `language` is the outlet's first, for articles that name none."""
    head, rule, body = path.read_text(encoding="utf-8").removeprefix("---\n").partition("\n---\n")
    if not rule:
        raise SampleError(f"{path}: no front matter; begin the file with it, between two lines of ---")
    values = {"slug": path.stem, "language": language, **yaml.safe_load(head), "body": body.strip()}
    for name in ("authors", "tags"):
        values[name] = tuple(values.get(name, ()))
    try:
        return SampleArticle(**values)
    except TypeError as error:
        raise SampleError(f"{path}: {error}; see SampleArticle for the fields") from error


def _site(folder: Path) -> Site:
    path = folder / "site.yml"
    values: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    languages = tuple(values["languages"])
    articles = (read_article(file, languages[0]) for file in (folder / "articles").glob("*.md"))
    values |= {
        "id": folder.name,
        "languages": languages,
        "starts": tuple(values["starts"]),
        "offset": timezone(timedelta(hours=values["offset"])),
        "disallow": tuple(values.get("disallow", ())),
        "extras": tuple(Extra(**extra) for extra in values.get("extras", ())),
        "redirects": values.get("redirects", {}),
        "template": Template((folder / "page.html").read_text(encoding="utf-8")),
        "articles": tuple(sorted(articles, key=lambda article: article.minutes_ago)),
    }
    try:
        return Site(**values)
    except TypeError as error:
        raise SampleError(f"{path}: {error}; see Site for the fields") from error
