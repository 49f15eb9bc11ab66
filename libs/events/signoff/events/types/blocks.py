"""What happens to a block: its tries, its turns, its children, what it says."""

from typing import ClassVar

from signoff.events.types.envelopes import EventData
from signoff.events.types.values import Json, Turn, TurnType


class Placed(EventData, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """Base of what happens to a block: in which iteration or branch, and in which ones around that.

    The first four fields are the innermost turn's; ``parent_iterations`` has the others, outermost first.
    """

    iteration_current: int | None = None
    iteration_total: int | None = None
    iteration_type: TurnType | None = None
    iteration_container_id: str | None = None
    parent_iterations: list[Turn] = []


class BlockEvent(Placed, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """What every event of a block names."""

    block_id: str
    block_name: str
    block_type: str
    execution_order: int


class BlockStarted(BlockEvent, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """A block is about to run: nothing of it ran before this was durable."""

    TYPE: ClassVar[str] = "block:started"
    child_execution_id: str | None = None


class BlockCompleted(BlockEvent, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """A block finished with an output."""

    TYPE: ClassVar[str] = "block:completed"
    input: Json = None
    output: Json
    duration_ms: float
    started_at: str
    ended_at: str


class BlockError(BlockEvent, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """A block failed for good; ``handled`` when an error edge took it."""

    TYPE: ClassVar[str] = "block:error"
    input: Json = None
    error: str
    code: str | None = None
    duration_ms: float
    started_at: str
    ended_at: str
    handled: bool


class BlockRetrying(Placed, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """A try failed; the next one starts at ``next_attempt_at``."""

    TYPE: ClassVar[str] = "block:retrying"
    block_id: str
    error: str
    next_attempt_at: str


class ContainerOpened(Placed, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """A loop or a parallel knows what it goes over.

    ``total`` is unknown where a condition decides. ``at_once``: branches of a parallel that may be busy.
    """

    TYPE: ClassVar[str] = "container:opened"
    block_id: str
    input: Json = None
    items: Json = None
    total: int | None = None
    at_once: int | None = None


class LoopIteration(Placed, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """An iteration of a loop began. The place is the loop's own."""

    TYPE: ClassVar[str] = "loop:iteration"
    container_id: str
    index: int
    item: Json = None


class ParallelBranch(Placed, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """A branch of a parallel began. The place is the parallel's own."""

    TYPE: ClassVar[str] = "parallel:branch"
    container_id: str
    index: int
    item: Json = None


class ChildCalled(Placed, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """A block called another workflow: from this event its execution is started."""

    TYPE: ClassVar[str] = "child:called"
    block_id: str
    child_execution_id: str
    child_workflow_id: str
    child_workflow_name: str
    child_workflow_version: int
    child_definition_digest: str
    depth: int
    input: Json = None
    timeout_at: str | None = None
    """When the run that calls is out of time: so is the child's first one."""


class ChildCancelled(EventData, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """Nobody waits for a child any more: from this event it is cancelled."""

    TYPE: ClassVar[str] = "child:cancelled"
    block_id: str
    child_execution_id: str
    reason: str


class StreamChunk(Placed, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """Part of what a block says while it runs. A later attempt starts at offset 0 and replaces it.

    ``offset`` counts characters.
    """

    TYPE: ClassVar[str] = "stream:chunk"
    block_id: str
    attempt: int
    offset: int
    chunk: str


class StreamDone(Placed, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """A block has said everything: ``offset`` characters."""

    TYPE: ClassVar[str] = "stream:done"
    block_id: str
    attempt: int
    offset: int
