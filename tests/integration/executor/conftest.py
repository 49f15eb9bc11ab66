"""Executors on a real PostgreSQL and a real Kafka, with the broker's topics made anew for each test."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError
from local_services.kafka import Kafka

from signoff.blocks import Registry
from signoff.events.blobs import BlobStore
from signoff.events.bus.kafka import KafkaBus
from signoff.events.store.postgres import PostgresStore
from signoff.events.topics import COMMANDS, EXECUTIONS, OUTCOMES, PARTITIONS
from signoff.events.topology import apply
from signoff.executor.app import open_tools
from signoff.executor.blocks.base import Tools
from signoff.runtime.settings import Settings
from support.executor_blocks import Probe
from support.executors import ExecutorProcess, Site, until
from support.logs import logs_of_a_service
from support.ports import unused_port
from support.stores import without_files

__all__ = ["logs_of_a_service"]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def tools() -> AsyncIterator[Tools]:
    async with open_tools(Settings(), BlobStore.open("memory:")) as tools:
        yield tools


@pytest.fixture
def probe() -> Probe:
    return Probe()


async def new_topics(kafka: Kafka, *, partitions: int = PARTITIONS) -> None:
    """Make the topics anew: what other tests left in them belongs to other logs."""
    bus = KafkaBus(kafka.bootstrap)
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    await admin.start()
    names = [name for name in (COMMANDS, EXECUTIONS, OUTCOMES) if await bus.partitions(name)]
    if names:
        await admin.delete_topics(names)
    await admin.close()

    async def made() -> bool:
        try:
            await apply(bus, partitions=partitions)
        except KafkaError:  # a deletion goes on for a while after it was answered
            return False
        return all([await bus.partitions(name) == partitions for name in (COMMANDS, EXECUTIONS, OUTCOMES)])

    await until(lambda: gone(bus, names))
    await until(made)
    await bus.close()


async def gone(bus: KafkaBus, names: list[str]) -> bool:
    return not any([await bus.partitions(name) for name in names])


@pytest.fixture
async def topics(kafka: Kafka) -> Kafka:
    """A broker whose topics are empty."""
    if not kafka.running:
        kafka.start()
    await new_topics(kafka)
    return kafka


@pytest.fixture
async def site(database: str, topics: Kafka, tools: Tools, tmp_path: Path) -> AsyncIterator[Site]:
    """A real log, real topics and a folder of large values."""
    store = await PostgresStore.open(without_files(database))
    bus = KafkaBus(topics.bootstrap, timeout=10)
    blobs = BlobStore.open(f"file://{tmp_path / 'blobs'}")
    site = Site(store, bus, blobs, tools, partitions=PARTITIONS)
    yield site
    await site.close()


class Fleet:
    """Executors in processes of their own, and the journal of what their blocks did."""

    def __init__(self, database: str, kafka: Kafka, folder: Path) -> None:
        self._journal = folder / "journal"
        self._settings = {
            "SIGNOFF_DATABASE_URL": database,
            "SIGNOFF_KAFKA": kafka.bootstrap,
            "SIGNOFF_DATA": str(folder / "data"),
            "SIGNOFF_BLOBS": f"file://{folder / 'blobs'}",
            "SIGNOFF_BLOCKS": "integration.executor.journal_blocks",
            "SIGNOFF_LOG_LEVEL": "warning",
            "JOURNAL": str(self._journal),
        }
        self.processes: list[ExecutorProcess] = []
        self.registry = Registry.from_modules(["integration.executor.journal_blocks"])

    async def start(self, **environment: str) -> ExecutorProcess:
        """Start an executor and wait until it says that it is ready."""
        process = ExecutorProcess(unused_port(), **self._settings, **environment)
        self.processes.append(process)
        await until(process.ready, limit=30)
        return process

    def journal(self) -> list[tuple[str, int, str]]:
        """Block, attempt and idempotency key of each call."""
        lines = self._journal.read_text().splitlines() if self._journal.exists() else []
        return [(name, int(attempt), key) for name, attempt, key, _ in map(str.split, lines)]


@pytest.fixture
async def fleet(site: Site, database: str, topics: Kafka, tmp_path: Path) -> AsyncIterator[Fleet]:
    fleet = Fleet(database, topics, tmp_path)
    site.types = fleet.registry
    yield fleet
    await asyncio.gather(*(process.kill() for process in fleet.processes))
