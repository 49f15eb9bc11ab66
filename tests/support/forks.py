"""Forks of stories: as an executor begins them, with the source's events at hand."""

from collections.abc import Collection
from typing import Any, Final
from uuid import UUID

from signoff.engine.definitions.graph import Graph
from signoff.engine.messages import Forking
from signoff.engine.points.standing import person_of
from signoff.events.times import iso
from signoff.events.types import Actor, Command, Fork, Json, Outcome, Source, StartExecution
from support.bdd import WORKFLOW, Story

FORK_LOG: Final = UUID("018f0000-0000-7000-8000-00000000f04c")
FORKER: Final = Actor(type="user", id="u2", name="Grace")


def begin_fork(
    fork: Story,
    source: Story,
    *,
    upto: int | None = None,
    given: Json = None,
    actor: Actor = FORKER,
    command_id: str = "018f0000-0000-7000-8000-0000000f0001",
    version: int = 1,
    decided_in: Collection[str] = (),
    **wanted: Any,
) -> Outcome:
    """Send a story the command that makes it a fork of another one; gives the answer.

    Args:
        fork: a story without events.
        source: whose past it takes.
        upto: the last event that it takes; by default all.
        given: another input, with ``edited``.
        actor: who forks.
        command_id: of the command.
        version: of the workflow.
        decided_in: the executions that the source called in which people decided.
        wanted: fields of the `Fork`.
    """
    event_id = upto or len(source.events)
    was = source.state.source
    start = StartExecution(
        workspace_id=source.state.workspace_id,
        workflow_id=WORKFLOW,
        workflow_version=version,
        definition_digest="sha256:definition",
        mode="async",
        input=given,
        source=Source(
            execution_id=str(source.log_id),
            event_id=event_id,
            kind="fork",
            started_by=[*([] if was is None else was.started_by), person_of(source.state.actor or actor)],
        ),
        fork=Fork(log_id=str(source.log_id), event_id=event_id, reason="What if", **wanted),
    )
    command = Command(
        command_id=command_id,
        type=start.TYPE,
        execution_id=str(fork.log_id),
        issued_at=iso(fork.now),
        actor=actor,
        data=start,
    )
    fork.send(Forking(command, source.events[:event_id], decided_in=frozenset(decided_in)))
    assert fork.outcome is not None
    return fork.outcome


def fork_of(
    source: Story, *, graph: Graph | None = None, log_id: UUID = FORK_LOG, after: float = 1000.0, **more: Any
) -> Story:
    """A fork of a story, so many seconds later; the blocks do there as they are told in the source."""
    fork = Story(graph or source.graph, source.script, log_id=log_id)
    fork.now = source.now + after
    outcome = begin_fork(fork, source, **more)
    assert outcome.outcome == "accepted", outcome.refusal
    return fork
