"""The weekly report as one HTML page: no scripts, nothing to fetch, the same bytes for the same report."""

import datetime as dt
from collections import Counter
from pathlib import Path
from urllib.parse import urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from review import plots, sightings, trends
from review.report import Report, Story
from review.weeks import Week

_MOST_ROWS = 20
_MOST_OUTLETS = 3
_LONGEST_REBUTTAL = 700
_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
_COLOURS = {"rising": plots.RISING, "falling": plots.FALLING, "steady": plots.INK}


def render(report: Report) -> str:
    """The page. Everything that was fetched or imported is escaped; addresses are links only when http or https."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).with_name("templates")),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"web": web_address, "day": day, "clip": clip, "change": change, "usually": usually}
    return environment.get_template("report.html").render(
        report=report,
        rising=report.moving("rising"),
        falling=report.moving("falling"),
        shown=report.stories[:_MOST_ROWS],
        overview=_overview(report),
        bars=lambda story, number: _bars(report, story, number),
        heat=_heat(report.stories[:_MOST_ROWS]),
        spoken=_languages(report.stories[:_MOST_ROWS]),
        most_outlets=_MOST_OUTLETS,
        longest_rebuttal=_LONGEST_REBUTTAL,
        rules=trends,
        counted=sightings,
    )


def web_address(address: str | None) -> str | None:
    """The address when a reader can follow it safely, else None: `javascript:` and the like lead nowhere."""
    try:
        parts = urlsplit(address or "")
    except ValueError:
        return None
    return address if parts.scheme in {"http", "https"} and parts.hostname else None


def day(date: dt.date) -> str:
    """`16 November 2026`, in English whatever the machine speaks."""
    return f"{date.day} {_MONTHS[date.month - 1]} {date.year}"


def clip(text: str, longest: int) -> str:
    """Cut at a sentence's end if one is near, else at a word."""
    if len(text) <= longest:
        return text
    part = text[:longest]
    end = max(part.rfind(mark) for mark in (". ", "! ", "? ", "\n"))
    return f"{part[: end + 1]} …" if end > longest / 2 else f"{part.rpartition(' ')[0] or part}…"


def change(story: Story) -> str:
    """How this week compares with what was expected, in words."""
    trend = story.trend
    if trend.expected < 1:
        return "hardly seen before"
    if not trend.count:
        return "gone"
    return f"{trend.ratio:.1f} times the expected" if trend.ratio >= 1 else f"{trend.ratio:.0%} of the expected"


def usually(story: Story) -> str:
    """`between 3 and 12`, or `none or 1`."""
    low, high = story.trend.usual
    if high == 0:
        return "none"
    if low == 0:
        return f"{high} at most"
    return f"{low:,} to {high:,}"


def _labels(report: Report) -> list[str]:
    return [f"W{week.number:02}" for week in report.history.weeks]


def _overview(report: Report) -> Markup:
    collected = Counter[Week]()
    for (week, _), number in report.history.articles.items():
        collected[week] += number
    labels = [
        f"{label}\nof {collected[week]:,}" if week in report.history.observed else label
        for label, week in zip(_labels(report), report.history.weeks, strict=True)
    ]
    return Markup(  # noqa: S704 - our own SVG, whose texts its writer has escaped
        plots.weekly_bars("overview", f"Flags by week, to {report.week}", labels, report.weekly, size=(9.2, 2.0))
    )


def _bars(report: Report, story: Story, number: int) -> Markup:
    trend = story.trend
    return Markup(  # noqa: S704 - as above
        plots.weekly_bars(
            f"{trend.direction}-{number}",
            f"Articles by week: {story.title}",
            _labels(report),
            trend.weekly,
            usual=trend.usual,
            colour=_COLOURS[trend.direction],
        )
    )


def _languages(stories: tuple[Story, ...]) -> list[str]:
    totals: dict[str, int] = {}
    for story in stories:
        for language, number in story.languages:
            totals[language] = totals.get(language, 0) + number
    return sorted(totals, key=lambda language: (-totals[language], language))


def _heat(stories: tuple[Story, ...]) -> Markup:
    found = [story for story in stories if story.trend.total]
    columns = _languages(stories)
    if not found:
        return Markup("")
    numbers = [[dict(story.languages).get(language, 0) for language in columns] for story in found]
    return Markup(  # noqa: S704 - as above
        plots.heat_map("heat", "Articles by narrative and language", [story.title for story in found], columns, numbers)
    )
