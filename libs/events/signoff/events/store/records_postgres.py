"""Records in PostgreSQL, beside the log."""

from collections.abc import Sequence
from typing import Any, Protocol
from uuid import UUID

from signoff.events.errors import RecordConflictError
from signoff.events.records import Due, Kept, Page, check_record
from signoff.events.store.rows import escape, unescape


class Fetch(Protocol):
    """Runs a named query with its arguments, in a transaction of its own, and gives its rows."""

    async def __call__(self, name: str, *arguments: object) -> Sequence[Any]:
        """The rows of a query."""
        ...


class PostgresRecords:
    """Records in the database of the log.

    Args:
        fetch: the store's way to run a query; it lets no error of the driver pass.
    """

    def __init__(self, fetch: Fetch) -> None:
        self._fetch = fetch

    async def get(self, kind: str, scope: UUID, key: str) -> Kept | None:
        """One record, ``None`` when it is not there (see :class:`~signoff.events.records.Records`)."""
        rows = await self._fetch("record", kind, scope, escape(key))
        return _kept(*rows[0]) if rows else None

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
        columns = (kind, scope, escape(key), value, expires_at, due_at)
        if expected:
            rows = await self._fetch("replace_record", *columns, expected)
        else:
            rows = await self._fetch("put_record", *columns, expected == 0)
        if not rows:
            raise RecordConflictError(kind, expected or 0)
        return int(rows[0][0])

    async def remove(self, kind: str, scope: UUID, key: str, *, expected: int | None = None) -> bool:
        """Remove a record, or only its ``expected`` version; gives whether that was there."""
        return bool(await self._fetch("remove_record", kind, scope, escape(key), expected))

    async def list(self, kind: str, scope: UUID, *, after: str = "", limit: int = 100) -> Page:
        """Records of a scope by key, from the one after ``after``."""
        return [_kept(*row) for row in await self._fetch("records", kind, scope, escape(after), limit)]

    async def due(self, kind: str, *, before: float, limit: int) -> Due:
        """Records of all scopes whose ``due_at`` is not after ``before``, earliest first, with the scope."""
        rows = await self._fetch("due_records", kind, before, limit)
        return [(scope, _kept(*columns)) for scope, *columns in rows]

    async def purge(self, *, limit: int = 1000) -> int:
        """Delete up to ``limit`` expired records, those first that expired first."""
        return int((await self._fetch("purge_records", limit))[0][0])


def _kept(key: str, value: bytes, version: int, expires_at: float | None) -> Kept:
    return Kept(key=unescape(key), value=value, version=version, expires_at=expires_at)
