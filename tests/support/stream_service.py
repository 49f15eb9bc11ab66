"""The stream service in a test, over any log and topic."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from signoff.access.directory.live import LiveDirectory, following
from signoff.access.gate import Gate
from signoff.events.bus.base import Bus
from signoff.events.store.base import Append, EventStore, WorkflowRow
from signoff.events.store.postgres import PostgresStore
from signoff.events.topics import (
    DEFAULT_WORKSPACE,
    PARTITIONS,
    directory_log_id,
    partition_of,
    workflow_log_id,
)
from signoff.events.types import DirectoryFact
from signoff.runtime.health import Health
from signoff.runtime.server import serve
from signoff.runtime.settings import Settings
from signoff.stream.app import create_app
from support.growing_logs import LIMIT, WORKFLOW, Ledger, started
from support.sse import FeedStream, Stream
from support.stores import without_files

KEY = "the-bootstrap-key"
SETTINGS = Settings(bootstrap_api_key=KEY, port=0)
SECRETS = [b"the secret key of all of these services"]


class World:
    """A log, a topic, and a stream service that can be stopped.

    Attributes:
        url: where the service listens.
        directory: who there is, as the service has it.
        session: a client with the key.
        service: the service's task.
        stop: begins to end it.
    """

    def __init__(self, store: EventStore, bus: Bus, ledger: Ledger, settings: Settings = SETTINGS) -> None:
        self.store = store
        self.bus = bus
        self.ledger = ledger
        self.settings = settings
        self.url = ""
        self.directory: LiveDirectory
        self._facts = ledger.log(log_id=directory_log_id())
        self.session: aiohttp.ClientSession
        self.service: asyncio.Task[None]
        self.stop: Callable[[], None]

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """Run the service, and have a client of it."""
        stop = asyncio.Event()
        url: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        health = Health()
        async with following(self.store, health.watch, look_every=0.05) as self.directory:
            gate = Gate(self.store, self.directory, self.settings)
            app = create_app(
                self.settings, store=self.store, bus=self.bus, gate=gate, secrets=SECRETS, health=health
            )
            self.service = asyncio.create_task(
                serve(
                    app,
                    host="127.0.0.1",
                    port=0,
                    stop=stop,
                    on_ready=url.set_result,
                    handler_cancellation=True,
                )
            )
            self.stop = stop.set
            self.url = await asyncio.wait_for(url, LIMIT)
            connector = aiohttp.TCPConnector(limit=0)
            async with aiohttp.ClientSession(headers={"X-API-Key": KEY}, connector=connector) as self.session:
                yield
            stop.set()
            await asyncio.wait_for(self.service, LIMIT)

    async def metrics(self) -> str:
        """What the service measures now."""
        async with self.session.get(f"{self.url}/metrics") as response:
            return await response.text()

    async def follow_topic(self) -> None:
        """Have the service follow the topic; it goes on for a minute after the last stream."""
        log = self.ledger.log()
        await log.add(started(), status="running")
        async with self.stream(log.log_id), asyncio.timeout(LIMIT):
            while "signoff_stream_topic_live 1.0" not in await self.metrics():
                pass

    def path(self, execution_id: object, *, workflow: str = WORKFLOW, query: str = "") -> str:
        """Where an execution's stream is."""
        return f"{self.url}/api/workflows/{workflow}/executions/{execution_id}/stream{query}"

    @asynccontextmanager
    async def stream(
        self, execution_id: object, *, query: str = "", last: object = None, **options: Any
    ) -> AsyncIterator[Stream]:
        """Open a stream; ``last`` is the ``Last-Event-ID`` of a client that comes back."""
        headers = {} if last is None else {"Last-Event-ID": str(last)}
        async with self.session.get(
            self.path(execution_id, query=query), headers=headers, **options
        ) as response:
            yield Stream(response)

    @asynccontextmanager
    async def feed(
        self, *, key: str = KEY, query: str = "", last: str | None = None, **headers: str
    ) -> AsyncIterator[FeedStream]:
        """Open a feed."""
        headers |= {"X-API-Key": key} | ({} if last is None else {"Last-Event-ID": last})
        async with self.session.get(f"{self.url}/api/stream{query}", headers=headers) as response:
            yield FeedStream(response)

    async def know(self, *facts: DirectoryFact) -> None:
        """Write to the directory's log; the service knows it when this returns."""
        await self._facts.add(*facts, publish=False)
        await self.directory.reached(self._facts.version)

    async def deploy(self, workflow: str) -> None:
        """Make a workflow known."""
        log_id = workflow_log_id(str(DEFAULT_WORKSPACE), workflow)
        row = WorkflowRow(
            log_id=log_id, workspace_id=DEFAULT_WORKSPACE, workflow_id=workflow, name=workflow, version=1,
            digest="sha256:0", is_deployed=True, deployed_at=1.0,
        )  # fmt: skip
        partition = partition_of(log_id)
        await self.store.append(Append(partition=partition, epoch=self.ledger.epochs[partition], rows=[row]))


def migrate(url: str) -> None:
    """Make the schema in an empty database, with as many partitions as the service expects."""

    async def run() -> None:
        store = await PostgresStore.open(without_files(url))
        await store.migrate(partitions=PARTITIONS)
        await store.close()

    asyncio.run(run())
