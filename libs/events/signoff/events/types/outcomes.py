"""What became of a command."""

from typing import Final, Literal

from msgspec import Raw, Struct


class FieldFault(Struct, frozen=True):
    """What is wrong with one field of a submitted form."""

    path: str
    message: str


class Refusal(Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """Why a command changed nothing. ``code`` is for programs, ``message`` for people.

    ``retry_after`` is the seconds after which the same command may be taken up, where it was only too much.
    """

    code: str
    message: str
    winning_event_id: int | None = None
    details: list[FieldFault] = []
    retry_after: int | None = None


NO_EVENT: Final = Raw()
"""An outcome without its event: the field is left out."""


class Outcome(Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """What became of a command: a hint on ``signoff.outcomes``; the log knows for sure.

    ``event_id`` is the event that took the command up or, with ``ended``, that ended its run. ``event`` is
    the ending event as committed, where it is small: who hears of it need not read it from the log.
    """

    command_id: str
    execution_id: str
    outcome: Literal["accepted", "queued", "refused", "duplicate", "ended"]
    event_id: int | None = None
    resume_execution_id: str | None = None
    queue_position: int | None = None
    refusal: Refusal | None = None
    event: Raw = NO_EVENT
