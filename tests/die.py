"""Run `narrawatch` and die, by SIGKILL, at the nth call of one function: `die.py module:function N before|after ARGUMENT…`."""

import importlib
import os
import signal
import sys
from itertools import count


def arm(target: str, nth: int, moment: str) -> None:
    module_name, _, path = target.partition(":")
    owner = importlib.import_module(module_name)
    *parents, name = path.split(".")
    for parent in parents:
        owner = getattr(owner, parent)
    real, calls = getattr(owner, name), count(1)

    def deadly(*arguments, **options):
        last = next(calls) == nth
        if last and moment == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        result = real(*arguments, **options)
        if last:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(owner, name, deadly)


if __name__ == "__main__":
    arm(sys.argv[1], int(sys.argv[2]), sys.argv[3])
    from narrawatch.cli import main

    main(sys.argv[4:])
