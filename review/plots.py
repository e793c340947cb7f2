"""Charts as SVG for a page that stands alone: text stays text, the same numbers give the same bytes.

Every chart names itself and says in words what it shows, for those who do not see it. Words may come from anywhere:
nothing in them is taken for a formula, and letters that no font here has are left to the reader's.
"""

import io
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl
from lxml import etree
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, PowerNorm
from matplotlib.figure import Figure

BEFORE, RISING, FALLING, INK, FAINT = "#b4bcc8", "#c2410c", "#1d5f91", "#1f2933", "#6b7684"
_HEAT = LinearSegmentedColormap.from_list("heat", ["#fbf6ee", "#f3c98b", "#d97a2b", "#8f2d0c"])
_STYLE: Any = {  # whose keys the library has typed one by one
    "svg.fonttype": "none",
    "svg.hashsalt": "narrawatch",
    "text.parse_math": False,
    "font.family": "DejaVu Sans",  # comes with the library; the page puts the reader's own font in its place
    "font.size": 9,
    "text.color": INK,
    "axes.edgecolor": "#c9d0d9",
    "xtick.color": FAINT,
    "ytick.color": FAINT,
}
_SVG = "http://www.w3.org/2000/svg"
_LONGEST = 58


def weekly_bars(
    name: str,
    title: str,
    labels: Sequence[str],
    counts: Sequence[int | None],
    *,
    usual: tuple[int, int] | None = None,
    colour: str = INK,
    size: tuple[float, float] = (4.6, 1.5),
) -> str:
    """One bar a week, the last one in colour; None is a week without data. `usual` is marked at the last bar."""
    with _style():
        figure = Figure(figsize=size, layout="constrained")
        axes = figure.subplots()
        _plain(axes)
        places = range(len(counts))
        most = max([number or 0 for number in counts] + [usual[1] if usual else 0, 1])
        colours = [BEFORE] * (len(counts) - 1) + [colour]
        axes.bar(places, [number or 0 for number in counts], color=colours, width=0.72)
        for place, number in zip(places, counts, strict=True):
            last = place == len(counts) - 1
            text, ink = ("no data", FAINT) if number is None else (f"{number:,}", INK if last else FAINT)
            where = (number or 0) + most * 0.03
            weight = "bold" if last and number is not None else "normal"
            axes.text(place, where, text, ha="center", va="bottom", color=ink, weight=weight, fontsize=8)
        if usual:
            _mark_usual(axes, len(counts) - 1, usual)
        axes.set_xticks(list(places), labels)
        axes.set_xlim(-0.6, len(counts) + (0.55 if usual else -0.4))
        axes.set_ylim(0, most * 1.22)
        return _svg(figure, name, title, _bars_in_words(labels, counts, usual))


def heat_map(
    name: str, title: str, rows: Sequence[str], columns: Sequence[str], numbers: Sequence[Sequence[int]]
) -> str:
    """Rows by columns, each cell with its number; zero stays empty."""
    with _style():
        figure = Figure(figsize=(9.2, 0.55 + 0.34 * len(rows)), layout="constrained")
        axes = figure.subplots()
        _plain(axes)
        most = max((number for row in numbers for number in row), default=1)
        norm = PowerNorm(0.6, vmin=0, vmax=max(most, 1))
        axes.pcolormesh(list(numbers), cmap=_HEAT, norm=norm, edgecolors="white", linewidth=2)
        for y, row in enumerate(numbers):
            for x, number in enumerate(row):
                ink = "white" if norm(number) > 0.62 else INK
                axes.text(x + 0.5, y + 0.5, f"{number:,}" if number else "", ha="center", va="center", color=ink)
        axes.set_xticks([place + 0.5 for place in range(len(columns))], [_clean(column) for column in columns])
        axes.set_yticks([place + 0.5 for place in range(len(rows))], [shorten(_clean(row)) for row in rows])
        axes.tick_params(axis="y", labelcolor=INK, labelsize=9)
        axes.xaxis.tick_top()
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
        axes.invert_yaxis()
        words = f"{len(rows)} rows, {len(columns)} columns; the same numbers are in the table below."
        return _svg(figure, name, title, words)


def shorten(text: str, longest: int = _LONGEST) -> str:
    """Cut at a word, with an ellipsis."""
    if len(text) <= longest:
        return text
    return f"{text[: longest - 1].rpartition(' ')[0] or text[: longest - 1]}…"


@contextmanager
def _style() -> Iterator[None]:
    """Ours, whatever style the user has set up."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(_STYLE)
        yield


def _plain(axes: Axes) -> None:
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.tick_params(length=0, labelsize=8)
    axes.set_yticks([])


def _mark_usual(axes: Axes, place: int, usual: tuple[int, int]) -> None:
    low, high = usual
    at = place + 0.62
    axes.plot([at, at], [low, high], color=INK, linewidth=1.2)
    axes.plot([at - 0.1, at + 0.1], [low, low], color=INK, linewidth=1.2)
    axes.plot([at - 0.1, at + 0.1], [high, high], color=INK, linewidth=1.2)
    axes.text(at + 0.2, (low + high) / 2, "usual", va="center", fontsize=8, color=INK)


def _bars_in_words(labels: Sequence[str], counts: Sequence[int | None], usual: tuple[int, int] | None) -> str:
    weeks = ", ".join(
        f"{' '.join(label.split())}: {'no data' if number is None else number}"
        for label, number in zip(labels, counts, strict=True)
    )
    return f"{weeks}. Usual in the last week: {usual[0]} to {usual[1]}." if usual else f"{weeks}."


def _clean(text: str) -> str:
    """Without the characters that XML has no place for."""
    return "".join(letter if letter.isprintable() else " " for letter in text)


def _svg(figure: Figure, name: str, title: str, description: str) -> str:
    """The figure to put into a page: ids of its own, a title and a description, no size but a shape."""
    raw = io.BytesIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from", category=UserWarning)
        figure.savefig(raw, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    root: Any = etree.fromstring(raw.getvalue(), etree.XMLParser(remove_comments=True, resolve_entities=False))
    for element in root.findall(f"{{{_SVG}}}metadata"):
        root.remove(element)
    for element in root.iter():
        _rename(element, name)
    for place, (tag, text) in enumerate((("title", title), ("desc", description))):
        child = etree.Element(f"{{{_SVG}}}{tag}", id=f"{name}-{tag}")
        child.text = _clean(text)
        root.insert(place, child)
    width = root.attrib.pop("width").removesuffix("pt")
    del root.attrib["height"]
    root.set("role", "img")
    root.set("aria-labelledby", f"{name}-title {name}-desc")
    root.set("style", f"max-width:{float(width) * 4 / 3:.0f}px")
    return etree.tostring(root, encoding="unicode")


def _rename(element: Any, name: str) -> None:
    """Ids must be unique on the page, and each chart numbers its parts from one."""
    for attribute, value in element.attrib.items():
        if attribute == "id":
            element.set(attribute, f"{name}-{value}")
        elif attribute.endswith("href") and value.startswith("#"):
            element.set(attribute, f"#{name}-{value[1:]}")
        elif "url(#" in value:
            element.set(attribute, value.replace("url(#", f"url(#{name}-"))
