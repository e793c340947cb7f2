"""Pages under way, in a small file beside the run's lock, so that after a death it can be said which were lost."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

_SUFFIX = ".flight"


@dataclass
class Flight:
    """Notes each page when its request is handed to the downloader and when it is settled; the file stays short."""

    path: Path
    _under_way: dict[str, tuple[str, str]] = field(default_factory=dict)
    _file: TextIO | None = None

    def began(self, page: str, outlet: str, url: str) -> None:
        self._under_way[page] = outlet, url
        self._note([page, outlet, url])

    def ended(self, page: str) -> None:
        if self._under_way.pop(page, None):
            self._note([page])

    def under_way(self, outlet: str) -> list[str]:
        """The outlet's pages that were asked for and not settled."""
        return [url for owner, url in self._under_way.values() if owner == outlet]

    def close(self) -> None:
        """The run's end is accounted for, so nobody has to look here any more."""
        if self._file:
            self._file.close()
            self._file = None
        self.path.unlink(missing_ok=True)

    def _note(self, line: list[str]) -> None:
        """Flushed to the system, not to the disk: it outlives the process, and that is the death that is common."""
        if self._file is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self.path.open("w", encoding="utf-8")
        if not self._under_way:
            self._file.seek(0)
            self._file.truncate()
        else:
            self._file.write(json.dumps(line) + "\n")
        self._file.flush()


def flight_file(home: Path, run: str) -> Path:
    return home / "runs" / f"{run}{_SUFFIX}"


def lost(path: Path) -> dict[str, list[str]]:
    """The pages that a dead run had under way, by outlet; none when it left no file."""
    pages: dict[str, tuple[str, str]] = {}
    if not path.exists():
        return {}
    for line in path.read_text("utf-8", errors="replace").splitlines():
        try:
            page, *began = json.loads(line)
        except ValueError:  # cut short by the death itself
            break
        if began:
            pages[page] = began[0], began[1]
        else:
            pages.pop(page, None)
    found: dict[str, list[str]] = {}
    for outlet, url in pages.values():
        found.setdefault(outlet, []).append(url)
    return found
