"""What the sandbox runs and checks: programs, their limits, their results, and the faults of their text."""

from collections.abc import Mapping
from typing import Final, Literal, get_args

import msgspec

KIBIBYTE = 1024
MEBIBYTE = 1024 * KIBIBYTE

Language = Literal["javascript", "python"]
LANGUAGES: Final[tuple[Language, ...]] = get_args(Language)
ProgramKind = Literal["function", "expression", "condition"]


class Program(msgspec.Struct, frozen=True, kw_only=True):
    """One piece of code and the limits it runs under.

    JavaScript is that of QuickJS (ECMAScript 2025), Python that of Monty (a part of Python 3.14). There are
    no files and no network: only the built-in objects, some modules in Python, printing and the bindings.
    docs/sandbox.md says what is missing.

    Attributes:
        language: what `source` is written in.
        kind: `function`: `source` is the body of an async function, its value is what it returns; Python may
            assign it to `__sim_result__` instead. `expression`: `source` is one expression, its value is
            the result. `condition`: as `expression`, but only the truth of the result is wanted, which need
            not be JSON. Expressions and conditions are JavaScript.
        source: the text.
        bindings: JSON values that the program finds as global variables of these names.
        timeout: limit of the run in seconds, without the time spent waiting for a worker.
        memory_limit: limit of the program's heap in bytes.
        output_limit: limit in bytes of the result as JSON text (more is an error), and of what the program
            prints (more is cut).

    Raises:
        ValueError: an expression or a condition in Python.
    """

    kind: ProgramKind
    source: str
    language: Language = "javascript"
    bindings: Mapping[str, object] = {}
    timeout: float = 5.0
    memory_limit: int = 64 * MEBIBYTE
    output_limit: int = 4 * MEBIBYTE

    def __post_init__(self) -> None:
        if self.language == "python" and self.kind != "function":
            raise ValueError(f"Only functions may be Python; a {self.kind} is JavaScript")


class ProgramResult(msgspec.Struct, frozen=True):
    """What a program gave.

    Attributes:
        value: the result as JSON: `undefined` and nothing are None, and so are NaN and the infinities.
            Always None for a `condition`.
        truthy: whether the language takes the result as true.
        stdout: what the program printed.
    """

    value: object
    truthy: bool
    stdout: str


class CodeFault(msgspec.Struct, frozen=True, array_like=True):
    """What is wrong with the text of a program, found without running it.

    Attributes:
        message: what is wrong, in a sentence that needs no place.
        line: line of the source, from 1, where that is known.
        column: column in that line, from 1, where that is known.
        hint: what to do about it, where that can be known.
        warning: the program may run all the same: it may never come to the place, or expect the failure.
    """

    message: str
    line: int | None = None
    column: int | None = None
    hint: str | None = None
    warning: bool = False
