"""Checkpoints on a real broker: published, found again, and compared with the log."""

from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
from local_services.kafka import Kafka

from signoff.audit.checkpoints import topic
from signoff.audit.checkpoints.checkpoint import HeadRecord, encode_entry
from signoff.audit.checkpoints.signing import Signer
from signoff.audit.checkpoints.topic import last_on_topic
from signoff.audit.checkpoints.writer import CheckpointWriter
from signoff.audit.verify.sealed import SealCheck
from signoff.audit.verify.sources import TopicSource
from signoff.events.bus import open_bus
from signoff.events.bus.base import Bus, Record
from signoff.events.store.memory import MemoryStore
from signoff.events.topics import CHECKPOINTS
from signoff.events.topology import apply
from support.stores import PARTITIONS, Writer, events
from support.transactions import commit_at_end

SIGNER = Signer([b"a seed of checkpoints, 32 bytes "])


@pytest.fixture
async def bus(kafka: Kafka) -> AsyncIterator[Bus]:
    bus = await open_bus(f"kafka://{kafka.bootstrap}")
    await apply(bus, partitions=PARTITIONS)
    yield bus
    await bus.close()


async def test_checkpoints_are_made_and_compared(bus: Bus) -> None:
    store, times = MemoryStore(), 3
    await store.migrate(partitions=PARTITIONS)
    writer = CheckpointWriter(
        store, bus, None, SIGNER, held=lambda: True, clock=lambda: 1_790_000_000.0, window=1_000
    )
    for _ in range(times):
        await (await Writer.of(store, str(uuid4()))).append(*events(uuid4(), range(1, 700)))
        assert await writer.write() == 1

    last = await last_on_topic(bus, SIGNER.keys)
    check = SealCheck(store, [TopicSource(bus, SIGNER.keys)], SIGNER.keys, published=times)
    faults = [fault async for fault in check.run()]

    assert last is not None
    assert last.number == check.compared.last == times
    assert faults == []
    assert (await bus.configs(CHECKPOINTS))["cleanup.policy"] == "compact"
    await store.close()


async def test_a_topic_that_ends_with_the_marker_of_a_transaction_is_read_to_its_end(
    bus: Bus, kafka: Kafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = f"checkpoints-{uuid4().hex}"
    monkeypatch.setattr(topic, "CHECKPOINTS", own)
    await bus.create({own: 1}, configs={})
    heads = [HeadRecord(str(uuid4()), 1, "hash", 1) for _ in range(2)]
    await commit_at_end(kafka, own, [Record(each.log_id.encode(), encode_entry(each)) for each in heads])

    found = [each async for each in topic.read_topic(bus)]

    assert [each.entry for each in found] == heads
    assert (await bus.bounds(own, [0]))[0] == (0, 3)
    assert await topic.last_on_topic(bus, SIGNER.keys) is None
