"""A consumer's cursors in its own PostgreSQL."""

import psycopg
import pytest

from signoff.client.topics import CursorTakenError, Receiver, Record, SqlCursors

RECORDS: list[Record] = [
    (
        b"log",
        b'{"type":"t","eventId":%d,"executionId":"log","workflowId":"w","timestamp":"now"}' % number,
        None,
    )
    for number in (1, 2)
]


def test_cursors_and_results_move_in_one_transaction_of_psycopg(database: str) -> None:
    with psycopg.connect(database) as view, psycopg.connect(database) as of_another:
        cursors = SqlCursors(view, placeholder="%s")
        cursors.create()
        view.commit()
        receiver = Receiver(cursors)
        another = Receiver(SqlCursors(of_another, placeholder="%s"))

        assert [event.event_id for event in receiver.events(RECORDS)] == [1, 2]
        view.rollback()
        (first,) = receiver.events(RECORDS[:1])
        view.commit()
        (second,) = another.events(RECORDS)
        of_another.commit()

        assert (first.event_id, second.event_id) == (1, 2)
        with pytest.raises(CursorTakenError):
            receiver.done(second)
        view.rollback()
        assert list(receiver.events(RECORDS)) == []
