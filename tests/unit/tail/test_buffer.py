"""The bounded, gap-free piece of a log's end."""

from hypothesis import given
from hypothesis import strategies as st

from signoff.tail.buffer import Buffer
from signoff.tail.frames import Frame


def _frame(event_id: int, size: int = 10) -> Frame:
    return Frame(event_id, "block:started", None, None, b"", b"x" * size)


def _ids(frames: list[Frame]) -> list[int]:
    return [frame.event_id for frame in frames]


def test_consecutive_frames_are_taken_in_order_and_once() -> None:
    buffer = Buffer()
    for event_id in (4, 5, 6):
        buffer.offer(_frame(event_id))

    assert _ids(buffer.take(3)) == [4, 5, 6]
    assert buffer.take(3) == []


def test_what_history_gave_already_is_left_out() -> None:
    buffer = Buffer()
    for event_id in (4, 5, 6):
        buffer.offer(_frame(event_id))

    assert _ids(buffer.take(5)) == [6]


def test_a_gap_before_the_frames_means_that_the_log_must_be_read() -> None:
    buffer = Buffer()
    buffer.offer(_frame(6))

    assert buffer.take(4) == []
    assert buffer.last == 6


def test_a_gap_behind_the_frames_makes_them_worthless() -> None:
    buffer = Buffer()
    for event_id in (1, 2, 4):
        buffer.offer(_frame(event_id))

    assert buffer.take(0) == []
    assert _ids(buffer.take(3)) == [4]


def test_a_repeated_frame_is_no_news() -> None:
    buffer = Buffer()

    assert [buffer.offer(_frame(event_id)) for event_id in (4, 5, 4, 5, 6)] == [
        True,
        True,
        False,
        False,
        True,
    ]
    assert _ids(buffer.take(3)) == [4, 5, 6]


def test_more_frames_than_fit_are_forgotten_and_the_end_stays_known() -> None:
    buffer = Buffer(max_frames=3)
    for event_id in range(1, 6):
        buffer.offer(_frame(event_id))

    assert buffer.take(0) == []
    assert buffer.last == 5


def test_more_bytes_than_fit_are_forgotten_even_if_one_frame_is_larger() -> None:
    buffer = Buffer(max_bytes=100)
    buffer.offer(_frame(1, size=60))
    buffer.offer(_frame(2, size=60))
    buffer.offer(_frame(3, size=600))

    assert buffer.take(1) == []
    assert _ids(buffer.take(2)) == [3]


def test_a_hint_beyond_the_frames_makes_them_worthless() -> None:
    buffer = Buffer()
    buffer.offer(_frame(1))

    assert buffer.hint(3)
    assert not buffer.hint(3)
    assert buffer.take(0) == []
    assert buffer.last == 3


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("offer"), st.integers(1, 12)),
            st.tuples(st.just("hint"), st.integers(1, 12)),
            st.tuples(st.just("take"), st.integers(0, 12)),
        )
    )
)
def test_whatever_comes_what_is_taken_has_no_gap_and_no_duplicate(steps: list[tuple[str, int]]) -> None:
    buffer = Buffer(max_frames=4)
    for what, number in steps:
        if what == "offer":
            buffer.offer(_frame(number))
        elif what == "hint":
            buffer.hint(number)
        else:
            taken = _ids(buffer.take(number))
            assert taken == list(range(number + 1, number + 1 + len(taken)))
            assert len(taken) <= 4
