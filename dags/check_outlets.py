"""Checks once a day that what Narrawatch works with is in order.

* `outlets` reads every outlet file (`narrawatch outlets check`). Red: a file has a mistake and its outlet is not
  crawled; the log names file and line and says what to write instead.
* `health` judges every outlet and service by what crawls have noted down (`narrawatch health`). Red: an outlet is sick;
  the table in the log has the sickest first, each with its reason: blocked, quiet, no text, robots.txt, …
* `services` asks whether Elasticsearch answers (`narrawatch status`). Red: it does not, and nothing else here can work.
"""

from airflow.sdk import DAG
from narrawatch_task import DAG_DEFAULTS, NarrawatchTask

with DAG("check_outlets", schedule="30 5 * * *", doc_md=__doc__, **DAG_DEFAULTS):
    NarrawatchTask(task_id="outlets", arguments=["outlets", "check"], retries=0)
    NarrawatchTask(task_id="health", arguments=["health"], retries=0)
    NarrawatchTask(task_id="services", arguments=["status"])
