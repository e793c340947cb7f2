"""Writes the report on the week that ended: which narratives rose and fell, where, and what was missing.

Runs on Mondays at 6:00 in the zone set by `NARRAWATCH_TIMEZONE`, and writes one HTML page that needs nothing else into
the folder `reports` below `NARRAWATCH_HOME` (`narrawatch report --week 2026-W47 --out DIR`).

The week is the one before the run's logical date, so clearing an old run writes that week's report again, with what is
known today. For any other week type the command.
"""

from airflow.sdk import DAG, CronTriggerTimetable
from narrawatch_task import DAG_DEFAULTS, NarrawatchTask

from narrawatch import settings

SETTINGS = settings.load()
WEEK = (
    "{{ ((dag_run.logical_date or dag_run.run_after).astimezone(zone) - macros.timedelta(days=7)).strftime('%G-W%V') }}"
)

with DAG(
    "report_weekly",
    schedule=CronTriggerTimetable("0 6 * * 1", timezone=SETTINGS.timezone.key),
    user_defined_macros={"zone": SETTINGS.timezone},
    doc_md=__doc__,
    **DAG_DEFAULTS,
):
    NarrawatchTask(task_id="report", arguments=["report", "--week", WEEK, "--out", str(SETTINGS.home / "reports")])
