"""``signoff migrate`` and ``signoff topics apply``: what prepares a database and a broker."""

import asyncio
import sys
from collections.abc import Awaitable, Callable

from signoff.cli.environment import require_cluster, server_settings
from signoff.cli.exits import CommandError, Exit
from signoff.cli.output import Output
from signoff.events import topology
from signoff.events.bus import open_bus
from signoff.events.errors import SignoffError
from signoff.events.store import open_store
from signoff.events.topics import PARTITIONS
from signoff.runtime.logs import configure_logs


def migrate() -> Exit:
    """Bring the schema of the database up to date, and say what was done.

    It may run while services run, and twice at once: the second waits and finds nothing left to do.
    """
    settings = server_settings()
    configure_logs(settings, stream=sys.stderr)

    async def apply() -> list[str]:
        store = await open_store(settings.store_url)
        try:
            return await store.migrate(partitions=PARTITIONS)
        finally:
            await store.close()

    _tell(apply, "migration", "the schema is up to date")
    return Exit.OK


def apply_topics(*, replication: int = 1) -> Exit:
    """Create the topics that do not exist, and say which.

    Args:
        replication: Copies of each partition: 3 on a cluster of brokers that must lose nothing.
    """
    settings = server_settings()
    require_cluster(settings, database=False)
    configure_logs(settings, stream=sys.stderr)

    async def apply() -> list[str]:
        bus = await open_bus(settings.bus_url)
        try:
            return await topology.apply(bus, replication=replication)
        finally:
            await bus.close()

    _tell(apply, "topic", "all topics exist")
    return Exit.OK


def _tell(work: Callable[[], Awaitable[list[str]]], kind: str, nothing: str) -> None:
    async def run() -> list[str]:
        return await work()

    try:
        done = asyncio.run(run())
    except SignoffError as error:
        raise CommandError(str(error), code=Exit.REFUSED) from error
    output = Output()
    for name in done:
        output.either({kind: name, "applied": True}, f"applied {kind} {name}")
    if not done:
        output.either({kind: None, "applied": False}, nothing)
