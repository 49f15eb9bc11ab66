"""One reading of what an author wrote, at two moments.

When a workflow is deployed, what holds a reference is not known yet: it is passed over, and every fault goes
to the findings with its place. When the block runs everything is known, and the first fault fails the block.
"""

from collections.abc import Collection, Iterator
from typing import Any

from signoff.engine.checks.values import is_open, shown
from signoff.engine.definitions.faults import Findings, at
from signoff.engine.definitions.reading import BlockPlace
from signoff.engine.definitions.values import coerce_value, parse_number
from signoff.engine.errors import InvalidValueError


class _Raising(Findings):
    """Takes no fault: there is nobody to collect them for."""

    __slots__ = ()

    def fault(self, path: str, message: str, hint: str | None = None, line: int | None = None) -> None:  # noqa: ARG002  (a parameter has no lines)
        raise InvalidValueError(f"{path}: {message}" + (f" ({hint})" if hint else ""))


class Inspection:
    """Reads values of one block's parameters; what is null counts as left out.

    A method that reads gives ``None`` for what is left out, not known yet, or at fault.

    Attributes:
        findings: takes the faults.
        resolved: whether the references are resolved.
    """

    __slots__ = ("_place", "findings", "resolved")

    def __init__(self, place: BlockPlace, findings: Findings, *, resolved: bool = False) -> None:
        self._place = place
        self.findings = findings
        self.resolved = resolved

    @classmethod
    def of_resolved(cls) -> "Inspection":
        """For parameters whose references are resolved: a fault raises `InvalidValueError`."""
        return cls(BlockPlace(id="", type="", name="", params=""), _Raising(), resolved=True)

    def path(self, param: str) -> str:
        """Where a parameter stands."""
        return self._place.param(param)

    def is_open(self, value: Any) -> bool:
        """Whether a value is not known yet."""
        return not self.resolved and is_open(value)

    def fault(self, path: str, message: str, hint: str | None = None) -> None:
        """Says what is wrong."""
        self.findings.fault(path, message, hint)

    def object_of(self, value: Any, path: str, known: Collection[str], hint: str) -> dict[str, Any] | None:
        """Reads an object that has these keys and no others."""
        if value is None or (isinstance(value, str) and self.is_open(value)):
            return None
        if not isinstance(value, dict):
            self.fault(path, f"must be an object, not {shown(value)}", hint)
            return None
        for key in [each for each in value if each not in known]:
            self.fault(at(path, key), "is not known here", self.findings.did_you_mean(key, known))
        return value

    def items(self, value: Any, path: str, most: int, hint: str) -> Iterator[tuple[str, Any]]:
        """Reads a list of at least one and at most so many: each entry with its path."""
        if value is None or (isinstance(value, str) and self.is_open(value)):
            return
        if not isinstance(value, list) or not value:
            self.fault(path, f"must be a list with at least one entry, not {shown(value)}", hint)
            return
        if len(value) > most:
            self.fault(path, f"must be a list of at most {most} entries, not {len(value)}")
            return
        for index, each in enumerate(value):
            yield at(path, index), each

    def whole(self, value: Any, path: str, most: int) -> int | None:
        """Reads a whole number from 1, or a text that holds one."""
        if value is None or self.is_open(value):
            return None
        number = parse_number(value) if isinstance(value, str) else value
        if isinstance(number, bool) or not isinstance(number, int) or not 1 <= number <= most:
            self.fault(path, f"must be a whole number from 1 to {most}, not {shown(value)}")
            return None
        return number

    def flag(self, value: Any, path: str) -> bool | None:
        """Reads true or false, or a text that says so."""
        if value is None or self.is_open(value):
            return None
        flag = coerce_value("boolean", value) if isinstance(value, str) else value
        if not isinstance(flag, bool):
            self.fault(path, f"must be true or false, not {shown(value)}")
            return None
        return flag

    def choice(self, value: Any, path: str, choices: Collection[str]) -> str | None:
        """Reads one of some words."""
        if value is None or self.is_open(value):
            return None
        if isinstance(value, str) and value in choices:
            return value
        hint = self.findings.did_you_mean(value, choices) if isinstance(value, str) else None
        self.fault(path, f"must be one of {', '.join(choices)}, not {shown(value)}", hint)
        return None
