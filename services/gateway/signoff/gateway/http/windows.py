"""Bounds of a search by time, as a query has them."""

from datetime import datetime
from typing import Annotated, Final, TypeAlias

from msgspec import UNSET, Meta, UnsetType

from signoff.gateway.errors import bad_field

Moment: TypeAlias = Annotated[datetime, Meta(tz=True)]
"""A moment of a query: ISO 8601 with its offset."""

MICROSECOND: Final = 1e-6
"""The step of the log's times: a search ends before a moment, a query with it."""


def window(
    first: datetime | UnsetType, last: datetime | UnsetType, *, name: str
) -> tuple[float | None, float | None]:
    """The bounds of a search, from those of a query: not before the first, and before the second.

    Raises:
        ApiError: 400, they are the wrong way round; ``name`` is the first one's.
    """
    return between(
        None if first is UNSET else first.timestamp(), None if last is UNSET else last.timestamp(), name=name
    )


def between(after: float | None, last: float | None, *, name: str) -> tuple[float | None, float | None]:
    """The same of moments in seconds since the epoch."""
    before = None if last is None else last + MICROSECOND
    if after is not None and before is not None and after >= before:
        raise bad_field(name, "must not be later than the end")
    return after, before
