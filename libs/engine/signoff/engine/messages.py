"""What goes into deciding, and what comes out of it beside events.

Inputs are the commands of :mod:`signoff.events.types` and the results of blocks and timers below;
they never leave the executor. ``instance`` is a block with the turns around it. Effects are data: the
executor performs them after the commit.
"""

from collections.abc import Mapping
from typing import Final, Literal, TypeAlias

from msgspec import Struct

from signoff.engine.points.policies import Policy
from signoff.events.types import (
    Command,
    Copy,
    Event,
    EventData,
    Json,
    Maker,
    Occasion,
    Outcome,
    PauseKind,
    Refusal,
)


class BlockSucceeded(Struct, frozen=True, kw_only=True):
    """A block returned. ``variables`` are those that it assigned."""

    instance: str
    attempt: int
    input: Json
    output: Json
    variables: dict[str, Json] | None = None


class BlockFailed(Struct, frozen=True, kw_only=True):
    """A try of a block failed. ``jitter`` is a random number from 0 to 1, drawn by the executor."""

    instance: str
    attempt: int
    input: Json
    error: str
    code: str = "BLOCK_FAILED"
    retryable: bool = True
    jitter: float = 0.0


class BlockPaused(Struct, frozen=True, kw_only=True):
    """A block asks to wait for somebody, or with ``due_at`` (seconds since the epoch) for a moment.

    ``makers``: those of the decisions that wait for it, by the ids of these, as they are known now; ``None``:
    they may not decide any more.
    """

    instance: str
    attempt: int
    kind: PauseKind
    response: Json
    content_digest: str | None = None
    due_at: float | None = None
    policy: Policy | None = None
    makers: Mapping[str, Maker | None] = {}


class BlockWaits(Struct, frozen=True, kw_only=True):
    """A block waits for a moment without being a pause to the caller."""

    instance: str
    attempt: int
    due_at: float


class BlockOpened(Struct, frozen=True, kw_only=True):
    """A container was evaluated: what it goes over at first, and whether it goes on at each time.

    ``at_once``: how many branches of a parallel may be at work.
    """

    instance: str
    attempt: int
    input: Json = None
    items: Json = None
    total: int | None = None
    at_once: int | None = None
    goes_on: bool = True


class BlockCalls(Struct, frozen=True, kw_only=True):
    """A block calls one version of another workflow."""

    instance: str
    attempt: int
    workflow_id: str
    name: str
    version: int
    digest: str
    input: Json


class BlockSays(Struct, frozen=True, kw_only=True):
    """A block streams: text that follows the first ``offset`` characters."""

    instance: str
    attempt: int
    offset: int
    chunk: str


class Sent(Struct, frozen=True, kw_only=True):
    """One notification was sent, or failed. The fields are those of ``pause:notified``."""

    channel: str
    success: bool
    error: str | None = None
    to: str | None = None
    tool_id: str | None = None
    title: str | None = None
    operation: str | None = None
    duration_ms: float | None = None


class Told(Struct, frozen=True):
    """People were told of an event of a pause point, each as far as that was possible."""

    event_id: int
    sent: list[Sent]


class Tick(Struct, frozen=True):
    """Time passed: fire what is due."""


class TakenOver(Struct, frozen=True):
    """The execution was loaded from its log: what is in flight there and not at work here is tried again.

    ``running``: blocks at work in this process, with their attempts.
    """

    running: frozenset[tuple[str, int]] = frozenset()


class Forking(Struct, frozen=True):
    """A ``StartExecution`` with a ``fork``, and the source's events that it takes, from the first one on."""

    command: Command
    past: list[Event]
    refusal: Refusal | None = None
    """Why they cannot be taken."""
    decided_in: frozenset[str] = frozenset()
    """The executions that the source called, by id, in which people decided; named where it matters."""


BLOCK_RESULTS: Final = (BlockSucceeded, BlockFailed, BlockPaused, BlockWaits, BlockOpened, BlockCalls)
BlockResult: TypeAlias = BlockSucceeded | BlockFailed | BlockPaused | BlockWaits | BlockOpened | BlockCalls
Input: TypeAlias = Command | BlockResult | BlockSays | Told | Tick | TakenOver | Forking


class Draft(Struct, frozen=True):
    """An event about to be: the executor gives it its envelope, the caller folds it at once.

    ``run_id`` and ``attempt`` are ``None`` where the envelope leaves them out.
    """

    data: EventData
    causation_id: str
    run_id: str | None = None
    attempt: int | None = None
    correlation_id: str | None = None
    copy_of: Copy | None = None


class RunBlock(Struct, frozen=True):
    """Run this try of a block now."""

    instance: str
    run_id: str
    attempt: int


class CancelBlock(Struct, frozen=True):
    """Stop a block's try if it still runs; nobody waits for its result."""

    instance: str
    attempt: int


class RunEnded(Struct, frozen=True):
    """A run ended with this event: whoever waits for it is told."""

    run_id: str
    event_id: int
    outcome: Literal["ended"] = "ended"


class Notify(Struct, frozen=True, kw_only=True):
    """Tell people of an event of a pause point: those that the definition names; ``to``: whom it is about."""

    event_id: int
    context_id: str
    occasion: Occasion
    to: list[str] = []


Effect: TypeAlias = RunBlock | CancelBlock | RunEnded | Notify
Result: TypeAlias = Draft | Effect | Outcome
