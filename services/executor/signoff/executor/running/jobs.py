"""One try of one block: what it may read, where its result goes, how it is stopped."""

import asyncio
from collections.abc import Callable
from typing import Protocol
from uuid import UUID

from signoff.engine.definitions.definition import Block
from signoff.engine.definitions.graph import Graph
from signoff.engine.messages import BlockSays, Input
from signoff.engine.state import InFlight, State
from signoff.events.times import from_iso
from signoff.executor.blocks.base import Prepared
from signoff.executor.logs.loaded import Loaded
from signoff.executor.running.reading import reading_of, turn_of
from signoff.executor.running.scope import Around
from signoff.executor.running.speech import Speech


class Place(Protocol):
    """The partition that a block belongs to."""

    def held(self) -> bool:
        """Whether blocks may act outside: the lease has not run out by this process's own clock."""
        ...

    def begins(self) -> bool:
        """Whether blocks may start: the lease holds, and is not just being handed over."""
        ...

    def deliver(self, log_id: UUID, message: Input) -> None:
        """Take a block's result, or part of what it says."""
        ...

    def backlog(self) -> int:
        """Messages that wait to be decided."""
        ...


class GivenUp(asyncio.Event):
    """Whether a try was given up. Whoever asks also learns, from any thread, that the lease has run out."""

    def __init__(self, held: Callable[[], bool]) -> None:
        super().__init__()
        self._held = held

    def is_set(self) -> bool:
        """Whether to stop."""
        return super().is_set() or not self._held()


class Job:
    """One try of one block, with the facts it may read as they were when it started."""

    __slots__ = (
        "_speech", "attempt", "block", "call_chain", "cancelled", "definition_digest", "execution_id",
        "facts", "index", "instance", "log_id", "place", "prepared", "reading", "started_at", "task",
        "timed_out", "workflow_id", "workspace_id",
    )  # fmt: skip

    def __init__(self, place: Place, loaded: Loaded, state: State, flight: InFlight) -> None:
        plan = loaded.plan
        if plan is None:
            raise ValueError("a block runs only with its plan")
        self.place = place
        self.log_id = loaded.log_id
        self.instance = flight.instance
        self.block: Block = plan.graph.nodes[flight.block_id].block
        self.prepared: Prepared = plan.blocks[flight.block_id]
        self.attempt = flight.attempt
        self.started_at = from_iso(flight.started_at)
        own = _own_turn(plan.graph, state, flight)
        self.index = 0 if own is None else own.index
        self.reading = reading_of(loaded, state, flight.turns, self.prepared.reads, own=own)
        self.facts = self.reading.facts()
        self.workspace_id = state.workspace_id
        self.workflow_id = state.workflow_id
        self.execution_id = state.execution_id
        self.call_chain = state.next_chain()
        self.definition_digest = state.definition_digest
        self.cancelled = GivenUp(place.held)
        self._speech: Speech | None = None
        self.timed_out = False
        self.task: asyncio.Task[Input | None] | None = None

    def emit(self, text: str) -> None:
        """Take a part of what the block says."""
        if self._speech is None:  # few blocks say anything
            self._speech = Speech(self.facts, self._say, self.place.backlog)
        self._speech.add(text)

    def end_speech(self, *, whole: bool) -> None:
        """Pass on what is left of it, or nothing any more."""
        speech, self._speech = self._speech, None
        if speech is not None:
            if whole:
                speech.finish()
            speech.stop()

    def _say(self, offset: int, text: str) -> None:
        said = BlockSays(instance=self.instance, attempt=self.attempt, offset=offset, chunk=text)
        self.place.deliver(self.log_id, said)

    @property
    def key(self) -> tuple[UUID, str, int]:
        """Names the try."""
        return self.log_id, self.instance, self.attempt

    def stop(self) -> None:
        """Cancel the block, if it runs."""
        self.cancelled.set()
        self.end_speech(whole=False)
        if self.task is not None:
            self.task.cancel()

    def expire(self) -> None:
        """Cancel the block because its time is over."""
        self.timed_out = True
        self.stop()


def _own_turn(graph: Graph, state: State, flight: InFlight) -> Around | None:
    """The next turn of a container that is evaluated: its references stand in it."""
    compiled = graph.containers.get(flight.block_id)
    if compiled is None:
        return None
    container = state.containers.get(flight.instance)
    index = 0 if container is None else container.next
    return turn_of(state, flight.block_id, flight.turns, compiled.kind, index)
