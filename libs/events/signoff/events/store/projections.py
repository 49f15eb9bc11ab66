"""The rows that are written with events: what lists, take-overs and inboxes read. Rebuilt from the log.

Times are seconds since the epoch, UTC.
"""

from typing import Literal
from uuid import UUID

from msgspec import Struct

from signoff.events.store.search import Attribute

ExecutionStatus = Literal["running", "paused", "completed", "failed", "cancelled"]
PauseListStatus = Literal["paused", "partially_resumed", "fully_resumed", "cancelled"]


class ExecutionRow(Struct, frozen=True, kw_only=True):
    """The projection of one execution, written when it starts, pauses, resumes, ends or sets a timer.

    ``execution_id`` is what the client chose, or ``None`` where it is the log's UUID. ``version``
    is the last ``eventId`` that the row knows of. ``parked``: nothing of it is in flight, so a new
    owner need not load it. ``due_at``: the earliest moment at which it must be loaded again.
    ``pause_status`` is ``None`` for one that never paused. ``broken``: why it cannot be folded.
    ``actor_type`` and ``actor_id``: who started it. ``error``: the beginning of why it failed.
    ``attributes``: what the workflow lets it be found by. ``forked_from``: the execution that it is a fork
    of, by the id that callers know. That names one in the workspace that the two share, and is what lists are
    asked for and show: so nobody has to look that execution up. Rows of earlier versions have none of these.
    """

    log_id: UUID
    partition: int
    workspace_id: UUID
    workflow_id: str
    workflow_version: int
    execution_id: str | None = None
    status: ExecutionStatus
    pause_status: PauseListStatus | None = None
    trigger: str
    mode: str
    version: int
    parked: bool
    started_at: float
    updated_at: float
    ended_at: float | None = None
    due_at: float | None = None
    broken: str | None = None
    actor_type: str | None = None
    actor_id: str | None = None
    error: str | None = None
    error_code: str | None = None
    attributes: dict[str, Attribute] = {}
    forked_from: str | None = None


class RunRow(Struct, frozen=True, kw_only=True):
    """Which execution a resumed run belongs to (a first run has its execution's id)."""

    run_id: UUID
    log_id: UUID


class WorkflowRow(Struct, frozen=True, kw_only=True):
    """The active version of a workflow. ``log_id`` names the log of its deployments.

    ``due_at``: the earliest moment at which a schedule of it is due.
    """

    log_id: UUID
    workspace_id: UUID
    workflow_id: str
    name: str
    version: int
    digest: str
    is_deployed: bool
    deployed_at: float
    due_at: float | None = None


class PointRow(Struct, frozen=True, kw_only=True):
    """An open pause point of kind human, as inboxes find it, until its :class:`PointGone`.

    ``text``: the words that it is found by (at most 2,000 characters), prepared by whoever writes the row.
    ``priority``: 0 is low, 3 is urgent. ``due_at``: when the last step of its deadline strikes.
    ``candidates``: who may decide: ``user:…``, ``group:…``, ``role:…`` or ``anybody``. ``claimed_by``: the id
    of a user, or ``apiKey:<id>``. ``excluded``: users who may not decide, or not again. ``returned``: changes
    are wanted first. ``version`` is the ``eventId`` of its last change.
    """

    log_id: UUID
    context_id: str
    workspace_id: UUID
    workflow_id: str
    execution_id: str | None = None
    block_id: str
    title: str
    text: str
    priority: int
    opened_at: float
    due_at: float | None = None
    candidates: list[str]
    claimed_by: str | None = None
    excluded: list[str] = []
    returned: bool = False
    approvals: int = 0
    required: int = 1
    content_digest: str | None = None
    version: int


class PointGone(Struct, frozen=True, kw_only=True):
    """A pause point is open no longer: its :class:`PointRow`, if there is one, goes."""

    log_id: UUID
    context_id: str


class DeadCommand(Struct, frozen=True, kw_only=True):
    """A command that could not be decided, kept with its bytes for ``signoff doctor``."""

    partition: int
    offset: int
    command_id: str
    log_id: UUID | None
    reason: str
    command: bytes
    died_at: float


class TrackingRow(Struct, frozen=True, kw_only=True):
    """How far a reader has come, recorded with what it derived: each position once.

    An append whose position is not above the recorded one fails with ``VersionConflictError``.
    """

    name: str
    position: int


Row = ExecutionRow | RunRow | WorkflowRow | PointRow | PointGone | DeadCommand | TrackingRow
