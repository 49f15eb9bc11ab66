"""What blocks did outside: under one key, each try once, and none before its start or after the end."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final

from support.proof.chains import Entry, Log
from support.proof.facts import Ran

_CLOCKS_DIFFER: Final = 0.5
"""Seconds. The log's time is the database's, as an executor reckons it; who notes runs has another clock."""


def broken_runs_outside(runs: Sequence[Ran], executions: Mapping[str, Log]) -> Iterator[str]:
    """Tries that came twice, whose start is not in the log, or that came after their block was done.

    Args:
        runs: with the key ``<executionId>/<block instance>``.
        executions: logs by their ids.
    """
    by_name = {log.name: log for log in executions.values()}
    for (key, attempt), times in Counter((run.idempotency_key, run.attempt) for run in runs).items():
        if attempt and times > 1:
            yield f"{key}: attempt {attempt} came {times} times"
    for run in runs:
        name, _, instance = run.idempotency_key.partition("/")
        log = by_name.get(name)
        of_block = [] if log is None else [each for each in log.entries if _is_of(each, instance)]
        yield from _misplaced(run, of_block)


def _misplaced(run: Ran, of_block: Sequence[Entry]) -> Iterator[str]:
    """Whether a try ran without its start, before it, or when its block was done."""
    where = f"{run.idempotency_key}: attempt {run.attempt}"
    starts = [each for each in of_block if each.type == "block:started" and run.attempt in (0, each.attempt)]
    ends = [each for each in of_block if each.type == "block:completed"]
    if not starts:
        yield f"{where} ran, and its start is not in the log"
    elif run.at and run.at < _moment(starts[0]) - _CLOCKS_DIFFER:
        yield f"{where} came {_moment(starts[0]) - run.at:.3f} s before its start"
    elif run.at and ends and run.at > _moment(ends[0]) + _CLOCKS_DIFFER:
        yield f"{where} came {run.at - _moment(ends[0]):.3f} s after the block was completed"


def _is_of(entry: Entry, instance: str) -> bool:
    return entry.type in ("block:started", "block:completed") and entry.instance == instance


def _moment(entry: Entry) -> float:
    return datetime.fromisoformat(entry.event["timestamp"]).timestamp()
