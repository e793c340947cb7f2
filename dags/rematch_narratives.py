"""Matches all articles anew when narrative cards have changed.

**When.** Its asset, `narratives`, is updated when `narrawatch narratives import` brought new or changed cards. The
command leaves a file `narratives-changed` in `NARRAWATCH_HOME`; Airflow's triggerer looks for it every few seconds,
removes it and records the update. The file waits while Airflow is down. Airflow on another machine is told by its REST
API: `POST /api/v2/assets/events`.

**What.** `narrawatch match` sweeps the articles that have not been matched against the present cards: all of them,
after a change. What was done stays done when it is interrupted, so a retry goes on where it ended. Flags that
an analyst decided on keep the decision.

The crawls' own `match` would do this, too, with their next run; here it does not hold up a crawl. Sweeps share a pool
with one slot, so that two never do the same work at once.
"""

import datetime as dt

from airflow.providers.standard.triggers.file import FileDeleteTrigger
from airflow.sdk import DAG, Asset, AssetWatcher
from narrawatch_task import DAG_DEFAULTS, MATCH_POOL, NarrawatchTask

from narrawatch import cards_changed, settings

change = FileDeleteTrigger(filepath=str(cards_changed.marker(settings.load())))
narratives = Asset("narratives", watchers=[AssetWatcher(name="cards_changed", trigger=change)])

with DAG("rematch_narratives", schedule=[narratives], doc_md=__doc__, **DAG_DEFAULTS):
    NarrawatchTask(task_id="match", arguments=["match"], pool=MATCH_POOL, execution_timeout=dt.timedelta(hours=24))
