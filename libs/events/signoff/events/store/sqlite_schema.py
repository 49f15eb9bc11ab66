"""Migrations of an SQLite log."""

import sqlite3
from collections.abc import Collection, Mapping

import msgspec

from signoff.events.store.schema import check_newer, check_partitions
from signoff.events.store.sql import Migration
from signoff.events.store.sqlite_writer import as_json


def applied(connection: sqlite3.Connection, queries: Mapping[str, str]) -> list[str]:
    """The names of the migrations that a database has had."""
    if connection.execute(queries["has_migrations"]).fetchone() == (0,):
        return []
    (names,) = connection.execute(queries["migrations"]).fetchone()
    return msgspec.json.decode(names, type=list[str])


def migrate(
    connection: sqlite3.Connection,
    steps: Collection[Migration],
    queries: Mapping[str, str],
    *,
    partitions: int,
) -> list[str]:
    """Apply the migrations that are missing, each in a transaction of its own.

    Returns:
        Their names.

    Raises:
        SchemaError: the database belongs to a server with another number of partitions, or of a newer
            version.
    """
    connection.execute(queries["create_migrations"])
    had = applied(connection, queries)
    check_newer(had, steps)
    missing = [step for step in steps if step.name not in had]
    for step in missing:
        with connection:
            connection.execute("BEGIN IMMEDIATE")
            for statement in statements(step.sql):
                connection.execute(statement)
            connection.execute(queries["record_migration"], (step.name,))
    _claim(connection, queries, partitions)
    return [step.name for step in missing]


def statements(script: str) -> list[str]:
    """The single statements of a script (``executescript`` would commit before it begins)."""
    found: list[str] = []
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            found.append(statement)
            statement = ""
    return found


def _claim(connection: sqlite3.Connection, queries: Mapping[str, str], partitions: int) -> None:
    (recorded,) = connection.execute(queries["partitions"]).fetchone()
    if recorded is not None:
        check_partitions(recorded, partitions)
        return
    with connection:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute(queries["make_cluster"], (partitions,))
        connection.execute(queries["make_partitions"], (as_json(list(range(partitions))),))
