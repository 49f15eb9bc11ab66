"""Rows of the SQLite log as queries give them, in JSON: ids and bytes are hex, times microseconds."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final
from uuid import UUID

from signoff.events.errors import MisshapenRowError
from signoff.events.store.rows import KINDS, UNREADABLE, RowType, column_types, from_columns
from signoff.events.store.sqlite_writer import seconds


def _flag(value: object) -> bool:
    if value not in (0, 1):
        raise ValueError(f"{value!r} is no flag")
    return value == 1


def _plain(kind: type) -> Callable[[Any], object]:
    """Any column of SQLite holds any type: only this one passes."""

    def read(value: object) -> object:
        if not isinstance(value, kind):
            raise TypeError(f"{value!r} is no {kind.__name__}")
        return value

    return read


_READ: Final[Mapping[type, Callable[[Any], object]]] = {
    UUID: UUID,
    float: seconds,
    bool: _flag,
    bytes: bytes.fromhex,
    int: _plain(int),
    str: _plain(str),
    list: _plain(list),
    dict: _plain(str),
}


@contextmanager
def reading_rows(table: str) -> Iterator[None]:
    """Say whose row it is that is none, whoever finds that out.

    Raises:
        MisshapenRowError: in place of what SQLite, or whoever reads its answer, says of it.
    """
    try:
        yield
    except MisshapenRowError as error:
        raise MisshapenRowError(table, error.reason) from error
    except UNREADABLE as error:
        raise MisshapenRowError(table, str(error)) from error


def decoded(row: type[RowType], rows: Iterable[Iterable[object]]) -> list[RowType]:
    """Rows of a projection.

    Raises:
        MisshapenRowError: one of them is none.
    """
    types = column_types(row)
    with reading_rows(KINDS[row].table):
        columns = [_columns(types, values) for values in rows]
    return [from_columns(row, values) for values in columns]


def _columns(types: Iterable[type], values: Iterable[object]) -> list[object]:
    return [None if value is None else _READ[kind](value) for kind, value in zip(types, values, strict=True)]
