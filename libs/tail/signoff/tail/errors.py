"""Why a log cannot be followed.

::

    TailError
    ├── CursorPastEndError      the log has no event with the cursor's id
    ├── TailClosedError         this process stops: go on elsewhere from the last event
    └── TailFullError           this process has as many readers as it takes
"""

from signoff.events.errors import SignoffError


class TailError(SignoffError):
    """Base of what following a log raises."""


class CursorPastEndError(TailError):
    """The log ends before the event to go on after.

    Attributes:
        last_event_id: the id of its last event, 0 when it has none.
    """

    def __init__(self, last_event_id: int) -> None:
        super().__init__(f"the log ends at event {last_event_id}")
        self.last_event_id = last_event_id


class TailClosedError(TailError):
    """The hub was closed. Nothing is lost: follow again, elsewhere, after the last event."""


class TailFullError(TailError):
    """The hub has as many readers as it may have; try again later."""
