"""A steady load of honest clients whatever happens to the servers, in a thread of its own.

Each call has a key of its own, and is repeated once when its connection is reset, as any client may.
"""

import asyncio
import threading
import time
from types import TracebackType
from typing import Final, Self
from uuid import uuid4

from benchmarks.connection import Answer, Connection
from benchmarks.load import Job, Post, message_of
from msgspec import Struct, structs

_LIMIT: Final = 30.0
_CONNECTIONS: Final = 1_000


class Call(Struct, frozen=True):
    """One request.

    Attributes:
        at: when it was sent, seconds since the epoch.
        seconds: until its answer, or until there was none.
        status: of the answer; 0: none came in time, or no connection was free.
    """

    at: float
    seconds: float
    status: int

    @property
    def answered(self) -> float:
        """When it was answered, seconds since the epoch."""
        return self.at + self.seconds


class SteadyLoad:
    """Sends the same request so many times a second, whether answers come or not, while it is entered.

    Args:
        job: to whom, and what: its first post.
        rate: requests a second.

    Attributes:
        calls: what has been answered by now, in that order.
    """

    def __init__(self, job: Job, *, rate: float) -> None:
        self._job = job
        self._post: Post = job.posts[0]
        self._rate = rate
        self._free: list[Connection] = []
        self._open = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._work()), daemon=True)
        self.calls: list[Call] = []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    def since(self, moment: float) -> list[Call]:
        """The calls that were sent after a moment, and answered by now."""
        return [call for call in list(self.calls) if call.at >= moment]

    async def _work(self) -> None:
        async with asyncio.TaskGroup() as calls:
            due = time.monotonic()
            while not self._over.is_set():
                calls.create_task(self._call())
                due += 1 / self._rate
                await asyncio.sleep(max(0.0, due - time.monotonic()))
        for connection in self._free:
            connection.close()

    async def _call(self) -> None:
        key = {"Idempotency-Key": str(uuid4())}
        post = structs.replace(self._post, headers={**self._post.headers, **key})
        message = message_of(self._job, post)
        at, start = time.time(), time.monotonic()
        try:
            async with asyncio.timeout(_LIMIT):
                try:
                    answer = await self._answer(message)
                except ConnectionResetError:
                    answer = await self._answer(message)
                status = answer.status
        except (OSError, TimeoutError):
            status = 0
        self.calls.append(Call(at, time.monotonic() - start, status))

    async def _answer(self, message: bytes) -> Answer:
        connection = self._free.pop() if self._free else await self._connect()
        try:
            answer = await connection.request(message)
        except BaseException:
            connection.close()
            self._open -= 1
            raise
        self._free.append(connection)
        return answer

    async def _connect(self) -> Connection:
        if self._open >= _CONNECTIONS:
            raise ConnectionError("no connection is free")
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(Connection, self._job.host, self._job.port)
        self._open += 1
        return connection
