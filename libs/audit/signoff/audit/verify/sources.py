"""Where checkpoints are held: the topic, the server's own files, an auditor's copy. Read in their order."""

from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import AsyncIterator
from typing import Final

from msgspec import Struct

from signoff.audit.checkpoints.checkpoint import CheckpointError, HeadRecord, Signed
from signoff.audit.checkpoints.decided import Decided, read_record
from signoff.audit.checkpoints.files import CheckpointFiles
from signoff.audit.checkpoints.signing import Keyring
from signoff.audit.checkpoints.topic import PARTITION, read_topic
from signoff.audit.verify.faults import Fault, Place
from signoff.events.bus.base import Bus
from signoff.events.errors import BlobNotFoundError
from signoff.events.store.base import EventStore
from signoff.events.topics import CHECKPOINTS

_RECENT: Final = 10_000
_LISTED: Final = 1_000
_HEADS: Final = 200_000
"""Heads that wait for their checkpoint; the server publishes at most 50,000 before one."""

_FORGER: Final = "somebody who can write there, but has not the server's key, changed what is held"


class Held(Struct, frozen=True):
    """A checkpoint with what is held of its heads: all of them, or those that compaction left."""

    signed: Signed
    heads: list[HeadRecord]


class Source(ABC):
    """A place that holds checkpoints. Those that the server did not sign are faults, and count for nothing.

    Args:
        name: what people call it.
        keys: of the server; an empty one checks no signatures.
        is_live: the server goes on writing there: it must hold whatever a copy of it holds.

    Attributes:
        is_published: the server publishes all checkpoints there, one after the other.
        has_all_heads: it keeps every head that a checkpoint commits to.
        faults: what was found there that counts for nothing, known once all was read: the first thousand.
        more: how many there are besides.
    """

    is_published = True
    has_all_heads = False

    def __init__(self, name: str, keys: Keyring, *, is_live: bool) -> None:
        self.name = name
        self.is_live = is_live
        self.faults: list[Fault] = []
        self.more = 0
        self._keys = keys

    @abstractmethod
    def held(self) -> AsyncIterator[Held]:
        """Its checkpoints by number, each once."""

    def _counts(self, signed: Signed, place: Place) -> bool:
        """Whether a checkpoint is the server's; one that is not is told of."""
        verdict = self._keys.check(signed.raw, signed.signature) if self._keys else "valid"
        if verdict == "invalid":
            self._fault(place, f"the signature of checkpoint {signed.number} is not one of these bytes")
        elif verdict == "unknown key":
            meaning = (
                f"checkpoint {signed.number} is signed with a key that is none of the server's: give earlier "
                "ones with --keys, if there were any"
            )
            self._fault(place, meaning)
        return verdict == "valid"

    def _fault(self, place: Place, meaning: str) -> None:
        if len(self.faults) < _LISTED:
            self.faults.append(Fault(kind="checkpoint", place=place, meaning=meaning, cause=_FORGER))
        else:
            self.more += 1


class TopicSource(Source):
    """The topic. Of the heads it has the newest of each log, and perhaps older ones.

    Args:
        bus: the broker.
        keys: of the server; an empty one checks no signatures.
    """

    def __init__(self, bus: Bus, keys: Keyring) -> None:
        super().__init__(f"topic {CHECKPOINTS}", keys, is_live=True)
        self._bus = bus
        self._heads: dict[int, list[HeadRecord]] = {}
        self._waiting = 0

    async def held(self) -> AsyncIterator[Held]:
        """Its checkpoints by number, each once; one that was published again must have the same bytes.

        Raises:
            BusError: the broker is away.
        """
        recent: OrderedDict[int, bytes] = OrderedDict()
        last = 0
        async for record in read_topic(self._bus):
            entry = record.entry
            if isinstance(entry, CheckpointError):
                place = _on_topic(record.offset)
                self._fault(place, f"the record is no checkpoint and no head: {entry}")
            elif isinstance(entry, HeadRecord):
                if entry.checkpoint > last:  # else it was published again
                    self._keep(entry)
            elif not self._counts(entry, _on_topic(record.offset, entry.number)):
                continue
            elif entry.number > last:
                last = entry.number
                recent[last] = entry.raw
                if len(recent) > _RECENT:
                    recent.popitem(last=False)
                yield Held(entry, self._heads_of(last))
            elif recent.get(entry.number, entry.raw) != entry.raw:
                meaning = (
                    f"checkpoint {entry.number} stands here again, behind checkpoint {last}, and is another"
                )
                self._fault(_on_topic(record.offset, entry.number), meaning)

    def _keep(self, head: HeadRecord) -> None:
        """Keep a head until its checkpoint comes; of too many, those of the highest numbers are made up."""
        self._heads.setdefault(head.checkpoint, []).append(head)
        self._waiting += 1
        if self._waiting > _HEADS:
            self._waiting -= len(self._heads.pop(max(self._heads)))

    def _heads_of(self, number: int) -> list[HeadRecord]:
        found = self._heads.get(number, [])
        self._heads = {other: heads for other, heads in self._heads.items() if other > number}
        self._waiting = sum(map(len, self._heads.values()))
        return found


def _on_topic(offset: int, number: int | None = None) -> Place:
    return Place(topic=CHECKPOINTS, partition=PARTITION, offset=offset, checkpoint=number)


class FilesSource(Source):
    """A folder or an object store with the files that a server writes, or a copy of it.

    Args:
        files: the place.
        keys: of the server; an empty one checks no signatures.
        is_live: it is the one that the server writes to.
    """

    has_all_heads = True

    def __init__(self, files: CheckpointFiles, keys: Keyring, *, is_live: bool) -> None:
        super().__init__(files.name, keys, is_live=is_live)
        self._files = files

    async def held(self) -> AsyncIterator[Held]:
        """Its checkpoints by number.

        Raises:
            BlobError: the place is away.
        """
        last = 0
        for path in await self._files.paths():
            place = Place(file=f"{self.name.rstrip('/')}/{path}")
            try:
                signed, heads = await self._files.read(path)
            except CheckpointError as error:
                self._fault(place, f"it is no file of this checkpoint: {error}")
                continue
            except BlobNotFoundError:  # listed a moment ago
                self._fault(place, "the file went away while it was read")
                continue
            if signed.number == last:
                self._fault(place, f"checkpoint {last} stands here again")
            elif self._counts(signed, place):
                last = signed.number
                yield Held(signed, heads)


class DatabaseSource(Source):
    """What the log's database itself keeps, which the server goes on from. One that was restored has gaps.

    Args:
        store: the log.
        keys: of the server; an empty one checks no signatures.
    """

    is_published = False

    def __init__(self, store: EventStore, keys: Keyring) -> None:
        super().__init__("the database", keys, is_live=True)
        self._decided = Decided(store, keys)

    async def held(self) -> AsyncIterator[Held]:
        """Its checkpoints by number, without heads.

        Raises:
            StoreUnavailableError: the database is away.
        """
        async for kept in self._decided.records():
            place = Place(table="records", checkpoint=int(kept.key) if kept.key.isdecimal() else None)
            try:
                signed = read_record(kept)
            except CheckpointError as error:
                self._fault(place, f"the record is no checkpoint: {error}")
                continue
            if self._counts(signed, place):
                yield Held(signed, [])
