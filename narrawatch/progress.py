"""Progress that people can follow: live rows on a terminal, one line per finished outlet elsewhere."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from crawlers.ledger import OutletRun

_ROWS = 12
"""Outlets shown at a time; a run can have a thousand."""


class CrawlProgress:
    """Shows each outlet while it is crawled: URLs settled of URLs discovered."""

    def __init__(self, console: Console, outlets: int) -> None:
        self.console, self.outlets = console, outlets
        self.bars = Progress(
            TextColumn("{task.description:<28}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[note]}"),
            TimeElapsedColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self.rows: dict[str, TaskID] = {}
        self.whole = self.bars.add_task("outlets", total=outlets, note="")
        self.finished = 0

    def __enter__(self) -> Self:
        self.bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.bars.stop()

    def __call__(self, run: OutletRun) -> None:
        outcomes = run.outcomes
        note = ", ".join(f"{count} {outcome}" for outcome, count in outcomes.most_common(3))
        if run.finished:
            self._finish(run, note)
        elif self.console.is_terminal and (run.outlet.id in self.rows or len(self.rows) < _ROWS):
            if run.outlet.id not in self.rows:
                self.rows[run.outlet.id] = self.bars.add_task(run.outlet.id, note="")
            self.bars.update(self.rows[run.outlet.id], total=run.discovered, completed=outcomes.total(), note=note)

    def _finish(self, run: OutletRun, note: str) -> None:
        self.finished += 1
        self.bars.update(self.whole, completed=self.finished)
        row = self.rows.pop(run.outlet.id, None)
        if row is not None:
            self.bars.remove_task(row)
        if not self.console.is_terminal:
            self.console.print(
                f"[{self.finished}/{self.outlets}] {run.outlet.id}: {note or 'nothing listed'}", markup=False
            )


def bars(console: Console) -> Progress:
    """Bars for counted work, gone when it is done; nothing where output is not a terminal."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)


@contextmanager
def counting(console: Console, what: str, total: int | None) -> Iterator[Callable[[], None]]:
    """A bar for one step of `total` units; call what it yields after each."""
    with bars(console) as progress:
        task = progress.add_task(what, total=total)
        yield lambda: progress.advance(task)


class Steps:
    """Shows each named step of a longer work as a bar of its own; call it with step, done and total."""

    def __init__(self, progress: Progress) -> None:
        self.progress = progress
        self.tasks: dict[str, TaskID] = {}

    def __call__(self, step: str, done: int, total: int) -> None:
        if not total:
            return
        if step not in self.tasks:
            self.tasks[step] = self.progress.add_task(step)
        self.progress.update(self.tasks[step], completed=done, total=total)
