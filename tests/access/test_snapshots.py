"""A long history of the directory: services start from its snapshot."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest_asyncio

from access.conftest import Site
from signoff.access.directory.fold import DEFAULT_ID
from signoff.access.directory.live import LiveDirectory
from signoff.events.bus.base import Record
from signoff.events.codec import encode
from signoff.events.ids import new_id
from signoff.events.times import iso
from signoff.events.topics import COMMANDS, PARTITIONS, directory_log_id, partition_of, record_key
from signoff.events.types import ChangeDirectory, Command, Proposal
from support.clusters import Cluster
from support.directories import ADMIN
from support.executors import until

_CHANGES = 1_100
_AT_ONCE = 100
_LOG = directory_log_id()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def long(site: Site) -> AsyncIterator[Site]:
    """A directory with more than a thousand changes, and the snapshot that was made of them."""
    for start in range(0, _CHANGES, _AT_ONCE):
        await asyncio.gather(*(_rename(site, f"Name {start + each}") for each in range(_AT_ONCE)))
    await until(lambda: _named(site, f"Name {_CHANGES - 1}"))
    await until(lambda: _has_snapshot(site))
    yield site


async def _rename(site: Site, name: str) -> None:
    command = Command(
        command_id=str(new_id()),
        type=ChangeDirectory.TYPE,
        execution_id=str(_LOG),
        issued_at=iso(time.time()),
        actor=ADMIN,
        data=ChangeDirectory(
            proposed=[Proposal("workspace:renamed", {"workspaceId": DEFAULT_ID, "name": name})]
        ),
    )
    record = Record(record_key(_LOG), encode(command))
    await site.a.line.send(COMMANDS, partition_of(_LOG, PARTITIONS), record)


def _named(site: Site, name: str) -> bool:
    return site.a.directory.state.workspaces[DEFAULT_ID].name == name


async def _has_snapshot(site: Site) -> bool:
    snapshot = await site.a.log.snapshot(_LOG)
    return snapshot is not None and snapshot.version >= _CHANGES / 2


async def test_a_service_starts_from_the_snapshot(long: Site, cluster: Cluster) -> None:
    snapshot = await long.a.log.snapshot(_LOG)

    began = time.perf_counter()
    directory = LiveDirectory(long.a.log)
    long.a.log.reads.clear()
    await directory.look()
    print(f"{directory.version} changes are known after {time.perf_counter() - began:.3f} s")

    assert long.a.log.reads[:2] == [(_LOG, snapshot.version - 1), (_LOG, snapshot.version)]
    assert directory.state == long.a.directory.state


async def test_an_executor_goes_on_from_the_snapshot(long: Site) -> None:
    worker = long.decider()
    await long.replace(worker)
    before = long.a.directory.state.version
    for each in long.workers:
        each.log.snapshots.clear()

    await long.a.do("PATCH", f"/api/workspaces/{DEFAULT_ID}", json={"name": "default"})

    assert long.decider().log.snapshots == [_LOG]
    assert long.a.directory.state.version == before + 1
