"""What callers send and see of an execution's past, of differences, and of forks."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from signoff.audit.life.differences import Change, Pair
from signoff.audit.life.what_if import Stop, WouldRun
from signoff.events.types import Event, Json
from signoff.gateway.http.moments import Moment
from signoff.gateway.schemas import ExecutionView, PausePointView, QueueEntry


class SourceView(Struct, frozen=True, kw_only=True, rename="camel"):
    """The execution, and the event of it, that another one goes on from."""

    execution_id: str
    event_id: int
    kind: Literal["run-from-block", "fork"]


class StateView(ExecutionView, frozen=True, kw_only=True, rename="camel"):
    """An execution as it was after an event.

    Attributes:
        event_id: The event.
        at: When it happened.
        workflow_version: The version that runs.
        definition_digest: Of that version.
        source: What it was forked, or run from a block, from.
        input: What it began with.
        variables: The workflow's variables.
        pause_points: All that had opened by then.
        queue: The decisions that had been taken up by then.
    """

    event_id: int
    at: str
    workflow_version: int
    definition_digest: str
    source: SourceView | None
    input: Json
    variables: dict[str, Json]
    pause_points: list[PausePointView]
    queue: list[QueueEntry]


class DiffSide(Struct, frozen=True, kw_only=True, rename="camel"):
    """One of two states that are compared."""

    execution_id: str
    event_id: int
    at: str


class DiffView(Struct, frozen=True, kw_only=True, rename="camel"):
    """What differs between two states.

    Attributes:
        before: The first state.
        after: The second state.
        changes: Where they differ; at most 1,000.
    """

    before: DiffSide
    after: DiffSide
    changes: list[Change]


class TimelinesView(Struct, frozen=True, kw_only=True, rename="camel"):
    """Two executions event by event.

    Attributes:
        before: The first execution.
        after: The second execution.
        common: Events that are one and the same history.
        pairs: What came after, side by side; at most 1,000.
    """

    before: DiffSide
    after: DiffSide
    common: int
    pairs: list[Pair]


class ForkDecisionBody(Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """A decision on a pause point that is open in the fork: the forker's own."""

    context_id: str
    input: Json = None


class ForkBody(Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """From where an execution is forked, what is other there, and whether it is only tried out.

    Attributes:
        event_id: The fork begins after this event; without it and `at`, after the last one.
        at: Or after the last event by this moment.
        input: In place of the execution's.
        decision: Taken at once in the fork.
        workflow_version: Another version of the workflow runs.
        mode: `dry-run` writes nothing and acts on nothing; `live` begins an execution.
        reason: Why; it stands in the fork's log.
    """

    event_id: Annotated[int, Meta(ge=1, le=2**31 - 1)] | None = None
    at: Moment | None = None
    input: Json | UnsetType = UNSET
    decision: ForkDecisionBody | None = None
    workflow_version: Annotated[int, Meta(ge=1, le=2**31 - 1)] | None = None
    mode: Literal["dry-run", "live"] = "dry-run"
    reason: Annotated[str, Meta(max_length=2000)] = ""


class Forked(Struct, frozen=True, kw_only=True, rename="camel"):
    """A fork that has begun; `source` is what it goes on from."""

    execution_id: str
    workflow_id: str
    workflow_version: int
    source: SourceView
    status_url: str


class DryRunView(Struct, frozen=True, kw_only=True, rename="camel"):
    """What a fork would come to. Nothing was written or done.

    Attributes:
        source: What it would go on from.
        stopped: `ended`: the execution would be over; `paused`: people would be asked; `effects`: the blocks
            of `wouldRun` come next; `limit`: it was too long.
        would_run: Blocks that act outside, and of which the execution has no result for this input.
        recorded: Blocks that were given what they gave in the execution.
        events: What would stand in the log, from `execution:forked` on; ids are the execution's own.
        state: How it would be.
    """

    source: SourceView
    stopped: Stop
    would_run: list[WouldRun]
    recorded: list[str]
    events: list[Event]
    state: StateView
