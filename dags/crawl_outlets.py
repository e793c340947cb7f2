"""Crawls the outlets that share one schedule, and matches what is new.

**What it does.** The outlets are taken in groups of at most 25, those of one domain in one group, since pace and back-off
are kept within a crawl; for each group

1. `crawl` fetches what is new into WARC files (`narrawatch crawl OUTLET... --run-id RUN`),
2. `process` turns the pages of that very run into articles (`narrawatch process --run-id RUN`), also when the crawl
   failed: what it had fetched by then is not lost,
3. then `match` compares all new articles with the narrative cards (`narrawatch match`).

`all_succeeded` is no work: it makes the run fail when a step before it did.

**When.** One workflow for each different `schedule` in the outlet files, so an outlet is rescheduled by editing its
file; the change is seen within a minute. Times are UTC. A run that takes longer than the interval delays the next one:
there is never more than one at a time. Of the runs missed while it was switched off, only the latest is made up for: so
switching it on starts one at once.

**Run ids.** From the run's logical date, the schedule and the group: `20261123T060000Z.every_15_minutes.1`. A retry or
a cleared task continues the same run: pages that are in a WARC file already are not fetched again.

**Reading the grid.** Red: the step failed after its retries; its log says why. A label *(needs a look)* at a group: the
crawl was done, and an outlet in it did not answer as it should; the table in the log says which. To repeat a step,
clear it; the process of a cleared task is ended first. Pages whose processing failed wait, and `narrawatch process`
takes them in at any time.

**By hand.** Every task's log begins with its command; type the same in a shell to try it outside Airflow.
"""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG, TriggerRule
from narrawatch_task import DAG_DEFAULTS, MATCH_POOL, STAMP, NarrawatchTask

from crawlers.outlet_yaml import FileProblem, read
from narrawatch import settings

GROUP = 25


def outlets_by_schedule(folder: Path) -> Mapping[str, Mapping[str, str]]:
    """The outlets for each schedule, by id, each with the end of its host's name.

    Only read, not checked, which takes libraries too heavy to load here. A file that cannot be read is left out;
    `check_outlets` reports it.
    """
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for path in sorted(folder.glob("*.yml")):
        try:
            outlet = read(path).value
        except FileProblem:
            continue
        if isinstance(outlet.get("schedule"), str) and outlet.get("id") == path.stem:
            host = re.search(r"https?://([^/:'\"]+)", str(outlet.get("start")))
            # At least as wide as its registrable domain, which would take the list of all public suffixes to tell.
            ending = ".".join(host[1].lower().split(".")[-2:]) if host else ""
            found[" ".join(outlet["schedule"].split())][path.stem] = ending
    return found


def grouped(outlets: Mapping[str, str]) -> list[list[str]]:
    """The ids in groups of at most `GROUP`, those whose hosts end alike in one, even when they are more."""
    alike: dict[str, list[str]] = defaultdict(list)
    for outlet, ending in outlets.items():
        alike[ending or outlet].append(outlet)
    groups: list[list[str]] = [[]]
    for together in alike.values():
        if groups[-1] and len(groups[-1]) + len(together) > GROUP:
            groups.append([])
        groups[-1] += together
    return groups


def name(schedule: str) -> str:
    """A schedule as part of a DAG id: `*/15 * * * *` is every_15_minutes, `0 6 * * *` is at_0_6_any_any_any."""
    if schedule == "0 * * * *":
        return "every_hour"
    if found := re.fullmatch(r"(?:\*/(\d+) \*|0 \*/(\d+)) \* \* \*", schedule):
        return f"every_{found[1]}_minutes" if found[1] else f"every_{found[2]}_hours"
    written = {"*": "any", "/": "_per_", ",": "."}
    return "at_" + "_".join("".join(written.get(sign, sign) for sign in part) for part in schedule.split())


def workflow(schedule: str, groups: Sequence[Sequence[str]]) -> DAG:
    """The DAG that crawls these groups of outlets."""
    runs = [f"{STAMP}.{name(schedule)}.{number}" for number in range(1, len(groups) + 1)]
    labels = [f"{group[0]} … {group[-1]}" if len(group) > 1 else group[0] for group in groups]
    with DAG(f"crawl_{name(schedule)}", schedule=schedule, doc_md=__doc__, **DAG_DEFAULTS) as dag:
        crawl = NarrawatchTask.partial(task_id="crawl", map_index_template="{{ shown_as }}").expand_kwargs(
            [
                {"arguments": ["crawl", *group, "--run-id", run], "shown_as": label}
                for group, run, label in zip(groups, runs, labels, strict=True)
            ]
        )
        process = NarrawatchTask.partial(
            task_id="process", map_index_template="{{ shown_as }}", trigger_rule=TriggerRule.ALL_DONE
        ).expand_kwargs(
            [
                {"arguments": ["process", "--run-id", run], "shown_as": label}
                for run, label in zip(runs, labels, strict=True)
            ]
        )
        match = NarrawatchTask(task_id="match", arguments=["match"], pool=MATCH_POOL, trigger_rule=TriggerRule.ALL_DONE)
        succeeded = EmptyOperator(task_id="all_succeeded", trigger_rule=TriggerRule.NONE_FAILED)
        crawl >> process >> match
        [crawl, process, match] >> succeeded
    return dag


for _schedule, _outlets in outlets_by_schedule(settings.load().outlets).items():
    workflow(_schedule, grouped(_outlets))
