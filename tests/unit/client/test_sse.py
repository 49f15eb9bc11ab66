"""Frames out of bytes."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signoff.client.errors import BadAnswerError
from signoff.client.sse import Frame, FrameParser

STREAM = (
    b'retry: 1000\n\nid: 1\ndata: {"a":1}\n\n: heartbeat\n\n'
    b"id: 2\r\ndata: two\r\ndata: lines\r\n\r\ndata:x\n\n"
)
FRAMES = [Frame("1", b'{"a":1}'), Frame("2", b"two\nlines"), Frame("2", b"x")]


@given(cuts=st.lists(st.integers(0, len(STREAM)), max_size=8))
def test_frames_are_the_same_wherever_the_network_cuts_them(cuts: list[int]) -> None:
    parser = FrameParser()
    edges = [0, *sorted(cuts), len(STREAM)]

    frames = [frame for start, end in pairwise(edges) for frame in parser.feed(STREAM[start:end])]

    assert frames == FRAMES
    assert parser.retry == 1.0


def test_a_frame_that_was_not_ended_is_not_given() -> None:
    assert list(FrameParser().feed(b"id: 9\ndata: half\n")) == []


def test_an_endless_line_is_refused_instead_of_kept() -> None:
    parser = FrameParser()
    for _ in range(4):
        list(parser.feed(b"x" * 1024 * 1024))

    with pytest.raises(BadAnswerError, match="4 MiB"):
        list(parser.feed(b"x"))
