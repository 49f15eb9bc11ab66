"""How each status is shown: a word, a tone and an icon, never a colour alone."""

from collections.abc import Mapping
from typing import Final, Literal, TypeAlias

from msgspec import Struct

Tone: TypeAlias = Literal["neutral", "active", "waiting", "good", "bad", "muted"]


class Badge(Struct, frozen=True):
    """A status in words. ``icon`` is a name in assets/icons.svg."""

    word: str
    tone: Tone
    icon: str


BADGES: Final[Mapping[str, Badge]] = {
    # Executions, and runs and jobs of them
    "queued": Badge("Queued", "neutral", "clock"),
    "pending": Badge("Queued", "neutral", "clock"),
    "running": Badge("Running", "active", "play"),
    "processing": Badge("Running", "active", "play"),
    "paused": Badge("Waiting", "waiting", "pause"),
    "completed": Badge("Completed", "good", "check"),
    "failed": Badge("Failed", "bad", "cross"),
    "cancelled": Badge("Cancelled", "muted", "ban"),
    # Paused executions, pause points and what was sent to them
    "partially_resumed": Badge("Partly decided", "waiting", "half"),
    "fully_resumed": Badge("Decided", "good", "check"),
    "resuming": Badge("Resuming", "active", "play"),
    "resumed": Badge("Decided", "good", "check"),
    "claimed": Badge("In progress", "active", "play"),
    "approved": Badge("Approved", "good", "check"),
    "rejected": Badge("Rejected", "bad", "cross"),
    "returned": Badge("Sent back", "waiting", "undo"),
    "closed": Badge("Closed", "muted", "ban"),
    "expired": Badge("Expired", "muted", "clock"),
    "held": Badge("Held", "waiting", "clock"),
    "taken": Badge("Taken", "good", "check"),
    "overdue": Badge("Overdue", "bad", "alert"),
    # Blocks of a graph
    "started": Badge("Running", "active", "play"),
    "skipped": Badge("Skipped", "muted", "skip"),
    # Workflows, keys, users, hooks
    "deployed": Badge("Deployed", "good", "check"),
    "undeployed": Badge("Not deployed", "muted", "ban"),
    "active": Badge("Active", "good", "check"),
    "disabled": Badge("Disabled", "muted", "ban"),
    "revoked": Badge("Revoked", "muted", "ban"),
    # Proofs
    "verified": Badge("Verified", "good", "shield"),
    "broken": Badge("Broken", "bad", "alert"),
    # Priorities
    "urgent": Badge("Urgent", "bad", "alert"),
    "high": Badge("High", "waiting", "up"),
    "normal": Badge("Normal", "neutral", "dot"),
    "low": Badge("Low", "muted", "down"),
}


def badge_of(status: str) -> Badge:
    """The badge of a status; one that is not known here is shown by its own name."""
    known = BADGES.get(status)
    return known or Badge(status.replace("_", " ").capitalize(), "neutral", "dot")
