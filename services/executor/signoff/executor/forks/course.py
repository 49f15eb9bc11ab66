"""The course of one dry run: decided in memory as any execution is, with blocks that act on nothing."""

import asyncio
from collections.abc import Iterable, Iterator
from typing import Final
from uuid import UUID

from signoff.audit.life.aside import Aside
from signoff.audit.life.what_if import MAX_STEPS, MAX_VALUES, DryRun, Stop, WouldRun
from signoff.engine.deciding.flow import CALLERS
from signoff.engine.definitions.graph import following
from signoff.engine.messages import BlockCalls, BlockFailed, Effect, Input, RunBlock, Tick
from signoff.engine.state import TERMINAL, InFlight, State
from signoff.events.times import recordable
from signoff.events.types import Event, ExecutionForked
from signoff.executor.forks.past_results import Given, PastResults
from signoff.executor.logs.loaded import Loaded, Step
from signoff.executor.logs.plans import Plan
from signoff.executor.partition.turn import results_of
from signoff.executor.running.jobs import Job
from signoff.executor.running.runner import Runner

HARMLESS: Final = frozenset({
    "condition", "function", "human_in_the_loop", "loop", "parallel", "response", "variables", "wait",
})  # fmt: skip
"""Types of blocks that act on nothing outside; so do triggers."""


class Nowhere:
    """The place of blocks whose results nobody writes down."""

    def held(self) -> bool:
        """No lease runs out here."""
        return True

    def begins(self) -> bool:
        """Blocks may start."""
        return True

    def deliver(self, log_id: UUID, message: Input) -> None:
        """What a block says on the way is let go."""

    def backlog(self) -> int:
        """Nothing waits."""
        return 0


class Course:
    """One dry run, from its fork to where it stops.

    Args:
        loaded: the fork's log, which nobody writes down.
        plan: what it runs.
        runner: evaluates blocks.
        past: what blocks gave in the source.
        values: takes its large values.
        now: when it begins, in seconds since the epoch, UTC.
    """

    def __init__(
        self, loaded: Loaded, plan: Plan, runner: Runner, past: PastResults, *, values: Aside, now: float
    ) -> None:
        self._loaded = loaded
        self._plan = plan
        self._runner = runner
        self._past = past
        self._values = values
        self._now = now
        self._place = Nowhere()
        self._ready: list[RunBlock] = []
        self.events: list[Event] = []
        self.would_run: dict[str, WouldRun] = {}
        self.recorded: list[str] = []

    @property
    def _state(self) -> State:
        if not isinstance(self._loaded.state, State):
            raise TypeError("only executions are forked")
        return self._loaded.state

    def take(self, step: Step) -> None:
        """Note what one input led to."""
        self.events += [event for event in step.events if event.copy_of is None]
        self._ready += _runs(step.effects)

    async def follow(self) -> Stop:
        """Go on until nothing is left to do here."""
        while len(self.events) < MAX_STEPS and self._values.size <= MAX_VALUES:
            if self._ready:
                await self._try(self._ready.pop(0))
            elif not self._leap():
                return self._end()
        return "limit"

    def told(self, stop: Stop) -> DryRun:
        """The answer."""
        forked = next(
            index for index, event in enumerate(self.events) if isinstance(event.data, ExecutionForked)
        )
        return DryRun(
            events=self.events[forked:],
            end=self._state,
            large=self._loaded.large,
            would_run=list(self.would_run.values()),
            recorded=self.recorded,
            stopped=stop,
        )

    async def _try(self, run: RunBlock) -> None:
        flight = self._state.in_flight.get(run.instance)
        if flight is None or flight.attempt != run.attempt:
            return  # its run ended at once
        result = await self._result(flight)
        if result is not None:
            self._send(result)

    async def _result(self, flight: InFlight) -> Input | None:
        job = Job(self._place, self._loaded, self._state, flight)
        block = job.block
        if block.trigger or block.type in HARMLESS:
            return await self._run(job)
        if block.type in CALLERS:
            called = await self._run(job)
            if not isinstance(called, BlockCalls):
                return called  # nothing can be called
            given = Given(called.input, called.workflow_id, called.version)
        else:
            would_get = await self._runner.given(job)
            if isinstance(would_get, BlockFailed):
                return would_get
            given = Given(would_get)
        found = self._past.find(flight.instance, given)
        if found is None:
            self.would_run[flight.instance] = WouldRun(
                instance=flight.instance,
                block_id=block.id,
                block_name=block.name,
                block_type=block.type,
                input=given.input,
                leads_to=sorted(following(self._plan.graph, block.id) - {block.id}),
            )
            return None
        self.recorded.append(flight.instance)
        return found.result(flight)

    async def _run(self, job: Job) -> Input | None:
        job.task = asyncio.create_task(self._runner.result(job))
        try:
            return await job.task
        finally:
            job.stop()

    def _send(self, message: Input) -> None:
        self.take(self._loaded.step(results_of(self._loaded, message, self._now), self._now))

    def _leap(self) -> bool:
        """Go to the next moment, while a block or a point waits for one; nobody decides in the meantime."""
        state = self._state
        waits = any(each.rests in ("wait", "retry") for each in state.in_flight.values())
        due = state.next_due()
        if due is None or not (waits or any(point.kind == "time" for point in state.open_points())):
            return False
        self._now = max(self._now, recordable(due) + 1e-6)
        self._send(Tick())
        return True

    def _end(self) -> Stop:
        if self._state.status in TERMINAL:
            return "ended"
        return "effects" if self.would_run else "paused"


def _runs(effects: Iterable[Effect]) -> Iterator[RunBlock]:
    return (effect for effect in effects if isinstance(effect, RunBlock))
