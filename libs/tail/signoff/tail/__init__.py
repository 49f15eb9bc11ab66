"""Following one execution's log, from any event on, for as long as it goes on: the gateway and the stream do."""

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
