"""Proof that nothing was lost and nothing doubled, from bytes alone: it shares no code, and so no faults."""

from collections.abc import Iterable, Iterator

from support.proof.answers import broken_answers
from support.proof.blocks import broken_blocks
from support.proof.chains import broken_chains, logs_of
from support.proof.endings import broken_endings
from support.proof.facts import Answered, Facts, Logged, Published, Ran, Streamed
from support.proof.families import broken_families
from support.proof.outside import broken_runs_outside
from support.proof.points import broken_points
from support.proof.schedules import broken_schedules
from support.proof.streams import broken_streams
from support.proof.topics import broken_topic

__all__ = ["Answered", "Facts", "Logged", "Published", "Ran", "Streamed", "find_violations"]


def find_violations(facts: Facts, *, settled: bool = True) -> list[str]:
    """What is wrong with a history; nothing, where every guarantee was kept.

    Args:
        facts: all that is known after a run, or during one.
        settled: nothing moves any more, so that what was begun has ended and is on the topic.
    """
    broken = list(broken_chains(facts.log))
    if broken:
        return broken  # what cannot be read as logs cannot be judged as executions
    return list(_found(facts, settled=settled))


def _found(facts: Facts, *, settled: bool) -> Iterator[str]:
    logs = logs_of(facts.log)
    executions = {log_id: log for log_id, log in logs.items() if log.is_execution}
    checks: list[Iterable[str]] = [
        broken_families(executions, settled=settled),
        broken_schedules(logs, settled=settled),
        broken_answers(facts.answers, executions),
        broken_streams(facts.streams, logs),
        broken_runs_outside(facts.runs, executions),
        broken_topic(facts.topic, logs, settled=settled),
    ]
    for log in executions.values():
        checks += [broken_blocks(log), broken_points(log), broken_endings(log, settled=settled)]
    for check in checks:
        yield from check
