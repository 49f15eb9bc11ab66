"""Resumes a second: many executions wait for a decision, and all of them get theirs at once.

Each does one block, pauses, and does one more block. The decisions come in four ways: one a request, by
clients that wait for the end of each run and by clients that do not; a hundred a request; and straight from
the topic, where there is one, which is what executors and log can do.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from benchmarks.clustered import Clustered
from benchmarks.decisions import put_on_topic
from benchmarks.figures import Figure, Target, middle
from benchmarks.load import LoadError, Post, run
from benchmarks.requests import execute, execution_ids, resume, resume_all, submit, workspace_key
from benchmarks.systems import System
from benchmarks.targets import Targets
from benchmarks.watch import Busy, Watch
from benchmarks.workflows import APPROVAL
from msgspec import Struct

_CLIENTS: Final = 256
_BULK_CLIENTS: Final = 10
_STARTERS: Final = 64
"""Callers that start at once: so many are admitted always (docs/limits.md)."""
_BULK: Final = 100
_ROUNDS: Final = 5
_WARM_UP: Final = 2_000
_AT_ONCE: Final = 10_000
"""Executions that are parked in one go."""

_LIMIT: Final = 300.0
_PAUSE: Final = 0.25


class _Sent(Struct, frozen=True):
    """When the first decision was sent, when the last was answered, and the senders' seconds of CPU time."""

    began: float
    ended: float
    cpu: float


class _Way(Struct, frozen=True):
    """How decisions come: what it is called, how the executions start, and what sends the decisions."""

    name: str
    start: Post
    send: Callable[[Sequence[str]], _Sent]
    target: Target | None = None


class _Round(Struct, frozen=True):
    rate: float
    cpu: dict[str, float]


def measure(system: System, targets: Targets, *, executions: int, waiting: int) -> Iterator[Figure]:
    """Resumes a second, from the first decision that is sent to the last execution that has completed.

    Args:
        system: has the measured workflows.
        targets: of its size.
        executions: that are resumed in each of five rounds.
        waiting: executions that go on waiting meanwhile; if any, everything is measured without them first.
    """
    system.api_key = workspace_key(system)
    ways = list(_ways(system, targets))
    for way in ways:
        _round(system, way, _WARM_UP)
    for others in dict.fromkeys([0, waiting]):
        for parked in range(0, others, _AT_ONCE):
            _park(system, submit(APPROVAL), min(_AT_ONCE, others - parked))
        beside = f", {others:,} others wait" if others else ""
        for way in ways:
            rounds = [_round(system, way, executions) for _ in range(_ROUNDS)]
            yield from _figures(f"{way.name}{beside}", rounds, way.target)


def _ways(system: System, targets: Targets) -> Iterator[_Way]:
    def one_each(status: int) -> Callable[[Sequence[str]], _Sent]:
        return lambda ids: _post(system, [resume(each, status=status) for each in ids], _CLIENTS)

    yield _Way(f"resumes, {_CLIENTS} clients that wait", execute(APPROVAL), one_each(200), targets.resumes)
    yield _Way(f"resumes, {_CLIENTS} clients that do not", submit(APPROVAL), one_each(202), targets.resumes)
    yield _Way(
        f"resumes, {_BULK} a request", submit(APPROVAL), lambda ids: _post_bulk(system, ids), targets.resumes
    )
    if isinstance(system, Clustered):
        kafka = system.kafka
        yield _Way("resumes, from the topic", submit(APPROVAL), lambda ids: _Sent(*put_on_topic(kafka, ids)))


def _park(system: System, start: Post, executions: int) -> list[str]:
    started = run(system.job([start] * executions, clients=_STARTERS))
    _await_rest(system)
    return execution_ids(started)


def _post(system: System, posts: list[Post], clients: int) -> _Sent:
    result = run(system.job(posts, clients=clients))
    return _Sent(result.started_at, result.started_at + result.seconds, result.cpu)


def _post_bulk(system: System, ids: Sequence[str]) -> _Sent:
    posts = [resume_all(ids[start : start + _BULK]) for start in range(0, len(ids), _BULK)]
    return _post(system, posts, _BULK_CLIENTS)


def _round(system: System, way: _Way, executions: int) -> _Round:
    ids = _park(system, way.start, executions)
    watch = Watch(system)
    sent = way.send(ids)
    _await(lambda: not system.going_on(ids), "resumed executions have not ended")
    busy = watch.stop(sent.cpu)
    # Who waits for its run is answered after its end; for the others the log says when that was.
    seconds = max(sent.ended, system.last_end()) - sent.began
    print(f"{system.name}: {executions:,} × {way.name} in {seconds:.2f} s, {executions / seconds:,.0f} /s")
    print(busy, flush=True)
    return _Round(executions / seconds, _cpu_each(busy, executions))


def _cpu_each(busy: Busy, executions: int) -> dict[str, float]:
    """Microseconds of CPU time for each resume, by kind of process."""
    spent: dict[str, float] = {}
    for name, seconds in busy.processes.items():
        kind = name.rstrip("-0123456789")
        spent[kind] = spent.get(kind, 0.0) + seconds / executions * 1e6
    return spent


def _figures(name: str, rounds: Sequence[_Round], target: Target | None) -> Iterator[Figure]:
    yield middle(name, [each.rate for each in rounds], "/s", target)
    for kind in rounds[0].cpu:
        yield middle(f"  CPU for each: {kind}", [each.cpu[kind] for each in rounds], "µs")


def _await_rest(system: System) -> None:
    _await(lambda: not system.in_flight(), "executions are still in flight")


def _await(done: Callable[[], bool], otherwise: str) -> None:
    end = time.monotonic() + _LIMIT
    while not done():
        if time.monotonic() > end:
            raise LoadError(f"{otherwise} after {_LIMIT:.0f} s")
        time.sleep(_PAUSE)
