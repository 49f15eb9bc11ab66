"""The same command to many executions: found page by page, sent some at once, told one by one."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine
from typing import Final, Literal, TypeAlias

import structlog
from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import replace

from signoff.events.errors import BusError, StoreError
from signoff.events.store.base import EventStore, ExecutionRow
from signoff.events.store.ordering import place_of
from signoff.events.store.search import Search
from signoff.events.types import CancelExecution, CommandData, Outcome, RetryExecution
from signoff.gateway.commands import Asked, Commands
from signoff.gateway.errors import ApiError
from signoff.gateway.gateway import shown_id

AT_ONCE: Final = 32
"""Commands of one request that are under way."""

_PAGE: Final = 500
_STATUSES: Final = {"cancel": ("running", "paused"), "retry": ("failed",)}
_log = structlog.get_logger("signoff.gateway.executions.bulk")

Action: TypeAlias = Literal["cancel", "retry"]
Result: TypeAlias = Literal["matched", "cancelled", "already_cancelled", "retried", "refused"]


class BulkResult(Struct, frozen=True, kw_only=True, rename="camel"):
    """What became of one execution.

    Attributes:
        result: `matched`: a dry run found it.
        run_id: The run that a retry began.
        error: Why it was refused.
    """

    execution_id: str
    result: Result
    run_id: str | UnsetType = UNSET
    error: str | UnsetType = UNSET


Act: TypeAlias = Callable[[ExecutionRow], Coroutine[None, None, BulkResult]]
"""What is done to one execution."""


def candidates(search: Search, action: Action) -> Search | None:
    """The search narrowed to the executions that an action can do something to; ``None``: there are none."""
    possible = _STATUSES[action]
    statuses = tuple(each for each in possible if each in (search.statuses or possible))
    return replace(search, statuses=statuses) if statuses else None


async def matching(store: EventStore, search: Search | None, *, most: int) -> AsyncGenerator[ExecutionRow]:
    """The executions that a search finds, the newest first, however many there are.

    What the action changes, or starts meanwhile, moves no page: the place is by when they started.
    """
    after = None
    while search is not None and most > 0:
        rows = await store.executions(search, after=after, limit=min(_PAGE, most))
        for row in rows:
            yield row
        if len(rows) < min(_PAGE, most):
            return
        most -= len(rows)
        after = place_of(rows[-1], search.order)


async def each(rows: AsyncIterator[ExecutionRow], act: Act) -> AsyncGenerator[BulkResult]:
    """Do something to each of many executions, `AT_ONCE` at a time; gives the results as they come.

    Raises:
        StoreError: no more executions could be read. What was begun before has its result.
    """
    under_way: set[asyncio.Task[BulkResult]] = set()
    away: StoreError | None = None
    try:
        try:
            async for row in rows:
                under_way.add(asyncio.create_task(act(row), name=f"bulk {row.log_id}"))
                if len(under_way) >= AT_ONCE:
                    ended, under_way = await asyncio.wait(under_way, return_when=asyncio.FIRST_COMPLETED)
                    for task in ended:
                        yield task.result()
        except StoreError as error:
            away = error
        while under_way:
            ended, under_way = await asyncio.wait(under_way, return_when=asyncio.FIRST_COMPLETED)
            for task in ended:
                yield task.result()
    finally:
        for task in under_way:
            task.cancel()
        if under_way:
            await asyncio.wait(under_way)
    if away is not None:
        raise away


class Bulk:
    """One action on executions, as one caller asked for it.

    Args:
        commands: sends them.
        asked: by whom; a retry with the same key sends each execution the same command again.
        action: what to do.
        reason: why.
    """

    def __init__(self, commands: Commands, asked: Asked, *, action: Action, reason: str) -> None:
        self._commands = commands
        self._asked = asked
        self._data: CommandData = (
            CancelExecution(reason=reason) if action == "cancel" else RetryExecution(reason=reason)
        )

    async def act(self, row: ExecutionRow) -> BulkResult:
        """Send an execution the command, and wait for what becomes of it. A refusal is a result."""
        try:
            return self._told(row, await self._outcome(row))
        except ApiError as error:
            return BulkResult(execution_id=shown_id(row), result="refused", error=str(error))
        except BusError as error:
            _log.warning("a command was not sent", log_id=str(row.log_id), reason=str(error))
            return BulkResult(
                execution_id=shown_id(row), result="refused", error="Service temporarily unavailable"
            )

    async def _outcome(self, row: ExecutionRow) -> Outcome:
        call = await self._commands.send(
            self._data, self._asked, log_id=row.log_id, execution_id=row.execution_id, after=row.version
        )
        with call:
            return await call.outcome()

    def _told(self, row: ExecutionRow, outcome: Outcome) -> BulkResult:
        execution_id, refusal = shown_id(row), outcome.refusal
        if refusal is not None and refusal.code == "ALREADY_CANCELLED":
            return BulkResult(execution_id=execution_id, result="already_cancelled")
        if refusal is not None:
            return BulkResult(execution_id=execution_id, result="refused", error=refusal.message)
        if isinstance(self._data, CancelExecution):
            return BulkResult(execution_id=execution_id, result="cancelled")
        return BulkResult(
            execution_id=execution_id, result="retried", run_id=outcome.resume_execution_id or UNSET
        )
