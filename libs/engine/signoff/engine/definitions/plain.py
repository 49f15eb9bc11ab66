"""Plain JSON from whatever a JSON or YAML reader gave."""

import math
from typing import Any, Final

from signoff.engine.definitions.faults import Findings, at

MAX_DEPTH: Final = 100
"""Levels of lists and objects that a document may have, as any value that enters the system."""

MAX_VALUES: Final = 250_000
"""Values that a document may hold. YAML's aliases write any number of them in a few bytes."""

MAX_TEXT: Final = 10 * 1024 * 1024
"""Characters that the texts of a document may have in all."""


class Copier:
    """Copies a document, so that it is finite, plain JSON and nobody else's; what is not becomes null.

    Attributes:
        overflowed: the document was cut short, so that nothing more can be said about it.
    """

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self._values_left = MAX_VALUES
        self._text_left = MAX_TEXT
        self.overflowed = False

    def copy(self, value: object, path: str, depth: int) -> Any:
        """Copies a value that stands at a path, inside ``depth`` lists and objects."""
        self._values_left -= 1
        if self._values_left < 0:
            self._overflow(f"the definition holds more than {MAX_VALUES} values")
        if self.overflowed:
            return None
        if isinstance(value, str):
            return self._copy_text(value, path)
        if isinstance(value, list | dict):
            return self._copy_container(value, path, depth)
        return self._copy_scalar(value, path)

    def _overflow(self, message: str) -> None:
        if not self.overflowed:
            self._findings.fault("", message)
        self.overflowed = True

    def _copy_container(self, value: list[Any] | dict[Any, Any], path: str, depth: int) -> Any:
        if depth >= MAX_DEPTH:
            self._findings.fault(path, f"is nested too deeply: a definition has at most {MAX_DEPTH} levels")
            return None
        if isinstance(value, list):
            return self._copy_list(value, path, depth)
        return self._copy_object(value, path, depth)

    def _copy_list(self, value: list[Any], path: str, depth: int) -> list[Any]:
        copied: list[Any] = []
        for index, each in enumerate(value):
            copied.append(self.copy(each, at(path, index), depth + 1))
            if self.overflowed:
                break
        return copied

    def _copy_object(self, value: dict[Any, Any], path: str, depth: int) -> dict[str, Any]:
        copied: dict[str, Any] = {}
        for key, each in value.items():
            if isinstance(key, str):
                name = self._copy_text(key, path)
                copied[name] = self.copy(each, at(path, name), depth + 1)
            else:
                self._findings.fault(path, f"has a key that is a {type(key).__name__}", "write it in quotes")
            if self.overflowed:
                break
        return copied

    def _copy_text(self, text: str, path: str) -> str:
        self._text_left -= len(text)
        if self._text_left < 0:
            self._overflow(f"the texts of the definition hold more than {MAX_TEXT} characters")
        try:
            text.encode()
        except UnicodeEncodeError:
            self._findings.fault(path, "holds half of a surrogate pair, which is no character")
            return ""
        return text

    def _copy_scalar(self, value: object, path: str) -> bool | int | float | None:
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, float):
            if math.isfinite(value):
                return value
            self._findings.fault(path, "must be a finite number")
        elif isinstance(value, int):
            if -(2**63) <= value < 2**64:
                return value
            self._findings.fault(path, "is a whole number of over 64 bits", "write it as a text, in quotes")
        else:
            kind = type(value).__name__
            self._findings.fault(
                path, f"is a {kind}, which JSON does not have", "write it as a text, in quotes"
            )
        return None
