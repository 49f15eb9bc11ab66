"""The executor's composition: adapters, leases, and what runs for each owned partition."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Collection
from typing import Final
from uuid import UUID

import msgspec
import structlog
from aiohttp import web

from signoff.access.assignees import Assignees
from signoff.access.directory.live import LiveDirectory, following
from signoff.access.errors import UnknownAssigneeError
from signoff.access.links.links import DecisionLinks
from signoff.access.secrets.environment import Environments
from signoff.access.secrets.form_secrets import FormSecrets
from signoff.access.secrets.sealing import Sealer
from signoff.access.signing_in.people import People
from signoff.audit.checkpoints.files import CheckpointFiles
from signoff.audit.checkpoints.signing import LABEL, Signer
from signoff.blocks import Registry
from signoff.engine.definitions.catalog import BLOCK_TYPES
from signoff.events import topology
from signoff.events.blobs import BlobStore
from signoff.events.bus import open_bus
from signoff.events.bus.base import Bus
from signoff.events.errors import BlobError, LeaseLostError, StoreError
from signoff.events.files import Files
from signoff.events.store import open_store
from signoff.events.store.base import EventStore
from signoff.events.topics import PARTITIONS
from signoff.executor.blocks.base import Tools
from signoff.executor.blocks.llm.memory import StoredMemory
from signoff.executor.blocks.llm.settings import LlmSettings, open_llm
from signoff.executor.hooks.deliverer import delivering
from signoff.executor.hooks.metrics import HookMetrics
from signoff.executor.hooks.service import HookService
from signoff.executor.logs.loader import Loader
from signoff.executor.logs.plans import Plans
from signoff.executor.notices import open_notices
from signoff.executor.ownership.fencing import fenced
from signoff.executor.ownership.holdings import Holdings
from signoff.executor.ownership.lease import TTL, Leases
from signoff.executor.partition.intake import Intake
from signoff.executor.partition.loop import Partition
from signoff.executor.partition.outcomes import Outcomes
from signoff.executor.partition.shared import Shared
from signoff.executor.partition.timing import Timing
from signoff.executor.publishing.checkpoints import Checkpoints
from signoff.executor.publishing.relay import Relay
from signoff.executor.running.reading import Sources
from signoff.executor.running.runner import Runner
from signoff.runtime.clock import DatabaseClock
from signoff.runtime.guard import guarded_session, parse_networks
from signoff.runtime.health import Health, add_health_routes
from signoff.runtime.secret import secret_keys
from signoff.runtime.server import serve
from signoff.runtime.settings import Settings
from signoff.runtime.threads import DaemonThreads
from signoff.sandbox.pool import Sandbox

_SWEEP: Final = 1.0
_DRAIN: Final = 2.0
_SNAPSHOTS: Final = 1000
_THREADS: Final = 32

_log = structlog.get_logger("signoff.executor")


def discover_blocks(settings: Settings) -> Registry:
    """The registered Python blocks: of installed packages, and of the modules that settings name."""
    return Registry.discover(settings.blocks, reserved=tuple(BLOCK_TYPES))


class Executor:
    """Owns a share of the partitions and runs what is in them.

    Args:
        settings: concurrency, environment, allowed networks.
        directory: which secrets and webhooks workspaces have; whoever gives it keeps it live.
        sealer: opens those secrets.
        files: where checkpoints are kept besides their topic; ``None``: nowhere.
        owner: names this process in the leases; a name is made when none is given.
        clock: the time of day, in seconds since the epoch, UTC; the database's when none is given.
        lease: seconds that a lease lasts.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        store: EventStore,
        bus: Bus,
        blobs: BlobStore,
        registry: Registry,
        tools: Tools,
        health: Health,
        directory: LiveDirectory,
        sealer: Sealer,
        files: CheckpointFiles | None = None,
        partitions: int = PARTITIONS,
        owner: str | None = None,
        clock: Callable[[], float] | None = None,
        lease: float = TTL,
    ) -> None:
        self._store = store
        self._bus = bus
        self._clock = DatabaseClock(store)
        clock = clock or self._clock
        metrics = HookMetrics(health.registry)
        self._hooks = HookService(
            lambda: delivering(
                store, directory, sealer, lambda: self._holdings.held, metrics,
                partitions=partitions, clock=clock,
                networks=parse_networks(",".join(settings.allow_private_networks)),
            ),
            health, metrics,
        )  # fmt: skip
        self._health = health
        self._snapshots: asyncio.Queue[UUID] = asyncio.Queue(_SNAPSHOTS)
        self._relay = Relay(store, bus, partitions=partitions, time_limit=settings.async_timeout)
        environments = Environments(settings.environment, directory, store.records, sealer)
        sources = Sources(blobs, environments.values, FormSecrets(store.records, sealer).find)
        assignees = Assignees(directory, People(store.records), clock=clock)
        self._runner = Runner(
            msgspec.structs.replace(tools, assignees=assignees), sources,
            concurrency=settings.block_concurrency,
        )  # fmt: skip
        self._notices = open_notices(
            settings, store=store, assignees=assignees,
            links=DecisionLinks(store.records, sealer, clock=clock),
            sources=sources, clock=clock,
        )  # fmt: skip
        self._outcomes = Outcomes(bus)
        self._timing = Timing(store, lambda: self._holdings.owned, partitions=partitions, clock=clock)
        self._intake = Intake(bus)
        self._holdings = Holdings(
            store, bus, leases=lambda: self._leases, make=lambda lease: Partition(lease, self._shared),
            relay=self._relay, intake=self._intake, health=health,
        )  # fmt: skip
        plans = Plans(store, blobs, registry, tools.llm)
        self._loader = Loader(store, plans)
        self._leases = Leases(store, owner, holder=self._holdings, partitions=partitions, ttl=lease)
        self._checkpoints = Checkpoints(
            store, bus, Signer(sealer.keys_for(LABEL)),
            files=files, every=settings.checkpoint_every, held=self._leases.held,
            clock=clock,
        )  # fmt: skip
        self._shared = Shared(
            store=store,
            blobs=blobs,
            plans=plans,
            loader=self._loader,
            runner=self._runner,
            relay=self._relay,
            outcomes=self._outcomes,
            notices=self._notices,
            directory=directory,
            timing=self._timing,
            snapshot=self._want_snapshot,
            held=self._leases.held,
            partitions=partitions,
            clock=clock,
            addresses=settings.access_log_addresses,
        )

    @property
    def owned(self) -> list[int]:
        """The partitions that this executor works on."""
        return sorted(self._holdings.owned)

    async def check(self) -> None:
        """For readiness: this process has leases, or all of them are in good hands.

        Raises:
            StoreError: the database is away.
        """
        if not self._holdings.owned:
            free = [row.partition for row in await self._store.leases() if row.seconds_left <= 0]
            if free:
                raise LeaseLostError(frozenset(free))

    async def check_clock(self) -> str | None:
        """For readiness, a remark: whether this machine's clock is wrong."""
        return await self._clock.check()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Work in the background; on leaving, hand every partition over."""
        loops = {
            "clock": self._clock.keep(),
            "intake": self._intake.read(),
            "offsets": self._intake.report(),
            "outcomes": self._outcomes.send(),
            "relay": self._relay.report(),
            "timers": self._timing.fire(),
            "timer poll": self._timing.poll(),
            "sweep": self._sweep(),
            "snapshots": self._make_snapshots(),
            "checkpoints": self._checkpoints.keep(),
            "leases": self._lead(),
        }
        tasks = [asyncio.create_task(work, name=name) for name, work in loops.items()]
        for task in tasks:
            self._health.watch(task, task.get_name())
        try:
            async with self._telling_hooks():
                yield
        finally:
            self._holdings.stopping = True
            await self._leases.leave()
            await asyncio.gather(self._runner.close(), self._notices.close())
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _lead(self) -> None:
        """Own partitions, for ever; not before it is known what time it is."""
        await self._clock.known()
        await self._leases.keep()

    @contextlib.asynccontextmanager
    async def _telling_hooks(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self._hooks.run(), name="hooks")
        self._health.watch(task, task.get_name())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    # In the background --------------------------------------------------------------------------------

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(_SWEEP)
            now = self._shared.clock()
            for partition in self._holdings.owned.values():
                partition.sweep(now, 2 * _SWEEP)
            self._intake.overloaded = self._runner.line.full

    def _want_snapshot(self, log_id: UUID) -> None:
        if not self._snapshots.full():
            self._snapshots.put_nowait(log_id)

    async def _make_snapshots(self) -> None:
        while True:
            log_id = await self._snapshots.get()
            try:
                await self._loader.make_snapshot(log_id)
            except (StoreError, BlobError) as error:
                _log.warning("no snapshot made", execution=str(log_id), reason=str(error))


class Nobody:
    """The people of tools that no executor has taken yet: each executor puts those of its directory there."""

    async def keys_of(self, _workspace_id: UUID, names: Collection[str]) -> dict[str, str]:
        """Nobody is known.

        Raises:
            UnknownAssigneeError: always, but for no names at all.
        """
        if names:
            raise UnknownAssigneeError(dict.fromkeys(names, "no directory"))
        return {}


async def open_checkpoints(settings: Settings) -> CheckpointFiles | None:
    """Where checkpoints are kept, if settings say so.

    Raises:
        BlobError: there is no such place.
    """
    url = settings.checkpoints_url
    return None if url is None else await asyncio.to_thread(CheckpointFiles.open, url)


@contextlib.asynccontextmanager
async def open_tools(settings: Settings, blobs: BlobStore) -> AsyncIterator[Tools]:
    """What blocks use: the sandbox, guarded HTTP, threads, a language model. Closed on leaving."""
    threads = DaemonThreads(_THREADS, name="block")
    networks = parse_networks(",".join(settings.allow_private_networks))
    model = LlmSettings(
        url=settings.llm_url,
        api_key=settings.llm_api_key,
        model=settings.llm_model,
        timeout=settings.llm_timeout,
    )
    try:
        async with (
            await Sandbox.start() as sandbox,
            guarded_session(networks, middlewares=[fenced]) as http,
            open_llm(model, StoredMemory(blobs.objects)) as llm,
        ):
            yield Tools(sandbox, http, threads, llm, Files(blobs.objects), Nobody())
    finally:
        if left := await asyncio.to_thread(threads.close, _DRAIN):
            _log.warning("blocks in threads do not end: the process ends without them", count=left)


async def run(settings: Settings, stop: asyncio.Event) -> None:
    """Run an executor as a process of its own, with its health routes, until ``stop`` is set."""
    sealer = Sealer(await asyncio.to_thread(secret_keys, settings))
    store = await open_store(settings.store_url)
    bus = await open_bus(settings.bus_url)
    blobs = BlobStore.open(settings.blobs_url)
    health = Health()
    health.add_check("database", lambda: store.check(partitions=PARTITIONS))
    health.add_check("broker", lambda: topology.check(bus))
    app = web.Application()
    add_health_routes(app, health)
    try:
        async with open_tools(settings, blobs) as tools, following(store, health.watch) as directory:
            executor = Executor(
                settings, store=store, bus=bus, blobs=blobs, registry=discover_blocks(settings), tools=tools,
                health=health, directory=directory, sealer=sealer, files=await open_checkpoints(settings),
            )  # fmt: skip
            health.add_check("leases", executor.check)
            health.add_check("clock", executor.check_clock)
            async with executor.running():
                await serve(app, host=settings.host, port=settings.port, stop=stop)
    finally:
        await bus.close()
        await store.close()
