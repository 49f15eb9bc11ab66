"""Executions that call one another, on one clock that jumps: the engine's place in tests/semantics.

Decisions are those of a :class:`support.bdd.Story`, which checks after every input that the state does
not contradict itself and that the log folds to it. Blocks are real: the executor's runner runs them.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Final
from uuid import UUID

from signoff.blocks import Registry
from signoff.engine.definitions.catalog import find_entry
from signoff.engine.definitions.definition import Definition, digest
from signoff.engine.messages import (
    BlockSays,
    CancelBlock,
    Effect,
    Input,
    Notify,
    RunBlock,
    Sent,
    TakenOver,
    Tick,
    Told,
)
from signoff.events.store.base import WorkflowRow
from signoff.events.types import Command, StartExecution
from signoff.executor.blocks.llm.settings import Llm
from signoff.executor.logs.loaded import Loaded
from signoff.executor.logs.plans import Kinds, Plan, make_plan
from signoff.executor.publishing.messages import lineage_of, message_of
from signoff.executor.running.runner import Runner
from support.bdd import Story
from support.semantic_blocks import HOLDING

LIMIT: Final = 30.0
"""Seconds that a case waits for a block."""

_SCHEDULED: Final = 0.0
"""The time limit of runs that a schedule starts: there are none here."""

_UNSENT: Final = Sent(channel="nowhere", success=False, error="there is no network here")
"""What comes of telling people."""

_JUMPS: Final = 10_000
"""So often the clock may jump in one step of a case."""


class Family:
    """An execution with those that it called, on one clock; the place of their blocks.

    Args:
        definitions: by workflow.
        registry: the registered blocks.
        llm: the language model.
        runner: runs blocks.
    """

    def __init__(
        self, definitions: Mapping[str, Definition], registry: Registry, llm: Llm, runner: Runner
    ) -> None:
        self._definitions = definitions
        self._kinds = Kinds(registry, llm, self._find)
        self._runner = runner
        self._stories: dict[UUID, DrivenStory] = {}
        self._results: asyncio.Queue[tuple[UUID, Input]] = asyncio.Queue()

    def story(self, execution_id: str) -> "DrivenStory":
        """One of the executions."""
        return self._stories[UUID(execution_id)]

    def new(self, workflow_id: str, log_id: UUID, entry: str | None = None) -> "DrivenStory":
        """An execution of a workflow that has not started; ``entry`` is the block that it starts with."""
        plan = make_plan(self._definitions[workflow_id], self._kinds, entry)
        story = DrivenStory(plan, log_id, lambda loaded, effect: self._perform(story, loaded, effect))
        self._stories[log_id] = story
        return story

    async def _find(self, workspace_id: UUID, workflow_id: str) -> WorkflowRow | None:
        definition = self._definitions.get(workflow_id)
        if definition is None:
            return None
        return WorkflowRow(
            log_id=workspace_id, workspace_id=workspace_id, workflow_id=workflow_id, name=definition.name,
            version=1, digest=digest(definition), is_deployed=True, deployed_at=0.0,
        )  # fmt: skip

    # The runner's place --------------------------------------------------------------------------------

    def held(self) -> bool:
        """No lease runs out here."""
        return True

    def begins(self) -> bool:
        """Blocks may start at any time."""
        return True

    def backlog(self) -> int:
        """Nothing waits here for long."""
        return 0

    def deliver(self, log_id: UUID, message: Input) -> None:
        """Take a block's result."""
        self._results.put_nowait((log_id, message))

    def _perform(self, story: "DrivenStory", loaded: Loaded, effect: Effect) -> None:
        if isinstance(effect, RunBlock):
            self._runner.start(self, loaded, story.state, effect)
        elif isinstance(effect, CancelBlock):
            self._runner.cancel(story.log_id, effect.instance, effect.attempt)
        elif isinstance(effect, Notify):
            self.deliver(story.log_id, Told(effect.event_id, [_UNSENT]))

    # Time ----------------------------------------------------------------------------------------------

    async def work(self) -> None:
        """Let blocks end that end without time passing."""
        self._take_messages()
        while any(story.at_work() for story in self._stories.values()) or not self._results.empty():
            async with asyncio.timeout(LIMIT):
                log_id, message = await self._results.get()
            self._stories[log_id].take(message)
            self._take_messages()

    async def go_on(self) -> None:
        """Let blocks end, and time pass while a run waits for it, until no run goes on by itself."""
        await self.work()
        jumps = 0
        while any(story.state.active for story in self._stories.values()) and self.jump():
            jumps += 1
            assert jumps < _JUMPS, f"the clock jumped {_JUMPS} times"
            await self.work()

    def jump(self) -> bool:
        """Come to the next moment at which something happens; false when there is none."""
        moments = [due for story in self._stories.values() if (due := story.state.next_due()) is not None]
        if not moments:
            return False
        for story in list(self._stories.values()):
            story.now = max(story.now, min(moments))
            story.send(Tick())
        return True

    def lose_process(self) -> None:
        """Lose every try and every result that was not taken."""
        self._runner.drop(self)
        while not self._results.empty():
            self._results.get_nowait()
        for story in list(self._stories.values()):
            story.tries.clear()
            story.send(TakenOver())

    def _take_messages(self) -> None:
        """Carry what executions have to tell one another, until nobody has anything to tell."""
        while messages := [each for story in list(self._stories.values()) for each in story.messages()]:
            for command in messages:
                log_id = UUID(command.execution_id)
                if isinstance(command.data, StartExecution):
                    self._call(command.data.workflow_id, log_id)
                self._stories[log_id].send(command)

    def _call(self, workflow_id: str, log_id: UUID) -> None:
        entry = find_entry(self._definitions[workflow_id].blocks, "workflow")
        assert entry is not None, f"{workflow_id} has no start for calls"
        now = max(story.now for story in self._stories.values())
        self.new(workflow_id, log_id, entry.id).now = now


class DrivenStory(Story):
    """A story with an id of its own, whose effects somebody performs.

    Args:
        plan: what runs.
        log_id: of the execution.
        perform: takes its effects.
    """

    def __init__(self, plan: Plan, log_id: UUID, perform: Callable[[Loaded, Effect], None]) -> None:
        super().__init__(plan.graph, log_id=log_id)
        self._loaded = Loaded(log_id, self.state, plan)
        self._do = perform
        self._told = 0

    def at_work(self) -> bool:
        """Whether some block will give a result: one that never ends does not, nor one that was stopped."""
        stopped = {_key(each) for each in self.stopped}
        return any(_key(run) not in stopped and not self._holds(run) for run in self.tries)

    def take(self, message: Any) -> None:
        """Take a block's result, part of what it says, or that people were told."""
        if not isinstance(message, BlockSays | Told):
            self.tries = [run for run in self.tries if _key(run) != _key(message)]
        self.send(message)

    def messages(self) -> list[Command]:
        """What follows for other executions from the events since the last time."""
        new = self.events[self._told :]
        self._told = len(self.events)
        lineage = lineage_of(self.state)
        following = (message_of(event, self.log_id, lineage, time_limit=_SCHEDULED) for event in new)
        return [command for command in following if command is not None]

    def _perform(self, effect: Effect) -> None:
        super()._perform(effect)
        self._do(self._loaded, effect)

    def _holds(self, run: RunBlock) -> bool:
        flight = self.state.in_flight.get(run.instance)
        return (
            flight is not None
            and run.attempt == 1
            and self.graph.nodes[flight.block_id].block.type == HOLDING
        )


def _key(message: Any) -> tuple[str, int]:
    return message.instance, message.attempt
