"""Records in memory, beside the log in memory."""

import itertools
from collections.abc import Callable, Iterator
from uuid import UUID

from msgspec import Struct

from signoff.events.errors import RecordConflictError
from signoff.events.records import Due, Kept, Page, check_key, check_record

_Place = tuple[str, UUID, str]


class _Row(Struct, frozen=True):
    kept: Kept
    due_at: float | None


class MemoryRecords:
    """Records that end with their process.

    Args:
        clock: seconds since the epoch, UTC, for expiry.
        check_open: raises when the store is closed.
    """

    def __init__(self, clock: Callable[[], float], check_open: Callable[[], None]) -> None:
        self._clock = clock
        self._check_open = check_open
        self._rows: dict[_Place, _Row] = {}
        self._versions = itertools.count(1)

    async def get(self, kind: str, scope: UUID, key: str) -> Kept | None:
        """One record, ``None`` when it is not there (see :class:`~signoff.events.records.Records`)."""
        self._check_open()
        check_key(key)
        return self._there((kind, scope, key))

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
        self._check_open()
        check_record(kind, key, value)
        there = self._there((kind, scope, key))
        if expected is not None and expected != (there.version if there else 0):
            raise RecordConflictError(kind, expected)
        version = next(self._versions)
        kept = Kept(key=key, value=value, version=version, expires_at=expires_at)
        self._rows[kind, scope, key] = _Row(kept, due_at)
        return version

    async def remove(self, kind: str, scope: UUID, key: str, *, expected: int | None = None) -> bool:
        """Remove a record, or only its ``expected`` version; gives whether that was there."""
        self._check_open()
        check_key(key)
        there = self._there((kind, scope, key))
        if there is None or expected not in {None, there.version}:
            return False
        del self._rows[kind, scope, key]
        return True

    async def list(self, kind: str, scope: UUID, *, after: str = "", limit: int = 100) -> Page:
        """Records of a scope by key, from the one after ``after``."""
        self._check_open()
        check_key(after)
        found = [
            row.kept
            for (row_kind, row_scope, key), row in self._current()
            if (row_kind, row_scope) == (kind, scope) and key > after
        ]
        return sorted(found, key=lambda kept: kept.key)[:limit]

    async def due(self, kind: str, *, before: float, limit: int) -> Due:
        """Records of all scopes whose ``due_at`` is not after ``before``, earliest first, with the scope."""
        self._check_open()
        found = [
            (row.due_at, scope, row.kept)
            for (row_kind, scope, _), row in self._current()
            if row_kind == kind and row.due_at is not None and row.due_at <= before
        ]
        found.sort(key=lambda due: (due[0], due[2].version))
        return [(scope, kept) for _, scope, kept in found[:limit]]

    async def purge(self, *, limit: int = 1000) -> int:
        """Delete up to ``limit`` expired records, those first that expired first."""
        self._check_open()
        now = self._clock()
        ends = [(row.kept.expires_at, place) for place, row in self._rows.items()]
        expired = sorted((end, place) for end, place in ends if end is not None and end <= now)[:limit]
        for _, place in expired:
            del self._rows[place]
        return len(expired)

    def _there(self, place: _Place) -> Kept | None:
        row = self._rows.get(place)
        return row.kept if row is not None and self._stays(row) else None

    def _current(self) -> Iterator[tuple[_Place, _Row]]:
        return ((place, row) for place, row in self._rows.items() if self._stays(row))

    def _stays(self, row: _Row) -> bool:
        return row.kept.expires_at is None or row.kept.expires_at > self._clock()
