"""Outlet files as text: YAML in, plain values and the line of each out. Hostile files end in one clear problem."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

MAX_BYTES = 64 * 1024  # a real outlet file has under 2 kB
MAX_DEPTH = 10

Key = tuple[str | int, ...]


class FileProblem(Exception):
    """The file cannot be read as a mapping at all."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line


@dataclass
class Marked:
    """A file's values, where each stands, and what was written there before YAML gave it a type."""

    value: dict[str, Any]
    lines: dict[Key, int] = field(default_factory=dict)
    sources: dict[Key, str] = field(default_factory=dict)
    duplicates: list[tuple[Key, int]] = field(default_factory=list)

    def line(self, key: Key) -> int:
        """The line of a key, or of what it should stand in."""
        while key not in self.lines and key:
            key = key[:-1]
        return self.lines.get(key, 1)


def read(path: Path) -> Marked:
    """Read one file.

    Raises:
        FileProblem: it is unreadable, too big, not UTF-8, not YAML, or no mapping; or it uses what no outlet needs.
    """
    text = _text(path)
    try:
        _refuse_tricks(text)
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.reader.ReaderError as error:
        line = text[: error.position].count("\n") + 1
        raise FileProblem(line, f"character {chr(error.character)!r} is not allowed in YAML; delete it") from error
    except yaml.MarkedYAMLError as error:
        raise FileProblem(*_explain(error)) from error
    if not isinstance(root, yaml.MappingNode):
        raise FileProblem(1, "is empty or no list of keys; begin with a line like 'id: example_daily'")
    marked = Marked({})
    marked.value = _mapping(root, (), marked)
    return marked


def _text(path: Path) -> str:
    if path.exists() and not path.is_file():
        raise FileProblem(1, "is no file; move it out of the folder of outlet files")
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise FileProblem(1, f"cannot be read: {error.strerror}") from error
    if len(data) > MAX_BYTES:
        raise FileProblem(1, f"is larger than {MAX_BYTES // 1024} kB; an outlet file has about ten lines")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise FileProblem(line, f"byte 0x{data[error.start]:02x} is not UTF-8; save the file as UTF-8") from error


def _refuse_tricks(text: str) -> None:
    """Anchors unfold into gigabytes, tags build objects, depth exhausts the stack: none is needed here."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        line = event.start_mark.line + 1 if event.start_mark else 1
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise FileProblem(
                line, "anchors (&) and aliases (*) are not used in outlet files; write the value out, or quote it"
            )
        if tag := getattr(event, "tag", None):
            raise FileProblem(line, f"the tag {tag!r} is not used in outlet files; delete it, or quote the value")
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_DEPTH:
            raise FileProblem(line, f"is nested more than {MAX_DEPTH} levels deep; outlet files need three")


def _explain(error: yaml.MarkedYAMLError) -> tuple[int, str]:
    mark = error.problem_mark or error.context_mark
    problem = str(error.problem)
    if "\\t" in problem:
        problem = "a tab; YAML indents with spaces"
    elif "mapping values are not allowed" in problem:
        problem += "; put a text that holds ': ' in quotes, and check the indentation"
    return (mark.line + 1 if mark else 1), f"is not valid YAML: {problem}"


def _mapping(node: yaml.MappingNode, key: Key, marked: Marked) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name_node, value_node in node.value:
        name = name_node.value if isinstance(name_node, yaml.ScalarNode) else "?"
        line = name_node.start_mark.line + 1
        if name in values:
            marked.duplicates.append(((*key, name), line))
            continue
        marked.lines[*key, name] = line
        values[name] = _value(value_node, (*key, name), marked)
    return values


def _value(node: yaml.Node, key: Key, marked: Marked) -> Any:
    if isinstance(node, yaml.MappingNode):
        return _mapping(node, key, marked)
    if isinstance(node, yaml.SequenceNode):
        for position, item in enumerate(node.value):
            marked.lines[*key, position] = item.start_mark.line + 1
        return tuple(_value(item, (*key, position), marked) for position, item in enumerate(node.value))
    marked.sources[key] = node.value
    try:
        return yaml.SafeLoader("").construct_object(node)
    except (ValueError, yaml.YAMLError):  # looks like a date or a number and is none, as 2026-99-99
        return node.value
