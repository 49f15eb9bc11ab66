"""What stands around every fact and every request, and what all of them are."""

from typing import ClassVar

from msgspec import Raw, Struct

from signoff.events.types.values import Actor


class EventData(Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel", gc=False):
    """Base of what an event says. ``TYPE`` is its name on the wire.

    It is JSON, in which there are no cycles: the garbage collector need not look, however many are held.
    """

    TYPE: ClassVar[str] = ""


class Unknown(EventData, frozen=True, kw_only=True):
    """An event of a type that this version does not know; its data, untouched."""

    topic: str
    raw: Raw


class Copy(Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """Which event of its fork's source an event repeats, and when that happened."""

    event_id: int
    timestamp: str


class Event(Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel", gc=False):
    """The envelope: one entry of a log.

    ``run_id`` and ``correlation_id`` are ``None`` when equal to ``execution_id`` and
    ``causation_id``; ``log_id`` is set only where it differs from ``execution_id``. The logs of
    workflows have no ``execution_id``. ``timestamp`` is UTC, ISO 8601, microseconds.
    ``causation_id`` is the command's id; for what follows from the log itself (a block's end, a
    timer) it is the ``eventId``, in decimal, of the event that it follows from.
    ``prev`` is the base64 of the SHA-256 of the bytes of the event before. ``copy_of``: nothing happened
    here; a fork took the event over from its source.
    """

    type: str
    event_id: int
    execution_id: str | None = None
    log_id: str | None = None
    run_id: str | None = None
    workflow_id: str
    timestamp: str
    causation_id: str
    correlation_id: str | None = None
    attempt: int | None = None
    copy_of: Copy | None = None
    prev: str | None = None
    data: EventData

    @property
    def happened_at(self) -> str:
        """When it happened, which for a copy is before it was recorded; UTC, ISO 8601."""
        return self.timestamp if self.copy_of is None else self.copy_of.timestamp


class CommandData(Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """Base of what a command asks for. ``TYPE`` is its name on the wire."""

    TYPE: ClassVar[str] = ""


class Command(Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """The envelope of a command on ``signoff.commands``, keyed by the log's UUID.

    ``execution_id`` is as callers know it; ``log_id`` is set only where it differs.
    ``not_after`` is the time (UTC, ISO 8601) after which an executor refuses it. ``reply_to`` is
    the partition of ``signoff.outcomes`` that the caller listens to.
    """

    command_id: str
    type: str
    execution_id: str
    log_id: str | None = None
    issued_at: str
    not_after: str | None = None
    actor: Actor
    correlation_id: str | None = None
    request_digest: str | None = None
    traceparent: str | None = None
    reply_to: int | None = None
    data: CommandData
