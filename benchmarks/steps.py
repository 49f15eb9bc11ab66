"""Durable steps a second: executions of ten blocks that do nothing, started over HTTP by many clients."""

import time

from benchmarks.clustered import Clustered
from benchmarks.figures import Figure, Target, middle
from benchmarks.load import LoadError, Post, run
from benchmarks.requests import execute, submit
from benchmarks.systems import System
from benchmarks.targets import Targets
from benchmarks.watch import Watch
from benchmarks.workflows import STEPS, STEPS_EACH
from msgspec import Struct

_CLIENTS = 64
_WARM_UP = 200
_ROUNDS = 3
_LIMIT = 300.0
_PAUSE = 0.2


class _Round(Struct, frozen=True):
    rate: float
    cpu: float


def measure(system: System, targets: Targets, *, executions: int) -> list[Figure]:
    """Steps a second, from the first start to the last completion.

    Args:
        executions: in each of three rounds.
    """
    run(system.job([execute(STEPS)] * _WARM_UP, clients=_CLIENTS))
    waiting = [_round(system, execute(STEPS), executions) for _ in range(_ROUNDS)]
    going_on = [_round(system, submit(STEPS), executions) for _ in range(_ROUNDS)]
    figures = [
        *_figures(f"durable steps, {_CLIENTS} clients that wait", waiting, targets.steps),
        *_figures(f"durable steps, {_CLIENTS} clients that do not", going_on, None),
    ]
    if isinstance(system, Clustered):
        shared = system.shared()
        name = "steps of one execution in one transaction"
        note = f"{shared.steps:,} steps in {shared.transactions:,} transactions, by xmin"
        figures.append(Figure(name, shared.violations, "", targets.violations, note))
    return figures


def _figures(name: str, rounds: list[_Round], target: Target | None) -> list[Figure]:
    return [
        middle(name, [each.rate for each in rounds], "steps/s", target),
        middle("  CPU of our processes for each", [each.cpu for each in rounds], "µs"),
    ]


def _round(system: System, post: Post, executions: int) -> _Round:
    watch = Watch(system)
    result = run(system.job([post] * executions, clients=_CLIENTS))
    _await_the_last(system)
    # Those that waited are done with the last answer; for the others the log says when.
    seconds = result.seconds if post.status == 200 else system.last_end() - result.started_at
    steps = executions * STEPS_EACH
    busy = watch.stop(result.cpu)
    print(f"{system.name}: {steps:,} steps in {seconds:.2f} s, {steps / seconds:,.0f} /s")
    print(busy, flush=True)
    return _Round(rate=steps / seconds, cpu=busy.ours / steps * 1e6)


def _await_the_last(system: System) -> None:
    end = time.monotonic() + _LIMIT
    while system.in_flight():
        if time.monotonic() > end:
            raise LoadError(f"executions are still in flight after {_LIMIT:.0f} s")
        time.sleep(_PAUSE)
