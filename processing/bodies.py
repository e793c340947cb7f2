"""The article's text out of a page: what trafilatura finds shows where it stands, the page's own structure says what belongs to it."""

from collections.abc import Sequence

from lxml.html import HtmlElement
from trafilatura import bare_extraction
from trafilatura.settings import Document, Extractor

from processing import additions, blocks, structured
from processing.blocks import Block
from processing.layout import FEW, Layout
from processing.leads import lead
from processing.metadata import Markup

PARAGRAPH = 50  # a block's weight from which it counts as a paragraph of somebody's text
MOST_ELEMENTS = 60_000  # trafilatura copies and searches the tree many times; larger pages are read without it
# measured on the development pages of `benchmarks/text.py`; half or twice of each changes F1 by less than .001
_SAME_KIND = 0.2  # share of the text in one kind of element, from which others of its kind are text as well
_KEPT_KIND = 0.1  # the same, for those inside the container
_COPY, _COPIED = 1_000, 10  # the weight of a block that may be a copy, and how many blocks it must begin with, in part
_BESIDE_LINK = 40  # characters beside a link that make a sentence of it


def body(page: Markup, title: str | None) -> str:
    """The standfirst and paragraphs, one a line; changes the page's tree. Empty where there is no text."""
    blocks.drop_unread(page.tree)
    found = _trafilatura(page) if _is_small(page.tree) else ""
    text = _choose(blocks.read(page.tree), found, page, title) or found
    stated = next(iter(structured.texts(page.node.get("articleBody"))), "")
    return stated if len(text) < len(stated) / 2 and "<" not in stated else text


def _is_small(tree: HtmlElement) -> bool:
    return bool(tree.xpath("count(//*)") <= MOST_ELEMENTS)


def _trafilatura(page: Markup) -> str:
    """Without its second and third opinions (readability, jusText): they cost as much as the first and are wrong more often."""
    options = Extractor(output_format="python", comments=False, url=page.url, fast=True)
    document = bare_extraction(page.tree, options=options)
    return document.text or "" if isinstance(document, Document) else ""


def _choose(read: Sequence[Block], found: str, page: Markup, title: str | None) -> str:
    needle = blocks.plain(found)
    agreed = [_is_in(block, needle) for block in read]
    anchors = [i for i, block in enumerate(read) if _is_paragraph(block) and (agreed[i] if found else _is_free(block))]
    if not anchors:
        return ""
    layout = Layout(read, anchors)
    known = set(anchors)
    anchors = [i for i, block in enumerate(read) if i in known or _continues(block, layout)]
    layout = Layout(read, anchors)
    kept = [i for i, block in enumerate(read) if _belongs(i, block, agreed[i] or (not found and i in known), layout)]
    kept = _without_labels(read, kept)
    kept = _without_title(read, _without_copies(read, kept), title)
    lines = list({(block.plain if block.weight > 40 else i): block.text for i in kept if (block := read[i])}.values())
    if not kept:
        return ""
    opening = [block.text for block in lead(read, kept[0], page, title) if block.plain not in read[kept[0]].plain]
    return "\n".join(opening + lines)


def _is_in(block: Block, needle: str) -> bool:
    if len(block.plain) < PARAGRAPH:
        return bool(block.plain) and block.plain in needle
    return block.plain[:40] in needle or block.plain[-40:] in needle


def _is_paragraph(block: Block) -> bool:
    return block.weight >= PARAGRAPH and not additions.is_links(block)


def _is_free(block: Block) -> bool:
    """Whether a block stands in nothing that is beside the text on most pages."""
    outside = block.element.tag in {"li", "td"} or block.element.tag in additions.APART
    return not outside and next(block.element.iterancestors(*additions.APART), None) is None


def _continues(block: Block, layout: Layout) -> bool:
    """The rest of a text that is spread over several containers, of which trafilatura takes one."""
    return _is_paragraph(block) and layout.share(block) > _SAME_KIND and _is_free(block)


def _belongs(number: int, block: Block, agreed: bool, layout: Layout) -> bool:
    """Whether a block is part of the text; `agreed`: trafilatura says so."""
    if block.element.tag == "h1" or not layout.holds(block) or layout.is_beside(block):
        return False
    share, first, last = layout.share(block), layout.anchors[0], layout.anchors[-1]
    if _is_furniture(block, agreed, share) or (block.is_heading and number < first):
        return False
    if agreed and (block.weight >= PARAGRAPH or (number > first and (share > 0.05 or number < last))):
        return True
    parent = block.element.getparent()
    if block.is_heading:
        above = parent.getparent() if parent is not None else None
        return layout.held.get(parent, 0) > 0 or (number < last and layout.held.get(above, 0) > 0)
    if block.element.tag == "li":
        return number > first and parent is not None and parent.getparent() in layout.parents
    return share > _KEPT_KIND and number >= first


def _is_furniture(block: Block, agreed: bool, share: float) -> bool:
    """Links to elsewhere, what is no prose, and the credits of pictures."""
    if additions.is_links(block):
        bare = len(block.text) - block.linked < _BESIDE_LINK
        return bare or not (agreed or share > _KEPT_KIND)
    return additions.is_no_prose(block.text) or (share < FEW and additions.is_credit(block))


def _without_copies(read: Sequence[Block], kept: list[int]) -> list[int]:
    """Drop blocks in which the paragraphs before them stand once more, in one piece, as some pages have them for machines."""
    result: list[int] = []
    for number in kept:
        if read[number].weight > _COPY:
            opening = [read[earlier].plain for earlier in result[:_COPIED] if read[earlier].weight >= PARAGRAPH]
            if sum(plain in read[number].plain for plain in opening) > 1:
                continue
        result.append(number)
    return result


def _without_labels(read: Sequence[Block], kept: list[int]) -> list[int]:
    """Drop headings of nothing, and short lines whose links were dropped: `Read also`, `Most read`."""
    chosen, result, text_follows = set(kept), list[int](), False
    for number in reversed(kept):
        block = read[number]
        follows = read[number + 1] if number + 1 < len(read) else None
        label = block.weight < PARAGRAPH and block.text[-1] not in ".!?…。"
        if label and follows is not None and number + 1 not in chosen and additions.is_links(follows):
            continue
        if not text_follows and (block.is_heading or (block.weight < 80 and block.text[-1] == ":")):
            continue
        text_follows = True
        result.append(number)
    return result[::-1]


def _without_title(read: Sequence[Block], kept: list[int], title: str | None) -> list[int]:
    """The title is stored, searched and compared by itself; some layouts put it into the body too, with a kicker."""
    if not title or not kept:
        return kept
    wanted, exact = blocks.words(title), blocks.plain(title)

    def repeats(number: int) -> bool:
        if read[number].plain == exact:
            return True
        mine = (
            blocks.words(read[number].text) if number == kept[0] and len(read[number].text) < 2 * len(title) else set()
        )
        return len(mine & wanted) >= 0.6 * max(len(mine), len(wanted), 1)

    return [number for number in kept if not repeats(number)]
