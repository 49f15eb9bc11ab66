"""The engine as the cases in tests/semantics meet it: no log, no bus, no loop; a clock that jumps.

Decisions are those of a :class:`support.bdd.Story`, which checks after every input that the state does
not contradict itself and that the log folds to it. Blocks are real: the executor's runner runs them.
"""

import asyncio
import json
from collections.abc import Callable, Mapping
from typing import Any, Final
from uuid import UUID

from signoff.blocks import Registry
from signoff.engine.definition import Definition, digest
from signoff.engine.evolve import evolve
from signoff.engine.messages import CancelBlock, Draft, Effect, Input, RunBlock, TakenOver, Tick
from signoff.engine.parse import Parsed, parse
from signoff.events.blobs import BlobStore
from signoff.events.codec import chain_hash, encode
from signoff.events.store.base import WorkflowRow
from signoff.events.times import iso
from signoff.events.types import Command, Event, Json, Outcome, StartExecution
from signoff.executor.blocks.base import Tools
from signoff.executor.blocks.llm.settings import Llm
from signoff.executor.loaded import Loaded
from signoff.executor.messages import lineage_of, message_of
from signoff.executor.plans import Kinds, Plan, make_plan
from signoff.executor.runner import Runner
from support.bdd import LOG, WORKFLOW, Story
from support.semantic_blocks import HOLDING
from support.told import Told, in_short

LIMIT: Final = 15.0
"""Seconds that a case waits for a block."""

_SCHEDULED: Final = 0.0
"""The time limit of runs that a schedule starts: there are none here."""

_JUMPS: Final = 10_000
"""So often the clock may jump in one step of a case."""


class Engine:
    """Makes runs from documents.

    Args:
        tools: what blocks use.
        blobs: large values.
        registry: the registered blocks.
        environment: values of ``{{NAME}}``.
    """

    def __init__(
        self, tools: Tools, blobs: BlobStore, registry: Registry, environment: Mapping[str, str]
    ) -> None:
        self._tools = tools
        self._registry = registry
        self._runner = Runner(tools, blobs, environment)

    def parse(self, document: object) -> Parsed:
        """Read a definition."""
        return parse(document, types=self._registry.output_fields, workflow_id=WORKFLOW)

    def run(self, document: object, others: Mapping[str, object] | None = None) -> "EngineRun":
        """An execution of a definition, not started yet.

        Args:
            document: the definition.
            others: those that it calls, by their ids.
        """
        known = {WORKFLOW: document, **(others or {})}
        definitions = {name: self._definition(each) for name, each in known.items()}
        return EngineRun(Family(definitions, self._registry, self._tools.llm, self._runner))

    def _definition(self, document: object) -> Definition:
        parsed = self.parse(document)
        assert parsed.definition is not None, parsed.faults
        return parsed.definition

    async def close(self) -> None:
        """Stop the blocks that never end."""
        await self._runner.close()


class EngineRun:
    """One execution: a player of cases (see ``semantics.cases``).

    Attributes:
        story: the decisions, inputs and effects.
    """

    def __init__(self, family: "Family") -> None:
        self._family = family
        self.story = family.new(WORKFLOW, LOG)

    async def start(
        self,
        given: Json,
        *,
        detached: bool = False,
        limit: float | None = None,
        stop_after: str | None = None,
    ) -> None:
        """Start, and go on until nothing is left that a caller would wait for.

        Args:
            given: the input.
            detached: the caller does not wait.
            limit: the run's time limit in seconds.
            stop_after: the block to stop after.
        """
        self.story.start(given, mode="async" if detached else "sync", time_limit=limit, stop_after=stop_after)
        await self._family.go_on()

    async def resume(
        self, context_id: str, given: Json, *, seen: str | None = None, child: str | None = None
    ) -> str | None:
        """Decide on a pause point; gives the text of a refusal.

        Args:
            context_id: of the point.
            given: the input.
            seen: the digest of what the decision was made on.
            child: the block whose child execution the point is in.
        """
        story = self.story
        if child is not None:
            story = self._family.story((await self.tell()).child_of(child)["childExecutionId"])
        refusal = _refusal(story.resume(context_id, given, seen=seen))
        await self._family.go_on()
        return refusal

    async def cancel(self) -> str | None:
        """Cancel the execution; gives the text of a refusal."""
        refusal = _refusal(self.story.cancel())
        await self._family.go_on()
        return refusal

    async def crash(self) -> None:
        """Lose the process in which blocks run; another one takes over."""
        self._family.lose_process()
        await self._family.go_on()

    async def reach(self, event: str, *, child: str | None = None) -> None:
        """Make sure that an event is there: without time passing nothing more happens.

        Args:
            event: as `in_short` names it.
            child: the block whose child execution it is in.
        """
        told = await self.tell()
        if child is not None:
            told = _told(self._family.story(told.child_of(child)["childExecutionId"]))
        assert event in map(in_short, told.events), told

    async def until(self, status: str) -> Told:
        """Let time pass until the execution has a status."""
        await self._family.go_on()
        while (told := await self.tell()).status != status and self._family.jump():
            await self._family.go_on()
        assert told.status == status, f"it is {told.status}, never {status}:\n{told}"
        return told

    async def log(self) -> list[bytes]:
        """The events as they are."""
        return self.story.raws

    async def tell(self) -> Told:
        """What the log tells now."""
        return _told(self.story)


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

    def new(self, workflow_id: str, log_id: UUID) -> "DrivenStory":
        """An execution of a workflow that has not started."""
        plan = make_plan(self._definitions[workflow_id], self._kinds)
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

    # Time ----------------------------------------------------------------------------------------------

    async def go_on(self) -> None:
        """Let blocks end, and time pass while a run waits for it, until no run goes on by itself."""
        await self._take_results()
        jumps = 0
        while any(story.state.active for story in self._stories.values()) and self.jump():
            jumps += 1
            assert jumps < _JUMPS, f"the clock jumped {_JUMPS} times"
            await self._take_results()

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

    async def _take_results(self) -> None:
        self._take_messages()
        while any(story.at_work() for story in self._stories.values()):
            async with asyncio.timeout(LIMIT):
                log_id, message = await self._results.get()
            self._stories[log_id].take(message)
            self._take_messages()

    def _take_messages(self) -> None:
        """Carry what executions have to tell one another, until nobody has anything to tell."""
        while messages := [each for story in list(self._stories.values()) for each in story.messages()]:
            for command in messages:
                log_id = UUID(command.execution_id)
                if isinstance(command.data, StartExecution):
                    called = self.new(command.data.workflow_id, log_id)
                    called.now = max(story.now for story in self._stories.values())
                self._stories[log_id].send(command)


class DrivenStory(Story):
    """A story with an id of its own, whose effects somebody performs.

    Args:
        plan: what runs.
        log_id: of the execution.
        perform: takes its effects.
    """

    def __init__(self, plan: Plan, log_id: UUID, perform: Callable[[Loaded, Effect], None]) -> None:
        super().__init__(plan.graph)
        self.log_id = log_id
        self._loaded = Loaded(log_id, self.state, plan)
        self._do = perform
        self._told = 0

    def at_work(self) -> bool:
        """Whether some block will give a result: one that never ends does not, nor one that was stopped."""
        stopped = {_key(each) for each in self.stopped}
        return any(_key(run) not in stopped and not self._holds(run) for run in self.tries)

    def take(self, message: Any) -> None:
        """Take a block's result."""
        self.tries = [run for run in self.tries if _key(run) != _key(message)]
        self.send(message)

    def messages(self) -> list[Command]:
        """What follows for other executions from the events since the last time."""
        new = self.events[self._told :]
        self._told = len(self.events)
        lineage = lineage_of(self.state)
        following = (message_of(event, self.log_id, lineage, time_limit=_SCHEDULED) for event in new)
        return [command for command in following if command is not None]

    def _record(self, draft: Draft) -> None:
        event = Event(
            type=draft.data.TYPE,
            event_id=self.state.version + 1,
            execution_id=str(self.log_id),
            run_id=draft.run_id,
            workflow_id=WORKFLOW,
            timestamp=iso(self.now),
            causation_id=draft.causation_id,
            correlation_id=draft.correlation_id,
            attempt=draft.attempt,
            prev=chain_hash(self.raws[-1]) if self.raws else None,
            data=draft.data,
        )
        evolve(self.state, event, self.graph, now=self.now)
        self.events.append(event)
        self.raws.append(encode(event))

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


def _told(story: DrivenStory) -> Told:
    return Told([json.loads(raw) for raw in story.raws])


def _key(message: Any) -> tuple[str, int]:
    return message.instance, message.attempt


def _refusal(outcome: Outcome) -> str | None:
    return None if outcome.refusal is None else outcome.refusal.message
