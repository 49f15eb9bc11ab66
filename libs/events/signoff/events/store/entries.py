"""What passes the port of the log beside projections: events, appends, folded states, leases."""

from uuid import UUID

from msgspec import Struct

from signoff.events.store.projections import Row


class NewEvent(Struct, frozen=True):
    """One event to append. ``version`` is its ``eventId``: 1, 2, 3 … in its log."""

    log_id: UUID
    version: int
    topic: str
    state: bytes


class Recorded(Struct, frozen=True):
    """One event as the log holds it. ``position`` is its place in the whole log."""

    log_id: UUID
    version: int
    topic: str
    state: bytes
    position: int


class Head(Struct, frozen=True):
    """The last event of a log within some positions: its version and the SHA-256 of its bytes."""

    log_id: UUID
    version: int
    digest: bytes


class FeedRow(Struct, frozen=True):
    """One event of an execution's or a workflow's log, and the workspace that it belongs to."""

    event: Recorded
    workspace_id: UUID


class Append(Struct, kw_only=True):
    """What one partition's owner writes at once: all of it, or nothing.

    ``next_offset``: where the partition's commands go on, ``None`` to leave it.
    """

    partition: int
    epoch: int
    next_offset: int | None = None
    events: list[NewEvent] = []
    rows: list[Row] = []


class Lease(Struct, frozen=True, kw_only=True):
    """The right to write one partition, fenced by ``epoch``.

    ``next_offset`` and ``relayed`` are where the owner goes on: with the commands, and with
    publishing (a position of the log).
    """

    partition: int
    owner: str
    epoch: int
    next_offset: int
    relayed: int


class LeaseRow(Struct, frozen=True, kw_only=True):
    """A partition's row as anybody may read it; ``seconds_left`` ≤ 0 when it is free."""

    partition: int
    owner: str | None
    epoch: int
    seconds_left: float
    next_offset: int
    relayed: int


class Snapshot(Struct, frozen=True, kw_only=True):
    """A folded state, so that loading is bounded. ``format`` is the state's own version."""

    log_id: UUID
    version: int
    format: int
    state: bytes
