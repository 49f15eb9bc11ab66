"""The executor's composition: adapters, leases, and what runs for each owned partition."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Collection
from typing import Final
from uuid import UUID

import msgspec
import structlog
from aiohttp import web

from signoff.access.assignees import Assignees
from signoff.access.decision_links import DecisionLinks
from signoff.access.environment import Environments
from signoff.access.errors import UnknownAssigneeError
from signoff.access.form_secrets import FormSecrets
from signoff.access.live import LiveDirectory, following
from signoff.access.people import People
from signoff.access.sealing import Sealer
from signoff.blocks import Registry
from signoff.engine.catalog import BLOCK_TYPES
from signoff.events.blobs import BlobStore
from signoff.events.bus import open_bus
from signoff.events.bus.base import Bus
from signoff.events.errors import BlobError, BusError, LeaseLostError, StoreError
from signoff.events.files import Files
from signoff.events.store import open_store
from signoff.events.store.base import EventStore, Lease
from signoff.events.topics import PARTITIONS
from signoff.executor.blocks.base import Tools
from signoff.executor.blocks.llm.memory import StoredMemory
from signoff.executor.blocks.llm.settings import LlmSettings, open_llm
from signoff.executor.hooks.deliverer import delivering
from signoff.executor.hooks.metrics import HookMetrics
from signoff.executor.hooks.service import HookService
from signoff.executor.intake import Intake
from signoff.executor.lease import Leases
from signoff.executor.loader import Loader
from signoff.executor.notices import open_notices
from signoff.executor.outcomes import Outcomes
from signoff.executor.partition import Partition, Shared
from signoff.executor.plans import Plans
from signoff.executor.reading import Sources
from signoff.executor.relay import Relay
from signoff.executor.runner import Runner
from signoff.executor.takeover import find_contradiction
from signoff.executor.timing import Timing
from signoff.runtime.guard import guarded_session, parse_networks
from signoff.runtime.health import Health, add_health_routes
from signoff.runtime.secret import secret_keys
from signoff.runtime.server import serve
from signoff.runtime.settings import Settings
from signoff.runtime.threads import DaemonThreads
from signoff.sandbox.pool import Sandbox

_SWEEP: Final = 1.0
_DRAIN: Final = 2.0
_RETRY: Final = 1.0
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
        owner: names this process in the leases; a name is made when none is given.
        clock: the time of day, in seconds since the epoch, UTC.
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
        partitions: int = PARTITIONS,
        owner: str | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._bus = bus
        metrics = HookMetrics(health.registry)
        self._hooks = HookService(
            lambda: delivering(
                store, directory, sealer, lambda: self._owned, metrics, partitions=partitions, clock=clock,
                networks=parse_networks(",".join(settings.allow_private_networks)),
            ),
            health, metrics,
        )  # fmt: skip
        self._health = health
        self._count = partitions
        self._owned: dict[int, Partition] = {}
        self._tasks: dict[int, asyncio.Task[None]] = {}
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
        self._timing = Timing(store, lambda: self._owned, partitions=partitions, clock=clock)
        self._intake = Intake(bus)
        plans = Plans(store, blobs, registry, tools.llm)
        self._loader = Loader(store, plans)
        self._leases = Leases(
            store,
            owner,
            partitions=partitions,
            gained=self._take_over,
            lost=self._let_go,
        )
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
        )

    @property
    def owned(self) -> list[int]:
        """The partitions that this executor works on."""
        return sorted(self._owned)

    async def check(self) -> None:
        """For readiness: this process has leases, or all of them are in good hands.

        Raises:
            StoreError: the database is away.
        """
        if not self._owned:
            free = [row.partition for row in await self._store.leases() if row.seconds_left <= 0]
            if free:
                raise LeaseLostError(frozenset(free))

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Work in the background; on leaving, finish what is committed and give the leases back."""
        loops = {
            "intake": self._intake.read(),
            "offsets": self._intake.report(),
            "outcomes": self._outcomes.send(),
            "relay": self._relay.report(),
            "timers": self._timing.fire(),
            "timer poll": self._timing.poll(),
            "sweep": self._sweep(),
            "snapshots": self._make_snapshots(),
            "leases": self._leases.keep(),
        }
        tasks = [asyncio.create_task(work, name=name) for name, work in loops.items()]
        for task in tasks:
            self._health.watch(task, task.get_name())
        try:
            async with self._telling_hooks():
                yield
        finally:
            tasks[-1].cancel()
            await asyncio.gather(tasks[-1], return_exceptions=True)
            await self._leases.release_all()
            await asyncio.gather(self._runner.close(), self._notices.close())
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    @contextlib.asynccontextmanager
    async def _telling_hooks(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self._hooks.run(), name="hooks")
        self._health.watch(task, task.get_name())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    # Partitions come and go ---------------------------------------------------------------------------

    async def _take_over(self, lease: Lease) -> None:
        partition = Partition(lease, self._shared)
        self._tasks[lease.partition] = asyncio.create_task(self._own(partition, lease))

    async def _own(self, partition: Partition, lease: Lease) -> None:
        name = f"partition {lease.partition}"
        try:
            if not await self._may_write(lease, name):
                return
            self._owned[lease.partition] = partition
            publishing = self._relay.add(lease.partition, lease.epoch, lease.relayed)
            self._health.watch(publishing, f"relay of {name}")
            self._intake.add(partition)
            await partition.run()
            if partition.fault is not None:
                self._health.closed(name, partition.fault)
        except StoreError as error:
            _log.warning("partition lost", partition=lease.partition, reason=str(error))
            await self._abandon(partition)
        except Exception as error:  # noqa: BLE001  (whatever it is, readiness says so and the lease goes)
            _log.exception("partition failed", partition=lease.partition)
            self._health.closed(name, f"{type(error).__name__}: {error}; restart this process")
            await self._abandon(partition)
        finally:
            self._stop(partition)

    async def _abandon(self, partition: Partition) -> None:
        """Let the lease run out: whoever takes it next begins with what the log holds."""
        self._stop(partition)
        await self._relay.remove(partition.number)
        self._leases.drop(partition.number)

    def _stop(self, partition: Partition) -> None:
        if self._owned.get(partition.number) is partition:
            del self._owned[partition.number]
            self._intake.remove(partition.number)
        partition.close()

    async def _may_write(self, lease: Lease, name: str) -> bool:
        """Compare log and topics before the first write; a contradiction closes the partition."""
        while self._leases.held(lease.partition):
            try:
                contradiction = await find_contradiction(self._store, self._bus, lease)
            except (BusError, StoreError) as error:
                _log.warning("partition waits", partition=lease.partition, reason=str(error))
                await asyncio.sleep(_RETRY)
                continue
            if contradiction is None:
                self._health.opened(name)
                return True
            _log.error("partition stays closed", partition=lease.partition, reason=contradiction)
            self._health.closed(name, contradiction)
            return False
        return False

    async def _let_go(self, number: int) -> None:
        """Stop a partition's loop, then publish what it committed."""
        partition = self._owned.get(number)
        if partition is not None:
            partition.close()
        task = self._tasks.pop(number, None)
        if task is not None:
            done, _ = await asyncio.wait([task], timeout=_DRAIN if partition is not None else 0)
            if not done:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
        await self._relay.remove(number, limit=_DRAIN if self._leases.held(number) else 0.0)
        self._health.opened(f"partition {number}")

    # In the background --------------------------------------------------------------------------------

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(_SWEEP)
            now = self._shared.clock()
            for partition in self._owned.values():
                partition.sweep(now, 2 * _SWEEP)
            self._intake.overloaded = self._runner.backlog > 10 * max(1, self._runner.running)

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
            guarded_session(networks) as http,
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
    health.add_check("broker", bus.ping)
    app = web.Application()
    add_health_routes(app, health)
    try:
        async with open_tools(settings, blobs) as tools, following(store, health.watch) as directory:
            executor = Executor(
                settings, store=store, bus=bus, blobs=blobs, registry=discover_blocks(settings), tools=tools,
                health=health, directory=directory, sealer=sealer,
            )  # fmt: skip
            health.add_check("leases", executor.check)
            async with executor.running():
                await serve(app, host=settings.host, port=settings.port, stop=stop)
    finally:
        await bus.close()
        await store.close()
