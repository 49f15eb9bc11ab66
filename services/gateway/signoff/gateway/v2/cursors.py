"""Lists of v2: pages, and the cursors between them, which hold where the next page begins."""

import base64
import math
from typing import Final, Generic, TypeVar

import msgspec
from msgspec import Struct

from signoff.events.store.search import Place
from signoff.gateway.errors import ApiError, bad_field

T = TypeVar("T")

_LATEST: Final = 1e11
"""Seconds since the epoch that no moment in the log comes near; databases cannot hold much later ones."""

_LONGEST: Final = 4000


class Data(Struct, Generic[T], frozen=True):
    """What a request was answered with."""

    data: T


class Page(Struct, Generic[T], frozen=True, rename="camel"):
    """A page of a list.

    Attributes:
        data: The items.
        next_cursor: The `cursor` of the next page; `null` after the last item.
    """

    data: list[T]
    next_cursor: str | None


def write_cursor(place: Struct) -> str:
    """A cursor that holds a place."""
    return base64.urlsafe_b64encode(msgspec.json.encode(place)).decode().rstrip("=")


def read_cursor(text: str, kind: type[T]) -> T:
    """The place that a cursor holds.

    Args:
        text: from a caller.
        kind: a struct, as it was written.

    Raises:
        ApiError: 400, it is no cursor of this list.
    """
    if len(text) > _LONGEST:
        raise bad_cursor()
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        return msgspec.json.decode(raw, type=kind)
    except (ValueError, msgspec.MsgspecError):
        raise bad_cursor() from None


def read_place(text: str) -> Place | None:
    """The place among executions that a cursor holds; an empty one is the beginning.

    Raises:
        ApiError: 400, it is no cursor of this list.
    """
    if not text:
        return None
    place = read_cursor(text, Place)
    if not (math.isfinite(place.key) and abs(place.key) < _LATEST):
        raise bad_cursor()
    return place


def bad_cursor() -> ApiError:
    """A cursor is none of the list that it was sent to: 400."""
    return bad_field("cursor", "must be a nextCursor as it was given")
