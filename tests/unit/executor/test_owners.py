"""An owner's name tells whether its process still lives."""

import asyncio
import signal
import sys
from uuid import uuid4

import pytest

from signoff.events.store.base import Lease
from signoff.events.store.memory import MemoryStore
from signoff.events.topics import PARTITIONS
from signoff.executor.ownership import owners
from signoff.executor.ownership.lease import Leases
from signoff.executor.ownership.owners import is_dead, new_owner

_NAME_IT = "from signoff.executor.ownership.owners import new_owner; print(new_owner(), flush=True); input()"


async def test_an_owner_is_dead_once_its_process_was_killed() -> None:
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _NAME_IT, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert child.stdout is not None
    owner = (await child.stdout.readline()).decode().strip()
    assert not await asyncio.to_thread(is_dead, owner)

    child.send_signal(signal.SIGKILL)
    await child.wait()

    assert await asyncio.to_thread(is_dead, owner)


async def test_this_process_is_alive_and_its_names_are_unique() -> None:
    first, second = await asyncio.to_thread(new_owner), await asyncio.to_thread(new_owner)

    assert first != second
    assert not await asyncio.to_thread(is_dead, first)


@pytest.mark.parametrize("change", [lambda name: "other:1" + name[name.index("/") :], lambda _: uuid4().hex])
async def test_nothing_is_known_of_an_owner_elsewhere(change) -> None:
    owner = change(await asyncio.to_thread(new_owner))

    assert not await asyncio.to_thread(is_dead, owner)


async def test_a_process_that_proc_hides_is_not_taken_for_dead(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where ``/proc`` shows nobody the processes of others (``hidepid``, ``ProtectProc=invisible``)."""
    owner = await asyncio.to_thread(new_owner)
    monkeypatch.setattr(owners, "_started", lambda _: None)

    def of_another_user(_pid: int, _signal: int) -> None:
        raise PermissionError

    monkeypatch.setattr("os.kill", of_another_user)

    assert not await asyncio.to_thread(is_dead, owner)


class Holder:
    """Notes which partitions were gained, and when all are that can be."""

    def __init__(self) -> None:
        self.partitions: list[int] = []
        self.enough = asyncio.Event()

    async def gained(self, lease: Lease) -> None:
        self.partitions.append(lease.partition)
        if len(self.partitions) == PARTITIONS - 10:
            self.enough.set()

    async def handing_over(self, _: int) -> None:
        pass

    async def lost(self, _: int) -> None:
        pass


async def test_leases_of_a_dead_owner_are_taken_at_once_and_those_of_others_are_not() -> None:
    store = MemoryStore()
    await store.migrate(partitions=PARTITIONS)
    await store.acquire("dead", most=10, ttl=60)
    await store.acquire("elsewhere", most=10, ttl=60)
    holder = Holder()
    leases = Leases(store, "me", holder=holder, partitions=PARTITIONS, is_dead=lambda owner: owner == "dead")
    keeping = asyncio.create_task(leases.keep())
    try:
        async with asyncio.timeout(5):
            await holder.enough.wait()
    finally:
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)

    assert len(holder.partitions) == PARTITIONS - 10
    assert {row.owner for row in await store.leases()} == {"me", "elsewhere"}
