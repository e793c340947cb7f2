"""The mapping files as Elasticsearch wants them, and how an index that is there differs from them."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from index_config.languages import OTHER, read

FOLDER = Path(__file__).parent
SHARED = {"article-versions": "articles", "narratives-history": "narratives"}  # the same documents, so the same file
PER_LANGUAGE = "one text field per language"  # stands in a mapping file for the languages of languages.yml


@dataclass(frozen=True)
class Wanted:
    """What one index must be: the bodies Elasticsearch takes, and a hash that names them."""

    mappings: dict[str, Any]
    settings: dict[str, Any]

    @property
    def hash(self) -> str:
        """The same for the same mapping and settings, whatever the order of their keys."""
        return hashlib.sha256(json.dumps([self.mappings, self.settings], sort_keys=True).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Difference:
    """Dotted names: properties the index lacks, and what it has otherwise than wanted and cannot change in place."""

    added: tuple[str, ...]
    incompatible: tuple[str, ...]


def load(alias: str, folder: Path = FOLDER) -> Wanted:
    """The mapping and settings of one of `ALIASES`: languages filled in, and the analyzers it uses defined."""
    body = json.loads((folder / f"{SHARED.get(alias, alias)}.json").read_text(encoding="utf-8"))
    mappings, settings = body["mappings"], dict(body["settings"])
    mappings["properties"] = _expand(mappings["properties"], folder)
    analysis = json.loads((folder / "analysis.json").read_text(encoding="utf-8"))
    if used := _used(analysis, set(_analyzers(mappings["properties"]))):
        settings["analysis"] = used
    return Wanted(mappings, settings)


def _expand(properties: dict[str, Any], folder: Path) -> dict[str, Any]:
    if PER_LANGUAGE not in properties.values():
        return properties
    lines = read(folder / "languages.yml").lines
    fields = {line.code: {"type": "text", "analyzer": line.analyzer} for line in lines.values()}
    fields[OTHER] = {"type": "text", "analyzer": "folding"}
    return {name: {"properties": fields} if value == PER_LANGUAGE else value for name, value in properties.items()}


def _analyzers(properties: dict[str, Any]) -> Iterator[str]:
    for definition in properties.values():
        if "analyzer" in definition:
            yield definition["analyzer"]
        for children in ("properties", "fields"):
            yield from _analyzers(definition.get(children, {}))


def _used(analysis: dict[str, Any], names: set[str]) -> dict[str, Any]:
    """The part of `analysis.json` these analyzers need; unused ones would only make an index differ from its file."""
    used: dict[str, Any] = {"analyzer": {name: body for name, body in analysis["analyzer"].items() if name in names}}
    if not used["analyzer"]:
        return {}
    for kind in ("char_filter", "tokenizer", "filter"):
        parts = [part for body in used["analyzer"].values() for part in _listed(body.get(kind))]
        defined = {part: analysis[kind][part] for part in parts if part in analysis.get(kind, {})}
        if defined:
            used[kind] = defined
    return used


def _listed(value: str | list[str] | None) -> list[str]:
    return [value] if isinstance(value, str) else value or []


def compare(wanted: Wanted, mappings: dict[str, Any], settings: dict[str, Any]) -> Difference:
    """Compare with an index's mapping and `settings["index"]` as Elasticsearch returns them.

    Only a property that is new can be put in place without losing anything: documents already there have no value
    for it. A new sub-field of an old property would stay empty for them, so it counts as incompatible. Replicas may
    be changed by the operator at any time, so they are not compared.
    """
    want, have = _fields(wanted.mappings.get("properties", {})), _fields(mappings.get("properties", {}))
    added = tuple(name for name in want if name not in have)
    changed = [name for name in want if name in have and want[name] != have[name]]
    removed = [name for name in have if name not in want]
    want_settings, have_settings = _static(wanted.settings), _static(settings)
    names = want_settings.keys() | have_settings.keys()
    different = sorted(name for name in names if want_settings.get(name) != have_settings.get(name))
    if mappings.get("dynamic") != wanted.mappings.get("dynamic"):
        different.append("dynamic")
    return Difference(added, (*changed, *removed, *different))


def _fields(properties: dict[str, Any], above: str = "") -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for name, definition in properties.items():
        own = {key: value for key, value in definition.items() if key != "properties"}
        if own.get("type") == "object":  # Elasticsearch leaves the word out when it has properties to show
            del own["type"]
        fields[above + name] = own
        fields |= _fields(definition.get("properties", {}), f"{above}{name}.")
    return fields


def _static(settings: dict[str, Any]) -> dict[str, Any]:
    kept = {name: settings[name] for name in ("number_of_shards", "analysis") if name in settings}
    return dict(_dotted(kept))


def _dotted(value: Any, above: str = "") -> Iterator[tuple[str, Any]]:
    """Elasticsearch returns every setting as a string or a list of strings."""
    if isinstance(value, dict):
        for name, below in value.items():
            yield from _dotted(below, f"{above}.{name}" if above else name)
    else:
        yield above, [str(item) for item in value] if isinstance(value, list) else str(value)
