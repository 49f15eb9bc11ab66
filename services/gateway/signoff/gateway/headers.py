"""What the headers of a request say, checked."""

import re
from collections.abc import Mapping
from typing import Final

from aiohttp import web
from msgspec import Struct

from signoff.events.types import Mode
from signoff.gateway.errors import ApiError, bad_field

MAX_CALL_CHAIN: Final = 25
"""How many workflows may have called one another (Sim's limit)."""

MAX_TIMEOUT: Final = 604_800
"""Seconds that an asynchronous caller may ask for: a week."""

IDENTIFIER: Final = re.compile(r"[A-Za-z0-9._:-]{1,128}")
"""Ids that callers choose, of workflows and of executions."""

_MAX_KEY: Final = 255
_TRACEPARENT: Final = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")


class ExecuteHeaders(Struct, frozen=True, kw_only=True):
    """What the headers of an execute request ask for; ``timeout`` is in seconds."""

    mode: Mode
    execution_id: str | None
    timeout: float | None


def idempotency_key(headers: Mapping[str, str]) -> str | None:
    """The ``Idempotency-Key``.

    Raises:
        ApiError: 400, it is empty, too long, or holds characters that cannot be printed.
    """
    key = headers.get("Idempotency-Key")
    if key is not None and not (0 < len(key) <= _MAX_KEY and key.isprintable()):
        raise bad_field("Idempotency-Key", f"must have 1 to {_MAX_KEY} printable characters")
    return key


def traceparent(headers: Mapping[str, str]) -> str | None:
    """The W3C trace context; one that is none is left out, as the recommendation says."""
    text = headers.get("traceparent")
    return text if text is not None and _TRACEPARENT.fullmatch(text) else None


def seen_digest(headers: Mapping[str, str]) -> str | None:
    """The digest of the content that a decision was made on, from ``If-Match``."""
    tag = headers.get("If-Match", "").strip()
    return tag.removeprefix("W/").strip('"') if tag not in ("", "*") else None


def execute_headers(headers: Mapping[str, str]) -> ExecuteHeaders:
    """What an execute request asks for by its headers (http-contract.md).

    Raises:
        ApiError: 400 names the header; 409 for a call chain that is too deep.
    """
    _check_call_chain(headers)
    return ExecuteHeaders(mode=_mode(headers), execution_id=_execution_id(headers), timeout=_timeout(headers))


def _check_call_chain(headers: Mapping[str, str]) -> None:
    chain = [each for each in headers.get("X-Sim-Via", "").split(",") if each.strip()]
    if len(chain) >= MAX_CALL_CHAIN:
        raise ApiError(409, f"Maximum workflow call chain depth ({MAX_CALL_CHAIN}) exceeded.")


def _mode(headers: Mapping[str, str]) -> Mode:
    mode = headers.get("X-Execution-Mode", "sync").lower()
    if mode not in ("sync", "async", "stream"):
        raise bad_field("X-Execution-Mode", "must be sync, async or stream")
    streamed = headers.get("X-Stream-Response", "false").lower()
    if streamed not in ("true", "false"):
        raise bad_field("X-Stream-Response", "must be true or false")
    if mode == "async":
        return "async"
    return "stream" if streamed == "true" or mode == "stream" else "sync"


def _execution_id(headers: Mapping[str, str]) -> str | None:
    chosen = headers.get("X-Execution-Id")
    if chosen is not None and not IDENTIFIER.fullmatch(chosen):
        raise bad_field("X-Execution-Id", "must have 1 to 128 characters of A-Z a-z 0-9 . _ : -")
    return chosen


def _timeout(headers: Mapping[str, str]) -> float | None:
    text = headers.get("X-Execution-Timeout-Seconds")
    if text is None:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) <= 6 and 1 <= int(text) <= MAX_TIMEOUT):
        raise bad_field("X-Execution-Timeout-Seconds", f"must be a whole number from 1 to {MAX_TIMEOUT}")
    return float(text)


def whole_number(
    request: web.Request, name: str, default: int, *, least: int = 0, most: int = 2**31 - 1
) -> int:
    """A whole number from the query.

    Raises:
        ApiError: 400, it is none or out of range.
    """
    text = request.query.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdecimal() and len(text) <= 10 and least <= int(text) <= most):
        raise bad_field(name, f"must be a whole number from {least} to {most}")
    return int(text)


def flag(request: web.Request, name: str) -> bool:
    """A yes or no from the query; left out means no.

    Raises:
        ApiError: 400, it is neither true nor false.
    """
    text = request.query.get(name, "false").lower()
    if text not in ("true", "false", "1", "0"):
        raise bad_field(name, "must be true or false")
    return text in ("true", "1")
