"""What clients were told is what the log says."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from support.proof.chains import Entry, Log
from support.proof.endings import is_end
from support.proof.facts import Answered

_REFUSALS: Final = frozenset({400, 401, 403, 404, 413, 422, 429})
"""Nothing may have come of these. 408 is a run's own end, 409 may speak of an earlier start, and what
became of a 503, or of no answer, nobody knows."""


def broken_answers(answers: Sequence[Answered], executions: Mapping[str, Log]) -> Iterator[str]:
    """Accepted things without an effect, refused ones with one, and winners who did not win.

    Args:
        answers: of all clients.
        executions: logs by their ids.
    """
    for answer in answers:
        log = None if answer.execution_id is None else executions.get(answer.execution_id)
        where = f"{answer.kind} {answer.key} of {answer.execution_id}, answered {answer.status}"
        if 200 <= answer.status < 300 and answer.kind in _EFFECTS:
            if log is None:
                yield f"{where}: there is no such log"
            elif not _EFFECTS[answer.kind](answer, log):
                yield f"{where}: the log has no such effect ({answer.body})"
        elif answer.kind == "start" and log is not None and answer.status in _REFUSALS:
            yield f"{where}: it was refused, and began"
        elif _names_winner(answer) and (log is None or not _won(log, answer)):
            yield f"{where}: event {answer.body['eventId']} decided nothing there"


def _names_winner(answer: Answered) -> bool:
    return answer.kind == "resume" and answer.status == 409 and "eventId" in answer.body


def _started(answer: Answered, log: Log) -> bool:
    """It began and, where the answer says how it went, went so."""
    if answer.status != 200 or "metadata" not in answer.body:
        return True
    return any(
        is_end(entry) and entry.data.get("output") == answer.body.get("output") for entry in log.entries
    ) or _has(log, "execution:paused")


def _resumed(answer: Answered, log: Log) -> bool:
    if "eventId" in answer.body:  # one of several decisions
        return _has(log, "decision:recorded", contextId=answer.context_id)
    return any(
        entry.type in ("execution:resumed", "resume:queued")
        and entry.data["contextId"] == answer.context_id
        and entry.data["resumeExecutionId"] == answer.body.get("executionId")
        for entry in log.entries
    )


def _cancelled(_: Answered, log: Log) -> bool:
    return _has(log, "execution:cancelled")


def _reopened(answer: Answered, log: Log) -> bool:
    return any(
        entry.type == "execution:reopened" and log.run_of(entry) == answer.body.get("runId")
        for entry in log.entries
    )


_EFFECTS = {"start": _started, "resume": _resumed, "cancel": _cancelled, "retry": _reopened}


def _won(log: Log, answer: Answered) -> bool:
    """Whether the event that is named as the winner's is a decision on the point."""
    version = answer.body["eventId"]
    winner: Entry | None = log.entries[version - 1] if 0 < version <= len(log.entries) else None
    return winner is not None and winner.data.get("contextId") == answer.context_id


def _has(log: Log, type_: str, **said: Any) -> bool:
    return any(
        entry.type == type_ and all(entry.data.get(name) == value for name, value in said.items())
        for entry in log.entries
    )
