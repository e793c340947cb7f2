"""Where a text stands on its page: the element around it, and the kinds of elements its paragraphs are."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

from lxml.html import HtmlElement

from processing import additions
from processing.blocks import Block

FEW = 0.3
"""Share of the text. An element that holds more is no addition to it, however it is named; nor what more of it looks like."""
_CONTAINER = 0.8  # share of the text that the element we read in must hold

Kind = tuple[str, ...]
Look = tuple[str | None, ...]


class Layout:
    """Where the text stands on the page: how much of it each element and each kind of element holds."""

    def __init__(self, read: Sequence[Block], anchors: Sequence[int]) -> None:
        self.read, self.anchors = read, anchors
        self.held: dict[HtmlElement, int] = defaultdict(int)
        self.kinds: dict[Kind, int] = defaultdict(int)
        self.looks: dict[Look, int] = defaultdict(int)
        for number in anchors:
            self.kinds[kind(read[number].element)] += read[number].weight
            for look in {_look(element) for element in _upwards(read[number].element)}:
                self.looks[look] += read[number].weight
            for element in _upwards(read[number].element):
                self.held[element] += read[number].weight
        self.total = sum(read[number].weight for number in anchors)
        self.parents = {read[number].element.getparent() for number in anchors}
        self.container = self._container()
        self._named: dict[HtmlElement, bool] = {}

    def _container(self) -> HtmlElement:
        for element in _upwards(self.read[self.anchors[0]].element):
            if self.held[element] >= _CONTAINER * self.total:
                return element
        return self.read[self.anchors[-1]].element

    def share(self, block: Block) -> float:
        """The share of the text that stands in elements like this block's."""
        return self.kinds.get(kind(block.element), 0) / self.total

    def holds(self, block: Block) -> bool:
        return self.container is block.element or any(
            element is self.container for element in block.element.iterancestors()
        )

    def is_beside(self, block: Block) -> bool:
        """Whether it is part of something put between the paragraphs: by element, or by name where few paragraphs are like it."""
        quoted = False
        for element in _upwards(block.element):
            if element is self.container or self.held.get(element, 0) >= FEW * self.total:
                return False
            if self._is_named(element) and self.looks.get(_look(element), 0) < FEW * self.total:
                return True
            quoted = quoted or element.tag == "blockquote"
            if element.tag in additions.APART and not (quoted and element.tag == "figure"):
                return True
        return False

    def _is_named(self, element: HtmlElement) -> bool:
        if element not in self._named:
            self._named[element] = additions.is_named(element)
        return self._named[element]


def _look(element: HtmlElement) -> Look:
    return element.get("class"), element.get("hidden"), element.get("style")


def kind(element: HtmlElement) -> Kind:
    """What the template made of it: elements of one kind have the same tag in parents of the same class."""
    parent = element.getparent()
    if parent is None:
        return (str(element.tag),)
    name, above = parent.get("class") or parent.get("id"), parent.getparent()
    if not name and above is not None:
        name = f"{above.tag} {above.get('class') or above.get('id') or ''}"
    return str(element.tag), str(parent.tag), name or ""


def _upwards(element: HtmlElement) -> Iterator[HtmlElement]:
    yield element
    yield from element.iterancestors()
