"""Rows as columns, and texts that every database can hold."""

from uuid import UUID, uuid4

from hypothesis import given
from hypothesis import strategies as st

from signoff.events.store.base import Append, ExecutionRow, RunRow, TrackingRow
from signoff.events.store.rows import (
    KINDS,
    by_table,
    column_types,
    escape,
    from_columns,
    to_columns,
    unescape,
)
from signoff.events.store.words import execution_words
from support.stores import execution

texts = st.text(st.sampled_from("\x00\x01\x0201ab\\é"), max_size=12)


@given(texts)
def test_a_text_is_escaped_without_nul_and_comes_back(text: str) -> None:
    assert "\x00" not in escape(text)
    assert unescape(escape(text)) == text


@given(texts, texts)
def test_escaping_keeps_the_order_of_texts(one: str, two: str) -> None:
    assert (escape(one) < escape(two)) == (one < two)


def test_every_kind_of_row_has_plain_columns() -> None:
    plain = {UUID, str, int, bool, float, bytes, dict, list}

    assert all(set(column_types(row)) <= plain for row in KINDS)


def test_a_row_comes_back_from_its_columns() -> None:
    row = execution(broken="nul \x00", due_at=4.5, attributes={"nul \x00": "\x01", "n": 1, "no": False})

    *columns, words = to_columns(row)

    assert from_columns(ExecutionRow, columns) == row
    assert words == execution_words(row)


def test_the_last_row_of_a_key_counts() -> None:
    row = execution()
    group = [
        Append(partition=0, epoch=1, rows=[row, RunRow(run_id=uuid4(), log_id=row.log_id)]),
        Append(partition=0, epoch=1, rows=[execution(log_id=row.log_id, version=9)]),
    ]

    tables = by_table(group)

    assert {table: len(rows) for table, rows in tables.items()} == {"executions": 1, "runs": 1}
    *columns, _ = tables["executions"][0]
    assert from_columns(ExecutionRow, columns).version == 9


def test_every_tracked_position_counts() -> None:
    group = [Append(partition=0, epoch=1, rows=[TrackingRow(name="a", position=n) for n in (1, 2)])]

    assert by_table(group) == {"tracking": [("a", 1), ("a", 2)]}


def test_a_group_without_rows_has_no_tables() -> None:
    assert by_table([Append(partition=0, epoch=1)]) == {}
