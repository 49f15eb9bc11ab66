"""What executions cost that wait for somebody: memory, disk, and time after a crash."""

import http.client
import time
from collections.abc import Mapping

from benchmarks.figures import Figure, middle
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
_MEBIBYTE = 1024 * 1024


def measure(system: System, targets: Targets, *, executions: int) -> list[Figure]:
    """Park executions, look what they take, then kill all our processes and resume one.

    Args:
        executions: how many are parked in the end, besides some first ones that warm up.
    """
    first = _park(system, _WARM_UP)
    before = system.disk()
    memory = _memory(system, targets, executions)
    after = system.disk()
    return [
        memory,
        Figure("disk of each parked execution", (after.log - before.log) / executions, "bytes", targets.disk),
        Figure("  beside it, for a while: WAL", (after.wal - before.wal) / executions, "bytes"),
        Figure("  beside it, for a while: topics", (after.topics - before.topics) / executions, "bytes"),
        middle(
            "first resume after kill -9",
            [_restart(system, execution_id) for execution_id in first[:_RESTARTS]],
            "s",
            targets.restart,
        ),
    ]


def _memory(system: System, targets: Targets, executions: int) -> Figure:
    """By how much the process grows that grows most; the second half counts, when caches are full."""
    half = executions // 2
    start = _resident(system, "before")
    _park(system, half)
    halfway = _resident(system, f"with {half:,} more")
    _park(system, executions - half)
    end = _resident(system, f"with {executions:,} more")
    late = _growth(halfway, end) / (executions - half)
    note = f"the last {executions - half:,}; before, while caches fill, {_growth(start, halfway) / half:,.0f}"
    return Figure("memory of each parked execution", late, "bytes", targets.memory, note)


def _park(system: System, executions: int) -> list[str]:
    result = run(system.job([execute(APPROVAL)] * executions, clients=_CLIENTS))
    print(f"{system.name}: {executions:,} executions parked in {result.seconds:.1f} s", flush=True)
    return execution_ids(result)


def _resident(system: System, moment: str) -> dict[str, Usage]:
    used = system.usages(system.ours)
    shown = ", ".join(f"{name} {usage.memory / _MEBIBYTE:.0f}" for name, usage in used.items())
    print(f"  resident MiB {moment}: {shown}", flush=True)
    return used


def _growth(before: Mapping[str, Usage], after: Mapping[str, Usage]) -> int:
    return max(after[name].memory - before[name].memory for name in after)


def _restart(system: System, execution_id: str) -> float:
    """Seconds from the first start command after a crash to the end of the first resume."""
    # A retry with the same key is safe, whatever became of the first.
    post = resume(execution_id, headers={"Idempotency-Key": f"after-the-crash-{execution_id}"})
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
