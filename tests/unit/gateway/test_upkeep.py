"""What a gateway looks after beside requests."""

import asyncio

from signoff.access.directory.live import LiveDirectory
from signoff.access.hooks import TARGET
from signoff.access.secrets.environment import KIND
from signoff.access.secrets.sealing import Sealer
from signoff.events.store.memory import MemoryStore
from signoff.events.topics import DEFAULT_WORKSPACE
from signoff.gateway.upkeep import Upkeep
from support.executors import until


async def test_values_and_webhooks_that_nothing_names_are_forgotten() -> None:
    store = MemoryStore()
    for kind in (KIND, TARGET):
        await store.records.put(kind, DEFAULT_WORKSPACE, "left-behind", b"sealed")
    directory = LiveDirectory(store)
    await directory.look()
    upkeep = Upkeep(store.records, directory, Sealer([b"x" * 32]), {}, every=0.0)

    async def gone() -> bool:
        return not any([await store.records.list(kind, DEFAULT_WORKSPACE) for kind in (KIND, TARGET)])

    task = asyncio.create_task(upkeep.run())
    await until(gone)

    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await store.close()
