"""The stream service: its parts, put together."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack
from typing import Final

from aiohttp import web
from prometheus_client import Gauge

from signoff.access.directory.live import following
from signoff.access.gate import Gate
from signoff.audit.accesses.recorder import AccessRecorder
from signoff.events.bus import open_bus
from signoff.events.bus.base import Bus
from signoff.events.store import open_store
from signoff.events.store.base import EventStore
from signoff.events.topics import PARTITIONS
from signoff.runtime.clock import DatabaseClock
from signoff.runtime.cors import allow_origins
from signoff.runtime.errors import SettingsError
from signoff.runtime.health import Health, add_health_routes
from signoff.runtime.secret import secret_keys
from signoff.runtime.server import GRACE, serve
from signoff.runtime.settings import Settings
from signoff.stream.answers import json_errors
from signoff.stream.routes import add_stream_routes
from signoff.tail import Hub

_BACKLOG: Final = 8192
"""Connections that wait to be accepted: after a cut all readers come back at once."""


def create_app(
    settings: Settings,
    *,
    store: EventStore,
    bus: Bus,
    gate: Gate,
    secrets: Sequence[bytes],
    health: Health,
) -> web.Application:
    """The stream service as an application of its own; what it is given stays the caller's to close.

    It is ready when the log is: while the topic is away, streams go on from the log.

    Args:
        settings: of this process.
        store: the log; its primary.
        bus: the topics, which may be away.
        gate: tells who calls; whoever gives it keeps its directory live.
        secrets: the secret key of all services, and after it earlier ones.
        health: of the process.
    """
    app = web.Application(middlewares=[json_errors])
    allow_origins(app, settings.cors_origins)
    hub = Hub(store, bus, watch=health.watch)
    _measure(hub, health)

    async def log() -> None:
        await store.check(partitions=PARTITIONS)

    async def topic() -> str | None:
        away = hub.readers and not hub.live
        return "away; streams are read from the log each second" if away else None

    async def closing_hub(_: web.Application) -> AsyncIterator[None]:
        yield
        await hub.close()

    health.add_check("log", log)
    health.add_check("directory", gate.directory.check)
    health.add_check("topic", topic)
    add_health_routes(app, health)
    clock = DatabaseClock(store)
    accesses = AccessRecorder(bus, clock, reads=settings.access_log == "all")
    add_stream_routes(
        app, settings, store=store, hub=hub, gate=gate, secrets=secrets, health=health, accesses=accesses
    )
    app.cleanup_ctx.append(closing_hub)
    app.cleanup_ctx.append(_recording(accesses, clock, health))
    return app


def _recording(
    accesses: AccessRecorder, clock: DatabaseClock, health: Health
) -> Callable[[web.Application], AsyncIterator[None]]:
    """Record accesses, by the database's clock, for as long as the application runs."""

    async def recording(_: web.Application) -> AsyncIterator[None]:
        telling = asyncio.create_task(clock.keep(), name="stream clock")
        health.watch(telling, telling.get_name())
        async with accesses.running() as task:
            health.watch(task, task.get_name())
            yield
        telling.cancel()
        await asyncio.wait([telling])

    return recording


def _measure(hub: Hub, health: Health) -> None:
    readers = Gauge("signoff_stream_readers", "Streams that are open", registry=health.registry)
    readers.set_function(lambda: hub.readers)
    live = Gauge("signoff_stream_topic_live", "1 while the topic is followed", registry=health.registry)
    live.set_function(lambda: hub.live)


async def run(
    settings: Settings, stop: asyncio.Event, *, on_ready: Callable[[str], None] | None = None
) -> None:
    """Run the stream service as a process of its own until ``stop`` is set.

    It starts while database or broker are away, and is not ready until the database is there.

    Args:
        settings: name the database and the broker that all services share.
        stop: ends it.
        on_ready: called with the base URL once it listens.

    Raises:
        SettingsError: no database or broker is named.
        ServerError: the address cannot be listened on.
    """
    _check_shared(settings)
    secrets = await asyncio.to_thread(secret_keys, settings)
    health = Health()
    async with AsyncExitStack() as stack:
        store = await open_store(settings.store_url)
        stack.push_async_callback(store.close)
        bus = await open_bus(settings.bus_url)
        stack.push_async_callback(bus.close)
        directory = await stack.enter_async_context(following(store, health.watch))
        gate = Gate(store, directory, settings)
        await serve(
            create_app(settings, store=store, bus=bus, gate=gate, secrets=secrets, health=health),
            host=settings.host,
            port=settings.port,
            stop=stop,
            on_ready=on_ready,
            handler_cancellation=True,
            grace=GRACE,
            backlog=_BACKLOG,
        )


def _check_shared(settings: Settings) -> None:
    must = "set for a stream service of its own; `signoff serve` runs all services in one process"
    if settings.database_url is None:
        raise SettingsError("SIGNOFF_DATABASE_URL", must)
    if settings.kafka is None:
        raise SettingsError("SIGNOFF_KAFKA", must)
