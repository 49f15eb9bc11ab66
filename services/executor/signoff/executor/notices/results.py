"""What came of a notification, as the log has it: without secrets, and with the definition's own names."""

import traceback
from collections.abc import Collection, Mapping
from typing import Any, Final

import structlog
from msgspec.structs import replace

from signoff.engine.errors import EngineError
from signoff.engine.messages import Sent
from signoff.events.errors import SignoffError
from signoff.executor.running.scope import redact
from signoff.notify import Sent as Outcome
from signoff.notify.services import channel_of

NOBODY: Final = "none"
"""The channel of what went nowhere."""

NOTHING: Final = Sent(channel=NOBODY, success=True)
"""No notification was for the occasion after all, once references were resolved."""

_MAIL: Final = "mailtos"
_LONGEST_ERROR: Final = 1_000
_LONGEST_NAME: Final = 200
_FRAMES: Final = -10
"""The innermost frames of a traceback that are logged."""

_log = structlog.get_logger("signoff.executor.notices")


def done(written: Any, outcome: Outcome, secrets: Collection[str], *, to: str | None = None) -> Sent:
    """What a channel said.

    Args:
        written: the notification as it stands in the definition.
        outcome: what the channel said.
        secrets: that must not be in the log.
        to: id of the user whom it was for.
    """
    sent = Sent(
        channel=outcome.channel,
        success=outcome.success,
        error=None if outcome.error is None else _clean(outcome.error, secrets),
        to=to,
        duration_ms=outcome.duration_ms,
    )
    return _named(sent, written)


def failed(written: Any, error: str | Exception, secrets: Collection[str], *, to: str | None = None) -> Sent:
    """It was not sent at all; the other arguments are those of `done`."""
    text = error if isinstance(error, str) else _reason(error, secrets)
    sent = Sent(channel=_channel(written), success=False, error=_clean(text, secrets), to=to)
    return _named(sent, written)


def _reason(error: Exception, secrets: Collection[str]) -> str:
    if isinstance(error, TimeoutError):
        return "not sent: what it is made of was not found in time"
    if isinstance(error, SignoffError | EngineError):
        return f"not sent: {error}"
    shown = "".join(traceback.format_exception(error, limit=_FRAMES))
    _log.error("notification failed", exception=redact(shown, secrets))
    return f"not sent: {type(error).__name__}; the executor's log says more"


def _clean(text: str, secrets: Collection[str]) -> str:
    return str(redact(text, secrets))[:_LONGEST_ERROR].encode(errors="replace").decode()


def _named(sent: Sent, written: Any) -> Sent:
    """With the id, the title and the operation of a tool; ours have none."""
    if not is_tool(written):
        return sent
    return replace(
        sent,
        tool_id=_text(written.get("toolId")),
        title=_text(written.get("title")),
        operation=_text(written.get("operation")),
    )


def _channel(written: Any) -> str:
    if not isinstance(written, Mapping):
        return NOBODY
    if is_tool(written):
        return _text(written.get("type")) or _text(written.get("toolId")) or NOBODY
    url = written.get("url")
    return channel_of(url) if isinstance(url, str) else _MAIL


def is_tool(written: Any) -> bool:
    """Whether a notification is one of Sim's: a call of a tool."""
    return isinstance(written, Mapping) and bool(written.get("toolId") or written.get("type"))


def _text(value: Any) -> str | None:
    return value[:_LONGEST_NAME] if isinstance(value, str) and value else None
