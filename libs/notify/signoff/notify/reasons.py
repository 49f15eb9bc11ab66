"""Why a channel did not take a message, learned from what Apprise logs, without the secrets in it.

Apprise answers yes or no; the reason is in its log, beside URLs, tokens and answers of servers. So its
records go nowhere but here, where at most a number or one of our own sentences is taken from them.
"""

import logging
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from errno import EACCES
from typing import Final

_SILENCED: Final = ("urllib3", "requests", "requests_oauthlib", "oauthlib")
"""Libraries below Apprise whose records hold paths of URLs, which are secrets of webhooks."""

_STATUS: Final = re.compile(r"^Failed to .*\berror=(\d{3})\.?$", re.DOTALL)
_MAIL_CODE: Final = re.compile(r"\((\d{3}), b['\"]|^SMTP recipient .* was refused: (\d{3}) ", re.DOTALL)
_CAUSES: Final = tuple(
    (re.compile(pattern), text)
    for pattern, text in (
        (r"Connection refused", "the connection was refused"),
        (r"NameResolution|Name or service|getaddrinfo|name resolution|nodename", "its host was not found"),
        (r"CERTIFICATE_VERIFY|certificate verify", "the certificate of its host is not trusted"),
        (r"STARTTLS extension not supported", "its mail server does not offer STARTTLS"),
        (r"timed out|Timeout", "there was no answer in time"),
        (r"SSL|TLS", "no TLS connection could be made"),
        (r"reset|aborted|closed|Disconnected", "the connection was closed"),
    )
)
_REFUSED_BY_US: Final = f"[Errno {EACCES}]"  # what the confinement says is better
_DROPPED: Final = "Dropped invalid"


class Reasons:
    """What is learned in one thread; see `listening`.

    Attributes:
        last: why the channel did not take it, as far as it is known.
        dropped: an address was left out, since it is none.
    """

    def __init__(self) -> None:
        self.last: str | None = None
        self.dropped = False

    def learn(self, text: str) -> None:
        """Learn from a record of Apprise."""
        if text.startswith(_DROPPED):
            self.dropped = True
        elif (reason := _reason(text)) is not None:
            self.last = reason


class _Current(threading.local):
    reasons: Reasons | None = None


_current: Final = _Current()


class _ForThisThread(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        if (reasons := _current.reasons) is not None:
            reasons.learn(record.getMessage())


@contextmanager
def listening() -> Iterator[Reasons]:
    """Learn from what Apprise logs in this thread while the context lasts."""
    reasons = _current.reasons = Reasons()
    try:
        yield reasons
    finally:
        _current.reasons = None


def keep_out_of_logs() -> None:
    """Let no record of Apprise, and of what it sends with, reach the process's log."""
    for name in _SILENCED:
        logger = logging.getLogger(name)
        logger.propagate = False
        logger.handlers[:] = [logging.NullHandler()]
    apprise = logging.getLogger("apprise")
    apprise.propagate = False
    apprise.setLevel(logging.DEBUG)
    apprise.handlers[:] = [_ForThisThread()]


def _reason(text: str) -> str | None:
    if (status := _STATUS.match(text)) is not None:
        return f"it answered {status[1]}" + (", but did not take the message" if status[1] == "200" else "")
    if not text.startswith(("Socket Exception:", "SMTP recipient ")):
        return None
    if (code := _MAIL_CODE.search(text)) is not None:
        return f"its mail server answered {code[1] or code[2]}"
    cause = text.rpartition("Caused by")[2]  # without the URL before it
    if _REFUSED_BY_US in cause:
        return None
    return next((told for pattern, told in _CAUSES if pattern.search(cause)), None)
