"""What an operator decided for a partition. It stands in a log of its own, in that partition."""

from typing import ClassVar, Literal, TypeAlias

from msgspec import Struct

from signoff.events.types.envelopes import EventData
from signoff.events.types.values import Actor

RecoveryChoice: TypeAlias = Literal["from-topic", "skip-to-end", "reread"]
"""How a partition goes on whose log and topics contradict each other (docs/operations.md)."""


class LogSpan(Struct, frozen=True, kw_only=True, rename="camel"):
    """The events of a log from the one after ``after`` up to ``upto``."""

    log_id: str
    after: int
    upto: int


class PartitionRecovered(EventData, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """An operator decided how a partition goes on, and what is given up or comes back with that.

    ``commands_skipped`` are on their topic and were not executed, ``commands_expired`` are not even there.
    ``events_restored`` were put back into the log from its topic; ``events_lost`` stay on the topic alone.
    ``logs`` names them, up to a thousand logs; ``more_logs`` counts the others.
    """

    TYPE: ClassVar[str] = "partition:recovered"
    partition: int
    choice: RecoveryChoice
    reason: str
    actor: Actor
    previous_offset: int
    next_offset: int
    commands_skipped: int = 0
    commands_expired: int = 0
    events_restored: int = 0
    events_lost: int = 0
    logs: list[LogSpan] = []
    more_logs: int = 0
