"""One worker as the pool sees it: a child process that runs one program at a time."""

import asyncio
import contextlib
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from typing import Self

import msgspec

from signoff.sandbox.errors import ProgramTimeoutError, WorkerLostError
from signoff.sandbox.programs import Language
from signoff.sandbox.wire import LENGTH_BYTES, Answer, Failed, Ready, Request, decode_answer, frame

_START_SECONDS = 30.0
_GRACE_SECONDS = 0.5
_EXIT_SECONDS = 10.0
_FRAME_SPARE = 65_536
_INHERITED = ("PATH", "PYTHONPATH", "PYTHONHOME", "LANG", "LC_ALL")
"""All that a worker sees of our environment: the rest may hold keys."""
_SET = {"TZ": "UTC"}
"""A program's local time is the same on every machine."""


class WorkerProcess:
    """A child process that waits for requests. Made by `start`; nothing is left of it after `stop`.

    Attributes:
        language: what its programs are written in.
    """

    def __init__(self, process: Process, language: Language) -> None:
        if process.stdin is None or process.stdout is None:
            raise ValueError("The process needs pipes for stdin and stdout")
        self.language = language
        self._process = process
        self._requests = process.stdin
        self._answers = process.stdout
        self._finished = False

    @classmethod
    async def start(cls, language: Language) -> Self:
        """Start a worker and wait until it is ready (50 to 100 ms).

        Args:
            language: what its programs will be written in.

        Raises:
            WorkerLostError: it did not come up.
        """
        environment = _SET | {name: os.environ[name] for name in _INHERITED if name in os.environ}
        try:
            process = await asyncio.create_subprocess_exec(
                # -P: no file of the current folder may stand in for a module.
                *(sys.executable, "-P", "-m", f"signoff.sandbox.{language}"),
                stdin=PIPE,
                stdout=PIPE,
                env=environment,
                cwd="/",
                # Ctrl-C is for us: workers end when we do. And `kill` reaches what a worker has started.
                start_new_session=True,
            )
        except OSError as problem:  # no memory, no process or no file descriptor is left
            raise WorkerLostError(f"No sandbox worker can be started: {problem.strerror}") from problem
        worker = cls(process, language)
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
        """Whether it can take a request."""
        return not self._finished and self._process.returncode is None

    async def ask(self, request: Request) -> Answer:
        """Have one program run or checked. Unless this returns, the worker is of no use afterwards.

        Raises:
            ProgramTimeoutError: it ran past its limit and could not be interrupted from within.
            WorkerLostError: the process ended, or its answer is none.
        """
        try:
            async with asyncio.timeout(request.timeout + _GRACE_SECONDS):
                answer = await self._ask(request)
        except TimeoutError as problem:
            self.kill()
            raise ProgramTimeoutError(request.timeout) from problem
        except BaseException:
            self.kill()
            raise
        self._finished |= isinstance(answer, Failed) and answer.spent
        return answer

    def kill(self) -> None:
        """End the process and what it started at once, whatever they do. `stop` must still be called."""
        self._finished = True
        # Once its end is known its number may be another's.
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):  # it has ended by itself
                os.killpg(self._process.pid, signal.SIGKILL)

    async def stop(self) -> None:
        """End the process and wait until it is gone. It has no state worth saving."""
        self.kill()
        async with asyncio.timeout(_EXIT_SECONDS):
            await self._process.wait()

    async def _ask(self, request: Request) -> Answer:
        try:
            self._requests.write(frame(request))
            await self._requests.drain()
        except ConnectionError as problem:
            raise WorkerLostError(await self._obituary()) from problem
        answer = await self._read(limit=8 * request.output_limit + _FRAME_SPARE)
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
