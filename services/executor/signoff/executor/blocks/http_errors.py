"""What an HTTP service says when it refuses: its message, and when to come again."""

import email.utils
import time
from collections.abc import Mapping


def error_message(document: object) -> str:
    """The message in an error body, as most services write it; empty where there is none."""
    if isinstance(document, str):
        return document.strip()
    if not isinstance(document, Mapping):
        return ""
    for name in ("error", "message", "detail"):
        value = document.get(name)
        if isinstance(value, Mapping):
            value = value.get("message")
        if value and isinstance(value, str):
            return value
    return ""


def retry_after(value: str) -> float:
    """Seconds of a `Retry-After` header: a number of seconds or a date (RFC 9110, 10.2.3); 0 if neither."""
    try:
        if value[:1].isdecimal():
            return max(0.0, float(value))
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - time.time())
    except ValueError:
        return 0.0
