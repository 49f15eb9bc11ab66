"""Cursors of feeds: what goes out is opaque, what comes back is checked."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signoff.tail import BadCursorError, Cursors

SECRET, EARLIER = b"s" * 32, b"e" * 32
CURSORS = Cursors([SECRET])


@given(st.integers(min_value=0, max_value=2**63 - 1))
def test_a_cursor_names_its_position(position: int) -> None:
    assert CURSORS.position(CURSORS.at_event(position)) == position
    assert CURSORS.position(CURSORS.between(position)) == position


def test_the_cursor_of_an_event_is_the_same_on_each_replay_and_in_each_process() -> None:
    assert Cursors([SECRET]).at_event(17) == CURSORS.at_event(17)


def test_a_cursor_between_events_shows_nobody_whether_it_moved() -> None:
    assert len({CURSORS.between(17) for _ in range(10)}) == 10


def test_a_cursor_of_an_earlier_secret_key_is_read_and_a_new_one_has_the_newest() -> None:
    both = Cursors([SECRET, EARLIER])

    assert both.position(Cursors([EARLIER]).at_event(17)) == 17
    assert both.at_event(17) == CURSORS.at_event(17)


@given(st.text() | st.binary(max_size=80).map(lambda raw: raw.hex()))
def test_anything_else_is_no_cursor(text: str) -> None:
    with pytest.raises(BadCursorError):
        CURSORS.position(text)


@given(st.integers(0, 37), st.sampled_from("ABCxyz09-_"))
def test_a_changed_cursor_is_none(place: int, letter: str) -> None:
    cursor = CURSORS.at_event(17)
    changed = cursor[:place] + letter + cursor[place + 1 :]
    if changed == cursor:
        return

    with pytest.raises(BadCursorError):
        CURSORS.position(changed)


def test_a_cursor_of_another_server_is_none() -> None:
    with pytest.raises(BadCursorError):
        CURSORS.position(Cursors([EARLIER]).at_event(17))
