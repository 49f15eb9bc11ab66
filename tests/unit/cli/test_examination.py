"""What `signoff doctor` finds."""

import time
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from msgspec.structs import replace

from signoff.access.secrets import environment
from signoff.access.secrets.sealing import Sealer
from signoff.audit.checkpoints.signing import LABEL, Signer
from signoff.audit.checkpoints.writer import CheckpointWriter
from signoff.cli.examination import examine
from signoff.cli.upkeep.configuration import examine_settings
from signoff.cli.upkeep.finding import Finding
from signoff.events.bus.memory import MemoryBus
from signoff.events.codec import encode_json
from signoff.events.store.base import Append, DeadCommand, EventStore, Lease, NewEvent
from signoff.events.store.sqlite import SqliteStore
from signoff.events.times import iso
from signoff.events.topics import COMMANDS, DEFAULT_WORKSPACE, EXECUTIONS, PARTITIONS
from signoff.events.topology import apply
from signoff.runtime.settings import Settings
from support.checkpoints import SPOILT, spoil
from support.executors import REFUND, Site
from support.installations import installation_of
from support.older import OlderExecutor
from support.stores import Writer, events, execution

SEALER = Sealer([b"a secret key of this whole installation"])
CLUSTER = {"database_url": "postgresql://db.example.org/signoff", "kafka": "kafka.example.org:9092"}
COMPLETE = {"secret_key": "x" * 32, "public_url": "https://signoff.example.org", "blobs": "s3://blobs"}
GIVEN = {"amount": 250, "customer": "Ada"}


class EmptyBus(MemoryBus):
    """A broker on which nobody has created a topic."""

    async def partitions(self, topic: str) -> int:
        return 0


class ForgetfulBus(MemoryBus):
    """A broker that keeps records for a minute, in two copies of which one is enough."""

    async def configs(self, topic: str) -> dict[str, str]:
        return {"retention.ms": "60000", "min.insync.replicas": "1", "replicas": "2"}


async def all_findings(site: Site, *, embedded: bool = False, **how: Any) -> list[Finding]:
    installation = installation_of(site)
    if embedded:
        installation = replace(installation, bus=None)
    return [finding async for finding in examine(installation, SEALER, **how)]


async def findings(site: Site, **how: Any) -> dict[str, Finding]:
    return {finding.subject: finding for finding in await all_findings(site, **how)}


async def taken(store: EventStore) -> Lease:
    (lease,) = await store.acquire("executor", most=1, ttl=60)
    return lease


async def paused(site: Site) -> UUID:
    """An execution that waits for a decision, its executor gone."""
    async with site.executor():
        sent = await site.start(await site.deploy(REFUND), GIVEN)
        await site.ended(sent)
        await site.topic_equals_log()
    return sent.log_id


async def test_an_embedded_installation_with_work_in_it_is_well(site: Site) -> None:
    await paused(site)

    found = await findings(site, embedded=True, everything=True)

    assert {name: finding.ok for name, finding in found.items()} == dict.fromkeys(
        ("database", "leases", "clock", "secrets", "checkpoints", "logs"), True
    )


async def test_a_running_cluster_is_well(site: Site) -> None:
    async with site.executor():
        await site.ended(await site.start(await site.deploy(REFUND), GIVEN))
        await site.topic_equals_log()

        found = await all_findings(site, everything=True)

    assert [finding for finding in found if not finding.ok] == []
    assert "broker" in {finding.subject for finding in found}


async def test_a_database_that_was_never_migrated_is_told_with_what_to_run(
    site: Site, tmp_path: Path
) -> None:
    store = await SqliteStore.open(tmp_path / "signoff.db")

    found = await findings(Site(store, site.bus, site.blobs, site.tools))
    await store.close()

    assert not found["database"].ok
    assert "signoff migrate" in found["database"].detail


async def test_a_cluster_whose_partitions_nobody_holds_is_not_well(site: Site) -> None:
    found = await findings(site)

    assert not found["leases"].ok
    assert "signoff executor" in found["leases"].detail
    assert found["broker"].ok


async def test_topics_that_do_not_exist_are_told_with_what_to_run(site: Site) -> None:
    site.bus = EmptyBus()

    found = await findings(site)

    assert "signoff topics apply" in found[f"topic {COMMANDS}"].detail


async def test_topics_that_forget_too_soon_or_outlive_no_broker_are_told_with_what_to_set(
    site: Site,
) -> None:
    site.bus = ForgetfulBus()
    await apply(site.bus)

    told = [each.detail for each in await all_findings(site) if each.subject == f"topic {COMMANDS}"]

    assert any("retention.ms=60000, not 604800000: run `signoff topics apply`" in each for each in told)
    assert any("has 2 copies: make it 3" in each for each in told)


async def test_a_broker_made_anew_is_found_by_its_offsets_and_told_with_what_to_run(site: Site) -> None:
    lease = await taken(site.store)
    await site.store.append(Append(partition=lease.partition, epoch=lease.epoch, next_offset=1000))

    found = await findings(site)

    detail = found[f"partition {lease.partition}"].detail
    assert "the log goes on at 1000" in detail
    assert "signoff recover" in detail


async def test_an_event_that_does_not_get_to_its_topic_is_told(site: Site) -> None:
    log_id = await paused(site)
    (lease,) = await site.store.upkeep.seize([site.partition_of(log_id)], owner="slow", ttl=60)
    old = (await site.raw(log_id))[0]
    moved = NewEvent(UUID(int=uuid4().int & ~0xFFFF | lease.partition), 1, "signoff:Old", _long_ago(old))
    await site.store.append(Append(partition=lease.partition, epoch=lease.epoch, events=[moved]))

    found = await findings(site)

    assert f"partitions {lease.partition} are not there" in found[f"topic {EXECUTIONS}"].detail


async def test_a_clock_that_is_off_is_told(site: Site) -> None:
    found = await findings(site, clock=lambda: time.time() + 90)

    assert not found["clock"].ok
    assert "+90" in found["clock"].detail


async def test_a_dead_command_is_listed_with_its_reason_and_what_to_do(site: Site) -> None:
    lease = await taken(site.store)
    dead = DeadCommand(
        partition=lease.partition,
        offset=7,
        command_id=str(uuid4()),
        log_id=None,
        reason="not a command",
        command=b"{}",
        died_at=0.0,
    )
    await site.store.append(Append(partition=lease.partition, epoch=lease.epoch, rows=[dead]))

    found = (await findings(site))["dead command"]

    assert not found.ok
    assert "not a command" in found.detail
    assert f"{lease.partition}/7" in found.detail
    assert "--retry-dead" in found.detail
    assert f"--discard-dead {lease.partition}/7" in found.detail


async def test_a_log_whose_chain_is_broken_is_told(site: Site) -> None:
    log_id = UUID(int=uuid4().int & ~0xFFFF)
    first, second, *_ = await site.raw(await paused(site))
    (lease,) = await site.store.upkeep.seize([0], owner="forger", ttl=60)
    forged = first.replace(b'"Ada"', b'"Eve"')
    events = [NewEvent(log_id, 1, "signoff:ExecutionStarted", forged), NewEvent(log_id, 2, "x", second)]
    await site.store.append(Append(partition=0, epoch=lease.epoch, events=events))

    found = await findings(site, everything=True)

    assert not found[f"log {log_id}"].ok
    assert "does not follow the bytes of the one before it" in found[f"log {log_id}"].detail


async def test_rows_that_do_not_follow_from_the_log_are_told_with_what_to_run(site: Site) -> None:
    log_id = await paused(site)
    row = await site.store.execution(log_id)
    assert row is not None
    (lease,) = await site.store.upkeep.seize([row.partition], owner="vandal", ttl=60)
    wrong = replace(row, status="completed")
    await site.store.append(Append(partition=row.partition, epoch=lease.epoch, rows=[wrong]))

    found = (await findings(site, everything=True))[f"log {log_id}"]

    assert "wrong in executions: run `signoff doctor --rebuild`" in found.detail


async def test_executions_without_words_are_counted_and_told_with_what_to_run(
    site: Site, tmp_path: Path
) -> None:
    store, row = await SqliteStore.open(tmp_path / "signoff.db"), execution()
    await store.migrate(partitions=PARTITIONS)
    await (await Writer.of(store)).append(rows=[row])
    await OlderExecutor(store, tmp_path / "signoff.db").wrote(row)

    found = await findings(Site(store, site.bus, site.blobs, site.tools))
    await store.migrate(partitions=PARTITIONS)
    after = await findings(Site(store, site.bus, site.blobs, site.tools))
    await store.close()

    assert not found["words"].ok
    assert "1 executions lack the words" in found["words"].detail
    assert "words" not in after


async def test_a_large_value_that_is_not_in_the_object_store_is_told(site: Site) -> None:
    async with site.executor():
        stored = await site.blobs.offload({"customer": "x" * 300_000}, workspace_id=DEFAULT_WORKSPACE)
        sent = await site.start(await site.deploy(REFUND), {"amount": 250, **stored})
        await site.ended(sent)
    site.blobs = type(site.blobs).open("memory:")

    found = await findings(site, everything=True)

    assert "restore them in the object store" in found[f"log {sent.log_id}"].detail


async def test_a_secret_key_that_does_not_open_what_is_sealed_is_told(site: Site) -> None:
    other = Sealer([b"the secret key of another installation"])
    context = environment.context_of(DEFAULT_WORKSPACE, "TOKEN")
    await site.store.records.put(
        environment.KIND, DEFAULT_WORKSPACE, "TOKEN", other.seal(b"secret", context=context)
    )

    found = await findings(site)

    assert "SIGNOFF_SECRET_KEY_PREVIOUS" in found["secrets"].detail
    assert not found["secrets"].ok


async def logged(site: Site, *times: str) -> None:
    """Events that were logged at some times, each in a log of its own."""
    writer = await Writer.of(site.store, str(uuid4()))
    for each in times:
        envelope = {
            "type": "x",
            "eventId": 1,
            "workflowId": "w",
            "timestamp": each,
            "causationId": "c",
            "data": {},
        }
        await writer.append(*events(uuid4(), [1], encode_json(envelope)))


async def sealed(site: Site) -> None:
    """A checkpoint of all that is logged."""
    signer = Signer(SEALER.keys_for(LABEL))
    await CheckpointWriter(site.store, site.bus, None, signer, held=lambda: True, clock=time.time).write()


def ago(seconds: float) -> str:
    return iso(time.time() - seconds)


HOUR, DAY = 3_600, 86_400


@pytest.mark.parametrize(
    ("covered", "since", "well"),
    [
        ([], [300, 1], True),
        ([], [HOUR, 1], False),
        ([DAY], [], True),
        ([DAY], [300, 1], True),
        ([DAY], [HOUR, 1], False),
    ],
    ids=["new log", "never made", "all covered", "after a quiet day", "no longer made"],
)
@pytest.mark.parametrize("embedded", [True, False], ids=["embedded", "cluster"])
async def test_checkpoints_that_are_not_made_are_told_with_what_to_do(
    site: Site, *, covered: list[float], since: list[float], well: bool, embedded: bool
) -> None:
    await logged(site, *map(ago, covered))
    await sealed(site)
    await logged(site, *map(ago, since))

    found = (await findings(site, embedded=embedded))["checkpoints"]

    assert found.ok == well
    assert ("there is none" in found.detail) == (not covered)
    if not well:
        assert "since 60 min" in found.detail
        remedy = "let it work for over 60 s" if embedded else "the executor with partition 0 logs why"
        assert remedy in found.detail


async def test_checkpoints_that_are_made_seldom_are_waited_for(site: Site) -> None:
    await logged(site, ago(HOUR))

    found = await findings(site, checkpoint_every=HOUR)

    assert found["checkpoints"].ok


async def test_the_last_events_before_an_embedded_server_was_stopped_may_be_uncovered(site: Site) -> None:
    await logged(site, ago(DAY), ago(DAY - 30))

    assert (await findings(site, embedded=True))["checkpoints"].ok
    assert not (await findings(site))["checkpoints"].ok  # a cluster works on, and would have covered them


@pytest.mark.parametrize("what", SPOILT)
async def test_a_spoilt_checkpoint_is_told_with_what_to_run(site: Site, what: str) -> None:
    await logged(site, ago(1))
    await sealed(site)
    await spoil(site.store, SPOILT[what])

    found = (await findings(site))["checkpoints"]

    assert not found.ok
    assert found.detail.startswith("the record of checkpoint 1 ")
    assert "signoff audit verify" in found.detail


@pytest.mark.parametrize("strange", ["no time", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59"])
async def test_an_event_of_a_strange_time_does_not_end_the_examination(site: Site, strange: str) -> None:
    await logged(site, strange, ago(1), strange)

    assert {"checkpoints", "logs"} <= {*await findings(site, embedded=True), *await findings(site)}


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"kafka": "localhost:9092"}, "SIGNOFF_DATABASE_URL and SIGNOFF_KAFKA"),
        (CLUSTER | COMPLETE | {"secret_key": None}, "SIGNOFF_SECRET_KEY is not set"),
        (CLUSTER | COMPLETE | {"public_url": None}, "SIGNOFF_PUBLIC_URL is not set"),
        (CLUSTER | COMPLETE | {"blobs": None}, "SIGNOFF_BLOBS is not set"),
        (CLUSTER | COMPLETE | {"public_url": "http://signoff.example.org"}, "is http"),
        ({"faults": "relay.acknowledged=kill"}, "SIGNOFF_FAULTS is set"),
    ],
)
def test_settings_that_do_not_fit_together_are_told(given: dict[str, Any], told: str) -> None:
    found = list(examine_settings(Settings(**given), {}))

    assert not any(finding.ok for finding in found)
    assert any(told in finding.detail for finding in found)


@pytest.mark.parametrize("given", [{}, CLUSTER | COMPLETE], ids=["embedded", "cluster"])
def test_settings_that_fit_together_are_well(given: dict[str, Any]) -> None:
    assert [finding.ok for finding in examine_settings(Settings(**given), {})] == [True]


def test_a_variable_that_means_nothing_is_told() -> None:
    (found,) = examine_settings(Settings(), {"SIGNOFF_PUBLIC_ULR": "https://signoff.example.org"})

    assert "SIGNOFF_PUBLIC_URL" in found.detail


def _long_ago(raw: bytes) -> bytes:
    start = raw.index(b'"timestamp":"') + len(b'"timestamp":"')
    return raw[:start] + b"2020" + raw[start + 4 :]
