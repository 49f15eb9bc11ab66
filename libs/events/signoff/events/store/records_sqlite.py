"""Records in SQLite, beside the log."""

import sqlite3
from collections.abc import Callable, Mapping
from typing import Any, Final
from uuid import UUID

import msgspec

from signoff.events.errors import RecordConflictError
from signoff.events.records import Due, Kept, Page, check_record
from signoff.events.store.rows import escape, unescape
from signoff.events.store.sqlite_connection import Connections
from signoff.events.store.sqlite_writer import microseconds, seconds

_page: Final = msgspec.json.Decoder(list[tuple[str, str, int, int | None]])
_due: Final = msgspec.json.Decoder(list[tuple[str, str, str, int, int | None]])


class SqliteRecords:
    """Records in the file of the log.

    Args:
        writing: the connection that writes.
        reading: those that read.
        queries: the named queries.
        clock: seconds since the epoch, UTC, for expiry.
    """

    def __init__(
        self,
        writing: Connections,
        reading: Connections,
        queries: Mapping[str, str],
        clock: Callable[[], float],
    ) -> None:
        self._writing = writing
        self._reading = reading
        self._queries = queries
        self._clock = clock

    async def get(self, kind: str, scope: UUID, key: str) -> Kept | None:
        """One record, ``None`` when it is not there (see :class:`~signoff.events.records.Records`)."""
        row = await self._first("record", kind, scope.hex, escape(key), self._now())
        return _kept(key, *row) if row else None

    async def put(
        self,
        kind: str,
        scope: UUID,
        key: str,
        value: bytes,
        *,
        expected: int | None = None,
        expires_at: float | None = None,
        due_at: float | None = None,
    ) -> int:
        """Keep a record in place of the one that is there."""
        check_record(kind, key, value)
        columns = (kind, scope.hex, escape(key), value, _time(expires_at), _time(due_at))
        count, version = await self._write("put_record", *columns, expected, self._now())
        if not count:
            raise RecordConflictError(kind, expected or 0)
        return version

    async def remove(self, kind: str, scope: UUID, key: str, *, expected: int | None = None) -> bool:
        """Remove a record, or only its ``expected`` version; gives whether that was there."""
        count, _ = await self._write("remove_record", kind, scope.hex, escape(key), expected, self._now())
        return bool(count)

    async def list(self, kind: str, scope: UUID, *, after: str = "", limit: int = 100) -> Page:
        """Records of a scope by key, from the one after ``after``."""
        (rows,) = await self._first("records", kind, scope.hex, escape(after), limit, self._now())
        return [
            _kept(unescape(key), bytes.fromhex(value), version, expires_at)
            for key, value, version, expires_at in _page.decode(rows)
        ]

    async def due(self, kind: str, *, before: float, limit: int) -> Due:
        """Records of all scopes whose ``due_at`` is not after ``before``, earliest first, with the scope."""
        (rows,) = await self._first("due_records", kind, microseconds(before), limit, self._now())
        return [
            (UUID(scope), _kept(unescape(key), bytes.fromhex(value), version, expires_at))
            for scope, key, value, version, expires_at in _due.decode(rows)
        ]

    async def purge(self, *, limit: int = 1000) -> int:
        """Delete up to ``limit`` expired records, those first that expired first."""
        count, _ = await self._write("purge_records", self._now(), limit)
        return count

    def _now(self) -> int:
        return microseconds(self._clock())

    async def _first(self, name: str, *arguments: object) -> Any:
        return await self._reading.run(
            lambda connection: connection.execute(self._queries[name], arguments).fetchone()
        )

    async def _write(self, name: str, *arguments: object) -> tuple[int, int]:
        """Run a statement; gives how many rows it wrote, and the version of the last one inserted."""

        def work(connection: sqlite3.Connection) -> tuple[int, int]:
            cursor = connection.execute(self._queries[name], arguments)
            return cursor.rowcount, cursor.lastrowid or 0

        return await self._writing.run(work)


def _time(value: float | None) -> int | None:
    return None if value is None else microseconds(value)


def _kept(key: str, value: bytes, version: int, expires_at: int | None) -> Kept:
    return Kept(
        key=key, value=value, version=version, expires_at=None if expires_at is None else seconds(expires_at)
    )
