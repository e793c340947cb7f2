"""The standfirst: the sentences between headline and first paragraph that extractors take for page furniture."""

import re
from collections.abc import Sequence

from lxml.html import HtmlElement

from processing import structured
from processing.blocks import Block, plain, words
from processing.markup import clean
from processing.metadata import Markup

_BEFORE = 40  # blocks looked at before the first paragraph
_AFTER_HEADLINE = 8  # blocks below the headline in which an unannounced standfirst may stand
_NAMED = re.compile(
    r"lead|standfirst|\bdek\b|sub-?title|sub-?head|excerpt|intro|teaser|summary|preamble|abstract|synopsis|sapo|vorspann"
    r"|perex|chapo|deck|description|entradilla|ingress",
    re.IGNORECASE,
)
_ELSEWHERE = frozenset({"figure", "figcaption", "nav", "footer"})
_OPENING = 60  # letters by which a standfirst is known in a description, which is often cut


def lead(blocks: Sequence[Block], first: int, page: Markup, title: str | None) -> list[Block]:
    """The standfirst's blocks, all before `first`: what `<meta>` quotes as the description, else what is named as one."""
    name = plain(title or "")
    headline = max((i for i in range(first) if blocks[i].element.tag == "h1" or blocks[i].plain == name), default=None)
    descriptions = _descriptions(page)
    for number in range(max(0, first - _BEFORE), first):
        if _can_be(blocks[number], name) and any(_quotes(blocks[number], text) for text in descriptions):
            return _whole(blocks, number, first)
    if headline is None:
        return []
    for number in range(headline + 1, min(first, headline + _AFTER_HEADLINE)):
        block = blocks[number]
        if block.weight >= 50 and not block.linked and _can_be(block, name) and _is_named(block.element):
            return _whole(blocks, number, first)
    return []


def _descriptions(page: Markup) -> list[str]:
    given = [
        text for key in ("description", "og:description", "twitter:description") for text in page.meta.get(key, [])
    ]
    return list(dict.fromkeys(clean(text) for text in given + structured.texts(page.node.get("description"))))


def _can_be(block: Block, name: str) -> bool:
    if len(block.plain) < 15 or block.plain == name:
        return False
    return block.element.tag not in _ELSEWHERE and next(block.element.iterancestors(*_ELSEWHERE), None) is None


def _quotes(block: Block, description: str) -> bool:
    stated = plain(description)
    shorter = min(len(stated), len(block.plain))
    if shorter >= 25 and (
        stated[: min(shorter, _OPENING)] == block.plain[: min(shorter, _OPENING)] or block.plain[:50] in stated
    ):
        return True
    theirs, mine = words(description), words(block.text)
    shared = len(theirs & mine)
    return len(theirs) >= 5 and shared >= 0.8 * len(theirs) and shared >= 0.6 * len(mine)


def _is_named(element: HtmlElement) -> bool:
    chain = [element, *element.iterancestors()][:3]
    return any(_NAMED.search(one.get("class", "")) or one.get("itemprop") == "description" for one in chain)


def _whole(blocks: Sequence[Block], number: int, first: int) -> list[Block]:
    """With the paragraphs beside it in the same element: some standfirsts have several."""
    end, element = number + 1, blocks[number].element
    while (
        end < first
        and element.tag == blocks[end].element.tag == "p"
        and blocks[end].element.getparent() is element.getparent()
        and not blocks[end].linked
    ):
        end += 1
    return list(blocks[number:end])
