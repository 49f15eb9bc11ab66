"""The services as they are, each a simulated process on the simulated ports."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final

import aiohttp
from msgspec import Struct

from signoff.access.directory.live import LiveDirectory, following
from signoff.access.gate import Gate
from signoff.access.secrets.sealing import Sealer
from signoff.events.blobs import BlobStore
from signoff.events.files import Files
from signoff.executor.app import Executor, Nobody
from signoff.executor.blocks.base import Tools
from signoff.executor.blocks.llm.memory import StoredMemory
from signoff.executor.blocks.llm.settings import Llm, LlmSettings
from signoff.executor.ownership.fencing import fenced
from signoff.gateway.app import create_app as create_gateway
from signoff.runtime.health import Health
from signoff.runtime.server import serve
from signoff.runtime.settings import Settings
from signoff.runtime.threads import DaemonThreads
from signoff.stream.app import create_app as create_stream
from simulation.kernel.processes import Process
from simulation.kernel.trace import Trace
from simulation.world.bus import SimulatedBus
from simulation.world.network import Connector, Network
from simulation.world.ports import Outside, SimulatedObjects, SimulatedSandbox
from simulation.world.store import SimulatedStore

KEY: Final = "the-bootstrap-key-of-simulations"
_SECRET: Final = b"the secret key of the simulation"
_PORT: Final = 80


class Ports(Struct, kw_only=True):
    """What one process has of the world.

    Attributes:
        partitions: of every topic.
        health: of the process.
        executor: of the process, if it is one.
    """

    name: str
    store: SimulatedStore
    bus: SimulatedBus
    objects: SimulatedObjects
    sandbox: SimulatedSandbox
    outside: Outside
    network: Network
    trace: Trace
    partitions: int
    health: Health
    executor: Executor | None = None

    def llm(self, http: aiohttp.ClientSession | None = None) -> Llm:
        """A language model that nobody asks."""
        nothing = LlmSettings(url="", api_key="", model="", timeout=1.0)
        return Llm(nothing, http, StoredMemory(self.objects))  # type: ignore[arg-type]  # for asking


Service = Callable[[Process, Ports], Awaitable[None]]


def settings() -> Settings:
    """Settings of every service."""
    return Settings(bootstrap_api_key=KEY, command_timeout=10.0, allow_private_networks=("127.0.0.0/8",))


@asynccontextmanager
async def _directory(ports: Ports) -> AsyncIterator[LiveDirectory]:
    async with following(ports.store, ports.health.watch) as directory:
        yield directory


async def gateway(process: Process, ports: Ports) -> None:
    """Be a gateway until the process is asked to stop."""
    given = settings()
    async with _directory(ports) as directory:
        app = create_gateway(
            given, store=ports.store, bus=ports.bus, blobs=BlobStore(ports.objects),
            registry=ports.outside.registry(), sandbox=ports.sandbox,
            gate=Gate(ports.store, directory, given), sealer=Sealer([_SECRET]), health=ports.health,
        )  # fmt: skip
        await serve(app, host=_host(process), port=_PORT, stop=process.stop)


async def stream(process: Process, ports: Ports) -> None:
    """Be a stream service until the process is asked to stop."""
    given = settings()
    async with _directory(ports) as directory:
        app = create_stream(
            given, store=ports.store, bus=ports.bus, gate=Gate(ports.store, directory, given),
            secrets=[_SECRET], health=ports.health,
        )  # fmt: skip
        await serve(app, host=_host(process), port=_PORT, stop=process.stop, handler_cancellation=True)


async def executor(process: Process, ports: Ports) -> None:
    """Be an executor until the process is asked to stop."""
    async with AsyncExitStack() as stack:
        directory = await stack.enter_async_context(_directory(ports))
        http = await stack.enter_async_context(_session(ports))
        blobs = BlobStore(ports.objects)
        tools = Tools(
            ports.sandbox,
            http,
            DaemonThreads(1, name="block"),
            ports.llm(http),
            Files(ports.objects),
            Nobody(),
        )
        works = Executor(
            settings(), store=ports.store, bus=ports.bus, blobs=blobs, registry=ports.outside.registry(),
            tools=tools, health=ports.health, directory=directory, sealer=Sealer([_SECRET]),
            partitions=ports.partitions, owner=process.name,
        )  # fmt: skip
        ports.executor = works
        async with works.running():
            await process.stop.wait()


def _session(ports: Ports) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(connector=Connector(ports.network), middlewares=[fenced])


def _host(process: Process) -> str:
    return process.name.partition(".")[0]
