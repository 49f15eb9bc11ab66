"""Durable steps a second: executions of ten blocks that do nothing, started over HTTP by many clients."""

import time

from benchmarks.clustered import Clustered
from benchmarks.figures import Figure, middle
from benchmarks.load import Post, run
from benchmarks.requests import execute, submit
from benchmarks.systems import System
from benchmarks.targets import Targets
from benchmarks.watch import Watch
from benchmarks.workflows import STEPS, STEPS_EACH
from local_services.waiting import wait_until

_CLIENTS = 64
_WARM_UP = 200
_ROUNDS = 3
_LIMIT = 300.0


def measure(system: System, targets: Targets, *, executions: int) -> list[Figure]:
    """Steps a second, from the first start to the last completion.

    Args:
        executions: in each of three rounds.
    """
    run(system.job([execute(STEPS)] * _WARM_UP, clients=_CLIENTS))
    waiting = [_round(system, execute(STEPS), executions) for _ in range(_ROUNDS)]
    going_on = [_round(system, submit(STEPS), executions) for _ in range(_ROUNDS)]
    figures = [
        middle(f"durable steps, {_CLIENTS} clients that wait", waiting, "steps/s", targets.steps),
        middle(f"durable steps, {_CLIENTS} clients that do not", going_on, "steps/s"),
    ]
    if isinstance(system, Clustered):
        shared = system.shared()
        note = f"{shared.steps:,} steps in {shared.transactions:,} transactions, by xmin"
        figures.append(
            Figure(
                "steps of one execution in one transaction", shared.violations, "", targets.violations, note
            )
        )
    return figures


def _round(system: System, post: Post, executions: int) -> float:
    watch = Watch(system)
    result = run(system.job([post] * executions, clients=_CLIENTS))
    wait_until(
        lambda: system.in_flight() == 0,
        limit=_LIMIT,
        otherwise=f"executions are in flight after {_LIMIT:.0f} s",
    )
    # Those that waited are done with the last answer; for the others the log says when.
    seconds = result.seconds if post.status == 200 else time.time() - result.started_at
    usage = watch.line(result.cpu)
    steps = executions * STEPS_EACH
    print(f"{system.name}: {steps:,} steps in {seconds:.2f} s, {steps / seconds:,.0f} /s")
    print(usage, flush=True)
    return steps / seconds
