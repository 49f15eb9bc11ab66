"""Migrations of a PostgreSQL log, and the check that it is what this version expects."""

from collections.abc import Collection, Mapping

from signoff.events.store.postgres_connection import Connection, close, connect, translated
from signoff.events.store.schema import check_partitions
from signoff.events.store.sql import Migration

_MIGRATION_LIMIT = 600.0


async def migrate(
    url: str, steps: Collection[Migration], queries: Mapping[str, str], *, partitions: int
) -> list[str]:
    """Apply the migrations that are missing, in one transaction, one migrator at a time.

    Returns:
        Their names.

    Raises:
        SchemaError: the database belongs to a cluster with another number of partitions.
    """
    with translated():
        connection = await connect(url, command_limit=_MIGRATION_LIMIT)
        try:
            async with connection.transaction():
                await connection.execute(queries["lock_migrations"])
                await connection.execute(queries["create_migrations"])
                applied = await _applied(connection, queries)
                missing = [step for step in steps if step.name not in applied]
                for step in missing:
                    await connection.execute(step.sql)
                    await connection.execute(queries["record_migration"], step.name)
                await _claim(connection, queries, partitions)
        finally:
            await close(connection)
    return [step.name for step in missing]


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
