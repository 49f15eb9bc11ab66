"""Parents and children agree, and no command has effects in two logs."""

from collections.abc import Iterator, Mapping

from support.proof.chains import Log
from support.proof.endings import is_end


def broken_families(executions: Mapping[str, Log], *, settled: bool) -> Iterator[str]:
    """Children that nobody called or that did not begin, and parents that went on before their end.

    Args:
        executions: logs by their ids.
        settled: every child that was called has begun.
    """
    by_name = {log.name: log for log in executions.values()}
    yield from _started_twice(executions)
    for log in executions.values():
        called: dict[str, str] = {}
        for entry in log.entries:
            if entry.type in ("block:started", "child:called") and "childExecutionId" in entry.data:
                called[entry.instance] = entry.data["childExecutionId"]
            elif entry.type == "block:completed" and entry.instance in called:
                child = by_name.get(called[entry.instance])
                ends = [] if child is None else [each for each in child.entries if is_end(each)]
                if not any(each.position < entry.position for each in ends):
                    yield log.says(entry, f"its child {called[entry.instance]} had not ended")
            if settled and entry.type == "child:called" and entry.data["childExecutionId"] not in by_name:
                yield log.says(entry, f"its child {entry.data['childExecutionId']} never began")
        yield from _orphaned(log, by_name)


def _orphaned(log: Log, by_name: Mapping[str, Log]) -> Iterator[str]:
    parent = log.entries[0].data.get("parent")
    if parent is None:
        return
    caller = by_name.get(parent["executionId"])
    calls = [] if caller is None else [entry for entry in caller.entries if entry.type == "child:called"]
    if not any(entry.data["childExecutionId"] == log.name for entry in calls):
        yield log.says(log.entries[0], f"its parent {parent['executionId']} did not call it")


def _started_twice(executions: Mapping[str, Log]) -> Iterator[str]:
    """One command, or one thing asked for under a key (``ticket`` of the input), in two logs."""
    seen: dict[tuple[str, str], str] = {}
    for log in executions.values():
        first = log.entries[0]
        given = first.data.get("input")
        marks = [("command", str(first.event["causationId"]))]
        if "parent" not in first.data and isinstance(given, dict) and "ticket" in given:
            marks.append(("ticket", f"{first.event['workflowId']}/{given['ticket']}"))
        for mark in marks:
            if mark in seen:
                yield log.says(first, f"its {mark[0]} {mark[1]} started {seen[mark]}, too")
            seen.setdefault(mark, log.name)
