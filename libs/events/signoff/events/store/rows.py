"""Rows of the projections as tuples of columns, and back, for the stores that speak SQL."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from types import UnionType
from typing import Any, Final, Literal, TypeVar, Union, get_args, get_origin

import msgspec
from msgspec import Struct

from signoff.events.errors import MisshapenRowError, ValueNotStorableError
from signoff.events.store.base import (
    Append,
    DeadCommand,
    ExecutionRow,
    PointGone,
    PointRow,
    Row,
    RunRow,
    TrackingRow,
    WorkflowRow,
)
from signoff.events.store.inbox import keys_of
from signoff.events.store.search import Attribute
from signoff.events.store.words import execution_words, words_of

RowType = TypeVar("RowType", ExecutionRow, WorkflowRow, PointRow, DeadCommand)
Values = tuple[object, ...]

_encode: Final = msgspec.json.Encoder().encode
_attributes: Final = msgspec.json.Decoder(dict[str, Attribute])


class Kind(Struct, frozen=True):
    """One kind of row: its table and, by index, the columns that make it the same row.

    Without a key every row counts, and the same one twice in a group is an error. ``undoes``: the table whose
    row of the same key counts no longer.
    """

    table: str
    key: tuple[int, ...]
    undoes: str | None = None


KINDS: Final[Mapping[type[Row], Kind]] = {
    ExecutionRow: Kind("executions", (0,)),
    RunRow: Kind("runs", (0,)),
    WorkflowRow: Kind("workflows", (1, 2)),
    PointRow: Kind("points", (0, 1), undoes="gone_points"),
    PointGone: Kind("gone_points", (0, 1), undoes="points"),
    DeadCommand: Kind("dead_commands", (0, 1)),
    TrackingRow: Kind("tracking", ()),
}


@cache
def column_types(row: type[Row]) -> tuple[type, ...]:
    """The plain type of each column of a row: UUID, str, int, bool, float (a time), bytes, list or dict."""
    return tuple(_plain(field.type) for field in msgspec.structs.fields(row))


def _plain(annotation: object) -> type:
    if get_origin(annotation) in (Union, UnionType):
        return _plain(next(part for part in get_args(annotation) if part is not type(None)))
    if get_origin(annotation) is Literal:
        return str
    if get_origin(annotation) in (dict, list):
        return _plain(get_origin(annotation))
    if isinstance(annotation, type):
        return annotation
    raise TypeError(f"{annotation} is no type of a column")


@cache
def _columns_of(row: type[Row], kind: type) -> tuple[int, ...]:
    return tuple(index for index, each in enumerate(column_types(row)) if each is kind)


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
            key = tuple(values[index] for index in kind.key) if kind.key else len(rows)
            rows[key] = values
            if kind.undoes is not None:
                latest.get(kind.undoes, {}).pop(key, None)
    return {table: list(rows.values()) for table, rows in latest.items() if rows}


def to_columns(row: Row) -> Values:
    """The columns of a row, in the order of its fields; then the lists and words that it is found by."""
    values = list(msgspec.structs.astuple(row))
    for index in _columns_of(type(row), str):
        if values[index] is not None:
            values[index] = escape(values[index])
    for index in _columns_of(type(row), dict):
        values[index] = encode_attributes(values[index]) if values[index] else None
    for index in _columns_of(type(row), list):
        values[index] = [escape(text) for text in values[index]]
    if isinstance(row, PointRow):
        values += [_keys(row), words_of(row.text)]
    elif isinstance(row, ExecutionRow):
        values.append(execution_words(row))
    return tuple(values)


def _keys(row: PointRow) -> list[int]:
    return keys_of(
        workspace_id=row.workspace_id,
        workflow_id=row.workflow_id,
        candidates=row.candidates,
        claimed_by=row.claimed_by,
        returned=row.returned,
    )


UNREADABLE: Final = (ValueError, TypeError, AttributeError, msgspec.MsgspecError)
"""What columns raise that hold something else than they may."""


def from_columns(row: type[RowType], values: Iterable[Any]) -> RowType:
    """A row of its columns, in the order of its fields.

    Raises:
        MisshapenRowError: they are none.
    """
    try:
        return _from_columns(row, list(values))
    except UNREADABLE as error:
        raise MisshapenRowError(KINDS[row].table, str(error)) from error


def _from_columns(row: type[RowType], columns: list[Any]) -> RowType:
    for index in _columns_of(row, str):
        text = columns[index]
        if isinstance(text, str):
            columns[index] = unescape(text)
    for index in _columns_of(row, dict):
        columns[index] = _decode_attributes(columns[index]) if columns[index] else {}
    for index in _columns_of(row, list):
        columns[index] = [unescape(text) for text in columns[index]]
    return row(**dict(zip(row.__struct_fields__, columns, strict=True)))


def encode_attributes(attributes: Mapping[str, Attribute]) -> str:
    """Attributes as JSON that any database can hold."""
    return _encode({escape(name): _escaped(value) for name, value in attributes.items()}).decode()


def _escaped(value: Attribute) -> Attribute:
    return escape(value) if isinstance(value, str) else value


def _decode_attributes(text: str) -> dict[str, Attribute]:
    return {
        unescape(name): unescape(value) if isinstance(value, str) else value
        for name, value in _attributes.decode(text).items()
    }


def check_storable(append: Append) -> None:
    """Make sure that any database could hold an append's texts.

    Raises:
        ValueNotStorableError: a topic holds NUL, or a text is no Unicode.
    """
    columns = [column for row in append.rows for column in msgspec.structs.astuple(row)]
    texts = [column for column in columns if isinstance(column, str)]
    texts += [text for column in columns if isinstance(column, dict) for text in _texts(column)]
    texts += [text for column in columns if isinstance(column, list) for text in column]
    texts += [event.topic for event in append.events]
    if any("\0" in event.topic for event in append.events):
        raise ValueNotStorableError("$", "a topic holds NUL")
    try:
        "".join(texts).encode()
    except UnicodeEncodeError as error:
        raise ValueNotStorableError("$", f"a text is no Unicode ({error})") from error


def _texts(attributes: Mapping[str, Attribute]) -> Iterator[str]:
    yield from attributes
    yield from (value for value in attributes.values() if isinstance(value, str))


def escape(text: str) -> str:
    r"""A text that a database can hold: neither PostgreSQL nor SQLite's JSON takes NUL.

    NUL becomes ``\x01`` and a 0, ``\x01`` itself ``\x01`` and a 1: reversible, and the order stays.
    """
    return text if text.isprintable() else text.replace("\x01", "\x011").replace("\x00", "\x010")


def unescape(text: str) -> str:
    """The text that :func:`escape` was given."""
    return text.replace("\x010", "\x00").replace("\x011", "\x01") if "\x01" in text else text
