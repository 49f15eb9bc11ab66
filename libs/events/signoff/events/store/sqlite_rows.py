"""Rows of the SQLite log as queries give them, in JSON: ids and bytes are hex, times microseconds."""

from collections.abc import Callable, Iterable, Mapping
from typing import Final
from uuid import UUID

from signoff.events.store.rows import RowType, column_types, from_columns
from signoff.events.store.sqlite_writer import seconds

_READ: Final[Mapping[type, Callable[..., object]]] = {
    UUID: UUID,
    float: seconds,
    bool: bool,
    bytes: bytes.fromhex,
}


def decoded(row: type[RowType], rows: Iterable[Iterable[object]]) -> list[RowType]:
    """Rows of a projection."""
    types = column_types(row)
    return [from_columns(row, _columns(types, values)) for values in rows]


def _columns(types: Iterable[type], values: Iterable[object]) -> list[object]:
    return [
        _READ[kind](value) if kind in _READ and value is not None else value
        for kind, value in zip(types, values, strict=True)
    ]
