"""How many executions of a workspace are at work, while the log is asked and others begin."""

import asyncio
from uuid import UUID, uuid4

import pytest

from signoff.access.keys.limits import MemoryLimiter
from signoff.events.store.memory import MemoryStore
from signoff.gateway.errors import ApiError
from signoff.gateway.http.limits import Limits
from signoff.runtime.settings import Settings


class SlowStore(MemoryStore):
    """A log that counts at once, and answers when the test lets it."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = asyncio.Event()
        self.answers = asyncio.Event()

    async def at_work(self, workspace_id: UUID, *, most: int) -> int:
        found = await super().at_work(workspace_id, most=most)
        self.asked.set()
        await self.answers.wait()
        return found


async def test_what_is_recorded_while_the_log_is_asked_takes_its_place() -> None:
    clock = [0.0]
    store, workspace_id = SlowStore(), uuid4()
    await store.migrate(partitions=1)
    limits = Limits(Settings(workspace_executions=1), MemoryLimiter(), store, clock=lambda: clock[0])
    store.answers.set()
    first = await limits.begin_execution(workspace_id)
    store.answers.clear()
    store.asked.clear()

    with first:
        clock[0] = 2.0
        second = asyncio.create_task(limits.begin_execution(workspace_id))
        await store.asked.wait()
    store.answers.set()

    with pytest.raises(ApiError, match="at work"):
        await second
    await store.close()
