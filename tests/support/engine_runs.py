"""The engine as the cases in tests/semantics meet it: no log, no bus, no loop; a clock that jumps."""

import json
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID, uuid5

from msgspec import UNSET, UnsetType

from signoff.blocks import Registry
from signoff.engine.definitions.definition import Definition
from signoff.engine.definitions.parse import Parsed, parse
from signoff.events.blobs import BlobStore
from signoff.events.times import iso
from signoff.events.types import (
    ForkDecision,
    Json,
    Mode,
    Outcome,
    ResumeExecution,
    RetryExecution,
    StartExecution,
)
from signoff.executor.blocks.base import Tools
from signoff.executor.running.reading import Sources
from signoff.executor.running.runner import Runner
from signoff.gateway.errors import ApiError
from signoff.gateway.executions.run_from_block import before, check_start
from support.bdd import LOG, WORKFLOW
from support.cast import PLAINLY, Manner, actor, maker
from support.desk import command_of
from support.engine_family import DrivenStory, Family
from support.forks import begin_fork
from support.told import Told, in_short


class Engine:
    """Makes runs from documents.

    Args:
        tools: what blocks use.
        blobs: large values.
        registry: the registered blocks.
        environment: values of ``{{NAME}}``.

    Attributes:
        files: where its blocks keep files.
    """

    def __init__(
        self, tools: Tools, blobs: BlobStore, registry: Registry, environment: Mapping[str, str]
    ) -> None:
        self.files = tools.files
        self._tools = tools
        self._registry = registry

        async def values(_: UUID) -> Mapping[str, str]:
            return environment

        async def submitted(*_: object) -> Mapping[str, str]:
            return {}

        self._runner = Runner(tools, Sources(blobs, values, submitted))

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
        story: the decisions, inputs and effects, once it is started.
    """

    story: DrivenStory

    def __init__(self, family: Family) -> None:
        self._family = family

    async def start(
        self,
        given: Json,
        *,
        detached: bool = False,
        limit: float | None = None,
        stop_after: str | None = None,
        webhook: str | None = None,
        via: Sequence[str] = (),
        by: str | None = None,
    ) -> None:
        """Start, and go on until nothing is left that a caller would wait for; no time passes if detached.

        Args:
            given: the input.
            detached: the caller does not wait.
            limit: the run's time limit in seconds.
            stop_after: the block to stop after.
            webhook: the block that the input was sent to, by somebody who does not wait.
            via: the workflows that called one another up to the start.
            by: who starts it.
        """
        if webhook is not None:
            await self.trigger("webhook", webhook, given)
            return
        mode: Mode = "async" if detached else "sync"
        self.story = self._family.new(WORKFLOW, LOG)
        self.story.start(
            given, mode=mode, time_limit=limit, stop_after=stop_after, call_chain=via, actor=actor(by)
        )
        await (self._family.work() if detached else self._family.go_on())

    async def trigger(self, kind: str, block_id: str, given: Json) -> None:
        """Start with one of the triggers.

        Args:
            kind: as ``execution:started`` names it.
            block_id: the trigger.
            given: the input.
        """
        self.story = self._family.new(WORKFLOW, LOG, block_id)
        self.story.command(_start(mode="async", input=given, trigger=kind, trigger_block_id=block_id))
        await self._family.work()

    async def rerun(self, block_id: str, *, stop_after: str | None = None) -> str | None:
        """Begin another execution with a block and this one's past; gives the text of a refusal.

        Args:
            block_id: the block.
            stop_after: the block to stop after.
        """
        past, graph = self.story.state, self.story.graph
        waiting = {point.block_id for point in past.open_points()}
        outputs = {name: output for name, output in past.outputs.items() if name not in waiting}
        try:
            check_start(graph, block_id, outputs)
        except ApiError as error:
            return str(error)
        start = _start(
            mode="sync",
            trigger_block_id=graph.entry,
            start_block_id=block_id,
            stop_after_block_id=stop_after,
            outputs=before(graph, block_id, outputs),
            variables=dict(past.variables),
        )
        self.story = self._family.new(WORKFLOW, uuid5(self.story.log_id, "again"), graph.entry)
        self.story.command(start)
        await self._family.go_on()
        return None

    async def fork(
        self, after: str | None, *, given: Json | UnsetType, decide: str | None, saying: Json, by: str | None
    ) -> str | None:
        """Go on in a fork; gives the text of a refusal.

        Args:
            after: the event that it begins after, in short.
            given: another input.
            decide: the point that is decided at once.
            saying: the decision.
            by: who forks.
        """
        source = self.story
        told = [in_short(json.loads(raw)) for raw in source.raws]
        fork = self._family.new(WORKFLOW, uuid5(source.log_id, "fork"), source.graph.entry)
        fork.now = source.now
        decision = None
        if decide is not None:
            decision = ForkDecision(context_id=decide, input=saying, maker=maker(by))
        outcome = begin_fork(
            fork, source, upto=None if after is None else told.index(after) + 1,
            given=None if given is UNSET else given, edited=given is not UNSET, decision=decision,
            actor=actor(by),
        )  # fmt: skip
        if outcome.refusal is None:
            self.story = fork
            await self._family.go_on()
        return _refusal(outcome)

    async def retry(self) -> str | None:
        """Try what failed again; gives the text of a refusal."""
        refusal = _refusal(self.story.command(RetryExecution(reason="mended")))
        await self._family.go_on()
        return refusal

    async def resume(self, context_id: str, given: Json, how: Manner = PLAINLY) -> str | None:
        """Decide on a pause point; gives the text of a refusal.

        Args:
            context_id: of the point.
            given: the input.
            how: who decides, and in which way.
        """
        story = self.story
        if how.child is not None:
            story = self._family.story((await self.tell()).child_of(how.child)["childExecutionId"])
        data = ResumeExecution(
            context_id=context_id,
            input=given,
            seen_digest=how.seen,
            maker=maker(how.by, link=how.link),
            retry=how.again,
            hold_until=None if how.early is None else iso(story.now + how.early),
        )
        refusal = _refusal(story.command(data, actor=actor(how.by)))
        await self._family.go_on()
        return refusal

    async def act(
        self, act: str, context_id: str, given: Mapping[str, Json], *, by: str | None
    ) -> str | None:
        """Do something at a pause point beside deciding; gives the text of a refusal.

        Args:
            act: the last word of the route for it.
            context_id: of the point.
            given: the body.
            by: who does it.
        """
        command = command_of(act, self.story.state.points[context_id], given, by=by)
        return _refusal(self.story.command(command, actor=actor(by)))

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
        """Let time pass until an event is there.

        Args:
            event: as `in_short` names it.
            child: the block whose child execution it is in.
        """
        while event not in map(in_short, (told := await self._seen(child)).events):
            assert self._family.jump(), f"no {event}:\n{told}"
            await self._family.go_on()

    async def _seen(self, child: str | None) -> Told:
        told = await self.tell()
        return told if child is None else _told(self._family.story(told.child_of(child)["childExecutionId"]))

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


def _start(**more: Any) -> StartExecution:
    return StartExecution(
        workspace_id=str(UUID(int=0)),
        workflow_id=WORKFLOW,
        workflow_version=1,
        definition_digest="sha256:definition",
        **more,
    )


def _told(story: DrivenStory) -> Told:
    return Told([json.loads(raw) for raw in story.raws])


def _refusal(outcome: Outcome) -> str | None:
    return None if outcome.refusal is None else outcome.refusal.message
