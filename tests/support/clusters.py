"""Gateways, executors and a stream service on one log and one broker, each with its own view of both.

They run in this process, so that a test can cut one of them off from the rest; what they share is what
processes would share, and nothing else.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Final
from uuid import UUID

from aiohttp.test_utils import TestClient, TestServer

from signoff.access.directory.live import LiveDirectory, following
from signoff.access.gate import Gate
from signoff.access.secrets.sealing import Sealer
from signoff.blocks import Registry
from signoff.events.blobs import BlobStore
from signoff.events.bus.base import Bus, Record
from signoff.events.bus.kafka import KafkaBus
from signoff.events.errors import BusUnavailableError, StoreUnavailableError
from signoff.events.store.base import Append, EventStore, Recorded, Snapshot
from signoff.events.store.postgres import PostgresStore
from signoff.events.topics import COMMANDS, OUTCOMES
from signoff.executor.app import Executor
from signoff.executor.blocks.base import Tools
from signoff.gateway.app import create_app as create_gateway
from signoff.runtime.health import Health
from signoff.runtime.settings import Settings
from signoff.stream.app import create_app as create_stream_service

LIMIT: Final = 30.0
"""Seconds that a test waits for what must happen."""

SOON: Final = 3.0
"""Seconds after which a change counts everywhere: about one, and more where tests run side by side."""

_KEY: Final = "a-bootstrap-key-for-tests"
SECRET: Final = b"the secret key of this whole cluster"


class Line:
    """A service's line to the broker.

    Attributes:
        cut: commands cannot be sent.
        unheard: commands that are published arrive, and fail as if nobody knew.
        mute: outcomes are lost.
        sent: commands, with their partitions.
    """

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self.cut = False
        self.unheard = False
        self.mute = False
        self.sent: list[tuple[int, Record]] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._bus, name)

    async def send(self, topic: str, partition: int, record: Record) -> None:
        if self.cut and topic == COMMANDS:
            raise BusUnavailableError("the broker is away")
        if topic == COMMANDS:
            self.sent.append((partition, record))
        await self._bus.send(topic, partition, record)

    async def publish(self, topic: str, partition: int, records: Sequence[Record]) -> Any:
        if self.mute and topic == OUTCOMES:
            raise BusUnavailableError("the broker is away")
        if self.unheard and topic == COMMANDS:
            await (await self._bus.publish(topic, partition, records))
            raise BusUnavailableError("the connection broke before the acknowledgement")
        return await self._bus.publish(topic, partition, records)


class Log:
    """A service's connection to the log.

    Attributes:
        freezes: after the next append of events nothing more is heard of it, though it is written.
        frozen: it happened.
        blind: it cannot be seen which logs have moved.
        reads: from where on logs were read.
        snapshots: of which logs one was asked for.
    """

    def __init__(self, store: EventStore) -> None:
        self._store = store
        self.freezes = False
        self.frozen = asyncio.Event()
        self.blind = False
        self.reads: list[tuple[UUID, int]] = []
        self.snapshots: list[UUID] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def append(self, append: Append) -> int:
        position = await self._store.append(append)
        if self.freezes and append.events:
            self.frozen.set()
            await asyncio.Event().wait()
        return position

    async def heads(self, log_ids: Collection[UUID]) -> dict[UUID, int]:
        if self.blind:
            raise StoreUnavailableError("the database is away")
        return await self._store.heads(log_ids)

    async def snapshot(self, log_id: UUID) -> Snapshot | None:
        self.snapshots.append(log_id)
        return await self._store.snapshot(log_id)

    async def read(self, log_id: UUID, *, after: int = 0, **given: Any) -> list[Recorded]:
        self.reads.append((log_id, after))
        return await self._store.read(log_id, after=after, **given)


class Service:
    """A running gateway or stream service.

    Attributes:
        client: calls it.
        directory: as it has it.
        log: its store.
        line: its bus.
    """

    def __init__(self, client: TestClient[Any, Any], directory: LiveDirectory, log: Log, line: Line) -> None:
        self.client = client
        self.directory = directory
        self.log = log
        self.line = line

    async def call(self, method: str, path: str, *, key: str = _KEY, **given: Any) -> tuple[int, Any]:
        """Send a request with an API key; gives status and JSON."""
        # Tests share a service, and none may leave a connection to the next one.
        headers = {"X-API-Key": key, "Connection": "close", **given.pop("headers", {})}
        async with (
            asyncio.timeout(LIMIT),
            self.client.request(method, path, headers=headers, **given) as answered,
        ):
            return answered.status, await answered.json() if await answered.read() else None

    async def do(self, method: str, path: str, **given: Any) -> Any:
        """A call that must succeed; gives its JSON."""
        status, body = await self.call(method, path, **given)
        assert status < 400, (status, body)
        return body


class Cluster:
    """Opens services on one database and one broker.

    Args:
        database: URL of a migrated log.
        kafka: `host:port` of a broker that has the topics.
        tools: what blocks use.
        blobs: where large values are.
    """

    def __init__(self, database: str, kafka: str, tools: Tools, blobs: BlobStore) -> None:
        self._database = database
        self._kafka = kafka
        self._tools = tools
        self._blobs = blobs

    def settings(self, **changes: Any) -> Settings:
        """Settings of a service."""
        given = {"bootstrap_api_key": _KEY, "database_url": self._database, "command_timeout": 10.0}
        return Settings(**{**given, **changes})

    @asynccontextmanager
    async def _parts(self) -> AsyncIterator[tuple[Log, Line, LiveDirectory, Health]]:
        health = Health()
        async with AsyncExitStack() as stack:
            log = Log(await PostgresStore.open(self._database))
            stack.push_async_callback(log.close)
            line = Line(KafkaBus(self._kafka, timeout=10))
            stack.push_async_callback(line.close)
            directory = await stack.enter_async_context(following(log, health.watch))
            yield log, line, directory, health

    @asynccontextmanager
    async def gateway(
        self, *, secrets: Sequence[bytes] = (SECRET,), **settings: Any
    ) -> AsyncIterator[Service]:
        """A gateway; the first of the secret keys seals."""
        async with self._parts() as (log, line, directory, health):
            given = self.settings(**settings)
            app = create_gateway(
                given, store=log, bus=line, blobs=self._blobs, registry=Registry(), health=health,
                sandbox=self._tools.sandbox, gate=Gate(log, directory, given), sealer=Sealer(secrets),
            )  # fmt: skip
            async with TestClient(TestServer(app)) as client:
                yield Service(client, directory, log, line)

    @asynccontextmanager
    async def stream(
        self, *, secrets: Sequence[bytes] = (SECRET,), **settings: Any
    ) -> AsyncIterator[Service]:
        """A stream service."""
        async with self._parts() as (log, line, directory, health):
            given = self.settings(**settings)
            app = create_stream_service(
                given, store=log, bus=line, gate=Gate(log, directory, given), secrets=secrets, health=health
            )
            async with TestClient(TestServer(app)) as client:
                yield Service(client, directory, log, line)

    async def executor(self, *, secrets: Sequence[bytes] = (SECRET,), **settings: Any) -> "Worker":
        """Start an executor, which takes its share of the partitions; whoever starts it ends it."""
        async with AsyncExitStack() as stack:
            log, line, directory, health = await stack.enter_async_context(self._parts())
            executor = Executor(
                self.settings(**settings), store=log, bus=line, blobs=self._blobs, registry=Registry(),
                tools=self._tools, health=health, directory=directory, sealer=Sealer(secrets),
            )  # fmt: skip
            await stack.enter_async_context(executor.running())
            return Worker(executor, directory, log, line, stack.pop_all().aclose)


class Worker:
    """A running executor; `directory`, `log` and `line` are as those of a `Service`; ``end`` ends it."""

    def __init__(
        self,
        executor: Executor,
        directory: LiveDirectory,
        log: Log,
        line: Line,
        end: Callable[[], Awaitable[None]],
    ) -> None:
        self.executor = executor
        self.directory = directory
        self.log = log
        self.line = line
        self.end = end
