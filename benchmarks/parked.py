"""What executions cost that wait for somebody: memory, disk, and time after a crash."""

import http.client
import time
from collections.abc import Mapping
from itertools import pairwise

from benchmarks.figures import Figure, memory_line, middle
from benchmarks.load import Post, run
from benchmarks.processes import Usage
from benchmarks.requests import execute, execution_ids, resume
from benchmarks.systems import System
from benchmarks.targets import Targets
from benchmarks.workflows import APPROVAL
from local_services.waiting import wait_until

_CLIENTS = 64
_WARM_UP = 500
_RESTARTS = 3
_RESTART_LIMIT = 60.0


def measure(system: System, targets: Targets, *, executions: int) -> list[Figure]:
    """Park executions, look what they take, then kill all our processes and resume one.

    Args:
        executions: how many are parked in the end, besides some first ones that warm up.
    """
    first = _park(system, _WARM_UP)
    used, disk = [system.usages()], system.disk()
    print(memory_line("before", used[0]))
    for part in (executions // 2, executions - executions // 2):
        _park(system, part)
        used.append(system.usages())
        print(memory_line(f"with {part:,} more parked", used[-1]), flush=True)
    grown, half = system.disk(), executions - executions // 2
    each = 1 / executions
    early, late = (_ours(system, after) - _ours(system, before) for before, after in pairwise(used))
    return [
        Figure(
            "memory of each parked execution",
            late / half,
            "bytes",
            targets.memory,
            f"the last {half:,}; {early / half:,.0f} each before, while caches fill",
        ),
        Figure("disk of each parked execution", (grown.log - disk.log) * each, "bytes", targets.disk),
        Figure("  its part of the WAL, for a while", (grown.wal - disk.wal) * each, "bytes"),
        Figure("  its part of the topics, for a while", (grown.topics - disk.topics) * each, "bytes"),
        middle(
            "first resume after kill -9",
            [_restart(system, execution_id) for execution_id in first[:_RESTARTS]],
            "s",
            targets.restart,
        ),
    ]


def _park(system: System, executions: int) -> list[str]:
    result = run(system.job([execute(APPROVAL)] * executions, clients=_CLIENTS))
    print(f"{system.name}: {executions:,} executions parked in {result.seconds:.1f} s")
    return execution_ids(result)


def _ours(system: System, used: Mapping[str, Usage]) -> int:
    return sum(used[service.name].memory for service in system.ours)


def _restart(system: System, execution_id: str) -> float:
    """Seconds from the first start command after a crash to the end of the first resume."""
    # A retry with the same key is safe, whatever became of the first.
    post = resume(execution_id, **{"Idempotency-Key": f"after-the-crash-{execution_id}"})
    system.kill_ours()
    start = time.perf_counter()
    system.launch_ours()
    wait_until(
        lambda: _is_done(system, post),
        limit=_RESTART_LIMIT,
        otherwise=f"no resume succeeded within {_RESTART_LIMIT:.0f} s after the crash",
    )
    seconds = time.perf_counter() - start
    print(f"{system.name}: first resume {seconds:.2f} s after the first start command", flush=True)
    return seconds


def _is_done(system: System, post: Post) -> bool:
    try:
        status, _ = system.request("POST", post.path, bytes(post.body), post.headers)
    except (OSError, http.client.HTTPException):
        return False
    return status == post.status
