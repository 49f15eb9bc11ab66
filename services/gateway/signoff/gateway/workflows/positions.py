"""Where the parts of a definition's file stand: lines by path, for what is said of a path."""

import re
from collections.abc import Iterator, Mapping
from typing import Final

import yaml

from signoff.engine.definitions.faults import at

_TOKEN: Final = re.compile(r'"(?:[^"\\]|\\.)*+"|[\[\]{},:]|[^\s\[\]{},:"]++', re.DOTALL)
_LOADER: Final = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader
_CUT: Final = re.compile(r'\.[^.\[\]"]*$|\[\d+\]$|\["[^"]*"\]$')


class Positions:
    """The lines of one file.

    Args:
        lines: the line of each value, from 1, by its path.
        texts: the first line of each text that stands in the file line by line (YAML's ``|``), by its path.
    """

    def __init__(self, lines: Mapping[str, int], texts: Mapping[str, int]) -> None:
        self._lines = lines
        self._texts = texts

    def line(self, path: str, within: int | None = None) -> int | None:
        """The line of what a path names; of the nearest thing around it where it is not there.

        Args:
            path: as faults have it.
            within: a line of the text at the path, from 1, which counts where the text stands line by line.
        """
        if within is not None and path in self._texts:
            return self._texts[path] + within - 1
        while path not in self._lines:
            shorter = _CUT.sub("", path)
            if shorter == path:
                return self._lines.get("")
            path = shorter
        return self._lines[path]


def read_positions(text: str, *, is_json: bool) -> Positions:
    """Finds the lines of a text that was read without fault as JSON or YAML.

    Args:
        text: the file's.
        is_json: its format.
    """
    walk = _Walk()
    for step in _json_steps(text) if is_json else _yaml_steps(text):
        walk.take(*step)
    return Positions(walk.lines, walk.texts)


# What is met on the way: where something opens or stands (its line), or where something ends.
_OPEN_OBJECT: Final = "{"
_OPEN_LIST: Final = "["
_CLOSE: Final = "}"
_VALUE: Final = "value"
_LINES: Final = "|"
_Step = tuple[str, str, int]


class _Walk:
    """Follows the steps through a document, and notes the line of each path."""

    def __init__(self) -> None:
        self.lines: dict[str, int] = {}
        self.texts: dict[str, int] = {}
        self._around: list[tuple[str, int | None]] = []
        self._key: str | None = None
        self._key_line = 0

    def take(self, kind: str, text: str, line: int) -> None:
        if kind == _CLOSE:
            self._around.pop()
            return
        if self._around and self._around[-1][1] is None and self._key is None:
            self._key, self._key_line = text, line
            return
        path = self._next_path()
        if kind == _LINES:
            self.texts[path] = line + 1
        self.lines[path] = line if self._key is None else self._key_line
        self._key = None
        if kind in {_OPEN_OBJECT, _OPEN_LIST}:
            self._around.append((path, None if kind == _OPEN_OBJECT else 0))

    def _next_path(self) -> str:
        if not self._around:
            return ""
        parent, index = self._around[-1]
        if index is None:
            return at(parent, self._key or "")
        self._around[-1] = (parent, index + 1)
        return at(parent, index)


def _json_steps(text: str) -> Iterator[_Step]:
    line, done = 1, 0
    for match in _TOKEN.finditer(text):
        line += text.count("\n", done, match.start())
        done = match.start()
        piece = match[0]
        if piece in "}]":
            yield _CLOSE, "", line
        elif piece in "{[":
            yield piece, "", line
        elif piece not in ",:":
            yield _VALUE, _unquoted(piece), line


def _unquoted(piece: str) -> str:
    """A key as it reads; what is escaped in it is rare, and then only the nearest line is found."""
    return piece[1:-1] if piece.startswith('"') else piece


def _yaml_steps(text: str) -> Iterator[_Step]:
    for event in yaml.parse(text, Loader=_LOADER):
        line = 0 if event.start_mark is None else event.start_mark.line + 1
        match event:
            case yaml.MappingStartEvent():
                yield _OPEN_OBJECT, "", line
            case yaml.SequenceStartEvent():
                yield _OPEN_LIST, "", line
            case yaml.CollectionEndEvent():
                yield _CLOSE, "", line
            case yaml.ScalarEvent():
                yield _LINES if event.style == "|" else _VALUE, event.value, line
            case yaml.AliasEvent():
                yield _VALUE, "", line
            case _:
                pass
