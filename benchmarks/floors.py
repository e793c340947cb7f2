"""The quality below which nothing may fall: measured figures, pinned with the corpus they were measured on.

    python benchmarks/floors.py [--data DIR] [--only GROUP ...] [--check] [--lower NAME ... --reason TEXT]

Measures what the benchmarks measure, ours alone, and writes `tests/fixtures/quality_floor.json`: a figure that is better than
its floor becomes the floor. One that is worse is an error and leaves the file as it was, unless it is named by --lower,
with the reason, which is written beside it. --check only compares. The same holds after a corpus has changed.

Groups: `golden` needs no data (the pages in tests/fixtures); `quick` are parts of the corpora, small enough for tests;
`text`, `language`, and those which need Elasticsearch, `duplicates`, `match` and `flagging`, are the whole of them.
"""

import argparse
import hashlib
import json
import math
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from floor_groups import FIXTURES, GROUPS
from rich.console import Console
from rich.table import Table

FLOORS = FIXTURES / "quality_floor.json"
DIGITS = 3

Pinned = dict[str, dict[str, Any]]


def corpus_hash(folder: Path, files: Iterable[Path]) -> str:
    """Names these files and what is in them; one that comes with us, and does not lie in the folder, by its name alone."""
    named = {
        (path.relative_to(folder) if path.is_relative_to(folder) else Path(path.name)).as_posix(): path
        for path in files
    }
    digest = hashlib.sha256()
    for name, path in sorted(named.items()):
        digest.update(f"{name} {hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()


def measured(group: str, data: Path) -> Pinned:
    """A group's figures as they would be pinned: cut off, not rounded, for what was measured must be above its floor."""
    found, root = GROUPS[group], FIXTURES if group == "golden" else data
    corpus = corpus_hash(root, found.files(data))
    unit = 10**DIGITS
    return {
        name: {"floor": math.floor(value * unit + 1e-9) / unit, "corpus": corpus}
        for name, value in found.measure(data).items()
    }


def fallen(pinned: Pinned, now: Pinned) -> list[str]:
    """One line for each figure below its floor."""
    return [
        f"{name}: {now[name]['floor']} is below its floor {pinned[name]['floor']}"
        for name in now
        if name in pinned and now[name]["floor"] < pinned[name]["floor"]
    ]


def changed(pinned: Pinned, now: Pinned) -> list[str]:
    """One line for each figure that was pinned on another corpus, or never."""
    unpinned = [f"{name}: has no floor" for name in now if name not in pinned]
    other = [name for name in now if name in pinned and now[name]["corpus"] != pinned[name]["corpus"]]
    return unpinned + [f"{name}: its corpus has changed since the floor was pinned" for name in other]


def raised(pinned: Pinned, now: Pinned, lower: Iterable[str] = (), reason: str = "") -> Pinned:
    """The floors with these figures: higher ones taken, lower ones only when named.

    Raises:
        ValueError: a figure has fallen and is not named, or a named one has not fallen; nothing is to be written then.
    """
    named = set(lower)
    down = {name for name in now if name in pinned and now[name]["floor"] < pinned[name]["floor"]}
    if unnamed := fallen(pinned, {name: now[name] for name in sorted(down - named)}):
        raise ValueError("\n".join([*unnamed, "mend it, or lower the floor: --lower NAME --reason TEXT"]))
    if wrong := sorted(named - down):
        raise ValueError(f"not below its floor, so there is nothing to lower: {', '.join(wrong)}")
    new = dict(pinned)
    for name, figure in now.items():
        history = pinned.get(name, {}).get("lowered", [])
        if name in down:
            history = [*history, {"from": pinned[name]["floor"], "to": figure["floor"], "reason": reason}]
        new[name] = figure | ({"lowered": history} if history else {})
    return dict(sorted(new.items()))


def read() -> Pinned:
    return json.loads(FLOORS.read_text(encoding="utf-8")) if FLOORS.exists() else {}


def show(pinned: Pinned, now: Pinned) -> None:
    table = Table("figure", "now", "floor")
    for name, figure in now.items():
        table.add_row(name, str(figure["floor"]), str(pinned.get(name, {}).get("floor", "none")))
    Console().print(table)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="the evaluation data's folder; without it only `golden` is measured")
    parser.add_argument("--only", nargs="+", choices=GROUPS, metavar="GROUP", help="these groups alone")
    parser.add_argument("--check", action="store_true", help="compare, write nothing")
    parser.add_argument("--lower", nargs="+", default=[], metavar="NAME", help="floors that may be lowered")
    parser.add_argument("--reason", help="why they may")
    arguments = parser.parse_args()
    if arguments.lower and not (arguments.reason or "").strip():
        parser.error("--lower needs --reason: what was gained for it")
    wanted = arguments.only or (list(GROUPS) if arguments.data else ["golden"])
    if not arguments.data and set(wanted) != {"golden"}:
        parser.error("--data is needed for every group but golden")
    now: Pinned = {}
    for group in wanted:
        now |= measured(group, arguments.data or FIXTURES)
    pinned = read()
    show(pinned, now)
    if arguments.check:
        sys.exit("\n".join(fallen(pinned, now) + changed(pinned, now)) or None)
    try:
        new = raised(pinned, now, arguments.lower, arguments.reason or "")
    except ValueError as error:
        sys.exit(str(error))
    FLOORS.write_text(json.dumps(new, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
