"""One article, many addresses: which articles are one, decided by what their pages say and by their texts.

AMP, mobile and print versions, addresses with parameters nobody knows and addresses that moved show one text at several
places. Two articles are joined only when all of this holds:

* both are on one site (one registrable domain);
* both pages agree: they name the same canonical address, or one names the other and the other names itself, or names the
  first as its AMP version, or the site redirects one to the other;
* their texts are nearly the same, whatever the pages say: on some sites every page names the same canonical address.

So no page can swallow another, or make itself another's double. What a page says of another site is only kept.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from crawlers.address import AddressError, split, url_id
from crawlers.site import site

MOST_ADDRESSES = 200
"""Addresses one article lists; a site can make up any number of them."""

_SAME_TEXT = 0.5
"""Share of all shingles that both texts have. An edited article keeps more; other articles of its publisher share 0.02."""
_SHINGLE = 8
_READ = 8_000  # letters of a text that are compared
_NO_LETTER = re.compile(r"[\W_]+")


@dataclass(frozen=True, kw_only=True)
class Page:
    """What joining knows of an article: its addresses, what its page says of them, and its text. Ids, not addresses."""

    id: str
    url: str
    urls: frozenset[str]
    """Every address that is known to lead here."""
    text: str
    fetched: str
    first_seen: str
    canonical: str | None = None
    """The address it names as canonical, when that is on its own site."""
    amp: str | None = None

    @cached_property
    def ids(self) -> frozenset[str]:
        return frozenset(map(url_id, self.urls)) | {self.id}

    @property
    def named(self) -> frozenset[str]:
        """Ids whose articles may be this one."""
        return self.ids | ({self.canonical} if self.canonical else frozenset())


def canonical_id(url: str, canonical: str | None) -> str | None:
    """The id of what the page at `url` names as its canonical address; None when it names none, or one on another site.

    A home page is no article's address, so naming it says nothing.
    """
    if not canonical or site(canonical) != site(url):
        return None
    try:
        parts = split(canonical)
        return url_id(canonical) if parts.path.strip("/") or parts.query else None
    except AddressError:
        return None


def join(pages: Iterable[Page]) -> dict[str, str]:
    """Which articles are another one: id of each → id of the one it belongs to, which is not among the keys.

    The outcome does not depend on the order of the pages.
    """
    groups = {page.id: page for page in sorted(pages, key=_rank)}
    texts = _Texts({name: page.text for name, page in groups.items()})
    into: dict[str, str] = {}
    while pair := _first_pair(list(groups.values()), texts):
        head, other = pair
        del groups[other.id]
        into[other.id] = head.id
        first_seen = min(head.first_seen, other.first_seen)
        groups[head.id] = replace(head, urls=head.urls | other.urls, first_seen=first_seen)
    return {name: _root(into, name) for name in into}


def addresses(own: str, urls: Iterable[str]) -> list[str]:
    """The addresses an article lists, its own among them, sorted; at most `MOST_ADDRESSES`."""
    others = sorted(set(urls) - {own})
    return sorted([own, *others[: MOST_ADDRESSES - 1]])


def _root(into: Mapping[str, str], name: str) -> str:
    while name in into:
        name = into[name]
    return name


class _Texts:
    """Compares articles by their texts, each pair once."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self._texts = texts
        self._shingles: dict[str, frozenset[str]] = {}
        self._alike: dict[tuple[str, str], bool] = {}

    def alike(self, one: str, two: str) -> bool:
        if (one, two) not in self._alike:
            first, second = self._read(one), self._read(two)
            common = len(first & second)
            self._alike[one, two] = common >= _SAME_TEXT * (len(first) + len(second) - common)
        return self._alike[one, two]

    def _read(self, name: str) -> frozenset[str]:
        if name not in self._shingles:
            letters = _NO_LETTER.sub("", self._texts[name].casefold())[:_READ]
            starts = range(max(1, len(letters) - _SHINGLE + 1))
            self._shingles[name] = frozenset(letters[start : start + _SHINGLE] for start in starts)
        return self._shingles[name]


def _first_pair(groups: list[Page], texts: _Texts) -> tuple[Page, Page] | None:
    """Two that are one, the one that stays first."""
    named = [page.named for page in groups]
    if sum(map(len, named)) == len(frozenset().union(*named)):
        return None  # nobody names what another names: nearly always
    for index, one in enumerate(groups):
        for place in range(index + 1, len(groups)):
            two = groups[place]
            if not named[index].isdisjoint(named[place]) and _agree(one, two) and texts.alike(one.id, two.id):
                return (two, one) if _leads_to(one, two) else (one, two)
    return None


def _agree(one: Page, two: Page) -> bool:
    if site(one.url) != site(two.url):
        return False
    if one.canonical is not None and one.canonical == two.canonical:
        return True
    return _leads_to(one, two) or _leads_to(two, one) or _accepts(one, two) or _accepts(two, one)


def _accepts(head: Page, other: Page) -> bool:
    """The other names this one, and this one names itself, or only the other as its AMP version."""
    if other.canonical not in head.ids:
        return False
    return head.canonical in head.ids or (head.canonical is None and head.amp in other.ids)


def _leads_to(old: Page, new: Page) -> bool:
    """The site redirects the old one's address to the new one, or they were joined before."""
    return old.id in new.ids and new.id not in old.ids


def _rank(page: Page) -> tuple[int, str, str]:
    """Who stays: the page that is at its canonical address, else one that names no other, else the first that was seen."""
    own = page.canonical is None or page.canonical in page.ids
    return (0 if page.canonical == page.id else 1 if own else 2), page.first_seen, page.id
