"""The embedded server: gateway, stream and executor put into one process and one port."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Final

import aiohttp
from aiohttp import web

from signoff.access.directory.live import following
from signoff.access.gate import Gate
from signoff.access.secrets.sealing import Sealer
from signoff.events import topology
from signoff.events.blobs import BlobStore
from signoff.events.bus import open_bus
from signoff.events.bus.base import Bus
from signoff.events.bus.memory import MemoryBus
from signoff.events.store import open_store
from signoff.events.store.base import EventStore
from signoff.events.topics import COMMANDS, EXECUTIONS, PARTITIONS
from signoff.executor.app import Executor, discover_blocks, open_checkpoints, open_tools
from signoff.executor.blocks.base import Tools
from signoff.executor.forks.what_if import open_what_if
from signoff.gateway.accesses.witness import ACCESSES
from signoff.gateway.app import create_app
from signoff.runtime.errors import ServerError
from signoff.runtime.health import Health
from signoff.runtime.secret import secret_keys
from signoff.runtime.server import serve
from signoff.runtime.settings import Settings
from signoff.stream.routes import add_stream_routes
from signoff.tail import Hub

READY_LIMIT: Final = 30.0
"""Seconds from listening to being ready; a database or broker that is away longer ends the start."""

_PROBE: Final = 0.05


async def serve_embedded(
    settings: Settings, stop: asyncio.Event, *, ready: Callable[[str], Awaitable[None]]
) -> None:
    """Run all of Signoff in this process until ``stop`` is set.

    Args:
        settings: without a database and brokers in them, SQLite and a bus in memory.
        stop: ends it.
        ready: called with the base URL once it can take work; if it fails, so does the server.

    Raises:
        StoreError: another server uses the log, or the database is away.
        BusError: the brokers are away.
        ServerError: the address cannot be listened on, or something does not get ready.
    """
    secrets = await asyncio.to_thread(secret_keys, settings)
    sealer = Sealer(secrets)
    health = Health()
    registry = await asyncio.to_thread(discover_blocks, settings)
    async with (
        _open_log(settings) as store,
        _open_topics(settings, store) as bus,
        _open_blocks(settings) as (blobs, tools),
        following(store, health.watch) as directory,
        open_what_if(
            settings, store=store, blobs=blobs, registry=registry, sandbox=tools.sandbox, directory=directory,
            sealer=sealer,
        ) as what_if,
    ):  # fmt: skip
        gate = Gate(store, directory, settings)
        hub = Hub(store, bus, watch=health.watch)
        app = create_app(
            settings, store=store, bus=bus, blobs=blobs, registry=registry, sandbox=tools.sandbox,
            gate=gate, sealer=sealer, health=health, hub=hub, what_if=what_if,
        )  # fmt: skip
        add_stream_routes(
            app, settings, store=store, hub=hub, gate=gate, secrets=secrets, health=health,
            accesses=app[ACCESSES],
        )  # fmt: skip
        executor = Executor(
            settings, store=store, bus=bus, blobs=blobs, registry=registry, tools=tools, health=health,
            directory=directory, sealer=sealer, files=await open_checkpoints(settings),
        )  # fmt: skip
        health.add_check("leases", executor.check)
        async with executor.running():
            await _serve(app, settings, stop, ready)
            if settings.kafka is None:
                await app[ACCESSES].recorded(store)  # what this bus holds is gone with it


@asynccontextmanager
async def _open_blocks(settings: Settings) -> AsyncIterator[tuple[BlobStore, Tools]]:
    blobs = await asyncio.to_thread(BlobStore.open, settings.blobs_url)
    async with open_tools(settings, blobs) as tools:
        yield blobs, tools


async def _serve(
    app: web.Application, settings: Settings, stop: asyncio.Event, ready: Callable[[str], Awaitable[None]]
) -> None:
    """Serve, and call ``ready`` once; whatever fails first ends both."""
    listening: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    serving = asyncio.create_task(
        serve(app, host=settings.host, port=settings.port, stop=stop, on_ready=listening.set_result)
    )
    try:
        either: list[asyncio.Future[Any]] = [serving, listening]
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if listening.done() and await _is_ready(listening.result(), stop):
            await ready(listening.result())
    except BaseException:
        stop.set()
        await asyncio.wait({serving})
        raise
    await serving


async def _is_ready(url: str, stop: asyncio.Event) -> bool:
    """Ask the server itself until it is ready; false when it is stopped before.

    Raises:
        ServerError: it does not get ready in time; says what is not.
    """
    loop = asyncio.get_running_loop()
    end = loop.time() + READY_LIMIT
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=READY_LIMIT)) as session:
        while not stop.is_set():
            async with session.get(f"{url}/readyz") as response:
                if response.status == 200:
                    return True
                if loop.time() > end:
                    raise ServerError(f"not ready after {READY_LIMIT:.0f} s: {await response.text()}")
            await asyncio.sleep(_PROBE)
    return False


@asynccontextmanager
async def _open_log(settings: Settings) -> AsyncIterator[EventStore]:
    """The log, its schema up to date."""
    await asyncio.to_thread(settings.data.mkdir, parents=True, exist_ok=True)
    store = await open_store(settings.store_url)
    try:
        await store.migrate(partitions=PARTITIONS)
        yield store
    finally:
        await store.close()


async def bus_in_memory(store: EventStore) -> MemoryBus:
    """A bus in memory that goes on with the offsets that the log recorded, and keeps count of its events."""
    leases = await store.leases()
    return MemoryBus(
        first_offsets={
            COMMANDS: {row.partition: row.next_offset for row in leases},
            EXECUTIONS: {row.partition: row.relayed for row in leases},
        }
    )


@asynccontextmanager
async def _open_topics(settings: Settings, store: EventStore) -> AsyncIterator[Bus]:
    """The topics."""
    bus: Bus = await bus_in_memory(store) if settings.kafka is None else await open_bus(settings.bus_url)
    try:
        await topology.apply(bus)
        yield bus
    finally:
        await bus.close()
