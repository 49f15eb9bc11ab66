"""Waiting for a condition, never longer than a limit."""

import http.client
import time
from collections.abc import Callable

_PAUSE = 0.02


class LocalServicesError(Exception):
    """Something that the person at the keyboard can put right; the message says how."""


def wait_until(condition: Callable[[], bool], *, limit: float, otherwise: str) -> None:
    """Return as soon as `condition` holds.

    Args:
        condition: Asked again every 20 ms; its own errors end the wait.
        limit: Seconds after which to give up.
        otherwise: What to tell the user then.

    Raises:
        LocalServicesError: The condition did not come to hold within the limit.
    """
    end = time.monotonic() + limit
    while not condition():
        if time.monotonic() > end:
            raise LocalServicesError(otherwise)
        time.sleep(_PAUSE)


def answers_ok(port: int, path: str) -> bool:
    """Whether the HTTP server on a loopback port answers `GET path` with 200."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2.0)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
