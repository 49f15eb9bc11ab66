"""Executions by what they are, who started them, and what they are about."""

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType
from msgspec.structs import replace

from signoff.access.callers import Principal
from signoff.events.store.base import ExecutionRow, ExecutionStatus, PauseListStatus
from signoff.events.store.ordering import order_key, place_of
from signoff.events.store.search import Attribute, Search
from signoff.events.times import iso
from signoff.gateway.errors import ApiError
from signoff.gateway.executions.filters import ExecutionFilter, Sort, read_cursor, read_filter, write_cursor
from signoff.gateway.gateway import Gateway, find_execution, shown_id


class SearchQuery(ExecutionFilter, frozen=True, kw_only=True, rename="camel"):
    """Which executions are wanted, in which order, and how many at once.

    Attributes:
        sort: What they are sorted by; with `-` the highest first. By `endedAt` and `duration` only those
            that have ended are listed.
        limit: How many in a page.
        cursor: The `nextCursor` of the page before, with the same filter and sort.
        counts: Whether to count what the filter finds, by status and whatever `status` says.
    """

    sort: Sort = "-startedAt"
    limit: Annotated[int, Meta(ge=1, le=1000)] = 100
    cursor: Annotated[str, Meta(max_length=300)] | None = None
    counts: bool = False


class StartedBy(Struct, frozen=True, kw_only=True):
    """Who started an execution."""

    type: str
    id: str


class FoundExecution(Struct, frozen=True, kw_only=True, rename="camel"):
    """An execution as it was when it last started, paused, resumed or ended; ``duration_ms`` when ended.

    ``forked_from``: the execution that it is a fork of. Executions of earlier versions of the server have no
    ``actor``.
    """

    execution_id: str
    workflow_id: str
    workflow_version: int
    status: ExecutionStatus
    pause_status: PauseListStatus | None
    trigger: str
    actor: StartedBy | None
    started_at: str
    updated_at: str
    ended_at: str | None
    duration_ms: int | None
    error: str | None
    error_code: str | None
    attributes: dict[str, Attribute]
    forked_from: str | None


class StatusCounts(Struct, frozen=True, kw_only=True, rename="camel"):
    """How many executions a filter finds. Not ``exact``: there are more, and the newest were counted."""

    total: int
    exact: bool
    by_status: dict[str, int]


class ExecutionList(Struct, frozen=True, kw_only=True, rename="camel"):
    """A page of executions."""

    executions: list[FoundExecution]
    next_cursor: str | None
    counts: StatusCounts | UnsetType = UNSET


async def find_executions(gateway: Gateway, caller: Principal, query: SearchQuery) -> ExecutionList:
    """A page of the executions that a filter finds.

    Args:
        gateway: the ports.
        caller: in whose workspace is looked.
        query: the filter, and which page.

    Raises:
        ApiError: 400, the filter or the cursor is none.
    """
    wanted = read_filter(query, caller.workspace_id, query.sort)
    after = read_cursor(query.cursor, query.sort)
    rows = await gateway.store.executions(wanted, after=after, limit=query.limit + 1)
    shown, more = rows[: query.limit], len(rows) > query.limit
    return ExecutionList(
        executions=[found(row) for row in shown],
        next_cursor=write_cursor(query.sort, place_of(shown[-1], wanted.order)) if more else None,
        counts=await _counts(gateway, wanted) if query.counts else UNSET,
    )


async def find_named(gateway: Gateway, caller: Principal, query: SearchQuery) -> ExecutionList:
    """The same for people: the execution whose id is the text comes before all that only have its words.

    Beside other filters it does so where it is on the page.

    Raises:
        ApiError: 400, the filter or the cursor is none.
    """
    listed = await find_executions(gateway, caller, query)
    named = None if query.text is None else await _named(gateway, caller, query.text)
    if named is None:
        return listed
    others = [each for each in listed.executions if each.execution_id != named.execution_id]
    is_alone = query == SearchQuery(text=query.text, sort=query.sort, limit=query.limit, counts=query.counts)
    is_first = is_alone or (query.cursor is None and len(others) < len(listed.executions))
    return replace(listed, executions=[named, *others] if is_first else others)


async def _named(gateway: Gateway, caller: Principal, text: str) -> FoundExecution | None:
    try:
        return found(await find_execution(gateway, caller, text, missing=""))
    except ApiError:
        return None


async def _counts(gateway: Gateway, wanted: Search) -> StatusCounts:
    counts = await gateway.store.count_executions(replace(wanted, statuses=()))
    return StatusCounts(total=sum(counts.by_status.values()), exact=counts.exact, by_status=counts.by_status)


def found(row: ExecutionRow) -> FoundExecution:
    """An execution as a search shows it."""
    duration = order_key(row, "duration")
    return FoundExecution(
        execution_id=shown_id(row),
        workflow_id=row.workflow_id,
        workflow_version=row.workflow_version,
        status=row.status,
        pause_status=row.pause_status,
        trigger=row.trigger,
        actor=_started_by(row),
        started_at=iso(row.started_at),
        updated_at=iso(row.updated_at),
        ended_at=None if row.ended_at is None else iso(row.ended_at),
        duration_ms=None if duration is None else round(duration * 1000),
        error=row.error,
        error_code=row.error_code,
        attributes=row.attributes,
        forked_from=row.forked_from,
    )


def _started_by(row: ExecutionRow) -> StartedBy | None:
    if row.actor_type is None or row.actor_id is None:
        return None
    return StartedBy(type=row.actor_type, id=row.actor_id)
