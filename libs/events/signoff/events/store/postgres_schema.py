"""Migrations of a PostgreSQL log, and the check that it is what this version expects."""

import logging
from collections.abc import Collection, Mapping, Sequence
from typing import Final

from signoff.events.errors import SchemaError
from signoff.events.store.postgres_connection import (
    Connect,
    Connection,
    close,
    connect_other,
    translated,
)
from signoff.events.store.schema import check_newer, check_partitions
from signoff.events.store.sql import Migration

_MIGRATION_LIMIT = 600.0
_log: Final = logging.getLogger(__name__)


async def migrate(
    connect: Connect, steps: Collection[Migration], queries: Mapping[str, str], *, partitions: int
) -> list[str]:
    """Apply the migrations that are missing, in one transaction, one migrator at a time.

    A step that takes something away, and what follows it, is left for another time while a process is
    connected that does not know it; a warning names that process.

    Returns:
        The names of those applied.

    Raises:
        SchemaError: the database belongs to a cluster with another number of partitions, or to a newer
            version; or this version needs a step behind one that has to wait: nothing was changed.
    """
    with translated():
        connection = await connect_other(connect, command_limit=_MIGRATION_LIMIT)
        try:
            async with connection.transaction():
                await connection.execute(queries["lock_migrations"])
                await connection.execute(queries["create_migrations"])
                applied = await _applied(connection, queries)
                check_newer(applied, steps)
                missing = [step for step in steps if step.name not in applied]
                safe = await _safe(connection, queries, missing)
                for step in safe:
                    await connection.execute(step.sql)
                    await connection.execute(queries["record_migration"], step.name)
                await _claim(connection, queries, partitions)
        finally:
            await close(connection)
    return [step.name for step in safe]


async def _safe(
    connection: Connection, queries: Mapping[str, str], missing: Sequence[Migration]
) -> Sequence[Migration]:
    """The steps up to the first that would take something away from a process that is connected."""
    for place, step in enumerate(missing):
        if step.phase == "pre":
            continue
        older = [row[0] for row in await connection.fetch(queries["older_processes"], step.number)]
        if not older:
            continue
        reason = f"{step.name} waits for older processes to end: {', '.join(older)}"
        behind = [each.name for each in missing[place:] if each.phase == "pre"]
        if behind:
            raise SchemaError(
                f"{reason}; this version needs {', '.join(behind)} behind it: stop them, or upgrade to the "
                "version before first; then run `signoff migrate` again"
            )
        _log.warning("%s: run `signoff migrate` again when they have", reason)
        return missing[:place]
    return missing


async def _applied(connection: Connection, queries: Mapping[str, str]) -> set[str]:
    return {row[0] for row in await connection.fetch(queries["migrations"])}


async def _claim(connection: Connection, queries: Mapping[str, str], partitions: int) -> None:
    """Record the number of partitions in a new database; it never changes."""
    recorded = await connection.fetchval(queries["partitions"])
    if recorded is None:
        await connection.execute(queries["make_cluster"], partitions)
        await connection.execute(queries["make_partitions"], partitions)
    else:
        check_partitions(recorded, partitions)
