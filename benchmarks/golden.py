"""The golden pages: pages we wrote in the structure of real ones, each beside what a person read on it."""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from crawlers.outlet import Selectors
from processing.article import Extracted
from processing.extract import Rejected, extract

FIXTURES = Path(__file__).parents[1] / "tests" / "fixtures"
OUTLETS, PAGES = FIXTURES / "outlets", FIXTURES / "pages"


@dataclass(frozen=True)
class Golden:
    """One folder with page.html and expected.json."""

    folder: Path

    @property
    def name(self) -> str:
        return self.folder.name

    @cached_property
    def expected(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.folder / "expected.json").read_text(encoding="utf-8"))
        return found

    def read(self, selectors: Selectors | None = None) -> Extracted | Rejected:
        return extract((self.folder / "page.html").read_bytes(), url=self.expected["url"], selectors=selectors)


def golden_pages() -> list[Golden]:
    folders = [*OUTLETS.iterdir(), *(path for path in PAGES.iterdir() if path.is_dir())]
    return [Golden(folder) for folder in sorted(folders)]
