"""One worker as the pool sees it: a child process that runs one program at a time."""

import asyncio
import contextlib
import os
import sys
from asyncio.subprocess import PIPE, Process
from typing import Self

import msgspec

from signoff.executor.sandbox.errors import ProgramTimeoutError, WorkerLostError
from signoff.executor.sandbox.wire import LENGTH_BYTES, Answer, Done, Failed, Job, Ready, decode_answer, frame

_START_SECONDS = 30.0
_GRACE_SECONDS = 0.5
_EXIT_SECONDS = 10.0
_FRAME_SPARE = 65_536
_INHERITED = ("PATH", "PYTHONPATH", "PYTHONHOME", "LANG", "LC_ALL")
"""All that a worker sees of our environment: the rest may hold keys."""


class WorkerProcess:
    """A child process that waits for programs. Made by `start`; nothing is left of it after `stop`."""

    def __init__(self, process: Process) -> None:
        if process.stdin is None or process.stdout is None:
            raise ValueError("The process needs pipes for stdin and stdout")
        self._process = process
        self._jobs = process.stdin
        self._answers = process.stdout
        self._killed = False

    @classmethod
    async def start(cls) -> Self:
        """Start a worker and wait until it is ready (about 50 ms).

        Raises:
            WorkerLostError: it did not come up.
        """
        environment = {name: os.environ[name] for name in _INHERITED if name in os.environ}
        worker = cls(
            await asyncio.create_subprocess_exec(
                # -P: no file of the current folder may stand in for a module.
                *(sys.executable, "-P", "-m", "signoff.executor.sandbox.worker"),
                stdin=PIPE,
                stdout=PIPE,
                env=environment,
                cwd="/",
                start_new_session=True,  # Ctrl-C is for us: workers end when we do
            )
        )
        try:
            async with asyncio.timeout(_START_SECONDS):
                await worker._read(limit=_FRAME_SPARE)  # Ready: that it speaks is all there is to know
        except TimeoutError as problem:
            await worker.stop()
            raise WorkerLostError(f"A sandbox worker did not start in {_START_SECONDS:g} s") from problem
        except BaseException:
            await worker.stop()
            raise
        return worker

    @property
    def usable(self) -> bool:
        """Whether it can take a program."""
        return not self._killed and self._process.returncode is None

    async def run(self, job: Job) -> Done | Failed:
        """Run one program. Unless this returns, the worker is of no use afterwards.

        Raises:
            ProgramTimeoutError: the program ran past its limit and could not be interrupted from within.
            WorkerLostError: the process ended, or its answer is none.
        """
        try:
            async with asyncio.timeout(job.timeout + _GRACE_SECONDS):
                return await self._ask(job)
        except TimeoutError as problem:
            self.kill()
            raise ProgramTimeoutError(job.timeout) from problem
        except BaseException:
            self.kill()
            raise

    def kill(self) -> None:
        """End the process at once, whatever it does. `stop` must still be called."""
        self._killed = True
        with contextlib.suppress(ProcessLookupError):  # it has ended by itself
            self._process.kill()

    async def stop(self) -> None:
        """End the process and wait until it is gone. It has no state worth saving."""
        self.kill()
        async with asyncio.timeout(_EXIT_SECONDS):
            await self._process.wait()

    async def _ask(self, job: Job) -> Done | Failed:
        try:
            self._jobs.write(frame(job))
            await self._jobs.drain()
        except ConnectionError as problem:
            raise WorkerLostError(await self._obituary()) from problem
        answer = await self._read(limit=8 * job.output_limit + _FRAME_SPARE)
        if isinstance(answer, Ready):
            raise WorkerLostError("The sandbox worker sent nonsense: it said that it is ready")
        return answer

    async def _read(self, *, limit: int) -> Answer:
        try:
            length = int.from_bytes(await self._answers.readexactly(LENGTH_BYTES), "big")
            if length > limit:
                raise WorkerLostError(f"The sandbox worker sent {length} bytes, more than {limit}")
            return decode_answer(await self._answers.readexactly(length))
        except asyncio.IncompleteReadError as problem:
            raise WorkerLostError(await self._obituary()) from problem
        except msgspec.DecodeError as problem:
            raise WorkerLostError(f"The sandbox worker sent nonsense: {problem}") from problem

    async def _obituary(self) -> str:
        # Its pipes are closed, so it has ended or is about to. Wait, do not kill: a signal to a process that
        # has just ended makes `subprocess` collect its status, which asyncio then misses.
        async with asyncio.timeout(_EXIT_SECONDS):
            status = await self._process.wait()
        cause = f"by signal {-status}" if status < 0 else f"with status {status}"
        return f"The sandbox worker ended {cause}; the program had no effect and can be run again"
