"""Runs blocks: a bounded number at once, each with a time limit, each cancellable.

A block starts only after its ``block:started`` is durable, and only while the partition's lease
holds. What it gives goes into its partition's inbox, as a command would.
"""

import asyncio
import random
import traceback
from functools import partial
from typing import Any, Final
from uuid import UUID

import msgspec
import structlog

from signoff.access.errors import SealError, SecretErasedError
from signoff.engine.definitions.catalog import STEERING_NAMES
from signoff.engine.errors import EngineError
from signoff.engine.messages import (
    BlockCalls,
    BlockFailed,
    BlockOpened,
    BlockPaused,
    BlockSucceeded,
    BlockWaits,
    Input,
    RunBlock,
)
from signoff.engine.points.policies import Policy
from signoff.engine.state import State
from signoff.events import faults
from signoff.events.codec import check_value
from signoff.events.errors import BlobError, StoreError, ValueNotStorableError
from signoff.events.types import Json
from signoff.executor.blocks.base import (
    BlockFailureError,
    Call,
    Child,
    Done,
    Ended,
    Opened,
    Pause,
    Tools,
    Wait,
    resolved,
)
from signoff.executor.logs.loaded import Loaded
from signoff.executor.ownership.fencing import check, fence
from signoff.executor.running.jobs import Job, Place
from signoff.executor.running.line import Line
from signoff.executor.running.reading import Sources, complete
from signoff.executor.running.scope import redact

DEFAULT_TIME_LIMIT: Final = 600.0
"""Seconds that one try of a block may take, where it sets no limit of its own."""

_ERROR: Final = 10_000
"""Characters of an error that are kept."""

_FRAMES: Final = -20
"""The innermost frames of a traceback that are logged; of exceptions that it follows from, too."""

_TRACEBACK: Final = 20_000
"""Characters of a traceback that are logged, the last ones."""

_LAST_STEPS: Final = 2.0
"""Seconds that cancelled blocks have to end."""

_NOT_GIVEN: Final[dict[type[Exception], str]] = {
    EngineError: "INVALID_VALUE",
    ValueNotStorableError: "INVALID_VALUE",
    SealError: "SECRET_UNREADABLE",
    SecretErasedError: "SECRET_ERASED",
}
"""Why a block cannot be given its input, or give its output, whenever it is tried; and the code of that."""

_log = structlog.get_logger("signoff.executor.runner")


class Runner:
    """Runs jobs, in turn between workspaces and, within one, in their order.

    Args:
        tools: what blocks use.
        sources: asked before each block for what it may read; large results go there.
        concurrency: how many blocks run at once; others wait in line.

    Attributes:
        line: of blocks that wait for their turn.
    """

    def __init__(
        self,
        tools: Tools,
        sources: Sources,
        *,
        concurrency: int = 500,
    ) -> None:
        self._tools = tools
        self._sources = sources
        self.line = Line(concurrency)
        self._jobs: dict[tuple[UUID, str, int], Job] = {}
        self._tasks: set[asyncio.Task[Input | None]] = set()

    @property
    def running(self) -> int:
        """Blocks at work."""
        return len(self._tasks)

    def at_work(self, log_id: UUID) -> frozenset[tuple[str, int]]:
        """Blocks of one execution that run or wait for their turn here, with their attempts."""
        return frozenset((job.instance, job.attempt) for job in self._jobs.values() if job.log_id == log_id)

    def at_work_for(self, place: Place) -> bool:
        """Whether blocks of a partition run, or may still begin."""
        begins = place.begins()
        return any(job.place is place and (begins or job.task) for job in self._jobs.values())

    def start(self, place: Place, loaded: Loaded, state: State, effect: RunBlock) -> None:
        """Run a block as soon as there is room."""
        flight = state.in_flight.get(effect.instance)
        if flight is None or flight.attempt != effect.attempt:
            return  # its run ended in the very same turn
        job = Job(place, loaded, state, flight)
        self._jobs[job.key] = job
        self.line.add(job)
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
        self.line.clear()
        for job in self._jobs.values():
            job.stop()
        self._jobs.clear()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=_LAST_STEPS)

    def _launch(self) -> None:
        while (job := self.line.next()) is not None:
            if job.cancelled.is_set() or not job.place.begins():
                self.line.ended(job)
                self._jobs.pop(job.key, None)
                continue
            job.task = asyncio.create_task(self._run(job))
            self._tasks.add(job.task)
            job.task.add_done_callback(partial(self._ended, job))

    def _ended(self, job: Job, task: asyncio.Task[Input | None]) -> None:
        """Hand the result over; called as well for a task that was cancelled before its first step."""
        self._tasks.discard(task)
        self.line.ended(job)
        message = None if task.cancelled() else task.result()
        if self._jobs.get(job.key) is job:
            del self._jobs[job.key]
            if message is not None:
                job.place.deliver(job.log_id, message)
        self._launch()

    async def _run(self, job: Job) -> Input | None:
        fence(job.place.held)
        if faults.armed:
            await faults.reach("runner.starting")
        said = await self.result(job)
        if faults.armed:
            await faults.reach("runner.ended")
        return said

    async def given(self, job: Job) -> Json | BlockFailed:
        """What a block would be given, as the log holds it, without running it; or how it would fail at that.

        Raises:
            BlobError: a large value cannot be read.
            StoreError: the database is away.
        """
        try:
            return await self._stored(job, self._recorded(job, await self._params(job)))
        except tuple(_NOT_GIVEN) as error:
            return await self._not_given(job, None, error)

    async def _not_given(self, job: Job, shown: Json, error: Exception) -> BlockFailed:
        code = next(code for kind, code in _NOT_GIVEN.items() if isinstance(error, kind))
        return await self._failed(job, shown, str(error), code=code, retryable=False)

    async def result(self, job: Job) -> Input | None:  # noqa: PLR0911  (one return for each way to fail)
        """Run a block here and now; gives its result, or nothing where it was stopped."""
        limit = getattr(job.prepared, "timeout", None) or DEFAULT_TIME_LIMIT
        timer = asyncio.get_running_loop().call_later(limit, job.expire)
        shown: Json = None
        try:
            params = await self._params(job)
            shown = self._recorded(job, params)
            check()
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
        except (BlobError, StoreError) as error:
            return await self._failed(job, shown, str(error), code="STORAGE_UNAVAILABLE")
        except tuple(_NOT_GIVEN) as error:
            return await self._not_given(job, shown, error)
        except Exception as error:  # noqa: BLE001  (a block is other people's code: its error is its result)
            _log_failure(job, error)
            text = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
            return await self._failed(job, shown, text)
        finally:
            timer.cancel()
            job.end_speech(whole=False)

    async def _params(self, job: Job) -> dict[str, Json]:
        job.facts = (await complete(job.reading, self._sources)).facts()
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
            call_chain=job.call_chain,
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
                    policy=ended.policy and await self._stored_policy(job, ended.policy),
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
        return await self._sources.blobs.offload(_clean(job, value), workspace_id=job.reading.workspace)

    async def _stored_output(self, job: Job, output: Json) -> Json:
        """An output that moved as a whole keeps the fields that the engine acts on beside its reference."""
        stored = await self._stored(job, output)
        if isinstance(stored, dict) and "$blob" in stored:
            return stored | {name: output[name] for name in STEERING_NAMES & output.keys()}
        return stored

    async def _stored_variables(self, job: Job, values: dict[str, Json]) -> dict[str, Json]:
        """Each variable may move, never all of them as one."""
        return await self._sources.blobs.offload_fields(
            _clean(job, values), workspace_id=job.reading.workspace
        )

    async def _stored_policy(self, job: Job, policy: Policy) -> Policy:
        """A policy whose texts and default decision are as the log holds them."""
        clean = msgspec.convert(_clean(job, msgspec.to_builtins(policy)), Policy)
        deadlines = [
            msgspec.structs.replace(each, input=await self._stored(job, each.input))
            for each in clean.deadlines
        ]
        return msgspec.structs.replace(clean, deadlines=deadlines)

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


def _log_failure(job: Job, error: Exception) -> None:
    """For operators, the traceback; what a block raises may hold what it was given, secrets too."""
    shown = "".join(traceback.format_exception(error, limit=_FRAMES))
    _log.warning(
        "block failed",
        block=job.block.id,
        execution=job.execution_id,
        exception=redact(shown, job.facts.secrets)[-_TRACEBACK:],
    )


def _clean(job: Job, value: Any) -> Any:
    """A value that the log can hold, without secrets."""
    check_value(value)
    return redact(value, job.facts.secrets) if job.facts.secrets else value
