"""Appends to SQLite: a group is one statement, and with it one transaction (see queries_sqlite.sql)."""

import sqlite3
from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

import msgspec

from signoff.events import faults
from signoff.events.errors import (
    AppendUnknownError,
    SignoffError,
    ValueNotStorableError,
    VersionConflictError,
)
from signoff.events.store.base import Append, Row
from signoff.events.store.group import admitted, expected_heads, refusals, results
from signoff.events.store.rows import Values, by_table
from signoff.events.store.sqlite_connection import Connections

_MICROSECONDS: Final = 1_000_000
_TABLES: Final = ("executions", "runs", "workflows", "points", "gone_points", "dead_commands", "tracking")
_encoder: Final = msgspec.json.Encoder()
_leases: Final = msgspec.json.Decoder(set[tuple[int, int]])
_heads: Final = msgspec.json.Decoder(list[tuple[str, int]])

Arguments = dict[str, object]


def microseconds(seconds: float) -> int:
    """A time as the SQLite log has it."""
    return round(seconds * _MICROSECONDS)


def seconds(value: int) -> float:
    """A time of the SQLite log in seconds since the epoch."""
    return value / _MICROSECONDS


def as_json(value: object) -> str:
    """An argument of a query that takes JSON."""
    return _encoder.encode(value).decode()


def plain(value: object) -> object:
    """A column's value as the SQLite log has it: ids and bytes as hex, times in microseconds."""
    if isinstance(value, UUID):
        return value.hex
    if isinstance(value, float):
        return microseconds(value)
    return value.hex() if isinstance(value, bytes) else value


class SqliteWriter:
    """Writes groups of appends over the one connection that writes.

    Args:
        connections: the writing connection and its thread.
        queries: the named queries.
    """

    def __init__(self, connections: Connections, queries: Mapping[str, str]) -> None:
        self._connections = connections
        self._queries = queries
        self._position: int | None = None

    async def write(self, group: list[Append]) -> Sequence[int | SignoffError]:
        """Write a group in one transaction (the contract of :data:`~.batcher.Write`)."""
        if faults.armed:
            await faults.reach("store.committing")
        positions = await self._written(group)
        if faults.armed:
            await faults.reach("store.committed")
        return positions

    async def _written(self, group: list[Append]) -> Sequence[int | SignoffError]:
        if refusals(group, lost=(), heads=expected_heads(group)):
            return await self._connections.run(
                lambda connection: self._write_admitted(connection, group), late=AppendUnknownError
            )
        arguments = _arguments(group)  # before the thread: it would have to wait for the interpreter's lock
        return await self._connections.run(
            lambda connection: self._write(connection, group, arguments), late=AppendUnknownError
        )

    def _write(
        self, connection: sqlite3.Connection, group: list[Append], arguments: Arguments
    ) -> list[int | SignoffError]:
        self._prepare(connection)
        try:
            return [*results(group, {}, self._insert(connection, group, arguments))]
        except sqlite3.IntegrityError as error:
            if str(error) == "tracking":
                raise VersionConflictError("a tracked position is not above the one recorded") from error
            return self._write_admitted(connection, group)

    def _prepare(self, connection: sqlite3.Connection) -> None:
        if self._position is not None:
            return
        connection.execute(self._queries["append_view"])
        connection.execute(self._queries["append_trigger"])
        self._position = self._last_position(connection)

    def _insert(self, connection: sqlite3.Connection, group: Sequence[Append], arguments: Arguments) -> range:
        position = self._position or 0
        try:
            connection.execute(self._queries["append"], arguments | {"position": position})
        except sqlite3.OperationalError as error:
            if "I/O error" in str(error):
                raise AppendUnknownError(f"SQLite: {error}, during a commit: read the log to know") from error
            raise
        self._position = position + sum(len(append.events) for append in group)
        return range(position + 1, self._position + 1)

    def put_rows(self, connection: sqlite3.Connection, rows: list[Row]) -> None:
        """Put rows, and nothing else, in a transaction of the caller's."""
        self._prepare(connection)
        arguments = _arguments([Append(partition=0, epoch=0, rows=rows)])
        connection.execute(self._queries["append"], arguments | {"leases": None, "position": 0})

    def _write_admitted(
        self, connection: sqlite3.Connection, group: list[Append]
    ) -> list[int | SignoffError]:
        """Write what the rules allow of a group that cannot be written as a whole."""
        self._prepare(connection)
        self._position = self._last_position(connection)
        refused = refusals(group, lost=self._lost(connection, group), heads=self._heads(connection, group))
        accepted = admitted(group, refused)
        positions = self._insert(connection, accepted, _arguments(accepted)) if accepted else range(0)
        return [*results(group, refused, positions)]

    def _last_position(self, connection: sqlite3.Connection) -> int:
        return int(connection.execute(self._queries["last_position"]).fetchone()[0])

    def _lost(self, connection: sqlite3.Connection, group: list[Append]) -> set[tuple[int, int]]:
        leases = as_json([(append.partition, append.epoch) for append in group])
        (answer,) = connection.execute(self._queries["foreign_leases"], (leases,)).fetchone()
        return _leases.decode(answer)

    def _heads(self, connection: sqlite3.Connection, group: list[Append]) -> dict[UUID, int]:
        logs = expected_heads(group)
        (answer,) = connection.execute(
            self._queries["heads"], (as_json([log.hex for log in logs]),)
        ).fetchone()
        known = dict(_heads.decode(answer))
        return {log: known.get(log.hex, min(head, 0)) for log, head in logs.items()}


def _arguments(group: Sequence[Append]) -> Arguments:
    try:
        return _encoded(group)
    except UnicodeEncodeError as error:
        raise ValueNotStorableError("$", f"a text is no Unicode ({error})") from error


def _encoded(group: Sequence[Append]) -> Arguments:
    places: list[tuple[str, int, str, int, int]] = []
    states: list[bytes] = []
    start = 1
    for append in group:
        for event in append.events:
            size = len(event.state)
            places.append((event.log_id.hex, event.version, event.topic, start, size))
            states.append(event.state)
            start += size
    events = as_json(places)
    if r"\u0000" in events:
        raise ValueNotStorableError("$", "a topic holds NUL")
    offsets = {append.partition: append.next_offset for append in group if append.next_offset is not None}
    rows = by_table(group)
    return {
        "leases": as_json(list({(append.partition, append.epoch) for append in group})),
        "heads": as_json([(log.hex, head) for log, head in expected_heads(group).items()]),
        "events": events,
        "states": b"".join(states),
        "offsets": as_json(list(offsets.items())) if offsets else None,
        **{table: _json_rows(rows[table]) if table in rows else None for table in _TABLES},
    }


def _json_rows(rows: list[Values]) -> str:
    return as_json([[plain(value) for value in row] for row in rows])
