"""Telling people by mail, chat and SMS: what is sent, by which channels, and within which bounds."""

from signoff.notify.addressing import addressed
from signoff.notify.errors import InvalidNoticeError, NotifyError, UnknownToolError
from signoff.notify.notices import Notice, Sent
from signoff.notify.notifier import Notifier
from signoff.notify.services import DEFAULT_SCHEMES, channel_of, parse_schemes
from signoff.notify.templates import Facts, compose
from signoff.notify.tools import of_tool

__all__ = [
    "DEFAULT_SCHEMES",
    "Facts",
    "InvalidNoticeError",
    "Notice",
    "Notifier",
    "NotifyError",
    "Sent",
    "UnknownToolError",
    "addressed",
    "channel_of",
    "compose",
    "of_tool",
    "parse_schemes",
]
