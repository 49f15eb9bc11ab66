"""The simulated world: one log, one broker, and the services that come and go on them."""

import asyncio
from collections.abc import Callable, Mapping
from contextvars import Context
from random import Random
from typing import Final
from uuid import UUID

from aiohttp import web
from msgspec import Struct

from signoff.events.bus.base import Message
from signoff.events.bus.memory import MemoryBus, Retention
from signoff.events.store.base import ExecutionRow, PointRow
from signoff.events.store.memory import MemoryStore
from signoff.events.topics import COMMANDS, EXECUTIONS, OUTCOMES, partition_of
from signoff.events.topology import apply
from signoff.runtime.health import Health
from simulation.kernel.errors import SimulationError
from simulation.kernel.loop import SimulatedLoop
from simulation.kernel.nature import EPOCH, Nature
from simulation.kernel.processes import Process
from simulation.world.bus import SimulatedBus, bus_lost
from simulation.world.links import Link, Lock, Lost, Rates
from simulation.world.network import Network
from simulation.world.ports import Outside, SimulatedObjects, SimulatedSandbox, blobs_lost
from simulation.world.services import Ports, Service, executor, gateway, stream
from simulation.world.store import SimulatedStore, store_lost

PARTITIONS: Final = 4
"""Few, so that executions meet in one."""

_ALL: Final = Retention(records=10**6, bytes=10**9)

SERVICES: Final[Mapping[str, Service]] = {
    "gateway-1": gateway,
    "gateway-2": gateway,
    "executor-1": executor,
    "executor-2": executor,
    "stream-1": stream,
    "stream-2": stream,
}


_ENDED: Final = 0.5
"""Seconds until a service that ended is started again."""

_BEGINS: Final = 30.0
_LOOK: Final = 0.1


class Place(Struct, kw_only=True):
    """Where a service runs, one process after the other.

    Attributes:
        process: the one that is there, or was last.
        ports: what it has of the world.
        rates: of its lines: to the store, the bus and the objects.
        began: how often it was started.
    """

    name: str
    service: Service
    rates: dict[str, Rates]
    process: Process
    ports: Ports
    began: int = 0


class World:
    """Everything there is, but for clients and faults.

    Args:
        loop: runs it.
        nature: its clocks.
        seed: decides everything.

    Attributes:
        began: every service came up.
        broken: what was seen on the way that must not be.
    """

    def __init__(self, loop: SimulatedLoop, nature: Nature, seed: int) -> None:
        self.loop = loop
        self.nature = nature
        self.trace = loop.trace
        self.random = Random(f"{seed} world")
        self.log = MemoryStore(partitions=PARTITIONS, clock=self._database_clock)
        self.broker = MemoryBus(retention=dict.fromkeys((COMMANDS, EXECUTIONS, OUTCOMES), _ALL))
        self.objects: dict[str, bytes] = {}
        self.broken: list[str] = []
        self.began = False
        self._lock = Lock()
        self._links: list[Link] = []
        self.network = Network(loop, Random(f"{seed} network"))
        loop.listen = self.network.listen
        self.outside = Outside(Random(f"{seed} outside"), loop.trace, self._owner_of, self.broken)
        self.places: dict[str, Place] = {}

    def _database_clock(self) -> float:
        return EPOCH + self.nature.leapt + self.loop.time()

    def _owner_of(self, execution_id: str) -> str | None:
        return self.log._partitions[partition_of(UUID(execution_id), PARTITIONS)].owner

    async def open(self) -> None:
        """Make the topics, begin the outside, start every service and wait until all are up.

        Raises:
            SimulationError: they do not come up.
        """
        await self.log.migrate(partitions=PARTITIONS)
        await apply(self.broker, partitions=PARTITIONS)
        outside = Process("outside")
        server = web.Server(self.outside.serve)
        outside.context.run(self.network.listen, server, "outside")
        for name, service in SERVICES.items():
            self._begin(name, service)
        await self.until(self._is_up, _BEGINS, "the services are up")
        self.began = True

    # Processes ----------------------------------------------------------------------------------------

    def _begin(self, name: str, service: Service) -> None:
        rates = {each: Rates() for each in ("store", "bus", "blobs")}
        self._start(name, service, rates, 1)

    def _start(self, name: str, service: Service, rates: dict[str, Rates], began: int) -> None:
        process = Process(f"{name}.{began}")
        ports = self._ports(process, rates)
        self.places[name] = Place(
            name=name, service=service, rates=rates, process=process, ports=ports, began=began
        )
        self.trace.note(process.name, "starts")
        process.spawn(self._be(process, service, ports), "main")

    async def _be(self, process: Process, service: Service, ports: Ports) -> None:
        """Run a service to its end; like any process it is gone then, with all that it left behind."""
        try:
            await service(process, ports)
        except Exception as error:  # noqa: BLE001  (whatever ends a process, somebody starts it again)
            self.trace.note(process.name, f"ends with {error!r}")
        self.later(0.0, lambda: self.kill(process, back_after=_ENDED))

    def kill(self, process: Process, *, back_after: float) -> None:
        """Kill a process; its service is started again some seconds later."""
        if process.alive:
            self.loop.kill(process)
            self.later(back_after, lambda: self._restart(process))

    def _restart(self, gone: Process) -> None:
        place = next(each for each in self.places.values() if each.process is gone)
        self._start(place.name, place.service, place.rates, place.began + 1)

    def _ports(self, process: Process, rates: Mapping[str, Rates]) -> Ports:
        def drawn(what: str) -> Random:
            return Random(f"{self.random.random()} {process.name} {what}")

        def link(what: str, lost: Lost) -> Link:
            self._links.append(Link(drawn(what), rates[what], lost))
            return self._links[-1]

        return Ports(
            name=process.name,
            store=SimulatedStore(
                self.log,
                link("store", store_lost),
                who=process.name,
                trace=self.trace,
                lock=self._lock,
                broken=self.broken,
            ),
            bus=SimulatedBus(self.broker, link("bus", bus_lost)),
            objects=SimulatedObjects(self.objects, link("blobs", blobs_lost)),
            sandbox=SimulatedSandbox(drawn("sandbox")),
            outside=self.outside,
            network=self.network,
            trace=self.trace,
            partitions=PARTITIONS,
            health=process.context.run(Health),
        )

    def later(self, seconds: float, act: Callable[[], object]) -> None:
        """Let something happen that no process does."""
        self.loop.call_later(seconds, act, context=Context())

    # What is to be seen -------------------------------------------------------------------------------

    async def until(self, holds: Callable[[], bool], limit: float, what: str) -> None:
        """Let time pass until something holds.

        Raises:
            SimulationError: it did not in ``limit`` virtual seconds.
        """
        end = self.loop.time() + limit
        while not holds():
            if self.loop.time() > end:
                raise SimulationError(f"not within {limit:g} s: {what}")
            await asyncio.sleep(_LOOK)

    def _is_up(self) -> bool:
        """Whether every partition is worked on, and every service takes requests."""
        owned = [
            number
            for each in self.places.values()
            if each.ports.executor
            for number in each.ports.executor.owned
        ]
        listening = all(self.network.listens(name) for name, each in SERVICES.items() if each is not executor)
        return len(owned) == PARTITIONS and listening

    def is_settled(self) -> bool:
        """Whether nothing is at work, due or on its way, and no command waits."""
        rows = self.executions()
        resting = all(row.parked and row.due_at is None for row in rows) and not self._is_overdue()
        arrived = not any(link.writing for link in self._links)
        return (
            resting
            and arrived
            and all(
                row.next_offset == self.broker.partition(COMMANDS, number).next
                for number, row in self.log._partitions.items()
            )
        )

    def _is_overdue(self) -> bool:
        """Whether a schedule should have fired."""
        now = self._database_clock()
        return any(row.due_at is not None and row.due_at <= now for row in self.log._workflows.values())

    def rests_for(self, seconds: float, also: Callable[[], bool]) -> Callable[[], bool]:
        """Tells whether nothing has been at work, and ``also`` held, for some virtual seconds."""
        since, length = self.loop.time(), 0

        def rests() -> bool:
            nonlocal since, length
            moved = len(self.log._log) != length
            if moved or not also() or not self.is_settled() or not self.is_published():
                since, length = self.loop.time(), len(self.log._log)
            return self.loop.time() - since >= seconds

        return rests

    def is_published(self) -> bool:
        """Whether the last event of every log is on the topic."""
        on_topic: dict[bytes, int] = {}
        for message in self.topic():
            event_id = int(dict(message.headers)["ce_eventid"])
            on_topic[message.key] = max(on_topic.get(message.key, 0), event_id)
        return all(on_topic.get(str(log_id).encode(), 0) >= head for log_id, head in self.heads().items())

    def executions(self) -> list[ExecutionRow]:
        """All executions, as the database has them."""
        return list(self.log._executions.values())

    def open_points(self) -> list[PointRow]:
        """All open pause points, as the database has them."""
        return list(self.log._points.values())

    def heads(self) -> dict[UUID, int]:
        """The last version of each log."""
        return {log_id: events[-1].version for log_id, events in self.log._logs.items()}

    def topic(self) -> list[Message]:
        """Every record of the executions' topic, by partition and offset."""
        return [
            message
            for number in range(PARTITIONS)
            for message in self.broker.partition(EXECUTIONS, number).slice(0, 10**9)
        ]
