"""Invented news in a given language: headlines, sentences, names and labels from `fixtures/invented/<language>.yml`."""

import random
from pathlib import Path

import yaml
from record_leaks import grams

STOCKS = Path(__file__).parent / "fixtures" / "invented"
WITHOUT_SPACES = {"zh", "ja"}


class Words:
    """Always the same inventions for the same seed, none of them twice, none that shares four words with `forbidden`."""

    def __init__(self, language: str, seed: str, forbidden: set[tuple[str, ...]]) -> None:
        path = STOCKS / f"{language}.yml"
        if not path.exists():
            known = ", ".join(sorted(path.stem for path in STOCKS.glob("*.yml")))
            raise SystemExit(f"{path}: not there; write it after the others ({known}), or name another --language")
        stock = yaml.safe_load(path.read_text(encoding="utf-8"))
        self.language, self.kept = language, set(stock["kept"])
        self.joint = "" if language in WITHOUT_SPACES else " "
        self._random = random.Random(seed)
        self._forbidden = forbidden
        self._used: set[str] = set()
        self._stock = {kind: self._shuffled(stock[kind]) for kind in ("headlines", "sentences", "labels", "people")}
        self._places = stock["places"]
        self._turn = dict.fromkeys(self._stock, 0)

    def _shuffled(self, values: list[str]) -> list[str]:
        return self._random.sample(values, len(values))

    def _next(self, kind: str) -> str:
        self._turn[kind] += 1
        return self._stock[kind][(self._turn[kind] - 1) % len(self._stock[kind])]

    def is_taken(self, text: str) -> bool:
        """Whether it has words of the original in a row."""
        return bool(grams(text) & self._forbidden)

    def person(self) -> str:
        return self._next("people")

    def place(self) -> str:
        return self._random.choice(self._places)

    def label(self) -> str:
        """A word or two, as in menus. The stock is small: past its end they come with a place."""
        label = self._next("labels")
        again = self._turn["labels"] > len(self._stock["labels"])
        return f"{label}{self.joint}{self.place()}" if again else label

    def headline(self) -> str:
        return self._filled("headlines")

    def sentences(self, length: int) -> str:
        """Whole sentences of about so many characters, at least one."""
        found = [self._filled("sentences")]
        while sum(map(len, found)) < 0.8 * length:
            found.append(self._filled("sentences"))
        return self.joint.join(found)

    def _filled(self, kind: str) -> str:
        for _ in range(500):
            text = self._next(kind).format(
                place=self.place(),
                person=self._random.choice(self._stock["people"]),
                n=self._random.randrange(3, 95),
            )
            if text not in self._used and not self.is_taken(text):
                self._used.add(text)
                return text
        raise SystemExit(f"{STOCKS / self.language}.yml: too few {kind} for this page; add some")
