"""Moments in a request, wherever they stand: ISO 8601; without an offset they are UTC."""

from typing import Annotated, Final, TypeAlias, overload

from msgspec import Meta

from signoff.events.errors import CodecError
from signoff.events.times import from_iso, iso
from signoff.gateway.errors import bad_field

_MOMENTS: Final = [{"format": "date-time"}, {"format": "date"}]
_EVENT: Final = {"pattern": "^[0-9]{1,18}$"}

Moment: TypeAlias = Annotated[str, Meta(extra_json_schema={"anyOf": _MOMENTS})]
"""A moment, or the first one of a day."""

EventOrMoment: TypeAlias = Annotated[str, Meta(extra_json_schema={"anyOf": [_EVENT, *_MOMENTS]})]
"""The number of an event, or a moment."""

A_TIME: Final = "a time such as 2026-05-01T12:00:00Z (in a URL a + is written %2B)"
"""What a moment must be, for messages."""


@overload
def read_moment(path: str, text: str) -> float: ...
@overload
def read_moment(path: str, text: str | None) -> float | None: ...
def read_moment(path: str, text: str | None) -> float | None:
    """A moment that a field or a parameter names, in seconds since the epoch; ``None`` where it is left out.

    Args:
        path: what the caller calls it.
        text: as they wrote it.

    Raises:
        ApiError: 400 names the field.
    """
    if text is None:
        return None
    try:
        moment = from_iso(text)
        iso(moment)  # an offset may take it out of the calendar, and then the log cannot hold it
    except (CodecError, ValueError, OverflowError) as error:
        raise bad_field(path, f"must be {A_TIME}") from error
    return moment
