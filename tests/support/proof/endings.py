"""The end of an execution: it comes, and nothing comes after it."""

from collections.abc import Iterator
from typing import Final

from support.proof.chains import Entry, Log

_GOES_ON: Final = frozenset({"execution:resumed", "execution:paused", "block:started", "block:completed"})


def broken_endings(log: Log, *, settled: bool) -> Iterator[str]:
    """Whether an execution went on after its end or, when all is settled, hangs."""
    end: Entry | None = None
    runs = {log.name}
    for entry in log.entries:
        if entry.type in ("execution:resumed", "execution:reopened"):
            runs.add(log.run_of(entry))
        elif entry.type in ("execution:paused", "execution:error"):
            runs.discard(log.run_of(entry))
        if entry.type == "execution:reopened":
            end = None
        elif end is not None and (is_end(entry) or entry.type in _GOES_ON):
            yield log.says(entry, f"it ended at {end.version}")
        elif is_end(entry):
            end = entry
    if settled and end is None:
        yield from _hanging(log, runs)


def is_end(entry: Entry) -> bool:
    """Whether an event ends its execution."""
    if entry.type == "execution:error":
        return bool(entry.data["final"])
    return entry.type in ("execution:completed", "execution:cancelled")


def _hanging(log: Log, runs: set[str]) -> Iterator[str]:
    undecided = _undecided(log)
    last = log.entries[-1]
    if runs and not _sleeps(log):
        yield log.says(last, f"nothing comes any more, and it has not ended (runs {', '.join(sorted(runs))})")
    elif not runs and not undecided:
        yield log.says(last, "it is paused with no point open")


def _undecided(log: Log) -> set[str]:
    points: set[str] = set()
    for entry in log.entries:
        if entry.type == "pause:opened":
            points.add(entry.data["contextId"])
        elif entry.type in ("execution:resumed", "pause:closed"):
            points.discard(entry.data["contextId"])
    return points


def _sleeps(log: Log) -> bool:
    """Whether a durable wait is not over, by the time of the log's last event."""
    timers: dict[str, str] = {}
    for entry in log.entries:
        if entry.type == "timer:set":
            timers[entry.data["timerId"]] = entry.data["dueAt"]
        elif entry.type == "timer:fired":
            timers.pop(entry.data["timerId"], None)
    return any(due > log.entries[-1].event["timestamp"] for due in timers.values())
