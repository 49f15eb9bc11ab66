"""What people are told of a pause point where its author wrote nothing: plain facts, in plain text."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import msgspec
from msgspec import Struct

from signoff.events.types import Json, Occasion
from signoff.notify.texts import one_line, plain_text

_MOST_SHOWN: Final = 40
_MOST_ASKED: Final = 10
_LONGEST_VALUE: Final = 400
_LONGEST_NAME: Final = 80


class Facts(Struct, frozen=True, kw_only=True):
    """What is known of a pause point when people are told of it.

    Attributes:
        workflow: its name.
        title: what is decided, in a line.
        asked: the names of who may decide.
        deadline: until when, as people read it, with its time zone.
        link: where it is decided; nothing of it is cut.
        by: who did what this tells of: delegated, sent back, amended, decided.
        reason: why, in their words; for ``closed`` also what came of it.
        shown: the display data, by names.
    """

    workflow: str
    title: str | None = None
    asked: Sequence[str] = ()
    deadline: str | None = None
    link: str | None = None
    by: str | None = None
    reason: str | None = None
    shown: Mapping[str, Json] = {}


class _Wording(Struct, frozen=True):
    """``lead`` begins the title; ``sentence`` the body; ``link`` says what the link is for."""

    lead: str
    sentence: str
    link: str = "Decide here"


_WORDINGS: Final[Mapping[Occasion, _Wording]] = {
    "opened": _Wording("Decision wanted", "A decision is wanted from you."),
    "reminded": _Wording("Reminder", "A decision is still wanted from you."),
    "escalated": _Wording("Escalated", "Nobody has decided yet: now you are asked, too."),
    "delegated": _Wording("Delegated to you", "You are asked to decide in somebody's place."),
    "returned": _Wording("Changes wanted", "Changes are wanted before this is decided.", "See"),
    "amended": _Wording("Changed", "What is to be decided was changed: approvals before it do not count."),
    "closed": _Wording("Closed", "This needs no decision from you any more.", "See"),
}


def compose(occasion: Occasion, facts: Facts) -> tuple[str, str]:
    """The title and the body of a message.

    The link comes early, so that channels which cut long bodies (SMS) keep it.

    Args:
        occasion: what people are told.
        facts: what is known.
    """
    wording = _WORDINGS[occasion]
    title = one_line(f"{wording.lead}: {facts.title or facts.workflow}")
    parts = ["\n".join(_head(wording, facts)), "\n".join(_about(facts)), "\n".join(_shown(facts.shown))]
    return title, plain_text("\n\n".join(part for part in parts if part))


def _head(wording: _Wording, facts: Facts) -> Iterator[str]:
    yield wording.sentence
    if facts.link:
        yield f"{wording.link}: {facts.link}"


def _about(facts: Facts) -> Iterator[str]:
    known = {
        "Decision": facts.title,
        "Workflow": facts.workflow,
        "Asked": _names(facts.asked),
        "Until": facts.deadline,
        "By": facts.by,
        "Reason": facts.reason,
    }
    for name, value in known.items():
        if value:
            yield f"{name}: {one_line(value, _LONGEST_VALUE)}"


def _names(asked: Sequence[str]) -> str:
    more = len(asked) - _MOST_ASKED
    return ", ".join(asked[:_MOST_ASKED]) + (f" and {more} more" if more > 0 else "")


def _shown(shown: Mapping[str, Json]) -> Iterator[str]:
    for name, value in list(shown.items())[:_MOST_SHOWN]:
        yield f"{one_line(name, _LONGEST_NAME)}: {one_line(_text(value), _LONGEST_VALUE)}"
    if (more := len(shown) - _MOST_SHOWN) > 0:
        yield f"… and {more} more"


def _text(value: Json) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
