"""The sandbox as the executor holds it: programs of many workspaces, spread over worker processes."""

import asyncio
import os
from types import TracebackType
from typing import Self

import msgspec

from signoff.executor.sandbox.errors import (
    ProgramError,
    ProgramMemoryError,
    ProgramTimeoutError,
    SandboxClosedError,
    WorkerLostError,
)
from signoff.executor.sandbox.places import Places
from signoff.executor.sandbox.process import WorkerProcess
from signoff.executor.sandbox.programs import Program, ProgramResult
from signoff.executor.sandbox.wire import Done, Failed, Job


class Sandbox:
    """Runs JavaScript in processes of its own, so that no program can hold up the event loop or harm it.

    Workers start when they are needed and are kept; see `Places` for how many run at once and in which order.
    A program that is cancelled, or does not end in time, costs its worker, never more. Made by `start`:
    `async with await Sandbox.start() as sandbox`, or with a `close` at the end.

    Args:
        workers: how many idle workers are kept.
        places: lets programs in.
    """

    def __init__(self, *, workers: int, places: Places) -> None:
        self._kept = workers
        self._places = places
        self._idle: list[WorkerProcess] = []
        self._busy: set[WorkerProcess] = set()
        self._closed = False

    @classmethod
    async def start(
        cls,
        *,
        workers: int | None = None,
        patience: float = 0.2,
        queue_limit: int = 10_000,
        wait_limit: float = 60.0,
    ) -> Self:
        """Make a sandbox with one worker up, so that a broken installation shows now and not in a workflow.

        Args:
            workers: how many programs run at once while none of them is slow; by default the number of
                processors, and at least 2. Up to four times as many run when some are slow.
            patience: seconds that a program waits before an extra worker is started for it.
            queue_limit: how many programs may wait.
            wait_limit: how long a program may wait for a worker, in seconds.

        Raises:
            WorkerLostError: no worker can be started.
        """
        usual = workers or max(2, os.cpu_count() or 1)
        sandbox = cls(
            workers=usual,
            places=Places(usual=usual, patience=patience, queue_limit=queue_limit, wait_limit=wait_limit),
        )
        sandbox._idle.append(await WorkerProcess.start())
        return sandbox

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """End all workers. Programs that run or wait fail with `SandboxClosedError`."""
        self._closed = True
        self._places.close()
        for worker in self._busy:
            worker.kill()  # whoever waits for its answer stops it
        idle, self._idle = self._idle, []
        await asyncio.gather(*(worker.stop() for worker in idle))

    async def run(self, program: Program, *, workspace: str) -> ProgramResult:
        """Run a program and give its result. When this is cancelled the program ends at once.

        Args:
            program: what to run.
            workspace: whose it is; workspaces take turns.

        Raises:
            ProgramError: the program failed, by its own fault.
            SandboxBusyError: no place for it; try again later.
            SandboxClosedError: `close` was called.
            WorkerLostError: its worker ended; it can be run again.
        """
        job = _job(program)
        await self._places.enter(workspace)
        try:
            worker = await self._worker()
        except BaseException:
            self._places.leave(workspace)
            raise
        self._busy.add(worker)
        try:
            answer = await self._ask(worker, job)
        finally:
            self._busy.discard(worker)
            self._places.leave(workspace)
            await self._put_back(worker)
        return _result(program, answer)

    async def _ask(self, worker: WorkerProcess, job: Job) -> Done | Failed:
        try:
            return await worker.run(job)
        except WorkerLostError as problem:
            if self._closed:
                raise SandboxClosedError("The sandbox was closed") from problem
            raise

    async def _worker(self) -> WorkerProcess:
        while self._idle:
            worker = self._idle.pop()
            if worker.usable:
                return worker
            await worker.stop()
        worker = await WorkerProcess.start()
        if self._closed:
            await worker.stop()
            raise SandboxClosedError("The sandbox was closed")
        return worker

    async def _put_back(self, worker: WorkerProcess) -> None:
        if worker.usable and not self._closed:
            self._idle.append(worker)
        else:
            await worker.stop()
        # Those who have a place but no worker yet may want more than are kept.
        while len(self._idle) > max(self._kept, self._places.taken - len(self._busy)):
            await self._idle.pop().stop()


def _job(program: Program) -> Job:
    try:
        program.source.encode()
        bindings = msgspec.json.encode(program.bindings)
    except UnicodeEncodeError as problem:
        raise ProgramError("The program or its bindings hold a lone surrogate: half a character") from problem
    return Job(
        kind=program.kind,
        source=program.source,
        bindings=bindings,
        timeout=program.timeout,
        memory_limit=program.memory_limit,
        output_limit=program.output_limit,
    )


def _result(program: Program, answer: Done | Failed) -> ProgramResult:
    if isinstance(answer, Failed):
        raise _failure(program, answer)
    try:
        value = msgspec.json.decode(answer.value)
    except RecursionError as problem:
        raise ProgramError("The result is nested too deeply", stdout=answer.stdout) from problem
    except msgspec.DecodeError as problem:
        # What JSON.stringify writes and msgspec does not read.
        message = "The result holds a lone surrogate: half a character"
        raise ProgramError(message, stdout=answer.stdout) from problem
    return ProgramResult(value=value, truthy=answer.truthy, stdout=answer.stdout)


def _failure(program: Program, failed: Failed) -> ProgramError:
    match failed.reason:
        case "timeout":
            return ProgramTimeoutError(program.timeout, stdout=failed.stdout)
        case "memory":
            return ProgramMemoryError(program.memory_limit, stdout=failed.stdout)
        case "error":
            return ProgramError(failed.message, line=failed.line, stdout=failed.stdout)
