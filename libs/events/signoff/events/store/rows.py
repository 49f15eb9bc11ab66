"""Rows of the projections as tuples of columns, and back, for the stores that speak SQL."""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from types import UnionType
from typing import Any, Final, Literal, TypeVar, Union, get_args, get_origin

import msgspec
from msgspec import Struct

from signoff.events.errors import ValueNotStorableError
from signoff.events.store.base import (
    Append,
    DeadCommand,
    ExecutionRow,
    Row,
    RunRow,
    TrackingRow,
    WorkflowRow,
)

RowType = TypeVar("RowType", ExecutionRow, WorkflowRow, DeadCommand)
Values = tuple[object, ...]


class Kind(Struct, frozen=True):
    """One kind of row: its table and, by index, the columns that make it the same row.

    Without a key every row counts, and the same one twice in a group is an error.
    """

    table: str
    key: tuple[int, ...]


KINDS: Final[Mapping[type[Row], Kind]] = {
    ExecutionRow: Kind("executions", (0,)),
    RunRow: Kind("runs", (0,)),
    WorkflowRow: Kind("workflows", (1, 2)),
    DeadCommand: Kind("dead_commands", (0, 1)),
    TrackingRow: Kind("tracking", ()),
}


@cache
def column_types(row: type[Row]) -> tuple[type, ...]:
    """The plain type of each column of a kind of row: UUID, str, int, bool, float (a time) or bytes."""
    return tuple(_plain(field.type) for field in msgspec.structs.fields(row))


def _plain(annotation: object) -> type:
    if get_origin(annotation) in (Union, UnionType):
        return _plain(next(part for part in get_args(annotation) if part is not type(None)))
    if get_origin(annotation) is Literal:
        return str
    if isinstance(annotation, type):
        return annotation
    raise TypeError(f"{annotation} is no type of a column")


@cache
def _text_columns(row: type[Row]) -> tuple[int, ...]:
    return tuple(index for index, kind in enumerate(column_types(row)) if kind is str)


def by_table(group: Sequence[Append]) -> dict[str, list[Values]]:
    """The rows of a group by table, the last of each key, with texts made storable."""
    if not any(append.rows for append in group):
        return {}
    latest: dict[str, dict[object, Values]] = {}
    for append in group:
        for row in append.rows:
            kind = KINDS[type(row)]
            values = to_columns(row)
            rows = latest.setdefault(kind.table, {})
            rows[tuple(values[index] for index in kind.key) if kind.key else len(rows)] = values
    return {table: list(rows.values()) for table, rows in latest.items()}


def to_columns(row: Row) -> Values:
    """The columns of a row, in the order of its fields."""
    values = list(msgspec.structs.astuple(row))
    for index in _text_columns(type(row)):
        if values[index] is not None:
            values[index] = escape(values[index])
    return tuple(values)


def from_columns(row: type[RowType], values: Iterable[Any]) -> RowType:
    """A row of its columns, in the order of its fields."""
    columns = list(values)
    for index in _text_columns(row):
        text = columns[index]
        if isinstance(text, str):
            columns[index] = unescape(text)
    return row(**dict(zip(row.__struct_fields__, columns, strict=True)))


def check_storable(append: Append) -> None:
    """Make sure that any database could hold an append's texts.

    Raises:
        ValueNotStorableError: a topic holds NUL, or a text is no Unicode.
    """
    texts = [value for row in append.rows for value in msgspec.structs.astuple(row) if isinstance(value, str)]
    texts += [event.topic for event in append.events]
    if any("\0" in event.topic for event in append.events):
        raise ValueNotStorableError("$", "a topic holds NUL")
    try:
        "".join(texts).encode()
    except UnicodeEncodeError as error:
        raise ValueNotStorableError("$", f"a text is no Unicode ({error})") from error


def escape(text: str) -> str:
    r"""A text that a database can hold: neither PostgreSQL nor SQLite's JSON takes NUL.

    NUL becomes ``\x01`` and a 0, ``\x01`` itself ``\x01`` and a 1: reversible, and the order stays.
    """
    return text if text.isprintable() else text.replace("\x01", "\x011").replace("\x00", "\x010")


def unescape(text: str) -> str:
    """The text that :func:`escape` was given."""
    return text.replace("\x010", "\x00").replace("\x011", "\x01") if "\x01" in text else text
