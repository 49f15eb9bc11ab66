"""What would happen if an execution were forked: the port that answers it, and the answer.

Whoever runs blocks answers; whoever shows the answer knows it only by this.
"""

from typing import Final, Literal, Protocol, TypeAlias

from msgspec import Struct

from signoff.audit.life.aside import Aside
from signoff.engine.state import State
from signoff.events.errors import SignoffError
from signoff.events.types import Command, Event, Json, Refusal

MAX_STEPS: Final = 2_000
"""Events that a dry run may come to."""

TIME_LIMIT: Final = 10.0
"""Seconds that a dry run may take."""

MAX_VALUES: Final = 64 * 1024 * 1024
"""Bytes of large values that it may come to."""

Stop: TypeAlias = Literal["ended", "paused", "effects", "limit"]
"""Why a dry run goes no further: the execution is over, people are asked, blocks with effects would run, or
it came to its own limits."""


class TooManyDryRunsError(SignoffError):
    """Others are tried out at this moment."""


class WouldRun(Struct, frozen=True, kw_only=True, rename="camel"):
    """A block that acts outside, and of which the source has no result for this input.

    Attributes:
        instance: the block with the turns around it.
        block_id: its id.
        block_name: its name.
        block_type: what kind of block it is.
        input: what it would be given, secrets hidden.
        leads_to: the blocks that its end may lead to, by id.
    """

    instance: str
    block_id: str
    block_name: str
    block_type: str
    input: Json = None
    leads_to: list[str] = []


class DryRun(Struct, frozen=True, kw_only=True):
    """What a fork would come to. Nothing of it was written or done.

    Attributes:
        events: from ``execution:forked`` on, as its log would have them; ids are the source's.
        end: the state after the last of them; ``large``: it may hold references to large values.
        would_run: blocks that were not run, and not passed over.
        recorded: instances of blocks that were given what they gave in the source.
        stopped: why it goes no further.
    """

    events: list[Event]
    end: State
    large: bool
    would_run: list[WouldRun]
    recorded: list[str]
    stopped: Stop


class WhatIf(Protocol):
    """Runs a fork in memory, and leaves nothing."""

    async def __call__(self, command: Command, values: Aside) -> DryRun | Refusal:
        """What would follow from a ``StartExecution`` with a ``fork``.

        Blocks without effects are evaluated; others take what they gave in the source after the event that is
        forked, if they are given the same; what is left would run.

        Args:
            command: as it would begin the fork.
            values: where its large values are, and those that it comes to will be.

        Raises:
            TooManyDryRunsError: others are tried out at this moment.
            SignoffError: what it needs cannot be read now.
        """
        ...
