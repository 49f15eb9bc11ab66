"""Which event of an execution's log a caller means: by its number, or by a moment."""

from typing import Final

from signoff.audit.life.folding import version_at
from signoff.events.codec import decode_event
from signoff.events.store.base import EventStore, ExecutionRow
from signoff.events.times import iso
from signoff.gateway.errors import ApiError, bad_field, never_was
from signoff.gateway.gateway import Gateway
from signoff.gateway.http.moments import A_TIME, read_moment

NEVER_WAS: Final = {
    422: "It had no such event, had not begun by that moment, or the moment is still to come."
}
"""The error of routes that ask for a moment of an execution."""

_CLOCKS: Final = 60.0
"""Seconds by which a caller's clock may be ahead: they may ask for this very moment."""

_SOME: Final = 50
_LONGEST: Final = 18


async def read_event_id(gateway: Gateway, row: ExecutionRow, field: str, text: str) -> int:
    """The event that a parameter names.

    Args:
        gateway: the log, and the time of day.
        row: of the execution.
        field: what the caller calls it.
        text: the number of an event, or a moment: then it is the last event by that moment.

    Raises:
        ApiError: 400, it is neither; 422, the log has no such event, or the moment is still to come.
    """
    head = (await gateway.store.heads([row.log_id])).get(row.log_id, 0)
    if text.isascii() and text.isdigit() and len(text) <= _LONGEST:
        event_id = int(text)
        if not 1 <= event_id <= head:
            raise never_was(field, f"must be one of the execution's events, 1 to {head}")
        return event_id
    try:
        moment = read_moment(field, text)
    except ApiError as error:
        raise bad_field(field, f"must be the number of an event, 1 to {head}, or {A_TIME}") from error
    return await last_event_by(gateway, row, field, moment)


async def last_event_by(gateway: Gateway, row: ExecutionRow, field: str, moment: float) -> int:
    """The last event by a moment, in seconds since the epoch; other arguments as of `read_event_id`.

    Raises:
        ApiError: 422, the execution had not begun, or the moment is still to come.
    """
    if moment > gateway.clock() + _CLOCKS:
        raise never_was(field, f"is still to come: without {field} it is as now")
    event_id = await version_at(gateway.store, row.log_id, moment)
    if event_id == 0:
        raise never_was(field, f"is before the execution began, at {iso(row.started_at)}")
    return event_id


async def end_of_step(store: EventStore, row: ExecutionRow, event_id: int) -> int:
    """The last event that was recorded in one go with an event: only between steps is an execution at rest.

    What one step records has one moment. The first two events of a log are always of one step.
    """
    after = max(event_id - 1, 1)
    moment: str | None = None
    last = event_id
    while page := await store.read(row.log_id, after=after, limit=_SOME):
        for recorded in page:
            happened_at = decode_event(recorded.state).happened_at
            moment = moment or happened_at
            if happened_at != moment:
                return last
            last = max(last, recorded.version)
        after = page[-1].version
    return last
