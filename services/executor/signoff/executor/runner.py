"""Runs blocks: a bounded number at once, each with a time limit, each cancellable.

A block starts only after its ``block:started`` is durable, and only while the partition's lease
holds. What it gives goes into its partition's inbox, as a command would.
"""

import asyncio
import random
from collections import deque
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Final, Protocol
from uuid import UUID

import structlog

from signoff.engine.catalog import STEERING_NAMES
from signoff.engine.definition import Block
from signoff.engine.errors import EngineError
from signoff.engine.graph import Graph
from signoff.engine.messages import (
    BlockCalls,
    BlockFailed,
    BlockOpened,
    BlockPaused,
    BlockSays,
    BlockSucceeded,
    BlockWaits,
    Input,
    RunBlock,
)
from signoff.engine.places import path_of
from signoff.engine.state import InFlight, State
from signoff.events.blobs import BlobStore
from signoff.events.codec import check_value
from signoff.events.errors import BlobError, ValueNotStorableError
from signoff.events.times import from_iso
from signoff.events.types import Json, Turn, TurnType
from signoff.executor.blocks.base import (
    BlockFailureError,
    Call,
    Child,
    Done,
    Ended,
    Opened,
    Pause,
    Prepared,
    Tools,
    Wait,
    resolved,
)
from signoff.executor.loaded import Loaded
from signoff.executor.scope import Around, Facts, redact
from signoff.executor.speech import Speech

DEFAULT_TIME_LIMIT: Final = 600.0
"""Seconds that one try of a block may take, where it sets no limit of its own."""

_ERROR: Final = 10_000
"""Characters of an error that are kept."""

_LAST_STEPS: Final = 2.0
"""Seconds that cancelled blocks have to end."""

_log = structlog.get_logger("signoff.executor.runner")


class Place(Protocol):
    """The partition that a block belongs to."""

    def held(self) -> bool:
        """Whether blocks may start: the lease has not run out by this process's own clock."""
        ...

    def deliver(self, log_id: UUID, message: Input) -> None:
        """Take a block's result, or part of what it says."""
        ...

    def backlog(self) -> int:
        """Messages that wait to be decided."""
        ...


class Job:
    """One try of one block, with the facts it may read as they were when it started."""

    __slots__ = (
        "_speech", "around", "attempt", "block", "cancelled", "definition_digest", "execution_id", "facts",
        "fields", "index", "instance", "large", "log_id", "outputs", "place", "prepared",
        "started_at", "task", "timed_out", "variables", "workflow_id", "workspace_id",
    )  # fmt: skip

    def __init__(
        self, place: Place, loaded: Loaded, state: State, flight: InFlight, environment: Mapping[str, str]
    ) -> None:
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
        self.around, self.index = turns_around(plan.graph, state, flight)
        branches = [turn for turn in flight.turns if turn.iteration_type == "parallel"]
        self.outputs = {
            name: state.outputs.get(output_key(plan.graph, name, branches)) for name in self.prepared.reads
        }
        self.variables = dict(state.variables)
        self.fields = plan.fields
        self.facts = Facts(self.outputs, self.variables, environment, plan.fields, self.around)
        self.large = loaded.large
        self.workspace_id = state.workspace_id
        self.workflow_id = state.workflow_id
        self.execution_id = state.execution_id
        self.definition_digest = state.definition_digest
        self.cancelled = asyncio.Event()
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


def turns_around(graph: Graph, state: State, flight: InFlight) -> tuple[list[Around], int]:
    """The turns that a block runs in; a container that is evaluated stands in its own next one.

    Returns:
        The turns, outermost first, and the index of the container's own.
    """
    around = [
        _around(
            state,
            turn.iteration_container_id,
            flight.turns[:depth],
            turn.iteration_type,
            turn.iteration_current,
        )
        for depth, turn in enumerate(flight.turns)
    ]
    compiled = graph.containers.get(flight.block_id)
    if compiled is None:
        return around, 0
    container = state.containers.get(flight.instance)
    index = 0 if container is None else container.next
    return [*around, _around(state, flight.block_id, flight.turns, compiled.kind, index)], index


def _around(state: State, container: str, outer: Sequence[Turn], kind: TurnType, index: int) -> Around:
    opened = state.containers.get(container + path_of(outer))
    return Around(container, kind, index, None if opened is None else opened.items)


def output_key(graph: Graph, block_id: str, branches: Sequence[Turn]) -> str:
    """Where a block's output is found by another that runs in some branches; nowhere, in other branches."""
    node = graph.nodes.get(block_id)
    needed = [] if node is None else [c for c in node.around if graph.containers[c].kind == "parallel"]
    shared = branches[: len(needed)]
    if [turn.iteration_container_id for turn in shared] != needed:
        return ""
    return block_id + path_of(shared)


class Runner:
    """Runs jobs, first come first served.

    Args:
        concurrency: how many blocks run at once; others wait in line.
    """

    def __init__(
        self,
        tools: Tools,
        blobs: BlobStore,
        environment: Mapping[str, str],
        *,
        concurrency: int = 500,
    ) -> None:
        self._tools = tools
        self._blobs = blobs
        self._environment = environment
        self._concurrency = concurrency
        self._jobs: dict[tuple[UUID, str, int], Job] = {}
        self._line: deque[Job] = deque()
        self._tasks: set[asyncio.Task[Input | None]] = set()

    @property
    def backlog(self) -> int:
        """Blocks that wait for their turn."""
        return len(self._line)

    @property
    def running(self) -> int:
        """Blocks at work."""
        return len(self._tasks)

    def at_work(self, log_id: UUID) -> frozenset[tuple[str, int]]:
        """Blocks of one execution that run or wait for their turn here, with their attempts."""
        return frozenset((job.instance, job.attempt) for job in self._jobs.values() if job.log_id == log_id)

    def start(self, place: Place, loaded: Loaded, state: State, effect: RunBlock) -> None:
        """Run a block as soon as there is room."""
        flight = state.in_flight.get(effect.instance)
        if flight is None or flight.attempt != effect.attempt:
            return  # its run ended in the very same turn
        job = Job(place, loaded, state, flight, self._environment)
        self._jobs[job.key] = job
        self._line.append(job)
        self._launch()

    def cancel(self, log_id: UUID, instance: str, attempt: int) -> None:
        """Stop a try; it gives no result."""
        job = self._jobs.pop((log_id, instance, attempt), None)
        if job is not None:
            job.stop()

    def drop(self, place: Place) -> None:
        """Stop every block of a partition that this process no longer owns."""
        for job in [job for job in self._jobs.values() if job.place is place]:
            del self._jobs[job.key]
            job.stop()

    async def close(self) -> None:
        """Stop everything, and wait until it has stopped, but not for ever: a block may not want to."""
        self._line.clear()
        for job in self._jobs.values():
            job.stop()
        self._jobs.clear()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=_LAST_STEPS)

    def _launch(self) -> None:
        while self._line and len(self._tasks) < self._concurrency:
            job = self._line.popleft()
            if job.cancelled.is_set() or not job.place.held():
                self._jobs.pop(job.key, None)
                continue
            job.task = asyncio.create_task(self._result(job))
            self._tasks.add(job.task)
            job.task.add_done_callback(partial(self._ended, job))

    def _ended(self, job: Job, task: asyncio.Task[Input | None]) -> None:
        """Hand the result over; called as well for a task that was cancelled before its first step."""
        self._tasks.discard(task)
        message = None if task.cancelled() else task.result()
        if self._jobs.get(job.key) is job:
            del self._jobs[job.key]
            if message is not None:
                job.place.deliver(job.log_id, message)
        self._launch()

    async def _result(self, job: Job) -> Input | None:  # noqa: PLR0911  (one return for each way to fail)
        limit = getattr(job.prepared, "timeout", None) or DEFAULT_TIME_LIMIT
        timer = asyncio.get_running_loop().call_later(limit, job.expire)
        shown: Json = None
        try:
            params = await self._params(job)
            shown = self._recorded(job, params)
            ended = await job.prepared.run(self._call(job, params), self._tools)
            job.end_speech(whole=True)
            return await self._message(job, shown, ended)
        except asyncio.CancelledError:
            if not job.timed_out:
                return None
            return await self._failed(
                job, shown, f"{job.block.name} timed out after {limit:g} seconds", code="TIMEOUT"
            )
        except BlockFailureError as error:
            return await self._failed(job, shown, str(error), code=error.code, retryable=error.retryable)
        except (EngineError, ValueNotStorableError) as error:
            return await self._failed(job, shown, str(error), code="INVALID_VALUE", retryable=False)
        except BlobError as error:
            return await self._failed(job, shown, str(error), code="STORAGE_UNAVAILABLE")
        except Exception as error:  # noqa: BLE001  (a block is other people's code: its error is its result)
            _log.warning("block failed", block=job.block.id, execution=job.execution_id, exc_info=error)
            text = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
            return await self._failed(job, shown, text)
        finally:
            timer.cancel()
            job.end_speech(whole=False)

    async def _params(self, job: Job) -> dict[str, Json]:
        if job.large:
            workspace_id = UUID(job.workspace_id)
            for values in (job.outputs, job.variables):
                for name in values:
                    values[name] = await self._blobs.resolve(values[name], workspace_id=workspace_id)
            around = [
                Around(
                    each.container,
                    each.kind,
                    each.index,
                    await self._blobs.resolve(each.items, workspace_id=workspace_id),
                )
                for each in job.around
            ]
            job.facts = Facts(job.outputs, job.variables, self._environment, job.fields, around)
        return resolved(job.prepared.params, job.facts)

    @staticmethod
    def _recorded(job: Job, params: dict[str, Json]) -> Json:
        """The input as the log may hold it: environment values stay ``{{NAME}}``."""
        if not job.facts.secrets:
            return params
        return redact(resolved(job.prepared.params, job.facts.without_environment()), job.facts.secrets)

    def _call(self, job: Job, params: dict[str, Json]) -> Call:
        return Call(
            block=job.block,
            params=params,
            facts=job.facts,
            workspace_id=job.workspace_id,
            workflow_id=job.workflow_id,
            execution_id=job.execution_id,
            definition_digest=job.definition_digest,
            attempt=job.attempt,
            instance=job.instance,
            idempotency_key=f"{job.execution_id}/{job.instance}",
            started_at=job.started_at,
            cancelled=job.cancelled,
            emit=job.emit,
            index=job.index,
        )

    async def _message(self, job: Job, shown: Json, ended: Ended) -> Input:
        match ended:
            case Done():
                return BlockSucceeded(
                    instance=job.instance,
                    attempt=job.attempt,
                    input=await self._stored(job, shown),
                    output=await self._stored_output(job, ended.output),
                    variables=ended.variables and await self._stored_variables(job, ended.variables),
                )
            case Pause():
                return BlockPaused(
                    instance=job.instance,
                    attempt=job.attempt,
                    kind=ended.kind,
                    response=await self._stored(job, ended.response),
                    content_digest=ended.content_digest,
                    due_at=ended.due_at,
                )
            case Child():
                return BlockCalls(
                    instance=job.instance,
                    attempt=job.attempt,
                    workflow_id=ended.workflow_id,
                    name=ended.name,
                    version=ended.version,
                    digest=ended.digest,
                    input=await self._stored(job, ended.input),
                )
            case Opened():
                return BlockOpened(
                    instance=job.instance,
                    attempt=job.attempt,
                    input=await self._stored(job, shown),
                    items=await self._stored(job, ended.items),
                    total=ended.total,
                    at_once=ended.at_once,
                    goes_on=ended.goes_on,
                )
            case Wait():
                return BlockWaits(instance=job.instance, attempt=job.attempt, due_at=ended.due_at)

    async def _stored(self, job: Job, value: Json) -> Json:
        """A value as the log holds it: checked, without secrets, large parts by reference."""
        return await self._blobs.offload(_clean(job, value), workspace_id=UUID(job.workspace_id))

    async def _stored_output(self, job: Job, output: Json) -> Json:
        """An output that moved as a whole keeps the fields that the engine acts on beside its reference."""
        stored = await self._stored(job, output)
        if isinstance(stored, dict) and "$blob" in stored:
            return stored | {name: output[name] for name in STEERING_NAMES & output.keys()}
        return stored

    async def _stored_variables(self, job: Job, values: dict[str, Json]) -> dict[str, Json]:
        """Each variable may move, never all of them as one."""
        return await self._blobs.offload_fields(_clean(job, values), workspace_id=UUID(job.workspace_id))

    async def _failed(
        self, job: Job, shown: Json, error: str, *, code: str = "BLOCK_FAILED", retryable: bool = True
    ) -> BlockFailed:
        try:
            given = await self._stored(job, shown)
        except (ValueNotStorableError, BlobError) as problem:
            _log.warning("a block's input is not recorded", block=job.block.id, reason=str(problem))
            given = None
        return BlockFailed(
            instance=job.instance,
            attempt=job.attempt,
            input=given,
            error=redact(error, job.facts.secrets)[:_ERROR].encode(errors="replace").decode(),
            code=code,
            retryable=retryable,
            jitter=random.random(),  # noqa: S311  (spreads retries; nothing is secret about it)
        )


def _clean(job: Job, value: Any) -> Any:
    """A value that the log can hold, without secrets."""
    check_value(value)
    return redact(value, job.facts.secrets) if job.facts.secrets else value
