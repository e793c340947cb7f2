"""What a few pages of an outlet show: whether there is text on them, and in which languages."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from crawlers.record.look import READ, Answer
from index_config.languages import map_code
from processing.pool import Page, Processed, extract_many

_SECONDS = 30.0  # one page may take


@dataclass(frozen=True)
class Sampled:
    """The languages, the most frequent first, and remarks in whole sentences."""

    languages: tuple[str, ...]
    remarks: tuple[str, ...]


def read(samples: Sequence[Answer], declared: str | None) -> Sampled:
    """Extract the sample pages; `declared` is the language the home page says, believed where they do not tell."""
    fetched = [sample for sample in samples if sample.outcome == READ]
    pages = [Page(sample.url, sample.body, sample.url, sample.content_type) for sample in fetched]
    results = [result for _, result in extract_many(pages, workers=1, timeout=_SECONDS)]
    texts = [result for result in results if isinstance(result, Processed)]
    remarks = [f"Text was found on {len(texts)} of {len(samples)} sample pages."]
    others = Counter(sample.outcome for sample in samples if sample.outcome != READ)
    others.update(str(result.outcome) for result in results if not isinstance(result, Processed))
    if others:
        remarks.append(
            "The others: " + ", ".join(f"{count} {outcome}" for outcome, count in others.most_common()) + "."
        )
    found = Counter(text.language.code for text in texts if text.language.code != "und")
    said = map_code(declared)
    if said and found and said not in found:
        remarks.append(f"The home page says its language is {said}, but the sample pages are written in another.")
    languages = tuple(code for code, _ in found.most_common()) or ((said,) if said else ())
    return Sampled(languages, tuple(remarks))
