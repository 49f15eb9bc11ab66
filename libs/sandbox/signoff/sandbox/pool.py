"""The sandbox as the executor holds it: programs of many workspaces, spread over worker processes."""

import asyncio
import os
from collections.abc import Collection
from types import TracebackType
from typing import Self

import msgspec

from signoff.sandbox.errors import (
    ProgramError,
    ProgramMemoryError,
    ProgramTimeoutError,
    SandboxClosedError,
    WorkerLostError,
)
from signoff.sandbox.places import Places
from signoff.sandbox.process import WorkerProcess
from signoff.sandbox.programs import (
    LANGUAGES,
    MEBIBYTE,
    CodeFault,
    Language,
    Program,
    ProgramKind,
    ProgramResult,
)
from signoff.sandbox.wire import Answer, Check, Checked, Done, Failed, Job, Request

_CHECK_SECONDS = 2.0
_CHECK_BYTES = 64 * MEBIBYTE
_CHECK_OUTPUT_BYTES = MEBIBYTE


class Sandbox:
    """Runs and checks programs in processes of its own, so that none can hold up the event loop or harm it.

    A worker serves one language. Workers start when they are needed and are kept; see `Places` for how many
    run at once and in which order. A program that is cancelled, or does not end in time, costs its worker,
    never more. Made by `start`: `async with await Sandbox.start() as sandbox`, or with a `close` at the end.

    Args:
        workers: how many idle workers of each language are kept.
        places: lets programs in.
    """

    def __init__(self, *, workers: int, places: Places) -> None:
        self._kept = workers
        self._places = places
        self._idle: dict[Language, list[WorkerProcess]] = {language: [] for language in LANGUAGES}
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
        """Make a sandbox with one worker of each language up.

        So a broken installation shows now and not in a workflow.

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
        try:
            for language in LANGUAGES:
                sandbox._idle[language].append(await WorkerProcess.start(language))
        except BaseException:
            await sandbox.close()
            raise
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
        idle = [worker for workers in self._idle.values() for worker in workers]
        for workers in self._idle.values():
            workers.clear()
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
        answer = await self._serve(_job(program), workspace)
        return _result(program, answer)

    async def check(
        self,
        source: str,
        *,
        language: Language = "javascript",
        kind: ProgramKind = "function",
        names: Collection[str] = (),
        workspace: str,
    ) -> list[CodeFault]:
        """Find what is wrong with the text of a program without running it.

        Args:
            source: the text, references in it replaced by names.
            language: what it is written in.
            kind: as in `Program`.
            names: the variables that will be bound.
            workspace: whose it is; workspaces take turns.

        Returns:
            The first syntax error alone, or else all that it uses and will not find.

        Raises:
            SandboxBusyError: no place for it; try again later.
            SandboxClosedError: `close` was called.
            WorkerLostError: its worker ended; it can be checked again.
        """
        try:
            source.encode()
        except UnicodeEncodeError:
            return [CodeFault(_HALF)]
        check = Check(
            language, kind, source, frozenset(names), _CHECK_SECONDS, _CHECK_BYTES, _CHECK_OUTPUT_BYTES
        )
        try:
            answer = await self._serve(check, workspace)
        except ProgramTimeoutError:
            return [CodeFault(_TOO_MUCH)]
        match answer:
            case Checked(faults=faults):
                return faults
            case Failed(reason="error", message=message, line=line):
                return [CodeFault(message, line)]
            case Failed():
                return [CodeFault(_TOO_MUCH)]
            case _:
                raise WorkerLostError("The sandbox worker sent nonsense: no faults")

    async def _serve(self, request: Request, workspace: str) -> Answer:
        await self._places.enter(workspace)
        try:
            worker = await self._worker(request.language)
        except BaseException:
            self._places.leave(workspace)
            raise
        self._busy.add(worker)
        try:
            return await self._ask(worker, request)
        finally:
            self._busy.discard(worker)
            self._places.leave(workspace)
            await self._put_back(worker)

    async def _ask(self, worker: WorkerProcess, request: Request) -> Answer:
        try:
            return await worker.ask(request)
        except WorkerLostError as problem:
            if self._closed:
                raise SandboxClosedError("The sandbox was closed") from problem
            raise

    async def _worker(self, language: Language) -> WorkerProcess:
        idle = self._idle[language]
        while idle:
            worker = idle.pop()
            if worker.usable:
                return worker
            await worker.stop()
        worker = await WorkerProcess.start(language)
        if self._closed:
            await worker.stop()
            raise SandboxClosedError("The sandbox was closed")
        return worker

    async def _put_back(self, worker: WorkerProcess) -> None:
        idle = self._idle[worker.language]
        if worker.usable and not self._closed:
            idle.append(worker)
        else:
            await worker.stop()
        # Those who have a place but no worker yet may want more than are kept.
        while len(idle) > max(self._kept, self._places.taken - len(self._busy)):
            await idle.pop().stop()


_HALF = "The program or its bindings hold a lone surrogate: half a character"
_TOO_MUCH = "The code takes too much time or memory to be read"


def _job(program: Program) -> Job:
    try:
        program.source.encode()
        bindings = msgspec.json.encode(program.bindings)
    except UnicodeEncodeError as problem:
        raise ProgramError(_HALF) from problem
    return Job(
        language=program.language,
        kind=program.kind,
        source=program.source,
        bindings=bindings,
        timeout=program.timeout,
        memory_limit=program.memory_limit,
        output_limit=program.output_limit,
    )


def _result(program: Program, answer: Answer) -> ProgramResult:
    if isinstance(answer, Failed):
        raise _failure(program, answer)
    if not isinstance(answer, Done):
        raise WorkerLostError("The sandbox worker sent nonsense: no result")
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
