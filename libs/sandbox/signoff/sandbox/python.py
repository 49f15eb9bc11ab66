"""Python: one program in one fresh Monty session, in a process that Monty starts and we lock in.

A program's fault is an answer here, not an exception. A worker does not outlive Monty's process.
"""

import contextlib
import os
from collections.abc import Iterator
from typing import Final, Literal

import msgspec
from pydantic_monty import (
    Monty,
    MontyClassProxy,
    MontyCrashedError,
    MontyError,
    MontyRuntimeError,
    MontySession,
    MontySyntaxError,
    OSPolicy,
    ResourceLimits,
)

from signoff.sandbox.programs import CodeFault
from signoff.sandbox.python_names import Use, find_uses
from signoff.sandbox.wire import Check, Checked, Done, Failed, Job
from signoff.sandbox.worker import serve

_RESULT: Final = "__sim_result__"
_CUT = "\n[output cut here]\n"
_MESSAGE_LIMIT = 10_000
_MOST_USES = 50
_OS_POLICY: Final[OSPolicy] = {"datetime": "system", "timezone": "utc", "sleep_system_max": float("inf")}
_EVALUATED = "<string>"
"""The file name of what stands in a text given to `eval` or `exec`."""
_UNSUPPORTED = "The monty syntax parser does not yet support "
_DEEPER = b'"<deeply nested>"'
"""What Monty puts in the place of what is nested in a thousand levels."""
_MODULES_HINT = "docs/sandbox.md names the modules that are there"


class Python:
    """The machine of a worker for Python; it keeps nothing from one program to the next."""

    def __init__(self) -> None:
        # Whoever fills Monty's memory must not fill our log with its last words.
        with _without_stderr():
            # The pool of workers kills those that hang.
            self._monty = Monty(max_processes=1, feed_duration_limit_grace=None).__enter__()
            with self._monty.checkout() as session:
                session.feed_run("None")
        find_uses("é")  # once no file can be opened, Python's parser cannot import what it needs for this

    def run(self, job: Job) -> Done | Failed:
        """Run one program under its limits and say how it ended.

        Raises:
            MontyCrashedError: Monty's process is gone.
            MemoryError: this process has no memory left.
        """
        printed = _Printed(job.output_limit)
        bindings = msgspec.json.decode(job.bindings, type=dict[str, object])
        # What is returned at top level comes back as the value; else the last line is the value.
        source = f"{job.source}\n\n{_RESULT}"
        try:
            with self._session(job) as session:
                value = session.feed_run(
                    source, inputs={_RESULT: None, **bindings}, print_callback=printed.add
                )
        except MontyError as problem:
            return _failed(problem, job.source, stdout=printed.text())
        return _done(value, job.output_limit, printed.text())

    def check(self, check: Check) -> Checked | Failed:
        """Find the first thing that Monty does not take, or else what is imported or named and not there.

        Raises:
            MontyCrashedError: Monty's process is gone.
            MemoryError: this process has no memory left.
        """
        with self._session(check) as session:
            try:
                session.feed_run(f"return\n{check.source}")  # compiles all and runs one line: ours
            except MontyError as problem:
                failed = _failed(problem, check.source)
                if failed.reason != "error":
                    return failed
                return Checked([_syntax_fault(problem, check.source)])
            return Checked(list(_absent(check, session)))

    def _session(self, request: Job | Check) -> MontySession:
        limits: ResourceLimits = {
            "max_feed_duration_secs": request.timeout,
            "max_total_sleep_secs": request.timeout,
            "max_memory": request.memory_limit,
        }
        return self._monty.checkout(limits=limits, os_policy=_OS_POLICY, assert_message_annotations=False)


class _Printed:
    """What a program prints, up to a limit in bytes."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._bytes = bytearray()

    def add(self, _stream: str, text: str) -> None:
        if len(self._bytes) <= self._limit:
            self._bytes += text.encode()[: self._limit + 1 - len(self._bytes)]

    def text(self) -> str:
        if len(self._bytes) <= self._limit:
            return self._bytes.decode()
        return self._bytes[: self._limit].decode(errors="ignore") + _CUT


@contextlib.contextmanager
def _without_stderr() -> Iterator[None]:
    """What is started here has nowhere to complain."""
    ours = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    os.close(nowhere)
    try:
        yield
    finally:
        os.dup2(ours, 2)
        os.close(ours)


def _done(value: object, output_limit: int, stdout: str) -> Done | Failed:
    try:
        encoded = _encoder.encode(value)
    except RecursionError:
        encoded = _DEEPER
    except (TypeError, ValueError) as problem:
        return Failed("error", f"The result is not JSON: {problem}", stdout=stdout)
    if _DEEPER in encoded:
        return Failed("error", "The result is nested too deeply", stdout=stdout)
    if len(encoded) > output_limit:
        message = f"The result has {len(encoded)} bytes of JSON, more than the limit of {output_limit}"
        return Failed("error", message, stdout=stdout)
    return Done(encoded, truthy=bool(value), stdout=stdout)


def _plain(value: object) -> object:
    """What of the values that have no JSON has one after all: instances of dataclasses."""
    if isinstance(value, MontyClassProxy):
        if value.is_dataclass:
            return value.attributes
        raise TypeError(f"it holds an object of the class {value.name}")
    raise TypeError(f"it holds a value of the type {type(value).__name__}")


_encoder = msgspec.json.Encoder(enc_hook=_plain)


def _failed(problem: MontyError, source: str, *, stdout: str = "") -> Failed:
    if isinstance(problem, MontyCrashedError):
        raise problem
    inner = problem.exception()
    if isinstance(inner, MemoryError):
        # At this limit Monty's process may end itself, and we are not allowed to start another.
        return Failed("memory", stdout=stdout, spent=True)
    line, _ = _place(problem, source)
    if isinstance(inner, TimeoutError) and line is None:  # one that the program raised has a place
        return Failed("timeout", stdout=stdout)
    return Failed("error", _message(problem), line, stdout)


def _message(problem: MontyError, style: Literal["type-msg", "msg"] = "type-msg") -> str:
    if not isinstance(problem, MontySyntaxError | MontyRuntimeError):
        return str(problem)[:_MESSAGE_LIMIT]
    _, unsupported, what = problem.display("msg").partition(_UNSUPPORTED)
    if unsupported:
        return f"Not in the sandbox's Python: {what}"
    return problem.display(style)[:_MESSAGE_LIMIT]


def _place(problem: MontyError, source: str) -> tuple[int | None, int | None]:
    """The innermost place that is in the source; what is missing at its end is noticed after it."""
    if not isinstance(problem, MontySyntaxError | MontyRuntimeError):
        return None, None
    frame = next((f for f in reversed(problem.traceback()) if f.filename != _EVALUATED), None)
    if frame is None:
        return None, None
    last = source.count("\n") + 1
    return (frame.line, frame.column) if frame.line <= last else (last, len(source) - source.rfind("\n"))


def _syntax_fault(problem: MontyError, source: str) -> CodeFault:
    line, column = _place(problem, f"\n{source}")
    return CodeFault(_message(problem, "msg"), None if line is None else max(line - 1, 1), column)


def _absent(check: Check, session: MontySession) -> Iterator[CodeFault]:
    uses = find_uses(check.source)
    for use in uses.imports[:_MOST_USES]:
        problem = _try(use, session)
        if problem is not None:
            yield CodeFault(problem, use.line, use.column, _MODULES_HINT, warning=use.guarded)
    unknown = {name: use for name, use in uses.names.items() if name not in check.names and name != _RESULT}
    for use in list(unknown.values())[:_MOST_USES]:
        problem = _try(use, session)
        if problem is not None:
            yield CodeFault(problem, use.line, use.column, warning=True)


def _try(use: Use, session: MontySession) -> str | None:
    """Say what is wrong with an import or a name by trying it."""
    try:
        session.feed_run(f"{use.statement}\nNone")
    except MontyRuntimeError as problem:
        return problem.display("msg")[:_MESSAGE_LIMIT]
    return None


if __name__ == "__main__":
    serve(Python)
