"""Who makes checkpoints may die, freeze or be doubled at any moment: nothing is skipped, nothing forks."""

from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest

from signoff.audit.checkpoints import topic
from signoff.audit.checkpoints.checkpoint import HeadRecord, Signed, sha256_text
from signoff.audit.checkpoints.decided import Decided
from signoff.audit.checkpoints.files import CheckpointFiles
from signoff.audit.checkpoints.signing import Signer
from signoff.audit.checkpoints.writer import CheckpointWriter
from signoff.audit.verify.faults import Fault
from signoff.audit.verify.sealed import SealCheck
from signoff.audit.verify.sources import FilesSource, Source, TopicSource
from signoff.events.bus.base import Record
from signoff.events.bus.memory import MemoryBus
from signoff.events.errors import BlobError, BusUnavailableError
from signoff.events.objects import Objects
from signoff.events.store.memory import MemoryStore
from signoff.events.topics import CHECKPOINTS
from signoff.events.topology import apply
from support.stores import PARTITIONS, Writer, events

SIGNER = Signer([b"a seed of checkpoints, 32 bytes "])


class Place:
    """A log, a topic and files, and writers of checkpoints for them."""

    def __init__(self, store: MemoryStore, bus: MemoryBus, folder: Path) -> None:
        self.store = store
        self.bus = bus
        self.files = CheckpointFiles.open(f"file://{folder}")
        self.time = 1_790_000_000.0
        self.held = True

    def writer(self, *, window: int = 100, files: CheckpointFiles | None = None) -> CheckpointWriter:
        return CheckpointWriter(
            self.store, self.bus, files or self.files, SIGNER,
            held=lambda: self.held, clock=lambda: self.time, window=window,
        )  # fmt: skip

    async def log(self, *counts: int) -> None:
        writer = await Writer.of(self.store, str(uuid4()))
        for count in counts:
            await writer.append(*events(uuid4(), range(1, count + 1)))

    async def topic(self) -> list[Signed]:
        entries = [each.entry async for each in topic.read_topic(self.bus)]
        return [entry for entry in entries if isinstance(entry, Signed)]

    async def kept(self) -> list[int]:
        return [(await self.files.read(path))[0].number for path in await self.files.paths()]

    async def faults(self, *sources: Source) -> list[Fault]:
        published = await Decided(self.store).published()
        check = SealCheck(
            self.store, sources or (TopicSource(self.bus), FilesSource(self.files, is_live=True)),
            SIGNER.keys, published=published,
        )  # fmt: skip
        return [fault async for fault in check.run()]


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    store, bus = MemoryStore(), MemoryBus()
    await store.migrate(partitions=PARTITIONS)
    await apply(bus, partitions=PARTITIONS)
    yield Place(store, bus, tmp_path / "checkpoints")
    await bus.close()
    await store.close()


class Broken(CheckpointFiles):
    """Files that cannot be written: whoever writes dies there."""

    def __init__(self, folder: Path) -> None:
        super().__init__(Objects.open(f"file://{folder}"), name="broken")

    async def write(self, signed: Signed, heads: object) -> None:
        raise BlobError("the disk is full")


async def test_a_checkpoint_commits_to_the_heads_that_changed_and_to_the_one_before(place: Place) -> None:
    await place.log(3, 1)
    await place.writer().write()
    await place.log(2)
    await place.writer().write()

    first, second = (each.checkpoint for each in await place.topic())

    assert (first.number, first.after, first.position, first.heads) == (1, 0, 4, 2)
    assert (second.number, second.after, second.position, second.heads) == (2, 4, 6, 1)
    assert second.previous == sha256_text((await place.topic())[0].raw)
    assert await place.kept() == [1, 2]
    assert await place.faults() == []


async def test_where_nothing_changed_none_is_made(place: Place) -> None:
    await place.log(1)

    assert [await place.writer().write() for _ in range(3)] == [1, 0, 0]


async def test_a_long_log_is_covered_by_several(place: Place) -> None:
    await place.log(*[3] * 10)

    assert await place.writer(window=7).write() == 5
    assert await place.faults() == []


async def test_what_was_decided_is_published_by_the_next_holder_with_the_same_bytes(
    place: Place, tmp_path: Path
) -> None:
    await place.log(3)
    with pytest.raises(BlobError):
        await place.writer(files=Broken(tmp_path / "broken")).write()
    (decided,) = await place.topic()
    await place.log(1)
    place.time += 60

    await place.writer().write()

    published = await place.topic()
    assert [each.number for each in published] == [1, 1, 2]
    assert published[0].raw == published[1].raw == decided.raw
    assert await place.kept() == [1, 2]
    assert await place.faults() == []


async def test_of_two_holders_one_decides(place: Place) -> None:
    await place.log(3)
    slow, fast = place.writer(), place.writer()
    taken = await slow._place()  # it sleeps here, and does not know that its lease has run out
    await fast.write()

    leaves = await slow._leaves(taken.after, 3)
    assert not await Decided(place.store).decide(slow._sign(taken, 3, leaves))
    assert len(await place.topic()) == 1


async def test_who_lost_the_lease_decides_nothing(place: Place) -> None:
    await place.log(3)
    place.held = False

    assert await place.writer().write() == 0
    assert await place.topic() == []


async def test_a_restored_database_goes_on_behind_what_was_published(place: Place) -> None:
    """The topic and the files know more than the database, which has lost events and checkpoints."""
    await place.log(3)
    await place.writer().write()
    restored = MemoryStore()
    await restored.migrate(partitions=PARTITIONS)
    before = place.store
    await place.log(2)
    await place.writer().write()
    writer = await Writer.of(restored)
    for event in await before.read_all(after=0, limit=3):
        await writer.append(event)
    place.store = restored
    await Decided(restored).decide((await place.topic())[0])
    await Decided(restored).mark_published(1)
    await place.log(1, 1)

    assert await place.writer().write() == 1

    last = (await place.topic())[-1].checkpoint
    assert (last.number, last.after, last.position) == (3, 3, 5)
    found = await place.faults()
    assert {fault.kind for fault in found} == {"missing"}  # what the restore lost, and nothing else


async def test_a_topic_that_is_away_is_gone_on_with_later(place: Place) -> None:
    await place.log(3)
    closed, place.bus = place.bus, MemoryBus()
    with pytest.raises(BusUnavailableError):
        await place.writer().write()
    place.bus = closed

    assert await place.writer().write() == 1


async def test_compacted_heads_still_name_a_log_whose_end_was_deleted(place: Place) -> None:
    """Compaction keeps the newest head of each log alone."""
    writer, log_id = await Writer.of(place.store), uuid4()
    await writer.append(*events(log_id, [1, 2]))
    await place.writer().write()
    await writer.append(*events(log_id, [3]), *events(uuid4(), [1]))
    await place.writer().write()
    entries = [each.entry async for each in topic.read_topic(place.bus)]
    newest = {each.log_id: each for each in entries if isinstance(each, HeadRecord)}
    compacted = MemoryBus()
    await apply(compacted, partitions=PARTITIONS)
    for entry in entries:
        if isinstance(entry, Signed):
            heads = [head for head in newest.values() if head.checkpoint == entry.number]
            await topic.publish(compacted, entry, heads)
    place.store._logs[log_id].pop()
    place.store._log[2] = place.store._log[3]

    found = await place.faults(TopicSource(compacted))

    assert ("shortened", str(log_id), 3) in {
        (fault.kind, fault.place.log_id, fault.place.event_id) for fault in found
    }


async def test_records_of_others_on_the_topic_are_named(place: Place) -> None:
    await place.log(3)
    await place.writer().write()
    (signed,) = await place.topic()
    forged = Signed(signed.checkpoint, signed.raw.replace(b'"position":3', b'"position":2'), signed.signature)
    await place.bus.send(CHECKPOINTS, 0, Record(b"nobody", b"nothing"))
    await topic.publish(place.bus, forged, [])

    found = await place.faults()

    assert [(fault.kind, fault.place.offset is not None) for fault in found] == [("checkpoint", True)] * 2


async def test_the_checkpoint_that_covers_a_position_is_found(place: Place) -> None:
    for _ in range(5):
        await place.log(2)
        await place.writer().write()
    decided = Decided(place.store)

    covering = [await decided.covering(position) for position in range(1, 12)]

    assert [each and each.number for each in covering] == [1, 1, 2, 2, 3, 3, 4, 4, 5, 5, None]
