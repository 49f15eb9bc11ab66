"""Load that comes as it pleases, whether answers do or not: `python -m benchmarks.open_loop`.

A job in, a result out, as JSON. Who waits for an answer before the next request measures a server that is too
busy at the pace that it sets itself.
"""

import asyncio
import random
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import uvloop
from benchmarks.connection import Connection
from benchmarks.load import LoadError
from msgspec import Struct

_REPOSITORY = Path(__file__).resolve().parents[1]
_CONNECTIONS = 1_500
_LAST_ANSWERS = 30.0


class Stage(Struct, frozen=True):
    """So many requests a second on average, at random moments, for so many seconds."""

    rate: float
    seconds: float


class Caller(Struct, frozen=True):
    """Who calls: the same request in each stage. ``name`` tells its answers from others'."""

    name: str
    api_key: str
    path: str
    stages: list[Stage]


class Job(Struct, frozen=True):
    """What is sent, to whom."""

    host: str
    port: int
    callers: list[Caller]

    @property
    def seconds(self) -> float:
        """Until the last request."""
        return max(sum(stage.seconds for stage in caller.stages) for caller in self.callers)


class Asked(Struct, frozen=True, array_like=True):
    """One request.

    Attributes:
        caller: its name.
        stage: its number.
        at: when it was due, in seconds from the beginning.
        seconds: from then to its answer.
        status: of the answer; 0: no connection was free, and it was not sent.
        retry_after: as the answer says.
    """

    caller: str
    stage: int
    at: float
    seconds: float
    status: int
    retry_after: float | None


class Result(Struct, frozen=True):
    """All requests, in the order of their answers. ``cpu``: seconds of CPU time that this took."""

    asked: list[Asked]
    cpu: float


def run(job: Job) -> Result:
    """Do the job in a new process.

    Raises:
        LoadError: it failed, or its answers did not come.
    """
    done = subprocess.run(
        (sys.executable, "-m", "benchmarks.open_loop"),
        input=msgspec.json.encode(job),
        capture_output=True,
        cwd=_REPOSITORY,
        timeout=job.seconds + 2 * _LAST_ANSWERS,
        check=False,
    )
    if done.returncode != 0:
        raise LoadError(done.stderr.decode(errors="replace").strip().rpartition("\n")[2])
    return msgspec.json.decode(done.stdout, type=Result)


class _Generator:
    def __init__(self, job: Job) -> None:
        self._job = job
        self._free: list[Connection] = []
        self._open = 0
        self._begin = time.perf_counter()
        self.asked: list[Asked] = []

    async def work(self) -> None:
        """Call as the job says, and wait for the last answers."""
        async with asyncio.timeout(self._job.seconds + _LAST_ANSWERS), asyncio.TaskGroup() as requests:
            for caller in self._job.callers:
                requests.create_task(self._call(caller, requests))

    async def _call(self, caller: Caller, requests: asyncio.TaskGroup) -> None:
        message = _message(self._job, caller)
        chance = random.Random(caller.name)  # the same moments in each run
        end = 0.0
        for number, stage in enumerate(caller.stages):
            due, end = end, end + stage.seconds
            while (due := due + chance.expovariate(stage.rate)) < end:
                wait = due - self._now()
                if wait > 0:
                    await asyncio.sleep(wait)
                requests.create_task(self._ask(message, caller.name, number, due))

    async def _ask(self, message: bytes, name: str, stage: int, due: float) -> None:
        connection = await self._connection()
        if connection is None:
            self.asked.append(Asked(name, stage, due, 0.0, 0, None))
            return
        try:
            answer = await connection.request(message)
        except ConnectionError:
            self._open -= 1
            self.asked.append(Asked(name, stage, due, self._now() - due, 0, None))
            return
        self._free.append(connection)
        took = self._now() - due
        self.asked.append(Asked(name, stage, due, took, answer.status, answer.retry_after))

    async def _connection(self) -> Connection | None:
        if self._free:
            return self._free.pop()
        if self._open >= _CONNECTIONS:
            return None
        self._open += 1
        loop = asyncio.get_running_loop()
        return (await loop.create_connection(Connection, self._job.host, self._job.port))[1]

    def _now(self) -> float:
        return time.perf_counter() - self._begin


def _message(job: Job, caller: Caller) -> bytes:
    return (
        f"POST {caller.path} HTTP/1.1\r\nHost: {job.host}:{job.port}\r\nX-API-Key: {caller.api_key}\r\n"
        "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
    ).encode()


async def _work(job: Job) -> list[Asked]:
    generator = _Generator(job)
    await generator.work()
    return generator.asked


def main() -> None:
    """Read a job from standard input, and write its result to standard output."""
    job = msgspec.json.decode(sys.stdin.buffer.read(), type=Job)
    asked = uvloop.run(_work(job))
    with open(sys.stdout.fileno(), "wb", closefd=False) as output:
        output.write(msgspec.json.encode(Result(asked, time.process_time())))


if __name__ == "__main__":
    main()
