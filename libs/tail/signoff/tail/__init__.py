"""Following one execution's log from any event on, to its end: what gateway and stream share."""

from signoff.tail.errors import CursorPastEndError, TailClosedError, TailError, TailFullError
from signoff.tail.frames import HEARTBEAT, Frame, Heartbeat
from signoff.tail.hub import Hub
from signoff.tail.reader import Reader

__all__ = [
    "HEARTBEAT",
    "CursorPastEndError",
    "Frame",
    "Heartbeat",
    "Hub",
    "Reader",
    "TailClosedError",
    "TailError",
    "TailFullError",
]
