"""Checks once a day that what Narrawatch works with is in order.

* `outlets` reads every outlet file (`narrawatch outlets check`). Red: a file has a mistake and its outlet is not
  crawled; the log names file and line and says what to write instead.
* `services` asks whether Elasticsearch answers (`narrawatch status`). Red: it does not, and nothing else here can work.

Whether the outlets still deliver is seen in the workflows that crawl them, and in the index `crawls`.
"""

from airflow.sdk import DAG
from narrawatch_task import DAG_DEFAULTS, NarrawatchTask

with DAG("check_outlets", schedule="30 5 * * *", doc_md=__doc__, **DAG_DEFAULTS):
    NarrawatchTask(task_id="outlets", arguments=["outlets", "check"], retries=0)
    NarrawatchTask(task_id="services", arguments=["status"])
