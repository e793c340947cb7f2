"""Run `narrawatch` at another time: `at.py 2026-11-23T07:00:00Z ARGUMENT…`."""

import datetime as dt
import sys

if __name__ == "__main__":
    from narrawatch import pipeline
    from narrawatch.cli import main

    moment = dt.datetime.fromisoformat(sys.argv[1])
    pipeline.clock = lambda: moment
    main(sys.argv[2:])
