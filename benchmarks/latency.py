"""How long one caller waits: from a start, or a decision, to the answer that says completed."""

from benchmarks.figures import Figure, latencies
from benchmarks.load import Post, Result, run
from benchmarks.requests import execute, execution_ids, resume
from benchmarks.systems import System
from benchmarks.targets import Targets
from benchmarks.watch import Watch
from benchmarks.workflows import APPROVAL, ONE

_SAMPLES = 1000
_WARM_UP = 100
_CLIENTS = 64


def measure(system: System, targets: Targets) -> list[Figure]:
    """Medians and 99th percentiles of calls made one after the other."""
    run(system.job([execute(ONE)] * _WARM_UP, clients=1))
    started = _one_after_the_other(system, [execute(ONE)] * _SAMPLES, "started")
    paused = run(system.job([execute(APPROVAL)] * (_SAMPLES + _WARM_UP), clients=_CLIENTS))
    decisions = [resume(execution_id) for execution_id in execution_ids(paused)]
    run(system.job(decisions[:_WARM_UP], clients=1))
    resumed = _one_after_the_other(system, decisions[_WARM_UP:], "resumed")
    return [
        *latencies("start to completed", started.latencies, targets.p50, targets.p99),
        *latencies("resume to completed", resumed.latencies, targets.p50, targets.p99),
    ]


def _one_after_the_other(system: System, posts: list[Post], what: str) -> Result:
    watch = Watch(system)
    result = run(system.job(posts, clients=1))
    busy = watch.stop(result.cpu)
    print(f"{system.name}: {len(posts)} executions {what} one after the other in {result.seconds:.1f} s")
    print(busy, flush=True)
    return result
