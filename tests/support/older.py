"""An executor of the version before executions had words, as it shares a database during an upgrade."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final

import asyncpg

from signoff.events.store.base import EventStore, ExecutionRow
from signoff.events.store.memory import MemoryStore
from signoff.events.store.rows import to_columns

_MARK: Final = "UPDATE executions SET version = {0}, error = {1}, attributes = {2} WHERE log_id = {3}"
_WITHOUT: Final = (
    "UPDATE executions SET words = NULL, words_version = NULL WHERE log_id = {0} AND version = {1}"
)
_ERROR: Final = ExecutionRow.__struct_fields__.index("error")
_ATTRIBUTES: Final = ExecutionRow.__struct_fields__.index("attributes")


class OlderExecutor:
    """Writes rows, and leaves words as they are.

    Args:
        store: the store of the newer version.
        where: the file of an SQLite log, or the URL of a PostgreSQL one.
    """

    def __init__(self, store: EventStore, where: Path | str) -> None:
        self._store = store
        self._where = where

    async def wrote(self, *rows: ExecutionRow) -> None:
        """Make rows that are there as if it had written them.

        One of the same version is as if it had made it: it has no words. One of a later version has those
        of what the newer executor wrote before.
        """
        for row in rows:
            columns = to_columns(row)
            error, attributes = columns[_ERROR], columns[_ATTRIBUTES]
            if isinstance(self._store, MemoryStore):
                self._store._executions[row.log_id] = row
            elif isinstance(self._where, Path):
                await asyncio.to_thread(self._in_sqlite, self._where, row, error, attributes)
            else:
                await self._in_postgres(self._where, row, error, attributes)

    def _in_sqlite(self, path: Path, row: ExecutionRow, error: object, attributes: object) -> None:
        log_id = row.log_id.hex
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            known = connection.execute(_WITHOUT.format("?1", "?2"), (log_id, row.version)).rowcount
            if known:
                connection.execute("DELETE FROM execution_words WHERE log_id = ?", (log_id,))
            connection.execute(_MARK.format("?1", "?2", "?3", "?4"), (row.version, error, attributes, log_id))

    async def _in_postgres(self, url: str, row: ExecutionRow, error: object, attributes: object) -> None:
        connection = await asyncpg.connect(url)
        try:
            await connection.execute(_WITHOUT.format("$1", "$2"), row.log_id, row.version)
            value = "CASE WHEN $3::text IS NOT NULL THEN jsonb_build_object(workspace_id, $3::jsonb) END"
            await connection.execute(
                _MARK.format("$1", "$2", value, "$4"), row.version, error, attributes, row.log_id
            )
        finally:
            await connection.close()
