"""Executions and their pause points as callers see them, folded from the log and nothing else."""

from collections.abc import Sequence

from msgspec import UNSET, UnsetType, convert, structs

from signoff.audit.life.hiding import hide_secrets
from signoff.engine.deciding.children import child_response
from signoff.engine.points.pauses import resume_links
from signoff.engine.points.quorum import progress
from signoff.engine.state import PausePoint, ResumeEntry, State
from signoff.events.times import iso
from signoff.events.types import Turn, TurnType
from signoff.gateway.links import Links
from signoff.gateway.schemas import (
    DeadlineStep,
    ExecutionSnapshot,
    LoopScope,
    ParallelScope,
    PauseContext,
    PausedBrief,
    PausedDetail,
    PausedMetadata,
    PausedSummary,
    PausePointView,
    QueueEntry,
    QuorumProgress,
    ResumeLinks,
)


def paused_summary(state: State, links: Links) -> PausedSummary:
    """An execution that paused, as a list shows it."""
    points = list(state.points.values())
    return PausedSummary(
        id=state.execution_id,
        workflow_id=state.workflow_id,
        execution_id=state.execution_id,
        status=state.pause_status() or "paused",
        total_pause_count=len(points),
        resumed_count=_resumed(state),
        paused_at=iso(state.paused_at or points[0].opened_at),
        updated_at=iso(state.time),
        metadata=PausedMetadata(executor_user_id=_actor_id(state)),
        pause_points=[pause_point(state, point, links) for point in points],
    )


def paused_detail(state: State, links: Links) -> PausedDetail:
    """An execution that paused, with its queue."""
    return PausedDetail(
        **structs.asdict(paused_summary(state, links)),
        execution_snapshot=ExecutionSnapshot(
            event_id=state.version,
            workflow_version=state.workflow_version,
            definition_digest=state.definition_digest,
        ),
        queue=[queue_entry(state, entry) for entry in state.entries.values()],
    )


def pause_context(state: State, point: PausePoint, links: Links) -> PauseContext:
    """One pause point with its decisions."""
    entries = [entry for entry in state.entries.values() if entry.context_id == point.context_id]
    active = next((entry for entry in entries if entry.status == "claimed"), None)
    return PauseContext(
        execution=paused_summary(state, links),
        pause_point=pause_point(state, point, links),
        queue=[queue_entry(state, entry) for entry in entries],
        active_resume_entry=UNSET if active is None else queue_entry(state, active),
    )


def alone(context: PauseContext) -> PauseContext:
    """A pause point without the others of its execution, for somebody who was let in to this one alone."""
    execution = structs.replace(context.execution, pause_points=[context.pause_point])
    return structs.replace(context, execution=execution)


def pause_point(state: State, point: PausePoint, links: Links) -> PausePointView:
    """One pause point."""
    entry = None if point.entry_id is None else state.entries[point.entry_id]
    queued = point.entry_id in state.queue
    view = PausePointView(
        context_id=point.context_id,
        block_id=point.block_id,
        pause_kind=point.kind,
        response=links.pause(hide_secrets(point.response, point.response)),
        registered_at=iso(point.opened_at),
        resume_status="failed" if point.status == "closed" else point.status,
        parallel_scope=_parallel_scope(point.turns),
        loop_scope=_loop_scope(point.turns),
        resume_links=convert(links.resume(_resume_links(state, point)), ResumeLinks),
        queue_position=state.queue.index(point.entry_id) + 1 if queued and point.entry_id else None,
        latest_resume_entry=None if entry is None else queue_entry(state, entry),
    )
    return _with_policy(view, point) if point.kind == "human" else view


def _with_policy(view: PausePointView, point: PausePoint) -> PausePointView:
    """Who may decide, how many of them, until when, and how far they are."""
    return structs.replace(
        view,
        title=point.title,
        priority=point.priority,
        assignees=point.assignees,
        quorum=quorum_progress(point),
        deadlines=[
            DeadlineStep(at=each.at, action=each.action, struck=step <= point.step)
            for step, each in enumerate(point.deadlines, start=1)
        ],
        claimed_by=point.claimed_by,
        returned=point.returned,
        content_digest=point.content_digest,
    )


def quorum_progress(point: PausePoint) -> QuorumProgress | None:
    """How far those are who decide together; ``None`` where one person decides."""
    if point.quorum is None:
        return None
    approvals, rejections = progress(point)
    return QuorumProgress(
        approvals=approvals,
        required=point.quorum.required,
        rejections=rejections,
        rejections_required=point.quorum.rejections,
    )


def _resume_links(state: State, point: PausePoint) -> dict[str, str]:
    """Where the point is decided: a child's in its own execution, at whichever point it has."""
    if point.child is not None:
        child: dict[str, str] = child_response(point.child)["data"]["_resume"]
        return child
    return resume_links(
        workflow_id=state.workflow_id, execution_id=state.execution_id, context_id=point.context_id
    )


def _parallel_scope(turns: Sequence[Turn]) -> ParallelScope | UnsetType:
    turn = _innermost(turns, "parallel")
    if turn is None:
        return UNSET
    total = UNSET if turn.iteration_total is None else turn.iteration_total
    return ParallelScope(
        parallel_id=turn.iteration_container_id, branch_index=turn.iteration_current, branch_total=total
    )


def _loop_scope(turns: Sequence[Turn]) -> LoopScope | UnsetType:
    turn = _innermost(turns, "loop")
    if turn is None:
        return UNSET
    return LoopScope(loop_id=turn.iteration_container_id, iteration=turn.iteration_current)


def _innermost(turns: Sequence[Turn], kind: TurnType) -> Turn | None:
    return next((turn for turn in reversed(turns) if turn.iteration_type == kind), None)


def queue_entry(state: State, entry: ResumeEntry) -> QueueEntry:
    """A decision and its run."""
    return QueueEntry(
        id=entry.entry_id,
        parent_execution_id=state.execution_id,
        new_execution_id=entry.run_id,
        context_id=entry.context_id,
        resume_input=hide_secrets(state.points[entry.context_id].response, entry.input),
        status=entry.status,
        queued_at=iso(entry.queued_at),
        claimed_at=_moment(entry.claimed_at),
        completed_at=_moment(entry.completed_at),
        failure_reason=entry.failure_reason,
    )


def paused_brief(state: State) -> PausedBrief | None:
    """What an execution waits for, if anything: its first open point."""
    point = next(state.open_points(), None)
    if point is None:
        return None
    return PausedBrief(
        context_id=point.context_id,
        paused_at=iso(point.opened_at),
        resume_at=_moment(point.due_at),
        pause_kind=point.kind,
        blocked_on_block_id=point.block_id,
        pause_point_count=len(state.points),
        resumed_count=_resumed(state),
    )


def _resumed(state: State) -> int:
    return sum(point.status == "resumed" for point in state.points.values())


def _actor_id(state: State) -> str | None:
    return None if state.actor is None else state.actor.id


def _moment(seconds: float | None) -> str | None:
    return None if seconds is None else iso(seconds)
