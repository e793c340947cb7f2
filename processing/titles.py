"""The headline, of the several a page gives: to readers (`<h1>`), to search engines (JSON-LD, `<title>`), to sharers (og:title).

Which one a publisher calls the title differs; the choice below was measured (`benchmarks/notes_text.md`). The others are
kept beside it, because narratives are repeated in headlines.
"""

import re
from collections.abc import Iterable
from urllib.parse import urlsplit

from processing import structured
from processing.markup import line
from processing.metadata import Markup

LONGEST = 1000
_LONGEST_SITE = 40
_FEWEST = 10  # letters of a headline; fewer are the name of a section
_MOST = 5  # headlines kept beside the title
_SUFFIX = re.compile(r"\s*(?:\s[-–—|•·»:/]+|[|｜])\s*(?P<site>[^|｜]{2,60})$")
_ANYTHING_BEHIND = re.compile(r"\s*(?:[-–—|•·»｜]|(?<=\s):).{2,80}")
_CUT = re.compile(r"\s*(?:\.\.\.|…)$")
_NOT_WORD = re.compile(r"[\W_]+")


def titles(page: Markup) -> tuple[str | None, tuple[str, ...]]:
    """The title, and the page's other headlines."""
    names = site_names(page)
    headings = _lines(" ".join(h1.itertext()) for h1 in page.tree.iterfind(".//h1"))
    headings = [heading for heading in headings if folded(heading) not in names]
    stated = next(iter(_lines(structured.texts(page.node.get("headline") or page.node.get("name")))), None)
    shared = next(iter(_lines(page.meta.get("og:title", []) or page.meta.get("twitter:title", []))), None)
    document = next(iter(_lines([page.tree.findtext(".//title") or ""])), None)
    plain = [name for name in (stated, *headings) if name]
    shared = shared and _without_site(shared, plain[:1], names)
    stated = stated and _without_site(stated, headings if shared is None else [], names)
    document = document and _without_site(document, plain, names)
    title = _choose(shared, stated, headings, document)
    others = {folded(name): name for name in (shared, stated, *headings[:1]) if name and not _alike(name, title or "")}
    alternative = structured.texts(page.node.get("alternativeHeadline"))
    others |= {folded(name): name for name in _lines(alternative) if not _alike(name, title or "")}
    return title, tuple(others.values())[:_MOST]


def _choose(shared: str | None, stated: str | None, headings: list[str], document: str | None) -> str | None:
    """og:title, unless JSON-LD says something else and either the reader is not shown that, or `<title>` is og:title too.

    Where `<h1>`, `<title>` and JSON-LD are one, a differing og:title is the one that somebody wrote for this article.
    """
    if shared and stated and not _alike(shared, stated):
        if shown := _shown(shared, stated, headings):
            return shown
        generated = any(_alike(stated, heading) for heading in headings) and _alike(stated, document or "")
        return shared if generated else stated
    if shared and stated and _CUT.search(shared) and len(stated) > len(shared):
        return stated
    return shared or stated or (headings[0] if headings else document)


def _shown(one: str, other: str, headings: list[str]) -> str | None:
    """Of two headlines one of which begins or ends the other, the one readers see: the other is cut, or names site or section too.

    What stands before a headline where readers see it is part of the title for some publishers and not for others.
    """
    shorter, longer = sorted((one, other), key=lambda name: len(folded(name)))
    short, long, seen = folded(shorter), folded(longer), {folded(heading) for heading in headings}
    if len(short) < _FEWEST or not (long.startswith(short) or long.endswith(short)):
        return None
    if short in seen:
        return shorter
    return longer if long in seen and long.startswith(short) else None


def _lines(texts: Iterable[str]) -> list[str]:
    return [text for value in texts if (text := line(value, LONGEST))]


def folded(text: str) -> str:
    """Letters and digits alone, in one case: for comparing names and headlines."""
    return _NOT_WORD.sub("", text).casefold()


def _alike(one: str, other: str) -> bool:
    """Whether two headlines differ in signs, spaces, upper and lower case, or by one having been cut, and in nothing else."""
    shorter, longer = sorted((one, other), key=lambda name: len(folded(name)))
    mine, theirs = folded(shorter), folded(longer)
    return mine == theirs or (len(mine) > 15 and theirs.startswith(mine) and bool(_CUT.search(shorter)))


def hosts(page: Markup) -> list[str]:
    """Where it was fetched, and where it says that it belongs; a saved page has only the latter."""
    addresses = filter(None, (page.url, page.canonical))
    return [(urlsplit(address).hostname or "").removeprefix("www.") for address in addresses]


def site_names(page: Markup) -> set[str]:
    """What the site calls itself, folded for comparison."""
    given = page.meta.get("og:site_name", []) + page.meta.get("application-name", [])
    publisher = page.node.get("publisher")
    publisher = page.known.get(str(publisher.get("@id")), publisher) if isinstance(publisher, dict) else {}
    given += structured.texts(publisher.get("name"))
    names = {folded(name) for host in hosts(page) for name in (*given, host, host.rsplit(".", 1)[0])}
    return {name for name in names if 0 < len(name) <= _LONGEST_SITE}  # some sites put the headline there


def _without_site(text: str, plain: Iterable[str], names: set[str]) -> str:
    """Cut a site's name off the end: one the page calls its own, or whatever stands behind a headline given elsewhere."""
    for known in plain:
        for end in range(len(known) - 5, min(len(text), len(known) + 5)):
            if len(known) > 10 and _ANYTHING_BEHIND.fullmatch(text[end:]) and folded(text[:end]) == folded(known):
                return text[:end].rstrip()
    match = _SUFFIX.search(text)
    return text[: match.start()].rstrip() if match and folded(match["site"]) in names else text
