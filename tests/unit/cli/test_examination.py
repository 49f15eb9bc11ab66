"""What `signoff doctor` finds."""

from pathlib import Path
from uuid import uuid4

from signoff.cli.examination import Finding, examine
from signoff.events import topology
from signoff.events.bus.memory import MemoryBus
from signoff.events.store.base import Append, DeadCommand, EventStore
from signoff.events.store.memory import MemoryStore
from signoff.events.store.sqlite import SqliteStore
from signoff.events.topics import COMMANDS, PARTITIONS


class EmptyBus(MemoryBus):
    """A broker on which nobody has created a topic."""

    async def partitions(self, topic: str) -> int:
        return 0


async def findings(store: EventStore, bus: MemoryBus | None) -> dict[str, Finding]:
    return {finding.subject: finding async for finding in examine(store, bus)}


async def migrated() -> MemoryStore:
    store = MemoryStore()
    await store.migrate(partitions=PARTITIONS)
    return store


async def test_a_fresh_embedded_installation_is_well() -> None:
    found = await findings(await migrated(), None)

    assert {name: finding.ok for name, finding in found.items()} == {"database": True, "leases": True}


async def test_a_database_that_was_never_migrated_is_told_with_what_to_run(tmp_path: Path) -> None:
    store = await SqliteStore.open(tmp_path / "signoff.db")

    found = await findings(store, None)
    await store.close()

    assert not found["database"].ok
    assert "signoff migrate" in found["database"].detail


async def test_a_cluster_whose_partitions_nobody_holds_is_not_well() -> None:
    bus = MemoryBus()
    await topology.apply(bus)

    found = await findings(await migrated(), bus)

    assert not found["leases"].ok
    assert found["broker"].ok


async def test_topics_that_do_not_exist_are_told_with_what_to_run() -> None:
    found = await findings(await migrated(), EmptyBus())

    assert "signoff topics apply" in found[f"topic {COMMANDS}"].detail


async def test_a_broker_made_anew_is_found_by_its_offsets() -> None:
    store, bus = await migrated(), MemoryBus()
    await topology.apply(bus)
    (lease,) = await store.acquire("executor", most=1, ttl=60)
    await store.append(Append(partition=lease.partition, epoch=lease.epoch, next_offset=1000))

    found = await findings(store, bus)

    assert "the log goes on at 1000" in found[f"{COMMANDS}/{lease.partition}"].detail


async def test_a_dead_command_is_listed_with_its_reason() -> None:
    store = await migrated()
    (lease,) = await store.acquire("executor", most=1, ttl=60)
    dead = DeadCommand(
        partition=lease.partition,
        offset=7,
        command_id=str(uuid4()),
        log_id=None,
        reason="not a command",
        command=b"{}",
        died_at=0.0,
    )
    await store.append(Append(partition=lease.partition, epoch=lease.epoch, rows=[dead]))

    found = (await findings(store, None))["dead command"]

    assert not found.ok
    assert "not a command" in found.detail
    assert f"{COMMANDS}/{lease.partition} offset 7" in found.detail
