"""Who wrote it: names alone, without roles, addresses and the words before them.

What the page states for machines comes first (JSON-LD, `<meta>`). Sites that name themselves as the author of all they
publish often print the person all the same, so then the byline is read.
"""

import re
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from lxml.html import HtmlElement

from processing import structured
from processing.markup import line
from processing.metadata import Markup
from processing.titles import folded, hosts, site_names

_META = (
    "author",
    "article:author",
    "og:article:author",
    "articleauthor",
    "article_author",
    "parsely-author",
    "sailthru.author",
    "byl",
    "dc.creator",
    "dcterms.creator",
    "citation_author",
    "cxenseparse:author",
    "vr:author",
)
_BY = re.compile(
    r"^(?:(?:written |reported |text |story )?by|von|par|por|di|av|af|door|autor(?:in|a|es|ka)?|auteur|author|text(?:o|e)?|redaktion|"
    r"oleh|penulis|автор[иы]?|записал[аи]?|текст|yazar|autore|written)(?:\s*:\s*|\s+)",
    re.IGNORECASE,
)
_BETWEEN = re.compile(r"\s*[;|]\s*")
_AND = re.compile(
    r"\s*,\s+(?:and |und |y |et |e |og |och |и |та |і |dan )?"
    r"|\s+(?:and|und|y|et|e|og|och|и|та|і|dan|ja|en|i|oraz|ve|&)\s+|\s*/\s*|\s*、\s*"
)
_ROLE = re.compile(r"\s*[,/]\s*")
_AGENCY = re.compile(r"[A-Z]{2,6}|dpa|dpa-AFX|Reuters|Bloomberg|РИА Новости|ТАСС|Интерфакс|Укринформ|Укрінформ")
_CAPITAL = r"[^\W\d_a-zа-яё][\w.'’\-]*"
_PARTICLE = r"(?:von|van|der|den|de|del|della|di|da|do|dos|du|la|le|el|al|bin|ibn|ben|ter|ten|zu|zur|af|av|y|e|ul)"
_PERSON = re.compile(rf"(?:(?:Prof|Dr|Mag|Ing)\. )*{_CAPITAL}(?: (?:{_CAPITAL}|{_PARTICLE})){{0,3}} {_CAPITAL}(?<!\.)")
_PARTICLE_FIRST = re.compile(r"(?:von|di|av|af|par|por|door)\s", re.IGNORECASE)
_LABEL = re.compile(
    r"\s*(?:by|author|autor(?:in)?(?:/autor(?:in)?)?|auteur|autore|автор|yazar|penulis)\s*:?\s*", re.IGNORECASE
)
_ADDRESS = re.compile(r"\S+@\S+|(?:https?://|www\.)\S+|(?<!\w)@\w+")
_TAG = re.compile(r"<[^<>]{0,500}>")
_ASIDE = re.compile(r"\s*[(\[][^()\[\]]*[)\]]\s*$")
_NO_NAME = re.compile(r"//|^[a-z0-9]+(?:[-_.][a-z0-9]+)+$|^\d+$")
_BYLINE = re.compile(
    r"(?:^|[-_\s])(?:by-?lines?|authors?|autor(?:e|es|i|en)?|auteurs?|writers?|reporters?|journalists?)(?:$|[-_\s])"
)
_NETWORKS = {
    "twitter",
    "facebook",
    "instagram",
    "linkedin",
    "whatsapp",
    "youtube",
    "telegram",
    "email",
    "e-mail",
    "follow",
}
_ELSEWHERE = ("aside", "footer", "nav", "figure", "form")
_NAME, _MOST, _LONGEST_BYLINE, _LOOKED_AT = 200, 100, 120, 60
_SEARCHED = 5_000  # elements of a page whose beginnings are looked at


def authors(page: Markup) -> tuple[str, ...]:
    """Names in the page's order, each once. Of a site that names nobody, its own name where it states that as the author."""
    stated = tidy(_names(page.node.get("author"), page.known)) or tidy(_names(page.node.get("creator"), page.known))
    given = tidy(part for key in _META for value in page.meta.get(key, []) for part in _BETWEEN.split(value))
    own = [host for host in hosts(page) if host]
    sites = site_names(page) | {
        folded(name)
        for value in page.meta.get("author", [])
        if any(host in value for host in own)
        for name in tidy([value])
    }
    for names in (stated, given):
        if others := tuple(name for name in names if folded(name) not in sites):
            return others
    for text in _bylines(page):
        persons = tuple(name for name in tidy([text]) if _is_person(name) and folded(name) not in sites)
        if persons and _NETWORKS.isdisjoint(text.lower().split()):
            return persons
    for element in page.tree.xpath('.//*[@rel="author" or @itemprop="author"]')[:_LOOKED_AT]:
        names = tuple(name for name in tidy(_short_text(element)) if folded(name) not in sites)
        if names and len(names[0].split()) < 4:  # bloggers sign with one word, which anywhere else is no name
            return names
    return (
        stated
        or given
        or tuple(filter(None, (line(name, _NAME) for name in _names(page.node.get("author"), page.known))))
    )


def _names(value: Any, known: dict[str, structured.Node], depth: int = 0) -> Iterator[str]:
    if isinstance(value, list) and depth < 3:
        for item in value[:_MOST]:
            yield from _names(item, known, depth + 1)
        return
    if isinstance(value, dict):
        node = value if value.get("name") or value.get("familyName") else known.get(str(value.get("@id")), value)
        value = node.get("name") or " ".join(
            part for key in ("givenName", "familyName") for part in structured.texts(node.get(key))
        )
    for text in structured.texts(value):
        yield from _BETWEEN.split(text)


def tidy(names: Iterable[str]) -> tuple[str, ...]:
    """Names out of bylines: cut apart, without what stands before and behind them, each once."""
    found: dict[str, str] = {}
    for name in names:
        text = _ADDRESS.sub(" ", _ASIDE.sub("", _TAG.sub(" ", line(name, _NAME) or "")))
        for part in _persons(_without_by(" ".join(text.split()).strip(" ,;:|–—-"))):
            plain = _ASIDE.sub("", part).strip(" ,;:|*•")
            if len(plain) > 1 and not _NO_NAME.search(plain) and any(map(str.isalpha, plain)):
                found.setdefault(plain.casefold(), plain)
    return tuple(list(found.values())[:_MOST])


def _without_by(text: str) -> str:
    """`Von Ann Lee` is by Ann Lee; `Di Marco` is a name."""
    rest = _BY.sub("", text)
    return rest if " " in rest or not _PARTICLE_FIRST.match(text) else text


def _persons(text: str) -> list[str]:
    """Cut `Ann Lee, Bo Ek and Cy Fox` into three; `AFP, MANILA` and `Le Figaro et AFP` stay as they are.

    What else stands behind a person and a comma or stroke is an agency or a role: `Ann Lee/AFP`, `Bo Ek, Moscow correspondent`.
    """
    parts = _AND.split(text)
    if len(parts) > 2 and " " not in parts[-1]:
        parts = parts[:-1]  # the place it was written at
    if all(map(_is_person, parts)):
        return parts
    first, *others = _ROLE.split(text)
    if others and _is_person(first):
        return [first, *(other for other in others if _is_person(other) or _AGENCY.fullmatch(other))]
    return [text]


def _is_person(text: str) -> bool:
    return bool(_PERSON.fullmatch(_ASIDE.sub("", text)))


def _bylines(page: Markup) -> Iterator[str]:
    """What may be a byline, likeliest first: marked as one, named as one, beginning with "By", a name alone above a paragraph."""
    tree = page.tree
    for text in page.meta.get("twitter:data1", []):
        if not any(map(str.isdigit, text)):  # WordPress says "Written by" here in its language, or how long it is
            yield text
    marked = tree.xpath('.//*[@rel="author" or @itemprop="author" or contains(@class, "author") or contains(@class, "byline") or contains(@id, "author")'
                        ' or contains(@class, "autor") or contains(@class, "writer") or contains(@class, "reporter")]')  # fmt: skip
    for element in marked[:_LOOKED_AT]:  # the first are near the headline, later ones in lists of other articles
        if element.get("rel") == "author" or element.get("itemprop") == "author" or _is_byline(element):
            yield from _short_text(element)
    for element in islice(tree.iter("p", "div", "span", "address", "strong", "b", "i", "em", "dt", "br"), _SEARCHED):
        if element.tag == "br":
            yield from [
                line for line in [(element.tail or "").strip()] if _BY.match(line) and len(line) <= _LONGEST_BYLINE
            ]
            continue
        text = element.text or ""
        if _LABEL.fullmatch(text):
            following = element.getnext()
            yield (element.tail or "").strip() or ("" if following is None else " ".join(following.itertext()))[:_NAME]
        elif _BY.match(text.lstrip()) or (element.tag == "p" and _stands_above(element)):
            yield from _short_text(element)


def _is_byline(element: HtmlElement) -> bool:
    return bool(_BYLINE.search(f"{element.get('class', '')} {element.get('id', '')}".lower()))


def _short_text(element: HtmlElement) -> Iterator[str]:
    text = " ".join(" ".join(element.itertext()).split())
    if 3 < len(text) <= _LONGEST_BYLINE and next(element.iterancestors(*_ELSEWHERE), None) is None:
        yield text


def _stands_above(element: HtmlElement) -> bool:
    """Whether a line of a name's length is among the first in its place, with a paragraph below it."""
    below = element.getnext()
    if below is None or below.tag != "p" or not 3 < len("".join(element.itertext()).strip()) < 60:
        return False
    above = sum(1 for _ in islice(element.itersiblings("p", preceding=True), 4))
    return above < 4 and len("".join(below.itertext())) > 100
