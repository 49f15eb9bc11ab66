"""How long executions stand still, and callers wait, when something fails or is restarted.

Executions of short blocks come all the time. When a block was at work on an executor that is gone, the next
owner tries it again; the commit of that is where its execution goes on. All times are the database's own, of
commits, on the same clock as the faults.
"""

import os
import random
import signal
import statistics
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from itertools import pairwise
from typing import Any, Final

from benchmarks.figures import Figure, Target
from benchmarks.load import LoadError
from benchmarks.replicated import ExecutorService, Replicated
from benchmarks.requests import submit
from benchmarks.steady import Call, SteadyLoad
from benchmarks.workflows import NAPS
from local_services.waiting import wait_until
from msgspec import Struct

_RATE: Final = 20.0
_LIMIT: Final = 60.0
_SETTLED: Final = 3.0
_SLOW: Final = 1.0
"""Seconds. A caller that waits longer is not served as usual."""

_GONE_ON: Final = Target(5.0)
_THROUGH: Final = Target(10.0)

_AT_WORK: Final = """
SELECT log_id FROM executions
WHERE partition = ANY (%(partitions)s) AND started_at <= to_timestamp(%(at)s)
    AND (ended_at IS NULL OR ended_at > to_timestamp(%(at)s))
"""
_NOT_ENDED: Final = """
SELECT count(*) FROM executions
WHERE partition = ANY (%(partitions)s) AND started_at <= to_timestamp(%(at)s) AND ended_at IS NULL
"""
_TRIED_AGAIN: Final = """
SELECT extract(epoch FROM min(pg_xact_commit_timestamp(xmin)))::float8
FROM stored_events
WHERE originator_id = ANY (%(logs)s) AND pg_xact_commit_timestamp(xmin) > to_timestamp(%(at)s)
    AND (convert_from(state, 'UTF8')::json ->> 'attempt')::int > 1
GROUP BY originator_id
"""
_COMMITS: Final = """
SELECT originator_id, extract(epoch FROM pg_xact_commit_timestamp(xmin))::float8
FROM stored_events WHERE originator_id = ANY (%(logs)s)
ORDER BY originator_id, originator_version
"""


class _Killed(Struct, frozen=True):
    """Seconds from a kill until the first, and the last, of its executions went on; which were ``count``."""

    first: float
    last: float
    count: int


def measure(system: Replicated, *, runs: int) -> Iterator[Figure]:
    """Kill, fail over, restart and hand over under load.

    Args:
        system: two executors, a database and its standby; it runs.
        runs: how often an executor is killed in each of three manners; all else a quarter as often.
    """
    few = max(1, runs // 4)
    with SteadyLoad(system.job([submit(NAPS)], clients=1), rate=_RATE) as load:
        _settle(system, load)
        yield from _kills(system, load, "kill -9, started again at once", runs, again=True)
        yield from _kills(system, load, "kill -9, not started again", runs)
        yield from _kills(system, load, "kill -9, as on a host that is gone", runs, apart=True)
        yield from _hand_overs(system, load, few)
        yield from _rolled(system, load)
        yield from _database(system, load, "restart of the database", few, _restart)
        yield from _database(system, load, "fail-over of the database", few, _fail_over)


# Executors ------------------------------------------------------------------------------------------------


def _kills(
    system: Replicated, load: SteadyLoad, name: str, runs: int, *, again: bool = False, apart: bool = False
) -> Iterator[Figure]:
    victim, survivor = system.executors
    killed = []
    for run in range(runs):
        _place(system, load, victim, apart=apart)
        killed.append(_kill(system, victim, survivor, again=again))
        _say(name, run, f"first {killed[-1].first:.2f} s, last {killed[-1].last:.2f} s of {killed[-1].count}")
    _place(system, load, victim, apart=False)
    yield from _spread(f"{name}: the first goes on", [each.first for each in killed], None)
    yield from _spread(f"{name}: the last goes on", [each.last for each in killed], _GONE_ON)


def _place(system: Replicated, load: SteadyLoad, executor: ExecutorService, *, apart: bool) -> None:
    """Have an executor run where it should, with its half of the partitions."""
    if executor.running and executor.apart != apart:
        executor.kill()
    executor.apart = apart
    if not executor.running:
        executor.start()
    _settle(system, load)


def _kill(system: Replicated, victim: ExecutorService, survivor: ExecutorService, *, again: bool) -> _Killed:
    partitions = sorted(system.owned_apart_from(survivor))
    at = time.time()
    victim.kill()
    if again:
        victim.launch()
    stood_still = [log_id for (log_id,) in system.rows(_AT_WORK, partitions=partitions, at=at)]
    _await_ended(system, partitions, at)
    went_on = [moment - at for (moment,) in system.rows(_TRIED_AGAIN, logs=stood_still, at=at)]
    if not went_on:
        raise LoadError("nothing was at work on the killed executor: the load is too low")
    return _Killed(min(went_on), max(went_on), len(went_on))


def _await_ended(system: Replicated, partitions: Collection[int], at: float) -> None:
    wait_until(
        lambda: system.rows(_NOT_ENDED, partitions=[*partitions], at=at) == [(0,)],
        limit=_LIMIT,
        otherwise=f"executions stand still {_LIMIT:.0f} s after their executor was ended",
    )


def _hand_overs(system: Replicated, load: SteadyLoad, runs: int) -> Iterator[Figure]:
    leaving, staying = system.executors
    pauses, waits = [], []
    for run in range(runs):
        _settle(system, load)
        partitions = sorted(system.owned_apart_from(staying))
        at = time.time()
        leaving.process.send(signal.SIGTERM)
        paused = _longest_pauses(system, partitions, at)
        leaving.stop()
        calls = load.since(at)
        pauses.append(paused)
        waits.append(_longest_wait(calls))
        _say("SIGTERM", run, f"pauses p50 {statistics.median(paused):.2f} s, max {max(paused):.2f} s")
        leaving.start()
    every = [pause for each in pauses for pause in each]
    yield Figure("SIGTERM: an execution pauses, median", statistics.median(every), "s", None, _of(every))
    yield Figure("SIGTERM: an execution pauses, worst", max(every), "s")
    yield Figure("SIGTERM: a caller waits, worst", max(waits), "s")


def _longest_pauses(system: Replicated, partitions: Sequence[int], at: float) -> list[float]:
    """The longest time between two events of each execution that was at work, once they have ended."""
    logs = [log_id for (log_id,) in system.rows(_AT_WORK, partitions=[*partitions], at=at)]
    _await_ended(system, partitions, at)
    commits: dict[Any, list[float]] = {}
    for log_id, moment in system.rows(_COMMITS, logs=logs):
        commits.setdefault(log_id, []).append(moment)
    return [
        max(late - early for early, late in pairwise(moments) if late > at) for moments in commits.values()
    ]


def _rolled(system: Replicated, load: SteadyLoad) -> Iterator[Figure]:
    _settle(system, load)
    at = time.time()
    system.roll()
    calls = load.since(at)
    failed = sum(not _good(call) for call in calls)
    note = f"of {len(calls)} in {time.time() - at:.0f} s{_failures(calls)}"
    yield Figure("rolling restart: calls that failed", failed, "", Target(0), note)
    yield Figure("rolling restart: a caller waits, worst", _longest_wait(calls), "s")


# The database ---------------------------------------------------------------------------------------------


def _database(
    system: Replicated, load: SteadyLoad, name: str, runs: int, fault: Callable[[Replicated], float]
) -> Iterator[Figure]:
    through = []
    for run in range(runs):
        if not system.pair.synchronous:
            system.pair.rejoin()
        _settle(system, load)
        began = time.time()
        back = fault(system)
        _await_as_usual(load)
        calls = load.since(began - _SLOW)
        first = min(call.answered for call in calls if _good(call) and call.answered > back) - back
        last_bad = max((call.at for call in calls if not _as_usual(call)), default=back) - back
        through.append(max(first, last_bad))
        said = f"away {back - began:.2f} s; then first answer {first:.2f} s, all as usual {last_bad:.2f} s"
        _say(name, run, f"{said}{_failures(calls)}")
    yield from _spread(f"{name}: all calls as usual", through, _THROUGH)


def _restart(system: Replicated) -> float:
    system.restart_database()
    return time.time()


def _fail_over(system: Replicated) -> float:
    system.pair.primary.kill()
    ordered = time.time()
    system.pair.promote()
    return ordered


# Callers --------------------------------------------------------------------------------------------------


def _good(call: Call) -> bool:
    return call.status == submit(NAPS).status


def _failures(calls: Collection[Call]) -> str:
    """How many calls were answered otherwise than they should, by status; 0 is none at all."""
    statuses = Counter(call.status for call in calls if not _good(call))
    return "".join(f"; {count} × {status}" for status, count in sorted(statuses.items()))


def _as_usual(call: Call) -> bool:
    return _good(call) and call.seconds < _SLOW


def _longest_wait(calls: Collection[Call]) -> float:
    return max(call.seconds for call in calls)


def _settle(system: Replicated, load: SteadyLoad) -> None:
    """Wait until all is as usual, then for a moment that has nothing to do with anybody's rounds."""
    system.await_shared()
    _await_as_usual(load)
    time.sleep(random.random())


def _await_as_usual(load: SteadyLoad) -> None:
    since = time.time()

    def as_usual() -> bool:
        late = [call for call in load.since(since) if call.at > time.time() - _SETTLED]
        return (
            time.time() > since + _SETTLED and len(late) > _RATE * _SETTLED / 2 and all(map(_as_usual, late))
        )

    wait_until(as_usual, limit=_LIMIT, otherwise=f"callers are not served as usual within {_LIMIT:.0f} s")


# Showing --------------------------------------------------------------------------------------------------


def _spread(name: str, seconds: Sequence[float], target: Target | None) -> Iterator[Figure]:
    yield Figure(f"{name}, median", statistics.median(seconds), "s", target, _of(seconds))
    yield Figure("  worst", max(seconds), "s", target)


def _of(values: Sequence[float]) -> str:
    return f"of {len(values)}"


def _say(name: str, run: int, result: str) -> None:
    print(f"{name}, {run + 1}: {result}; load average {os.getloadavg()[0]:.1f}", flush=True)
