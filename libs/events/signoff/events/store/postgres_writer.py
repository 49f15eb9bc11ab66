"""The one connection that appends: a group, one transaction, four round trips."""

import asyncio
import logging
from collections.abc import Awaitable, Mapping, Sequence
from typing import Final, TypeVar

from signoff.events import faults
from signoff.events.errors import (
    AppendUnknownError,
    SignoffError,
    StoreError,
    StoreUnavailableError,
    VersionConflictError,
)
from signoff.events.store.base import Append
from signoff.events.store.group import admitted, expected_heads, refusals, results
from signoff.events.store.postgres_connection import (
    COMMAND_LIMIT,
    DRIVER_ERRORS,
    Connect,
    Connection,
    close,
    connect_writer,
    meaning,
    translated,
)
from signoff.events.store.postgres_inbox import array_literal
from signoff.events.store.rows import by_table

Result = TypeVar("Result")

COMMIT_LIMIT: Final = COMMAND_LIMIT
"""Seconds that a commit may take, until its outcome counts as unknown."""

SETTLE_LIMIT: Final = COMMAND_LIMIT
"""Seconds to wait for a commit of unknown outcome to be over."""

_FIRST_WAIT: Final = 0.05
_LONGEST_WAIT: Final = 1.0
_log: Final = logging.getLogger(__name__)


class PostgresWriter:
    """Writes groups of appends over a connection of its own, which it makes again when it is lost.

    Args:
        connect: makes connections.
        queries: the named queries.
    """

    def __init__(self, connect: Connect, queries: Mapping[str, str]) -> None:
        self._connect = connect
        self._queries = queries
        self._connection: Connection | None = None
        self._committing = False
        self._wait = _FIRST_WAIT
        self._retry_at = 0.0

    async def begin(self) -> None:
        """Begin a transaction as the only writer (the contract of :data:`~.batcher.Begin`).

        Another process may hold the lock, for as long as its own group takes. Whatever comes meanwhile can
        still join ours.
        """
        connection = await self._connected()
        self._committing = False
        await self._guarded(connection, connection.execute(self._queries["begin_locked"]))
        if faults.armed:
            await faults.reach("store.begun")

    async def write(self, group: list[Append]) -> Sequence[int | SignoffError]:
        """Write a group and end the transaction (the contract of :data:`~.batcher.Write`)."""
        connection = self._connection
        if connection is None or connection.is_closed():
            raise StoreUnavailableError("PostgreSQL: the connection was lost before anything was written")
        return await self._guarded(connection, self._transaction(connection, group))

    async def _guarded(self, connection: Connection, work: Awaitable[Result]) -> Result:
        """Let no failure leave a transaction open."""
        try:
            return await work
        except DRIVER_ERRORS as error:
            raise await self._abandon(connection, error) from error
        except SignoffError as error:
            raise await self._abandon(connection, error) from None
        except BaseException:
            connection.terminate()
            raise

    async def close(self) -> None:
        """Let go of the connection."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await close(connection)

    async def _connected(self) -> Connection:
        if self._connection is not None and not self._connection.is_closed():
            return self._connection
        loop = asyncio.get_running_loop()
        if loop.time() < self._retry_at:
            raise StoreUnavailableError("PostgreSQL was away a moment ago: try again later")
        try:
            with translated():
                self._connection = await connect_writer(self._connect)
        except SignoffError:
            self._retry_at = loop.time() + self._wait
            self._wait = min(self._wait * 2, _LONGEST_WAIT)
            raise
        self._wait = _FIRST_WAIT
        return self._connection

    async def _transaction(self, connection: Connection, group: list[Append]) -> list[int | SignoffError]:
        refused = await self._refused(connection, group)
        accepted = admitted(group, refused)
        positions = await self._insert(connection, accepted) if accepted else []
        await self._put_rows(connection, accepted)
        if faults.armed:
            await faults.reach("store.committing")
        await self._commit(connection, self._queries["notify_and_commit" if positions else "commit"])
        if faults.armed:
            await faults.reach("store.committed")
        return [*results(group, refused, positions)]

    async def _commit(self, connection: Connection, query: str) -> None:
        """Commit, or let go of the connection when that takes too long; never cancel it.

        A commit that waits for its standby would be visible once cancelled, and lost in a fail-over.
        """
        self._committing = True
        giving_up = asyncio.get_running_loop().call_later(COMMIT_LIMIT, connection.terminate)
        try:
            await connection.execute(query, timeout=2 * COMMIT_LIMIT)
        finally:
            giving_up.cancel()

    async def _refused(self, connection: Connection, group: list[Append]) -> Mapping[int, StoreError]:
        leases = {(append.partition, append.epoch) for append in group}
        heads = expected_heads(group)
        troubles = await connection.fetch(
            self._queries["guard"],
            [partition for partition, _ in leases],
            [epoch for _, epoch in leases],
            list(heads),
            [head + 1 for head in heads.values()],
        )
        foreign = {partition: epoch for partition, epoch, log_id, _ in troubles if log_id is None}
        for _, _, log_id, head in troubles:
            if log_id is not None:
                heads[log_id] = head or 0
        lost = {
            (partition, epoch)
            for partition, epoch in leases
            if partition in foreign and foreign[partition] != epoch
        }
        return refusals(group, lost=lost, heads=heads)

    async def _insert(self, connection: Connection, group: list[Append]) -> list[int]:
        events = [event for append in group for event in append.events]
        offsets = {append.partition: append.next_offset for append in group if append.next_offset is not None}
        if not events and not offsets:
            return []
        inserted = await connection.fetch(
            self._queries["append"],
            [event.log_id for event in events],
            [event.version for event in events],
            [event.topic for event in events],
            [event.state for event in events],
            list(offsets),
            list(offsets.values()),
        )
        return [row[0] for row in inserted]

    async def _put_rows(self, connection: Connection, group: list[Append]) -> None:
        for table, rows in by_table(group).items():
            columns = [storable(column) for column in zip(*rows, strict=True)]
            moved = await connection.fetch(self._queries[f"put_{table}"], *columns)
            if table == "tracking" and len(moved) < len(rows):
                raise VersionConflictError(
                    "a tracked position is not above the one recorded: it was processed before"
                )

    async def _abandon(self, connection: Connection, error: Exception) -> SignoffError:
        """End a failed transaction, and tell what the failure means."""
        fault = error if isinstance(error, SignoffError) else meaning(error)
        if not isinstance(fault, StoreUnavailableError) and not connection.is_closed():
            try:
                await connection.execute(self._queries["rollback"])
            except DRIVER_ERRORS as broken:
                _log.warning("rolling back: %s", meaning(broken))
                connection.terminate()
            return fault
        connection.terminate()
        if self._committing:
            await self._settle()
            return AppendUnknownError(f"{fault}, during a commit: read the log to know")
        return fault if isinstance(fault, StoreUnavailableError) else StoreUnavailableError(str(fault))

    async def _settle(self) -> None:
        """Wait until the commit of unknown outcome is over, so that whoever reads the log next sees it.

        The backend that may still be committing holds the writers' lock.
        """
        try:
            connection = await self._connected()
            with translated():
                await connection.execute(self._queries["begin_locked"], timeout=SETTLE_LIMIT)
                await connection.execute(self._queries["rollback"])
        except SignoffError as error:
            _log.warning("a commit of unknown outcome is not settled: %s", error)
            if self._connection is not None:
                self._connection.terminate()


def storable(column: Sequence[object]) -> list[object]:
    """A column as an argument: lists as texts."""
    if column and isinstance(column[0], list):
        return [array_literal(each) for each in column if isinstance(each, list)]
    return list(column)
