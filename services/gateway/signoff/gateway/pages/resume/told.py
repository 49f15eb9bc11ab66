"""What happened at a pause point in words, and how somebody was known who decided."""

from collections.abc import Mapping
from typing import Final

from msgspec import UNSET, Struct

from signoff.engine.points.standing import person_of
from signoff.events.types import SYSTEM, Made
from signoff.gateway.inbox.history import HistoryEntry
from signoff.gateway.inbox.people import Party
from signoff.gateway.pages.parties import party_name

_DID: Final[Mapping[str, str]] = {
    "decision:expired": "The early decision was not taken",
    "decision:held": "decided early; it is kept until this opens",
    "execution:reopened": "The execution was reopened",
    "execution:resumed": "decided",
    "pause:amended": "changed what is shown",
    "pause:claimed": "claimed it",
    "pause:closed": "It was closed",
    "pause:commented": "commented",
    "pause:delegated": "asked another to decide",
    "pause:escalated": "Others were asked as well",
    "pause:expired": "The deadline struck",
    "pause:opened": "It opened",
    "pause:reassigned": "let others decide",
    "pause:released": "released it",
    "pause:reminded": "People were reminded",
    "pause:returned": "sent it back for changes",
    "resume:failed": "The decision was never taken up",
    "resume:queued": "decided; it waits for its turn",
}

_ICONS: Final[Mapping[str, str]] = {
    "decision:recorded": "check",
    "execution:resumed": "check",
    "pause:amended": "edit",
    "pause:claimed": "lock",
    "pause:commented": "comment",
    "pause:delegated": "user",
    "pause:escalated": "up",
    "pause:expired": "clock",
    "pause:notified": "bell",
    "pause:opened": "pause",
    "pause:reassigned": "group",
    "pause:reminded": "bell",
    "pause:returned": "undo",
    "resume:failed": "alert",
    "resume:queued": "check",
}

_KNOWN_BY: Final[Mapping[str, str]] = {
    "session": "signed in",
    "apiKey": "by an API key",
    "link": "by a decision link",
    "streamToken": "by a stream token",
    "signature": "by a signed message",
}


class Happening(Struct, frozen=True, kw_only=True):
    """Something that happened, as the page tells it.

    Attributes:
        who: did it; empty: nobody, and ``did`` is a sentence.
        did: what they did.
        to: whom it was about.
        said: a comment, or why they did it.
        behalf: in whose place.
    """

    event_id: int
    type: str
    at: str
    icon: str
    who: str
    did: str
    to: str
    said: str
    behalf: str


def happening(entry: HistoryEntry) -> Happening:
    """An entry of a history in words."""
    return Happening(
        event_id=entry.event_id,
        type=entry.type,
        at=entry.at,
        icon=_icon(entry),
        who=_who(entry),
        did=_did(entry),
        to="" if entry.to is UNSET or entry.type == "pause:opened" else parties(entry.to),
        said=_text(entry.text) or _text(entry.reason),
        behalf="" if entry.on_behalf_of is UNSET else entry.on_behalf_of.name,
    )


def parties(of: list[Party]) -> str:
    """Who may decide, in words."""
    return ", ".join(map(party_name, of))


def known_by(made: Made | None) -> str:
    """How somebody was known when they decided; empty where nobody says."""
    if made is None:
        return ""
    told = _KNOWN_BY.get(made.auth_method, made.auth_method)
    return f"{told} and a code" if made.verified else told


def _icon(entry: HistoryEntry) -> str:
    if entry.verdict is not UNSET:
        return "check" if entry.verdict == "approved" else "cross"
    return _ICONS.get(entry.type, "dot")


def _did(entry: HistoryEntry) -> str:
    if entry.type == "pause:notified":
        channel = _text(entry.channel) or "a message"
        return f"Told by {channel}" if entry.success is True else f"Could not be told by {channel}"
    if entry.retry is True:
        return "tried it again"
    if entry.verdict is not UNSET:
        weight = entry.weight if isinstance(entry.weight, int) else 1
        return entry.verdict + (f", which counts {weight}" if weight > 1 else "")
    if entry.type == "execution:resumed" and not _who(entry):
        return "The deadline decided"
    return _DID.get(entry.type, entry.type)


def _who(entry: HistoryEntry) -> str:
    """Who did it; nobody where it happened by itself. People may be called whatever they like."""
    is_known = entry.actor is not UNSET and entry.actor.id != person_of(SYSTEM)
    return entry.actor.name if is_known else ""


def _text(text: object) -> str:
    return text if isinstance(text, str) else ""
