"""Following the log from any place on: of one execution to its end, or what happens in whole workspaces."""

from signoff.tail.cursors import Cursors
from signoff.tail.errors import (
    BadCursorError,
    BadFilterError,
    CursorPastEndError,
    FeedPastEndError,
    TailClosedError,
    TailError,
    TailFullError,
)
from signoff.tail.feed import Feed
from signoff.tail.feed_filter import FeedFilter, filter_of
from signoff.tail.feed_frames import FeedFrame
from signoff.tail.feeds import Feeds
from signoff.tail.frames import HEARTBEAT, Frame, Heartbeat
from signoff.tail.hub import Hub
from signoff.tail.reader import Reader

__all__ = [
    "HEARTBEAT",
    "BadCursorError",
    "BadFilterError",
    "CursorPastEndError",
    "Cursors",
    "Feed",
    "FeedFilter",
    "FeedFrame",
    "FeedPastEndError",
    "Feeds",
    "Frame",
    "Heartbeat",
    "Hub",
    "Reader",
    "TailClosedError",
    "TailError",
    "TailFullError",
    "filter_of",
]
