"""The gateway put together: the only place where its adapters are opened."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Final

import structlog
from aiohttp import web

from signoff.access.directory.live import following
from signoff.access.gate import Gate
from signoff.access.hooks import TARGET, target_context
from signoff.access.keys.limits import MemoryLimiter, SharedLimiter
from signoff.access.secrets import environment, form_secrets
from signoff.access.secrets.environment import Environments
from signoff.access.secrets.form_secrets import FormSecrets
from signoff.access.secrets.sealing import Sealer
from signoff.audit.accesses.recorder import AccessRecorder
from signoff.audit.life.what_if import WhatIf
from signoff.blocks import Registry
from signoff.engine.definitions.catalog import BLOCK_TYPES
from signoff.events import topology
from signoff.events.blobs import BlobStore
from signoff.events.bus import open_bus
from signoff.events.bus.base import Bus
from signoff.events.errors import BusError
from signoff.events.files import Files
from signoff.events.store import open_store
from signoff.events.store.base import EventStore
from signoff.events.topics import PARTITIONS
from signoff.gateway.accesses.witness import ACCESSES, WITNESS, Witness
from signoff.gateway.admission import ADMISSION, Admission
from signoff.gateway.commands import Commands
from signoff.gateway.executions.dry_runs import OpenWhatIf
from signoff.gateway.executions.endings import Endings
from signoff.gateway.executions.form_inputs import FormInputs
from signoff.gateway.gateway import GATEWAY, Gateway
from signoff.gateway.http.bodies import MAX_FIELDS
from signoff.gateway.http.limits import Limits, tell_standing
from signoff.gateway.http.metrics import measure_requests, show
from signoff.gateway.http.responses import MAX_BODY, answer_errors
from signoff.gateway.http.timing import tell_timing
from signoff.gateway.links import Links
from signoff.gateway.overload.readings import READINGS, Readings
from signoff.gateway.overload.starts import STARTS, Starts
from signoff.gateway.pages.guard import answer_lost
from signoff.gateway.pages.routes import add_pages
from signoff.gateway.pages.sign_in.provider import answer_at_sign_in
from signoff.gateway.people.identity import open_identity
from signoff.gateway.people.linked import open_links
from signoff.gateway.routes import ALL as ROUTES
from signoff.gateway.routes import add_routes
from signoff.gateway.upkeep import Upkeep
from signoff.gateway.waiting import LOOK_EVERY, Waiting
from signoff.runtime.clock import DatabaseClock
from signoff.runtime.cors import allow_origins
from signoff.runtime.health import HEALTH, Health, add_health_routes
from signoff.runtime.secret import secret_keys
from signoff.runtime.server import GRACE, LAST_ANSWERS, serve
from signoff.runtime.settings import Settings
from signoff.sandbox.pool import Sandbox
from signoff.tail import Hub

_SEALED: Final = {
    environment.KIND: environment.context_of,
    form_secrets.KIND: form_secrets.context_of,
    TARGET: target_context,
}
"""Kinds of records that are sealed as a whole, with what each is bound to."""

_CHECKERS: Final = 1
"""Workers of each language that a gateway keeps for checking code; more run when they take long."""

_log = structlog.get_logger("signoff.gateway")


def create_app(
    settings: Settings,
    *,
    store: EventStore,
    bus: Bus,
    blobs: BlobStore,
    registry: Registry,
    sandbox: Sandbox,
    gate: Gate,
    sealer: Sealer,
    health: Health | None = None,
    hub: Hub | None = None,
    look_every: float = LOOK_EVERY,
    what_if: WhatIf | None = None,
) -> web.Application:
    """The gateway as an application, on ports that somebody else opened and closes.

    Args:
        settings: limits, keys, the public address.
        store: the log; its primary.
        bus: takes commands, brings outcomes.
        blobs: holds large values.
        registry: the blocks that definitions may use.
        sandbox: checks the code in definitions.
        gate: tells who calls; whoever gives it keeps its directory live.
        sealer: encrypts what is secret.
        health: of the process, where it is more than a gateway.
        hub: the same; without it the gateway has its own.
        look_every: seconds between two looks at the log for callers that heard nothing.
        what_if: tries forks out; without it, dry runs are not to be had here.
    """
    health = health or Health()
    hub = hub or Hub(store, bus, watch=health.watch)
    links = Links(settings.public_url)
    waiting = Waiting(store, bus, most=settings.max_requests, look_every=look_every)
    # Where there is a database, other gateways may be there too.
    shared = settings.database_url is not None
    clock = DatabaseClock(store)
    limits = Limits(settings, SharedLimiter(store.records) if shared else MemoryLimiter(), store)
    starts = Starts(settings.max_requests)
    accesses = AccessRecorder(bus, clock, reads=settings.access_log == "all")
    witness = Witness(accesses, gate.directory, addresses=settings.access_log_addresses)
    admission = Admission(gate, settings, limits, starts, witness)
    # One byte more, since aiohttp refuses a body that has just reached its limit.
    app = web.Application(
        client_max_size=settings.max_body + 1,
        client_max_fields=MAX_FIELDS,
        middlewares=[measure_requests(health.registry), answer_errors, answer_lost, answer_at_sign_in],
    )
    app[MAX_BODY] = settings.max_body
    app[ADMISSION] = admission
    app[WITNESS] = witness
    app[STARTS] = starts
    app[READINGS] = Readings()
    app[ACCESSES] = accesses
    app[GATEWAY] = Gateway(
        settings=settings,
        clock=clock,
        store=store,
        blobs=blobs,
        files=Files(blobs.objects),
        form_inputs=FormInputs(store, blobs, FormSecrets(store.records, sealer)),
        registry=registry,
        sandbox=sandbox,
        hub=hub,
        directory=gate.directory,
        sealer=sealer,
        limits=limits,
        environments=Environments(settings.environment, gate.directory, store.records, sealer),
        links=links,
        waiting=waiting,
        commands=Commands(bus, blobs, waiting, timeout=settings.command_timeout, clock=clock),
        endings=Endings(store, blobs, links),
        what_if=what_if,
    )
    health.add_check("log", store.ping)
    health.add_check("directory", gate.directory.check)
    health.add_check("broker", lambda: topology.check(bus))
    health.add_check("outcomes", waiting.check)
    health.add_check("clock", clock.check)
    show(health.registry, "signoff_gateway_requests", "Requests under way.", lambda: admission.under_way)
    show(health.registry, "signoff_accesses_waiting", "Accesses to record.", lambda: len(accesses))
    show(health.registry, "signoff_gateway_waiting", "Callers that wait.", lambda: len(waiting))
    show(health.registry, "signoff_gateway_starts", "Starts without an outcome.", lambda: starts.queue.total)
    show(health.registry, "signoff_gateway_starts_most", "How many may be.", lambda: int(starts.limit.size))
    allow_origins(app, settings.cors_origins)
    open_identity(app, health.watch)
    open_links(app)
    add_health_routes(app, health)
    app[HEALTH] = health
    add_routes(app, admission)
    add_pages(app, admission, beside=ROUTES)
    upkeep = Upkeep(store.records, gate.directory, sealer, _SEALED)
    app.cleanup_ctx.append(_listening(waiting, upkeep, clock, health))
    app.cleanup_ctx.append(_recording(accesses, health))

    async def end_streams(_: web.Application) -> None:
        hub.end()

    async def close_hub(_: web.Application) -> None:
        await hub.close()

    app.on_response_prepare.extend([tell_standing, tell_timing])
    app.on_shutdown.append(end_streams)
    app.on_cleanup.append(close_hub)
    return app


def _recording(accesses: AccessRecorder, health: Health) -> Callable[[web.Application], AsyncIterator[None]]:
    """Record accesses for as long as the application runs."""

    async def recording(_: web.Application) -> AsyncIterator[None]:
        async with accesses.running() as task:
            health.watch(task, task.get_name())
            yield

    return recording


def _listening(
    waiting: Waiting, upkeep: Upkeep, clock: DatabaseClock, health: Health
) -> Callable[[web.Application], AsyncIterator[None]]:
    """Hear outcomes from before the first request for as long as the application runs; look after records."""

    async def listening(_: web.Application) -> AsyncIterator[None]:
        try:
            await waiting.open()
        except BusError as error:
            _log.warning("the broker is away; commands are refused until it is back", reason=str(error))
        tasks = [
            asyncio.create_task(waiting.listen(), name="gateway outcomes"),
            asyncio.create_task(waiting.watch_log(), name="gateway log"),
            asyncio.create_task(upkeep.run(), name="gateway upkeep"),
            asyncio.create_task(clock.keep(), name="gateway clock"),
        ]
        for task in tasks:
            health.watch(task, task.get_name())
        yield
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        await waiting.close()

    return listening


async def run(
    settings: Settings,
    stop: asyncio.Event,
    *,
    open_what_if: OpenWhatIf | None = None,
    on_ready: Callable[[str], None] | None = None,
) -> None:
    """Be a gateway until ``stop`` is set. A database or broker that is away is waited for, not ready.

    Args:
        settings: of this process.
        stop: ends it.
        open_what_if: opens what tries forks out; without it, dry runs are not to be had here.
        on_ready: called with the base URL once it listens.

    Raises:
        RuntimeSetupError: the address cannot be listened on.
        BlockDefinitionError: a module of blocks cannot be used.
        WorkerLostError: no sandbox can be started.
    """
    registry = await asyncio.to_thread(Registry.discover, settings.blocks, reserved=BLOCK_TYPES)
    blobs = await asyncio.to_thread(BlobStore.open, settings.blobs_url)
    sealer = Sealer(await asyncio.to_thread(secret_keys, settings))
    async with AsyncExitStack() as stack:
        store = await open_store(settings.store_url)
        stack.push_async_callback(store.close)
        bus = await open_bus(settings.bus_url)
        stack.push_async_callback(bus.close)
        sandbox = await stack.enter_async_context(await Sandbox.start(workers=_CHECKERS))
        health = Health()
        health.add_check("schema", lambda: store.check(partitions=PARTITIONS))
        directory = await stack.enter_async_context(following(store, health.watch))
        what_if: WhatIf | None = None
        if open_what_if is not None:
            what_if = await stack.enter_async_context(
                open_what_if(
                    settings, store=store, blobs=blobs, registry=registry, sandbox=sandbox,
                    directory=directory, sealer=sealer,
                )
            )  # fmt: skip
        app = create_app(
            settings, store=store, bus=bus, blobs=blobs, registry=registry, sandbox=sandbox,
            gate=Gate(store, directory, settings), sealer=sealer, health=health, what_if=what_if,
        )  # fmt: skip
        await serve(
            app, host=settings.host, port=settings.port, stop=stop, on_ready=on_ready,
            grace=GRACE, shutdown_timeout=LAST_ANSWERS,
        )  # fmt: skip
