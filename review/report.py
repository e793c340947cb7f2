"""The weekly report as data: what rises and falls, where, with examples, and what is not known."""

import datetime as dt
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from crawlers.outlet import OutletFiles
from index_config.cluster import Cluster
from index_config.languages import NO_LANGUAGE, languages
from review.counts import Counts, read_counts, read_examples
from review.gaps import Coverage, find_gaps
from review.sightings import Progress, Seen
from review.trends import History, Trend, compare
from review.weeks import Week

EXAMPLES = 3
_LONGEST_PASSAGE = 420


@dataclass(frozen=True, kw_only=True)
class Example:
    """One flagged article: the passage in three parts, of which the middle one is nearest to the claim."""

    title: str | None
    url: str
    outlet: str
    language: str
    language_name: str
    day: str
    passage: tuple[str, str, str]
    verdict: str | None


@dataclass(frozen=True, kw_only=True)
class Story:
    """One narrative in this week: `outlets` and `languages` with their numbers of articles, most first."""

    trend: Trend
    title: str
    url: str | None
    outlets: tuple[tuple[str, int], ...]
    languages: tuple[tuple[str, int], ...]
    examples: tuple[Example, ...] = ()
    rebuttal: str | None = None


@dataclass(frozen=True, kw_only=True)
class Report:
    """A week's report. `stories` are all narratives with an article this week or a trend, most articles first."""

    week: Week
    zone: str
    history: History
    collected: int
    flagged: int
    reviewed: tuple[int, int]
    reviewed_before: tuple[int, int]
    unmatched: int
    stories: tuple[Story, ...]
    coverage: Coverage
    file_problems: tuple[str, ...]

    def moving(self, direction: str) -> tuple[Story, ...]:
        """The rising or the falling narratives, the surest first."""
        found = [story for story in self.stories if story.trend.direction == direction]
        return tuple(sorted(found, key=lambda story: (story.trend.adjusted, -story.trend.total)))

    @property
    def weekly(self) -> tuple[int | None, ...]:
        """Flags of each week, None where nothing was crawled."""
        totals = Counter[Week]()
        for sighting, number in self.history.flags.items():
            totals[sighting.week] += number
        return tuple(totals[week] if week in self.history.observed else None for week in self.history.weeks)


def make_report(cluster: Cluster, week: Week, zone: ZoneInfo, files: OutletFiles, progress: Progress) -> Report:
    """Gather the report of a week.

    Raises:
        WeekError: nothing was crawled in that week.
        ClusterError: Elasticsearch cannot be reached, or refuses.
    """
    counts = read_counts(cluster, week, zone, progress)
    names = {outlet.id: outlet.name for outlet in files.outlets}
    trends = [trend for trend in compare(counts.history) if trend.total or trend.direction != "steady"]
    rising = [trend.narrative for trend in trends if trend.direction == "rising"]
    chosen = {narrative: choose(counts.sightings.latest, narrative) for narrative in rising}
    flags = read_examples(cluster, [identifier for ids in chosen.values() for identifier in ids])
    stories = (
        _story(counts, trend, [flags[i] for i in chosen.get(trend.narrative, ()) if i in flags], names, zone)
        for trend in trends
    )
    sightings, before = counts.sightings, counts.history.weeks[:-1]
    counted = Counter[Week]()
    for sighting, number in sightings.flags.items():
        counted[sighting.week] += number
    return Report(
        week=week,
        zone=zone.key,
        history=counts.history,
        collected=counts.collected,
        flagged=sightings.articles,
        reviewed=(sightings.reviewed[week], counted[week]),
        reviewed_before=(sum(sightings.reviewed[then] for then in before), sum(counted[then] for then in before)),
        unmatched=counts.unmatched,
        stories=tuple(stories),
        coverage=find_gaps(counts, files.outlets),
        file_problems=files.problems,
    )


def choose(latest: Sequence[Seen], narrative: str) -> list[str]:
    """Ids of a narrative's examples: confirmed ones before others, then the surest; of one wording and outlet only one.

    Only when the outlets do not suffice, an outlet gets a second one.
    """
    found = [seen for seen in latest if seen.narrative == narrative]
    chosen: list[Seen] = []
    for same_outlet in (False, True):
        for seen in found:
            if len(chosen) == EXAMPLES:
                break
            if seen.text_hash not in {other.text_hash for other in chosen} and (
                same_outlet or seen.outlet not in {other.outlet for other in chosen}
            ):
                chosen.append(seen)
    return [seen.id for seen in chosen]


def _story(
    counts: Counts, trend: Trend, flags: Sequence[dict[str, Any]], names: dict[str, str], zone: ZoneInfo
) -> Story:
    card = counts.sightings.cards[trend.narrative]
    outlets, spoken = Counter[str](), Counter[str]()
    for sighting, number in counts.history.flags.items():
        if sighting.narrative == trend.narrative and sighting.week == counts.history.week:
            outlets[names.get(sighting.outlet, sighting.outlet)] += number
            spoken[language_name(sighting.language)] += number
    return Story(
        trend=trend,
        title=card.title,
        url=card.url,
        outlets=_ranked(outlets),
        languages=_ranked(spoken),
        examples=tuple(_example(flag, names, zone) for flag in flags),
        rebuttal=flags[0].get("rebuttal") if flags else None,
    )


def _ranked(counter: Counter[str]) -> tuple[tuple[str, int], ...]:
    return tuple(sorted(counter.items(), key=lambda item: (-item[1], item[0])))


def language_name(code: str) -> str:
    """In English; the code itself for a language we have no name for."""
    if code in NO_LANGUAGE:
        return "Undetermined"
    line = languages().get(code)
    return line.name if line else code


def _example(flag: dict[str, Any], names: dict[str, str], zone: ZoneInfo) -> Example:
    moment = flag.get("published") or flag["fetched"]
    return Example(
        title=flag.get("title"),
        url=flag["url"],
        outlet=names.get(flag["outlet"], flag["outlet"]),
        language=flag["language"],
        language_name=language_name(flag["language"]),
        day=_day(moment, zone),
        passage=_parts(flag),
        verdict=flag.get("verdict"),
    )


def _day(moment: str, zone: ZoneInfo) -> str:
    """The day as the outlet wrote it where it gave no time, else in our zone."""
    if len(moment) <= len("2026-11-23"):
        return moment
    when = dt.datetime.fromisoformat(moment)
    return str((when.astimezone(zone) if when.tzinfo else when).date())


def _parts(flag: dict[str, Any]) -> tuple[str, str, str]:
    """Before, nearest sentence, after; a long passage is cut around the sentence."""
    text, start = flag["passage"], flag["passage_start"]
    first = max(0, (flag.get("sentence_start") or start) - start)
    last = max(first, min(len(text), (flag.get("sentence_end") or start + len(text)) - start))
    before, nearest, after = text[:first], text[first:last], text[last:]
    room = max(0, _LONGEST_PASSAGE - len(nearest)) // 2
    if len(before) > room:
        before = f"… {before[len(before) - room :].partition(' ')[2]}"
    if len(after) > room:
        after = f"{after[:room].rpartition(' ')[0]} …"
    return before, nearest, after
