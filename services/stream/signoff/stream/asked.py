"""What a request asks for: which log, from where on, how far."""

from collections.abc import Mapping
from typing import Final
from uuid import UUID

from msgspec import Struct

from signoff.events.ids import read_uuid
from signoff.events.store.base import EventStore, ExecutionRow
from signoff.events.topics import chosen_log_id
from signoff.stream.errors import RefusedError

LARGEST_EVENT_ID: Final = 2**62
"""No log is as long. Larger cursors are taken for it, so that they fit the database's numbers."""


class Target(Struct, frozen=True):
    """A log to stream.

    Attributes:
        log_id: names it.
        execution_id: as callers know it.
        run_id: set where only this resumed run was asked for.
    """

    log_id: UUID
    execution_id: str
    run_id: str | None


class Cursor(Struct, frozen=True):
    """Where to go on: after this event. ``reconnect``: it is a client's ``Last-Event-ID``."""

    after: int
    reconnect: bool


async def find_target(store: EventStore, workspace_id: UUID, workflow_id: str, execution_id: str) -> Target:
    """Find the log of an execution, by its id, by the id that a client chose, or by a run's id.

    Raises:
        RefusedError: there is none, or not of this workflow; the texts are the contract's.
        StoreUnavailableError: the database is away.
    """
    given = read_uuid(execution_id)
    chosen = chosen_log_id(str(workspace_id), execution_id)
    row = await store.locate([chosen] if given is None else [chosen, given])
    hidden = row is not None and row.workspace_id != workspace_id
    if hidden:
        row = None  # not to be told from one that never was
    if row is None or row.workflow_id != workflow_id:
        raise await _refusal(store, workspace_id, workflow_id, row, hidden=hidden)
    is_run = given is not None and row.log_id not in (given, chosen)
    return Target(row.log_id, row.execution_id or str(row.log_id), str(given) if is_run else None)


async def _refusal(
    store: EventStore, workspace_id: UUID, workflow_id: str, row: ExecutionRow | None, *, hidden: bool
) -> RefusedError:
    if await store.workflow(workspace_id, workflow_id) is None:
        return RefusedError(404, "Workflow not found", hidden=hidden)
    if row is None:
        return RefusedError(404, "Execution buffer not found or expired", hidden=hidden)
    return RefusedError(403, "Execution does not belong to this workflow")


def cursor_of(headers: Mapping[str, str], query: Mapping[str, str]) -> Cursor:
    """The cursor of a request: ``Last-Event-ID`` wins over ``from``; a bad or negative one is 0."""
    header = headers.get("Last-Event-ID")
    if header is not None:
        return Cursor(_event_id(header), reconnect=True)
    return Cursor(_event_id(query.get("from", "")), reconnect=False)


def _event_id(text: str) -> int:
    text = text.strip()
    if not (text.isascii() and text.isdigit()):
        return 0
    return LARGEST_EVENT_ID if len(text.lstrip("0")) > 18 else int(text)


def follows(query: Mapping[str, str]) -> bool:
    """Whether to stay through pauses."""
    return query.get("follow", "").lower() in ("true", "1")
