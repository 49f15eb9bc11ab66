"""What the sandbox runs: programs, their limits and their results."""

from collections.abc import Mapping
from typing import Literal

import msgspec

KIBIBYTE = 1024
MEBIBYTE = 1024 * KIBIBYTE

ProgramKind = Literal["function", "expression", "condition"]


class Program(msgspec.Struct, frozen=True, kw_only=True):
    """One piece of JavaScript and the limits it runs under.

    The language is that of QuickJS (ECMAScript 2025). There are no modules, timers, files or network: only
    the built-in objects, `console` and the bindings.

    Attributes:
        kind: `function`: `source` is the body of an async function, its value is what it returns.
            `expression`: `source` is one expression, its value is the result. `condition`: as `expression`,
            but only the truth of the result is wanted, which need not be JSON.
        source: the JavaScript text.
        bindings: JSON values that the program finds as global variables of these names.
        timeout: limit of the run in seconds, without the time spent waiting for a worker.
        memory_limit: limit of the JavaScript heap in bytes.
        output_limit: limit in bytes of the result as JSON text (more is an error), and of what the program
            prints (more is cut).
    """

    kind: ProgramKind
    source: str
    bindings: Mapping[str, object] = {}
    timeout: float = 5.0
    memory_limit: int = 64 * MEBIBYTE
    output_limit: int = 4 * MEBIBYTE


class ProgramResult(msgspec.Struct, frozen=True):
    """What a program gave.

    Attributes:
        value: the result after `JSON.stringify`: `undefined` and nothing are None, and so are NaN and the
            infinities, as JSON has it. Always None for a `condition`.
        truthy: whether JavaScript takes the result as true.
        stdout: what the program printed with `console`, a line each.
    """

    value: object
    truthy: bool
    stdout: str
