"""Schedules: each moment is fired once, in order, and starts the one execution that it names."""

from collections.abc import Iterator, Mapping

from support.proof.chains import Entry, Log


def broken_schedules(logs: Mapping[str, Log], *, settled: bool) -> Iterator[str]:
    """Moments that were fired again, and starts without a moment or the other way round.

    Args:
        logs: all of them, by their ids: moments stand in those of workflows.
        settled: every execution that was named has begun.
    """
    named: set[str] = set()
    for log in logs.values():
        fired = [entry for entry in log.entries if entry.type == "schedule:fired"]
        named.update(entry.data["executionId"] for entry in fired)
        yield from _out_of_order(log, fired)
        for entry in fired:
            if settled and entry.data["executionId"] not in logs:
                yield log.says(entry, f"its execution {entry.data['executionId']} never began")
    for log in logs.values():
        first = log.entries[0]
        if log.is_execution and first.data.get("trigger") == "schedule" and log.log_id not in named:
            yield log.says(first, "no schedule names it")


def _out_of_order(log: Log, fired: list[Entry]) -> Iterator[str]:
    last: dict[str, str] = {}
    for entry in fired:
        block, due = entry.data["blockId"], entry.data["dueAt"]
        if due <= last.get(block, ""):
            yield log.says(entry, f"{block} was fired for {last[block]} already")
        last[block] = due
