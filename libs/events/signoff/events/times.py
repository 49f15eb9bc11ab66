"""Moments on the wire: UTC, ISO 8601, microseconds, ``Z``. No clock is read here."""

import re
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

from signoff.events.errors import CodecError

_WRITTEN: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", re.ASCII)


def recordable(moment: float) -> float:
    """A moment cut to the microsecond: the same before it is written and after it is read."""
    return int(moment * 1_000_000) / 1_000_000


@lru_cache(maxsize=64)
def iso(moment: float) -> str:
    """A moment in seconds since the epoch, as the envelope writes it: UTC, microseconds, ``Z``."""
    second, microsecond = divmod(round(moment * 1_000_000), 1_000_000)
    return f"{_second(second)}.{microsecond:06d}Z"


@lru_cache(maxsize=64)
def _second(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S")


@lru_cache(maxsize=64)
def from_iso(text: str) -> float:
    """Seconds since the epoch of an ISO 8601 time; one without a zone is UTC.

    Raises:
        CodecError: the text is no time.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise CodecError(f"not an ISO 8601 time: {text!r}") from error
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def is_time(text: str) -> bool:
    """Whether a text is a moment just as :func:`iso` writes it."""
    if _WRITTEN.fullmatch(text) is None:
        return False
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True
