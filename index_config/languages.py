"""`languages.yml` as data: which languages have a text field, and what other codes for them mean."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pycountry
import yaml

from narrawatch.errors import NarrawatchError

FILE = Path(__file__).with_name("languages.yml")
OTHER = "other"
NO_LANGUAGE = {"und", "mul", "mis", "zxx"}  # ISO 639-3 has codes for "not one language", too


class LanguagesError(NarrawatchError):
    """`languages.yml` cannot be used; the message names file, line, value and remedy."""


@dataclass(frozen=True)
class LanguageLine:
    """One language with a text field of its own, and the analyzer of that field."""

    code: str
    name: str
    analyzer: str


@dataclass(frozen=True)
class Languages:
    """The whole file: languages by code, and the codes that mean one of them."""

    lines: dict[str, LanguageLine]
    same: dict[str, str]


def read(path: Path) -> Languages:
    """Read a file like `languages.yml`.

    Raises:
        LanguagesError: it is not YAML, a code was read as true or false, a line is incomplete or there twice, or a
            code is said to be the same as one that has no line.
    """
    try:
        root = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    except (OSError, UnicodeError) as error:
        raise LanguagesError(f"{path}: cannot be read ({error})") from error
    except yaml.YAMLError as error:
        raise LanguagesError(f"{path}: not YAML ({' '.join(str(error).split())})") from error
    parts = _pairs(path, root)
    if set(parts) != {"languages", "same"}:
        raise LanguagesError(f"{path}: has the keys {', '.join(parts) or 'none'}; it needs `languages` and `same`")
    lines = {code: _line(path, code, node) for code, node in _pairs(path, parts["languages"]).items()}
    same = {code: _text(path, node) for code, node in _pairs(path, parts["same"]).items()}
    for code, target in same.items():
        if target not in lines or code in lines:
            raise LanguagesError(
                f"{path}: `{code}: {target}` under `same` must lead from a code without a line to one with"
            )
    return Languages(lines, same)


def _pairs(path: Path, node: yaml.Node | None) -> dict[str, yaml.Node]:
    if not isinstance(node, yaml.MappingNode):
        raise LanguagesError(f"{path}{_at(node)}: expected `key: value` lines")
    pairs: dict[str, yaml.Node] = {}
    for key_node, value in node.value:
        key = _text(path, key_node)
        if key in pairs:
            raise LanguagesError(f"{path}{_at(key_node)}: `{key}` is there twice; remove one")
        pairs[key] = value
    return pairs


def _line(path: Path, code: str, node: yaml.Node) -> LanguageLine:
    values = {key: _text(path, value) for key, value in _pairs(path, node).items()}
    if set(values) != {"name", "analyzer"}:
        raise LanguagesError(f"{path}{_at(node)}: `{code}` needs `name` and `analyzer`, and nothing else")
    if not (code.isascii() and code.isalpha() and code.islower() and len(code) in {2, 3}):
        raise LanguagesError(
            f"{path}{_at(node)}: `{code}` is no code of ISO 639-1 or 639-3; use two or three small letters"
        )
    return LanguageLine(code, **values)


def _text(path: Path, node: yaml.Node) -> str:
    if node.tag == "tag:yaml.org,2002:bool":
        raise LanguagesError(
            f"{path}{_at(node)}: YAML reads {node.value} as a truth value; write '{node.value}' in quotes to mean a code"
        )
    if not isinstance(node, yaml.ScalarNode) or node.tag != "tag:yaml.org,2002:str" or not node.value:
        raise LanguagesError(f"{path}{_at(node)}: expected a word; put quotes around it if it is one")
    return str(node.value)


def _at(node: yaml.Node | None) -> str:
    return f":{node.start_mark.line + 1}" if node is not None else ""


@cache
def _ours() -> Languages:
    return read(FILE)


def languages() -> dict[str, LanguageLine]:
    """The languages of `languages.yml` by code. Raises `LanguagesError` when the file cannot be used."""
    return _ours().lines


def text_field(code: str) -> str:
    """The property of `text` (and of a card's `claim`) that holds text in this language: its code, or `other`."""
    return code if code in languages() else OTHER


@cache
def map_code(raw: str | None) -> str | None:
    """Our code for what a page or a detector says: `nb` → `no`, `zh_Hans_CN` → `zh`, `rus` → `ru`, `iw` → `he`.

    A language that has no line keeps its code of ISO 639-1, else 639-3. None when no language is named.
    """
    code = (raw or "").strip().replace("_", "-").split("-")[0].lower()
    if code in languages():
        return code
    if code in _ours().same:
        return _ours().same[code]
    if len(code) not in {2, 3} or not code.isascii() or code in NO_LANGUAGE:
        return None
    known = pycountry.languages.get(**{"alpha_2" if len(code) == 2 else "alpha_3": code})
    known = known or pycountry.languages.get(bibliographic=code)
    return (getattr(known, "alpha_2", None) or known.alpha_3) if known else None
