"""Why a log, or the feed of all logs, cannot be followed.

::

    TailError
    ├── BadCursorError          a feed's cursor that is none of this server's
    ├── BadFilterError          a feed's filter is not what it must be
    ├── CursorPastEndError      the log has no event with the cursor's id
    ├── FeedPastEndError        the whole log ends before a feed's cursor
    ├── TailClosedError         this process stops: go on elsewhere from the last event
    └── TailFullError           this process has as many readers as it takes
"""

from signoff.events.errors import SignoffError


class TailError(SignoffError):
    """Base of what following a log raises."""


class BadCursorError(TailError):
    """A cursor that this server did not give: it was cut, changed, or made under another secret key."""

    def __init__(self) -> None:
        super().__init__("The cursor is none of this server's; leave it out to begin with what happens next")


class BadFilterError(TailError):
    """A filter of a feed is not what it must be.

    Attributes:
        parameter: its name.
        must: what it must be.
    """

    def __init__(self, parameter: str, must: str) -> None:
        super().__init__(f"{parameter} must be {must}")
        self.parameter = parameter
        self.must = must


class CursorPastEndError(TailError):
    """The log ends before the event to go on after.

    Attributes:
        last_event_id: the id of its last event, 0 when it has none.
    """

    def __init__(self, last_event_id: int) -> None:
        super().__init__(f"the log ends at event {last_event_id}")
        self.last_event_id = last_event_id


class FeedPastEndError(TailError):
    """The log ends before the place where a feed is to go on, as after a restore from a backup.

    Attributes:
        last: the cursor of its end.
    """

    def __init__(self, last: str) -> None:
        super().__init__("the log ends before the cursor")
        self.last = last


class TailClosedError(TailError):
    """The hub was closed. Nothing is lost: follow again, elsewhere, after the last event."""


class TailFullError(TailError):
    """The hub has as many readers as it may have; try again later."""
