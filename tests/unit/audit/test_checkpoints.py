"""Who makes checkpoints may die, freeze or be doubled at any moment: nothing is skipped, nothing forks."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest

from signoff.audit.checkpoints import topic
from signoff.audit.checkpoints.checkpoint import (
    CheckpointError,
    HeadRecord,
    Signed,
    encode_checkpoint,
    encode_entry,
    sha256_text,
)
from signoff.audit.checkpoints.decided import Decided, Refused
from signoff.audit.checkpoints.files import CheckpointFiles
from signoff.audit.checkpoints.signing import Signer
from signoff.audit.checkpoints.writer import CheckpointWriter
from signoff.audit.verify import sources
from signoff.audit.verify.faults import Fault
from signoff.audit.verify.sealed import SealCheck
from signoff.audit.verify.sources import DatabaseSource, FilesSource, Source, TopicSource
from signoff.events.bus.base import Record
from signoff.events.bus.memory import MemoryBus
from signoff.events.errors import BlobError, BusUnavailableError
from signoff.events.objects import Objects
from signoff.events.store.memory import MemoryStore
from signoff.events.topics import CHECKPOINTS
from signoff.events.topology import apply
from support.checkpoints import SPOILT, STRANGER, spoil
from support.stores import PARTITIONS, Writer, events

SEED = b"a seed of checkpoints, 32 bytes "
SIGNER = Signer([SEED])


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

    def on_topic(self) -> Source:
        return TopicSource(self.bus, SIGNER.keys)

    def in_files(self) -> Source:
        return FilesSource(self.files, SIGNER.keys, is_live=True)

    def in_database(self) -> Source:
        return DatabaseSource(self.store, SIGNER.keys)

    async def faults(self, *sources: Source) -> list[Fault]:
        published = await Decided(self.store, SIGNER.keys).published()
        check = SealCheck(
            self.store, sources or (self.on_topic(), self.in_files()),
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
    assert not await Decided(place.store, SIGNER.keys).decide(slow._sign(taken, 3, leaves))
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
    await Decided(restored, SIGNER.keys).decide((await place.topic())[0])
    await Decided(restored, SIGNER.keys).mark_published(1)
    await place.log(1, 1)

    assert await place.writer().write() == 1

    last = (await place.topic())[-1].checkpoint
    assert (last.number, last.after, last.position) == (3, 3, 5)
    found = await place.faults()
    assert {fault.kind for fault in found} == {"missing", "unproven", "restored"}


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

    found = await place.faults(TopicSource(compacted, SIGNER.keys))

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
    decided = Decided(place.store, SIGNER.keys)

    covering = [await decided.covering(position) for position in range(1, 12)]

    assert [each and each.number for each in covering] == [1, 1, 2, 2, 3, 3, 4, 4, 5, 5, None]


async def test_after_a_restore_the_checkpoint_that_covers_a_position_anew_is_found(place: Place) -> None:
    for _ in range(4):
        await sealed(place, 2)
    await restored(place, before=2)
    await sealed(place, 1)  # behind the last one that was published, which the database gets to know again
    await sealed(place, 1)
    decided = Decided(place.store, SIGNER.keys)

    covering = [await decided.covering(position) for position in range(1, 6)]

    assert [each and each.number for each in covering] == [1, 1, 5, 6, None]


# What others put there ----------------------------------------------------------------------------------


def forged(after: Signed, signer: Signer = STRANGER, **changes: Any) -> Signed:
    """A checkpoint that goes on behind another one, signed by somebody."""
    following = {"number": after.number + 1, "previous": sha256_text(after.raw), "heads": 7}
    checkpoint = msgspec.structs.replace(after.checkpoint, **(following | changes))
    raw = encode_checkpoint(checkpoint)
    return Signed(checkpoint, raw, signer.sign(raw))


async def sealed(place: Place, *counts: int) -> Signed:
    await place.log(*counts)
    await place.writer().write()
    return (await place.topic())[-1]


FORGERIES = {
    "the next one": {},
    "a far one": {"number": 999_999_999_999},
    "one beyond all": {"number": 2**63},
    "one of no time": {"time": "not a time"},
    "one of a far time": {"time": "9999-12-31T00:00:00.000000Z"},
    "one beyond all positions": {"position": 2**70},
}


@pytest.mark.parametrize("changes", FORGERIES.values(), ids=FORGERIES)
@pytest.mark.parametrize("where", ["topic", "files", "database"])
async def test_a_forged_checkpoint_is_never_gone_on_from(
    place: Place, where: str, changes: dict[str, Any]
) -> None:
    last = await sealed(place, 3)
    forgery = forged(last, **changes)
    if where == "topic":
        await topic.publish(place.bus, forgery, [])
    elif where == "files":
        await place.files.write(forgery, [])
    else:
        key = f"{forgery.number:012}"
        await place.store.records.put("checkpoint", UUID(int=0), key, encode_entry(forgery))
    await place.log(1)

    assert await place.writer().write() == 1

    real = await Decided(place.store, SIGNER.keys).get(2)
    assert real is not None
    assert (real.checkpoint.previous, real.checkpoint.position) == (sha256_text(last.raw), 4)
    assert real.checkpoint.time < "2100"
    assert [each.raw for each in await place.topic() if each.raw != forgery.raw] == [last.raw, real.raw]
    found = await place.faults(place.on_topic(), place.in_files(), place.in_database())
    assert {fault.kind for fault in found} <= {"checkpoint"}
    decided_anew = where == "database" and forgery.number == 2  # over what somebody put there
    foreign = where == "files" and (forgery.number > 10**12 or "not" in forgery.checkpoint.time)  # by name
    assert bool(found) == (not decided_anew and not foreign)


async def test_a_checkpoint_of_another_key_does_not_hold_because_a_later_one_commits_to_it(
    place: Place,
) -> None:
    """As a writer did that believed what it found on the topic."""
    stranger = forged(await sealed(place, 3))
    await topic.publish(place.bus, stranger, [])
    await topic.publish(place.bus, forged(stranger, SIGNER), [])

    found = await place.faults(place.on_topic())

    assert any("none of the server's" in fault.meaning for fault in found)


async def test_a_forged_record_is_told_of(place: Place) -> None:
    await sealed(place, 3)
    await place.store.records.put("checkpoint", UUID(int=0), "000000000001", b"\x00")

    found = await place.faults(place.on_topic(), place.in_database())

    assert [(fault.kind, fault.place.table) for fault in found[:1]] == [("checkpoint", "records")]


REASONS = {
    "another key": "is signed with a key that is none of this server's",
    "other bytes": "is not what was signed",
    "deleted": "is not there",
}


@pytest.mark.parametrize("number", [1, 4, 5, 8])
@pytest.mark.parametrize("what", [*SPOILT, "deleted"])
async def test_a_record_that_was_spoilt_hides_no_other_and_is_told(
    place: Place, what: str, number: int
) -> None:
    for _ in range(8):
        await sealed(place, 2)
    if what == "deleted":
        await place.store.records.remove("checkpoint", UUID(int=0), f"{number:012}")
    else:
        await spoil(place.store, SPOILT[what], number=number)
    decided = Decided(place.store, SIGNER.keys)

    covering = {position: await decided.covering(position) for position in range(1, 17)}

    told = {position: each for position, each in covering.items() if isinstance(each, Refused)}
    its_own = (2 * number - 1, 2 * number)
    assert {each.number for each in told.values()} == {number}
    assert tuple(told) == (
        its_own if number < 8 else tuple(range(1, 17))
    )  # of all only until the next is made
    assert {each.reason.split(" (")[0] for each in told.values()} == {
        REASONS.get(what, "holds no such checkpoint")
    }
    found = {position: each.number for position, each in covering.items() if isinstance(each, Signed)}
    assert found == {at: (at + 1) // 2 for at in range(1, 17) if at not in told}


@pytest.mark.parametrize("what", SPOILT)
async def test_the_newest_record_is_put_right_from_what_was_published(place: Place, what: str) -> None:
    last = await sealed(place, 2)
    await spoil(place.store, SPOILT[what])

    assert await place.writer().write() == 0

    assert await Decided(place.store, SIGNER.keys).newest() == last


@pytest.mark.parametrize("published", [-1, 10**12, 2**63 - 1])
async def test_a_number_of_published_ones_that_was_forged_proves_nothing(
    place: Place, published: int
) -> None:
    await sealed(place, 2)
    place.store._tracking["signoff:checkpoints/0"] = published
    decided = Decided(place.store, SIGNER.keys)

    told = Refused(published, "is not there")
    assert (await decided.newest(), await decided.covering(1)) == (told, told)


async def test_where_nothing_that_was_published_is_the_servers_none_is_made(place: Place) -> None:
    """Its secret is a new one, and the one of before was not given: it must not begin with 1 again."""
    await sealed(place, 3)
    await place.log(1)
    writer = CheckpointWriter(
        place.store, place.bus, place.files, STRANGER, held=lambda: True, clock=lambda: place.time
    )

    with pytest.raises(CheckpointError, match="SIGNOFF_SECRET_KEY_PREVIOUS"):
        await writer.write()

    assert [each.number for each in await place.topic()] == [1]


async def test_after_a_rotation_the_new_key_goes_on_behind_the_earlier_one(place: Place) -> None:
    await sealed(place, 3)
    await place.log(1)
    both = Signer([b"n" * 32, SEED])
    writer = CheckpointWriter(
        place.store, place.bus, place.files, both, held=lambda: True, clock=lambda: place.time
    )

    assert await writer.write() == 1

    check = SealCheck(
        place.store, [TopicSource(place.bus, both.keys), DatabaseSource(place.store, both.keys)], both.keys
    )
    assert [fault async for fault in check.run()] == []
    assert check.compared.last == 2


async def test_a_signed_number_that_was_forged_moves_nothing_on_the_topic(place: Place) -> None:
    last = await sealed(place, 3)
    await topic.publish(place.bus, forged(last, number=10**11), [])
    await sealed(place, 1)

    check = SealCheck(place.store, [place.on_topic()], SIGNER.keys)
    found = [fault async for fault in check.run()]

    assert (check.compared.checkpoints, check.compared.last, len(found)) == (2, 2, 1)


async def test_faults_of_a_place_are_listed_up_to_a_number_and_counted(place: Place) -> None:
    await sealed(place, 3)
    for _ in range(3):
        records = [Record(b"nobody", b"nothing")] * 500
        await (await place.bus.publish(CHECKPOINTS, 0, records))

    check = SealCheck(place.store, [place.on_topic()], SIGNER.keys)
    found = [fault async for fault in check.run()]

    assert (len(found), check.more) == (1_000, 500)


async def test_heads_that_never_get_a_checkpoint_do_not_stay(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "_HEADS", 10)
    heads = [HeadRecord(str(uuid4()), 1, "hash", 10**9 + at) for at in range(50)]
    for head in heads:
        await place.bus.send(CHECKPOINTS, 0, Record(head.log_id.encode(), encode_entry(head)))
    await sealed(place, 3)
    source = TopicSource(place.bus, SIGNER.keys)

    (held,) = [each async for each in source.held()]

    assert len(held.heads) == 1
    assert source._waiting <= 10


async def test_a_place_that_has_something_else_does_not_keep_later_ones_from_being_made(place: Place) -> None:
    last = await sealed(place, 3)
    await place.files.write(forged(last), [])
    await place.log(1)

    assert await place.writer().write() == 1
    await place.log(1)
    assert await place.writer().write() == 1

    assert await place.kept() == [1, 2, 3]
    assert (await place.files.last(SIGNER.keys, after=None)) == (await place.topic())[-1]


# Restores -----------------------------------------------------------------------------------------------


async def restored(place: Place, *, before: int) -> None:
    """Let the log be what it was up to a position, with the checkpoints that it knew then."""
    store = MemoryStore()
    await store.migrate(partitions=PARTITIONS)
    writer, decided = await Writer.of(store), Decided(store, SIGNER.keys)
    for event in await place.store.read_all(after=0, limit=before):
        await writer.append(event)
    for each in await place.topic():
        if each.checkpoint.position <= before:
            await decided.decide(each)
            await decided.mark_published(each.number)
    place.store = store


def lose(store: MemoryStore, log_id: UUID) -> None:
    """Delete a log."""
    del store._logs[log_id]
    store._log = [each if each.log_id != log_id else store._log[-1] for each in store._log]


async def seal_check(place: Place, *accepted: int) -> tuple[SealCheck, list[Fault]]:
    published = await Decided(place.store, SIGNER.keys).published()
    places = (place.on_topic(), place.in_files(), place.in_database())
    check = SealCheck(place.store, places, SIGNER.keys, published=published, accepted=accepted)
    return check, [fault async for fault in check.run()]


async def test_a_restore_that_is_known_of_can_be_accepted(place: Place) -> None:
    for _ in range(3):
        await sealed(place, 2)
    await restored(place, before=2)
    await sealed(place, 1, 1)

    _, told = await seal_check(place)
    check, accepted = await seal_check(place, 4)

    assert {(fault.kind, fault.place.checkpoint) for fault in told if fault.kind == "restored"} == {
        ("restored", 4)
    }
    assert "positions 3 to 6" in next(fault.meaning for fault in told if fault.kind == "restored")
    assert {fault.kind for fault in told} >= {"restored", "missing"}
    assert accepted == []
    assert list(check.compared.accepted) == [4]


async def test_an_accepted_restore_accepts_nothing_of_later(place: Place) -> None:
    for _ in range(2):
        await sealed(place, 2)
    await restored(place, before=2)
    await sealed(place, 1, 1)
    log_id = (await place.store.read_all(after=2, limit=1))[0].log_id
    await sealed(place, 1)
    lose(place.store, log_id)

    _, found = await seal_check(place, 3)

    assert ("missing", 3) in {(fault.kind, fault.place.checkpoint) for fault in found}
    assert "restored" not in {fault.kind for fault in found}


async def test_an_accepted_restore_accepts_nothing_of_what_came_before_it(place: Place) -> None:
    for _ in range(3):
        await sealed(place, 2)
    log_id = (await place.store.read_all(after=0, limit=1))[0].log_id
    await restored(place, before=4)
    await sealed(place, 1)
    lose(place.store, log_id)

    _, found = await seal_check(place, 4)

    assert ("missing", str(log_id), 1) in {
        (fault.kind, fault.place.log_id, fault.place.checkpoint) for fault in found
    }


async def test_a_restore_is_told_of_whatever_later_checkpoints_say(place: Place) -> None:
    """Of a compacted topic there are no heads that could name the log."""
    await sealed(place, 2)
    await sealed(place, 2)
    event = (await place.store.read_all(after=0, limit=4))[-1]
    place.store._logs[event.log_id][-1] = msgspec.structs.replace(event, state=event.state + b" ")
    place.store._log[3] = place.store._logs[event.log_id][-1]
    await sealed(place, 1)
    compacted = MemoryBus()
    await apply(compacted, partitions=PARTITIONS)
    for each in await place.topic():
        await topic.publish(compacted, each, [])

    found = await place.faults(TopicSource(compacted, SIGNER.keys))

    assert {(fault.kind, fault.place.checkpoint) for fault in found} == {("rewritten", 2), ("restored", 3)}
