"""JavaScript: one program in one fresh QuickJS context. A program's fault is an answer, not an exception."""

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal, TypeAlias

import msgspec
import quickjs

from signoff.sandbox.javascript_names import find_absent
from signoff.sandbox.programs import KIBIBYTE, MEBIBYTE, CodeFault, ProgramKind
from signoff.sandbox.wire import Check, Checked, Done, Failed, Job
from signoff.sandbox.worker import serve

_Steer: TypeAlias = Callable[..., str]
_Reason: TypeAlias = Literal["error", "timeout", "memory"]

_PRELUDE = Path(__file__).with_name("prelude.js").read_text(encoding="utf-8")
_STACK_BYTES = 512 * KIBIBYTE
_REPORT_SECONDS = 1.0
_REPORT_BYTES = MEBIBYTE
_CUT = "\n[output cut here]\n"
_PLACE = re.compile(r"<input>:(\d+):(\d+)")
_LINES_BEFORE_BODY = 2
"""`new AsyncFunction(body)` puts two lines before the body (ECMA-262, CreateDynamicFunction)."""
_COLUMNS_BEFORE_EXPRESSION = len("return (")
_NEVER_ENDED = "The program never ended: it awaits a promise that nothing settles, or its memory ran out"


class _Problem(msgspec.Struct):
    """What was thrown, as prelude.js tells it."""

    message: str
    stack: str


class _Report(_Problem):
    """How the program ended, as prelude.js tells it."""

    state: Literal["pending", "done", "thrown"]
    truthy: bool
    size: int
    """Length of the result's JSON in UTF-16 units, which is never more than its bytes."""


_encoder = msgspec.json.Encoder()
_report_decoder = msgspec.json.Decoder(_Report)
_problem_decoder: msgspec.json.Decoder[_Problem | None] = msgspec.json.Decoder(_Problem | None)
_text_decoder = msgspec.json.Decoder(str)


class JavaScript:
    """The machine of a worker for JavaScript; it keeps nothing from one program to the next."""

    def run(self, job: Job) -> Done | Failed:
        """Run one program under its limits and say how it ended.

        Raises:
            MemoryError: the process, not only the program, has no memory left.
        """
        context, steer = _fresh_context(job.memory_limit)
        deadline = time.monotonic() + job.timeout
        try:
            _drive(context, steer, job, deadline)
        except TimeoutError:
            return _failed("timeout", context, steer, job)
        except quickjs.JSException as problem:
            reason, message = _escaped(problem)
            return _failed(reason, context, steer, job, message=message)
        return _outcome(context, steer, job)

    def check(self, check: Check) -> Checked | Failed:
        """Find a syntax error, or else the names that are not there, without running the program.

        Raises:
            MemoryError: the process has no memory left.
        """
        context, steer = _fresh_context(check.memory_limit)
        context.set_time_limit(check.timeout)
        try:
            told = steer("check", _encoder.encode(check.source).decode(), check.kind)
        except quickjs.JSException as problem:
            return Failed(*_escaped(problem))
        thrown = _problem_decoder.decode(told)
        if thrown is not None:
            line, column = _place(thrown.stack, check.source, check.kind)
            return Checked([CodeFault(thrown.message, line, column)])
        return Checked(find_absent(check.source, check.names))


def _fresh_context(memory_limit: int) -> tuple[quickjs.Context, _Steer]:
    context = quickjs.Context()
    context.set_max_stack_size(_STACK_BYTES)
    steer: _Steer = context.eval(_PRELUDE)
    context.set_memory_limit(memory_limit)
    return context, steer


def _drive(context: quickjs.Context, steer: _Steer, job: Job, deadline: float) -> None:
    """Start the program and run its jobs until none is left."""
    context.set_time_limit(job.timeout)
    source = _encoder.encode(job.source).decode()
    steer("start", source, job.bindings.decode(), job.kind, job.output_limit)
    while context.execute_pending_job():
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        # The next job has only what is left: many short ones must not add up to more.
        context.set_time_limit(left)


def _outcome(context: quickjs.Context, steer: _Steer, job: Job) -> Done | Failed:
    _leave_room_to_report(context, job)
    try:
        report = _report_decoder.decode(steer("report"))
    except quickjs.JSException:
        return _failed("memory", context, steer, job)
    if report.state == "pending":
        return _failed("error", context, steer, job, message=_NEVER_ENDED)
    if report.state == "thrown":
        if report.message == "out of memory":
            return _failed("memory", context, steer, job)
        line, _ = _place(report.stack, job.source, job.kind)
        return _failed("error", context, steer, job, message=report.message, line=line)
    value = steer("value").encode() if report.size <= job.output_limit else b""
    size = max(report.size, len(value))
    if size > job.output_limit:
        message = f"The result has {size} bytes of JSON, more than the limit of {job.output_limit}"
        return _failed("error", context, steer, job, message=message)
    return Done(value=value, truthy=report.truthy, stdout=_stdout(steer, job))


def _escaped(problem: quickjs.JSException) -> tuple[_Reason, str]:
    """What got past the prelude's `catch`: an interrupt, a full heap, a binding that cannot be."""
    message = str(problem).partition("\n")[0]
    if message == "InternalError: interrupted":
        return "timeout", ""
    if message in {"InternalError: out of memory", "null"}:
        return "memory", ""
    return "error", message


def _failed(
    reason: _Reason,
    context: quickjs.Context,
    steer: _Steer,
    job: Job,
    *,
    message: str = "",
    line: int | None = None,
) -> Failed:
    _leave_room_to_report(context, job)
    return Failed(reason=reason, message=message, line=line, stdout=_stdout(steer, job))


def _leave_room_to_report(context: quickjs.Context, job: Job) -> None:
    context.set_time_limit(_REPORT_SECONDS)
    # Printed text is there as it is, well formed, as JSON (six bytes for a control character) and as UTF-8.
    context.set_memory_limit(job.memory_limit + 16 * job.output_limit + _REPORT_BYTES)


def _stdout(steer: _Steer, job: Job) -> str:
    return _cut(_text_decoder.decode(steer("stdout")), job.output_limit)


def _cut(text: str, limit: int) -> str:
    data = text.encode()
    return text if len(data) <= limit else data[:limit].decode(errors="ignore") + _CUT


def _place(stack: str, source: str, kind: ProgramKind) -> tuple[int | None, int | None]:
    """The line and column of the first place on the stack that is in the source.

    The prelude's own lines look the same. What is only missing at the end of the source is noticed after it.
    """
    last = source.count("\n") + 1
    for found in _PLACE.findall(stack):
        line, column = int(found[0]) - _LINES_BEFORE_BODY, int(found[1])
        if 1 <= line <= last:
            before = _COLUMNS_BEFORE_EXPRESSION if line == 1 and kind != "function" else 0
            return line, column - before
        if line == last + 1:
            return last, len(source) - source.rfind("\n")
    return None, None


if __name__ == "__main__":
    serve(JavaScript)
