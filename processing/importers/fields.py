"""One record of untrusted values (a JSON object, a CSV row, a text card's parts) to a `Narrative`, or why not."""

import re
from collections.abc import Callable, Iterator, Mapping
from urllib.parse import urlsplit

from processing.importers.names import iso_date, language_code
from processing.importers.problem import BadField, CardProblem, Located, shown
from processing.narrative import ANY, Narrative, Words, slug, without_ellipsis

MAX_ID_BYTES = 256  # Elasticsearch takes 512 for an id, and ours become part of longer ones
MAX_TITLE = 2_000
MAX_TEXT = 100_000
MAX_ITEMS = 1_000
MAX_ITEM = 1_000  # an outlet, a country, a keyword: longer ones could not be filtered by
_CONTROLS = re.compile(r"[\x01-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")
_SURROGATES = re.compile(r"[\ud800-\udfff]")


def read_fields(values: Mapping[str, object], file: str, line: int) -> Iterator[Located | CardProblem]:
    """Warnings about parts that had to be left out, then the card; or one problem, and the card is lost.

    Fields are those of `Narrative`; a card without an id gets its title's slug; `titles` is another name for
    `translations`, `parent` for `broader`; names that are no field are ignored; a text is also taken where a list is
    expected, parts between `;`.
    """
    warnings: list[str] = []
    try:
        narrative = _narrative(values, warnings.append)
    except BadField as problem:
        yield CardProblem(file, line, str(problem))
        return
    for message in warnings:
        yield CardProblem(file, line, message, warning=True)
    yield Located(narrative, file, line)


def _narrative(values: Mapping[str, object], warn: Callable[[str], object]) -> Narrative:
    title = _title(values.get("title"))
    languages = _languages(values, warn)
    translations = _translations(values, warn)
    language = _own_language(values, title, languages, warn)
    if translations.get(language) == title:
        del translations[language]
    identifier = _id(values.get("id"), title)
    return Narrative(
        id=identifier,
        title=title,
        summary=_text(values, "summary"),
        response=_text(values, "response"),
        date=_date(values.get("date"), warn),
        language=language,
        languages=languages,
        related_claims=_list(values, "related_claims", longest=MAX_TITLE),
        url=_url(values, warn),
        translations=translations,
        examples=_texts(values, "examples"),
        counter_examples=_texts(values, "counter_examples"),
        phrases=_words(values, "phrases", warn),
        required=_words(values, "required", warn),
        excluded=_words(values, "excluded", warn),
        countries=_list(values, "countries"),
        outlets=_list(values, "outlets"),
        keywords=_list(values, "keywords"),
        related=_list(values, "related"),
        broader=_broader(values, identifier, warn),
    )


def _clean(name: str, value: object, longest: int) -> str:
    """Text without control characters (a terminal would obey them), outer blanks, or more than `longest` characters."""
    if not isinstance(value, str):
        raise BadField(f"`{name}` is {shown(value)}, not text; write it in quotes, or leave it out")
    if "\0" in value:
        raise BadField(f"`{name}` holds a NUL character ({shown(value)}); remove it")
    if _SURROGATES.search(value):
        raise BadField(f"`{name}` holds bytes that are not UTF-8 ({shown(value)}); save the file as UTF-8")
    if len(value) > longest:
        raise BadField(f"`{name}` has {len(value)} characters ({shown(value)}); the most is {longest}")
    return _CONTROLS.sub(" ", value.replace("\r\n", "\n")).strip()


def _title(value: object) -> str:
    if value is None:
        raise BadField("there is no `title`; every card needs one")
    title = " ".join(_clean("title", value, MAX_TITLE).split())
    if not any(letter.isalnum() for letter in without_ellipsis(title)):
        raise BadField(f"`title` is {shown(value)}, without a word; write the claim there")
    return title


def _id(value: object, title: str) -> str:
    value = _digits(value)
    if value is None or value == "":
        return slug(title)
    identifier = _clean("id", value, MAX_ID_BYTES)
    if not _may_be_id(identifier):
        raise BadField(f"`id` is {shown(value)}; use up to {MAX_ID_BYTES} bytes without blanks, or leave it out")
    return identifier


def _digits(value: object) -> object:
    """An id that is given as a number, as text; anything else as it is."""
    number = isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**30
    return str(value) if number else value


def _may_be_id(text: str) -> bool:
    return bool(text) and len(text.encode()) <= MAX_ID_BYTES and not re.search(r"\s", text)


def _broader(values: Mapping[str, object], own: str, warn: Callable[[str], object]) -> str | None:
    name = "broader" if values.get("broader") is not None else "parent"
    identifier = _text({name: _digits(values.get(name))}, name)
    if identifier is None:
        return None
    if identifier == own or not _may_be_id(identifier):
        warn(f"`{name}` {shown(identifier)} is left out; write the id of another card, that of the wider narrative")
        return None
    return identifier


def _text(values: Mapping[str, object], name: str) -> str | None:
    value = values.get(name)
    return None if value is None else _clean(name, value, MAX_TEXT) or None


def _list(values: Mapping[str, object], name: str, longest: int = MAX_ITEM) -> tuple[str, ...]:
    value = values.get(name)
    if value is None:
        return ()
    parts = value.split(";") if isinstance(value, str) else value
    if not isinstance(parts, list):
        raise BadField(f'`{name}` is {shown(value)}, not a list; write ["a", "b"], or "a; b"')
    if len(parts) > MAX_ITEMS:
        raise BadField(f"`{name}` has {len(parts)} items; the most is {MAX_ITEMS}")
    items = (" ".join(_clean(name, part, longest).split()) for part in parts)
    return tuple(dict.fromkeys(item for item in items if item))


def _date(value: object, warn: Callable[[str], object]) -> str | None:
    text = None if value is None else _clean("date", value, MAX_TEXT)
    if not text:
        return None
    found = iso_date(text[:100])
    if found is None:
        warn(f"`date` {shown(text)} is left out; write it like 2015-05-26")
    return found


def _languages(values: Mapping[str, object], warn: Callable[[str], object]) -> tuple[str, ...]:
    codes: dict[str, None] = {}
    for name in _list(values, "languages"):
        code = language_code(name)
        if code:
            codes[code] = None
        else:
            warn(f"`languages` {shown(name)} is left out; use an English language name or a code like uk")
    return tuple(codes)


def _own_language(
    values: Mapping[str, object], title: str, spread: tuple[str, ...], warn: Callable[[str], object]
) -> str:
    """What the card says; else English, as nearly all cards are, unless the title's letters are mostly not Latin."""
    value = values.get("language")
    name = "" if value is None else _clean("language", value, MAX_ITEM)
    code = language_code(name) if name else None
    if code:
        return code
    if name:
        warn(f"`language` {shown(name)} is left out; use an English language name or a code like uk")
    letters = [letter for letter in title if letter.isalpha()]
    latin = sum(letter < "\u0250" for letter in letters)
    if 2 * latin >= len(letters):
        return "en"
    return spread[0] if spread else "und"


def _url(values: Mapping[str, object], warn: Callable[[str], object]) -> str | None:
    address = _text(values, "url")
    if address is None:
        return None
    try:
        parts = urlsplit(address)
        if parts.scheme in {"http", "https"} and parts.hostname and not re.search(r"\s", address):
            return address
    except ValueError:  # such as an address with an unclosed bracket: warned about as any other
        parts = None
    warn(f"`url` {shown(address)} is left out; write a web address that begins with https://")
    return None


def _translations(values: Mapping[str, object], warn: Callable[[str], object]) -> dict[str, str]:
    name = "translations" if values.get("translations") is not None else "titles"
    value = values.get(name)
    if value is None or value == "":
        return {}
    if not isinstance(value, dict):
        raise BadField(f'`{name}` is {shown(value)}, not an object; write {{"uk": "…", "ru": "…"}}')
    titles: dict[str, str] = {}
    for language, title in list(value.items())[:MAX_ITEMS]:
        code = language_code(language)
        text = "" if title is None else " ".join(_clean(f"{name}.{shown(language)}", title, MAX_TITLE).split())
        if code is None:
            warn(f"`{name}` in {shown(language)} is left out; use a code like uk")
        elif text:
            titles[code] = text
    return titles


def _words(values: Mapping[str, object], name: str, warn: Callable[[str], object]) -> Words:
    """Words by language; a list, or a text with `;` between items, counts in all languages."""
    value = values.get(name)
    if not isinstance(value, dict):
        words = _list(values, name)
        return {ANY: words} if words else {}
    found: Words = {}
    for language, part in list(value.items())[:MAX_ITEMS]:
        code = ANY if language == ANY else language_code(language)
        words = _list({f"{name}.{language}": part}, f"{name}.{language}")
        if code is None:
            warn(f"`{name}` in {shown(language)} is left out; use a code like uk, or * for all languages")
        elif words:
            found[code] = tuple(dict.fromkeys(found.get(code, ()) + words))
    return found


def _texts(values: Mapping[str, object], name: str) -> tuple[str, ...]:
    """A list of texts; a single one needs no list, since a text may hold any character that could separate."""
    value = values.get(name)
    if value is None:
        return ()
    parts = value if isinstance(value, list) else [value]
    if len(parts) > MAX_ITEMS:
        raise BadField(f"`{name}` has {len(parts)} items; the most is {MAX_ITEMS}")
    texts = (_clean(name, part, MAX_TEXT) for part in parts)
    return tuple(dict.fromkeys(text for text in texts if text))
