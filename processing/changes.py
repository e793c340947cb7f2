"""What changed in an article, in few lines: the companion of a WARC file has one line of JSON for each change in it."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from difflib import unified_diff
from pathlib import Path
from typing import Any

from processing.passages import sentences

CHANGES = ".changes.jsonl"
MOST = 4_000
"""Characters of a diff: enough to see what was changed; the whole texts are in the WARC files."""
_READ = 60_000  # characters of each text that are compared; more is a live blog
_SENTENCE = 600
_CUT = "…"


@dataclass(frozen=True, kw_only=True)
class Change:
    """One line: an article's text became another, it vanished, or it came back."""

    article: str
    url: str
    event: str
    at: str
    offset: int
    status: int
    old_text_hash: str | None = None
    new_text_hash: str | None = None
    diff: str | None = None

    def to_document(self) -> dict[str, Any]:
        return {name: value for name, value in asdict(self).items() if value is not None}


def diff(old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    """What was taken out (-) and put in (+) between two documents of an article, by title and sentence."""
    lines = list(unified_diff(_lines(old), _lines(new), n=0, lineterm=""))[2:]  # without the names of files
    text = "\n".join(line for line in lines if not line.startswith("@@"))
    return text if len(text) <= MOST else text[: MOST - 1] + _CUT


def _lines(document: Mapping[str, Any]) -> list[str]:
    (text,) = document["text"].values()
    text = text[:_READ]
    spans = sentences(text, document["language"])
    return [document.get("title") or "", *(text[start:end][:_SENTENCE] for start, end in spans)]


def write(warc: Path, changes: Iterable[Change]) -> None:
    """Put the companion beside a WARC file, whole or not at all; a file without changes has none.

    Processing the file again writes the same.
    """
    path = warc.with_name(warc.name + CHANGES)
    lines = [
        json.dumps(one.to_document(), ensure_ascii=False)
        for one in sorted(changes, key=lambda one: (one.offset, one.event))
    ]
    if not lines:
        path.unlink(missing_ok=True)
        return
    temporary = path.with_suffix(".tmp")
    temporary.write_text("".join(f"{line}\n" for line in lines), "utf-8", errors="replace")
    temporary.replace(path)
