"""Runs a workflow in memory, as an executor does, in no time."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final, TypeAlias
from uuid import UUID

from signoff.events.times import from_iso
from signoff.events.types import (
    BlockCompleted,
    Event,
    ExecutionCancelled,
    ExecutionCompleted,
    ExecutionError,
    ExecutionPaused,
    Json,
    StreamChunk,
)
from signoff.runtime.threads import DaemonThreads
from signoff.testing.bench import Bench, open_bench
from signoff.testing.clock import VirtualClock
from signoff.testing.definitions import Document, registry_of
from signoff.testing.errors import UnfinishedError
from signoff.testing.outcome import LogLine, Outcome, Pause

Decisions: TypeAlias = Mapping[str, Any] | Callable[[Pause], Any]
"""What to answer at each pause: by ``contextId`` or block id, or a function, whose ``None`` is no answer."""

WORKFLOW_ID: Final = "workflow"
"""The id of the workflow that is run."""

STARTED_AT: Final = datetime(2025, 1, 1, tzinfo=UTC)


def run_workflow(
    definition: Document,
    input: Any = None,  # noqa: A002 - what everybody calls it, and nobody reads a line here
    *,
    decisions: Decisions | None = None,
    environment: Mapping[str, str] | None = None,
    blocks: Iterable[object] | None = None,
    workflows: Mapping[str, Document] | None = None,
    started_at: datetime = STARTED_AT,
    limit: float = 30.0,
) -> Outcome:
    """Run a workflow to its end, or until it waits for a decision that was not given.

    It is the real engine, with real blocks, on a log in memory. The clock is not: it stands still while
    blocks run and leaps to the next moment when everything waits, so that a wait of 30 days and retries with
    back-off take no time. Blocks run in an event loop of their own; what a block itself waits for (a sleep,
    a server) takes its time.

    Args:
        definition: JSON values, YAML or JSON text, or the file that holds it.
        input: of the run.
        decisions: what to answer at each pause: by ``contextId`` or block id, or a function of the
            :class:`Pause`, whose ``None`` leaves it open.
        environment: the values of ``{{NAME}}`` and ``ctx.secret``.
        blocks: functions with ``@block`` and modules that hold some; ``None``: those of installed packages.
        workflows: others that it calls, by their ids.
        started_at: the time of day when it starts; the 1st of January 2025, 00:00 UTC, by default.
        limit: seconds of real time that any step may take, from one wait to the next.

    Raises:
        DefinitionFaultsError: a definition has faults; all are listed.
        RefusedError: the input or a decision does not fit.
        UnfinishedError: a step took longer than the limit; says what was at work.
    """
    logs: list[LogLine] = []
    registry = registry_of(blocks, logs)
    documents = {**(workflows or {}), WORKFLOW_ID: definition}
    clock = VirtualClock(started_at.timestamp())

    async def run() -> Outcome:
        async with open_bench(
            documents, registry, environment=environment or {}, clock=clock, limit=limit
        ) as bench:
            log_id = await bench.start(WORKFLOW_ID, input)
            await _to_its_end(bench, _chooser(decisions))
            return await _outcome(bench, log_id, logs)

    # Not in the caller's thread, which may have a loop; not in one that Ctrl-C would have to wait for.
    return DaemonThreads(1, name="bench").submit(_in_own_loop, clock, run).result()


async def run_workflow_async(
    definition: Document,
    input: Any = None,  # noqa: A002 - as above
    *,
    decisions: Decisions | None = None,
    environment: Mapping[str, str] | None = None,
    blocks: Iterable[object] | None = None,
    workflows: Mapping[str, Document] | None = None,
    started_at: datetime = STARTED_AT,
    limit: float = 30.0,
) -> Outcome:
    """`run_workflow` for tests that are coroutines: their event loop goes on meanwhile."""
    return await asyncio.to_thread(
        run_workflow,
        definition,
        input,
        decisions=decisions,
        environment=environment,
        blocks=blocks,
        workflows=workflows,
        started_at=started_at,
        limit=limit,
    )


def _in_own_loop(clock: VirtualClock, run: Callable[[], Coroutine[Any, Any, Outcome]]) -> Outcome:
    with asyncio.Runner(loop_factory=clock.new_loop) as runner:
        return runner.run(run())


def _chooser(decisions: Decisions | None) -> Callable[[Pause], Any]:
    if callable(decisions):
        return decisions
    given = decisions or {}
    return lambda pause: given.get(pause.context_id, given.get(pause.block_id))


async def _to_its_end(bench: Bench, choose: Callable[[Pause], Any]) -> None:
    """Decide what there is to decide, else let time pass; until neither is left."""
    await bench.settled()
    while await _decide_one(bench, choose) or await bench.leap():
        await bench.settled()


async def _decide_one(bench: Bench, choose: Callable[[Pause], Any]) -> bool:
    rows = {row.execution_id or str(row.log_id): row for row in await bench.executions()}
    for pause in await bench.waiting():
        decision = choose(pause)
        if decision is not None:
            await bench.resume(rows[pause.execution_id].log_id, pause.context_id, decision)
            return True
    return False


async def _outcome(bench: Bench, log_id: UUID, logs: list[LogLine]) -> Outcome:
    row = await bench.execution(log_id)
    if row.broken is not None:
        raise UnfinishedError(f"the execution cannot be folded: {row.broken}")
    events = await bench.events(log_id)
    output, error = _ending(events)
    return Outcome(
        status="paused" if row.status == "running" else row.status,
        output=await bench.resolve(output),
        error=error,
        outputs={name: await bench.resolve(value) for name, value in _outputs(events).items()},
        pauses=await bench.pauses(),
        waiting=await bench.waiting(),
        logs=logs,
        streamed=_streamed(events),
        events=events,
        seconds=from_iso(events[-1].timestamp) - from_iso(events[0].timestamp),
    )


def _ending(events: list[Event]) -> tuple[Json, str | None]:
    for event in reversed(events):
        match event.data:
            case ExecutionCompleted() | ExecutionPaused():
                return event.data.output, None
            case ExecutionError():
                return event.data.output, event.data.error
            case ExecutionCancelled():
                return event.data.output, event.data.reason
    return None, None


def _outputs(events: list[Event]) -> dict[str, Json]:
    return {
        event.data.block_id: event.data.output for event in events if isinstance(event.data, BlockCompleted)
    }


def _streamed(events: list[Event]) -> dict[str, str]:
    texts: dict[str, str] = {}
    for event in events:
        if isinstance(event.data, StreamChunk):
            chunk = event.data
            texts[chunk.block_id] = texts.get(chunk.block_id, "")[: chunk.offset] + chunk.chunk
    return texts
