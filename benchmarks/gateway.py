"""The gateway's own work: what it adds to an execution, and to a look at one (docs/benchmarks.md)."""

from collections.abc import Iterator, Sequence
from typing import Final

from benchmarks.clustered import Clustered
from benchmarks.figures import Figure, Target, percentile
from benchmarks.load import LoadError, Post, Result, run
from benchmarks.requests import execute, execute_v2, execution_ids, status, workspace_key
from benchmarks.systems import System
from benchmarks.targets import Targets
from benchmarks.watch import Busy, Watch
from benchmarks.workflows import ONE
from msgspec import Struct, structs

_CLIENTS = 16
_ALONE = 500
_WARM_UP = 10.0
_READ = 100

LIMITS: Final = {
    f"SIGNOFF_{whose}RATE_{kind}": "600000000/60"
    for whose in ("", "WORKSPACE_")
    for kind in ("SYNC", "ASYNC", "READS")
}
"""Rates that every request is counted against, and none reaches."""


class _Work(Struct, frozen=True):
    """One kind of request: what it is called, the requests, and what the gateways may spend on one."""

    name: str
    posts: Sequence[Post]
    target: Target | None = None


def measure(system: System, targets: Targets, *, seconds: float) -> Iterator[Figure]:
    """Own time, CPU and rates for each kind of request, as a caller with a key of the workspace.

    Args:
        system: has the measured workflows.
        targets: of its size.
        seconds: for which each kind is asked for.
    """
    system.api_key = workspace_key(system)
    # Until Kafka's virtual machine has compiled what it runs, it takes the cores from the gateways.
    _ask(system, [execute(ONE)], _WARM_UP)
    started = run(system.job([execute(ONE)] * _READ, clients=_CLIENTS))
    reads = [status(ONE, execution_id) for execution_id in execution_ids(started)]
    works = [
        _Work("execute v1", [execute(ONE)], targets.gateway_execution),
        _Work("execute v2", [execute_v2(ONE)], targets.gateway_execution),
        _Work("status", reads, targets.gateway_read),
    ]
    for work in works:
        yield from _figures(system, targets, work, seconds)


def _figures(system: System, targets: Targets, work: _Work, seconds: float) -> list[Figure]:
    _ask(system, work.posts, _WARM_UP / 5)
    alone = run(system.job([*work.posts] * (_ALONE // len(work.posts)), clients=1))
    watch = Watch(system)
    result = _ask(system, work.posts, seconds)
    busy = watch.stop(result.cpu)
    requests = len(result.latencies)
    print(f"{system.name}: {requests:,} × {work.name} in {result.seconds:.1f} s\n{busy}", flush=True)
    return [
        _own(f"{work.name}: own time, one at a time", alone, targets.own),
        _own(f"  {_CLIENTS} at a time", result, None),
        Figure("  requests", requests / result.seconds, "/s", None, "with everything on this machine"),
        Figure("  CPU of the gateways for each", _cpu(system, busy) / requests * 1e3, "ms", work.target),
        Figure("  CPU of all our processes for each", busy.ours / requests * 1e3, "ms"),
    ]


def _ask(system: System, posts: Sequence[Post], seconds: float) -> Result:
    """Send requests again and again."""
    return run(structs.replace(system.job([*posts], clients=_CLIENTS), seconds=seconds))


def _own(name: str, result: Result, target: Target | None) -> Figure:
    if not result.own:
        raise LoadError("the gateway's answers have no Server-Timing")
    values = {percent: percentile(result.own, percent) for percent in (50, 95, 99)}
    note = ", ".join(f"p{percent} {value:.2f}" for percent, value in values.items() if percent != 50)
    return Figure(f"{name}, p50", values[50], "ms", target, note)


def _cpu(system: System, busy: Busy) -> float:
    """Seconds of CPU time of the gateways; of the one process where there is but one."""
    if not isinstance(system, Clustered):
        return busy.ours
    return sum(cpu for name, cpu in busy.processes.items() if name.startswith("gateway-"))
