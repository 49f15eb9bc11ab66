"""Where checkpoints are held: the topic, the server's own files, an auditor's copy. Read in their order."""

from collections import OrderedDict
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final, Protocol

from msgspec import Struct

from signoff.audit.checkpoints.checkpoint import CheckpointError, HeadRecord, Signed, decode_entry
from signoff.audit.checkpoints.files import CheckpointFiles
from signoff.audit.checkpoints.topic import PARTITION, read_topic
from signoff.audit.verify.faults import Fault, Place
from signoff.events.bus.base import Bus
from signoff.events.errors import BlobNotFoundError
from signoff.events.topics import CHECKPOINTS

_RECENT: Final = 10_000
_FORGER: Final = "somebody who can write there, but has not the server's key, changed what is held"


class Held(Struct, frozen=True):
    """A checkpoint with what is held of its heads: all of them, or those that compaction left."""

    signed: Signed
    heads: list[HeadRecord]


class Source(Protocol):
    """A place that holds checkpoints.

    Attributes:
        name: what people call it.
        is_live: the server goes on writing there: it must hold whatever a copy of it holds.
        faults: what was found there that is no checkpoint, known once all was read.
    """

    name: str
    is_live: bool
    faults: list[Fault]

    def held(self) -> AsyncIterator[Held]:
        """Its checkpoints by number, each once."""
        ...


class TopicSource:
    """The topic. Of the heads it has the newest of each log, and perhaps older ones.

    Args:
        bus: the broker.
    """

    def __init__(self, bus: Bus) -> None:
        self.name = f"topic {CHECKPOINTS}"
        self.is_live = True
        self.faults: list[Fault] = []
        self._bus = bus

    async def held(self) -> AsyncIterator[Held]:
        """Its checkpoints by number, each once; one that was published again must have the same bytes.

        Raises:
            BusError: the broker is away.
        """
        heads: dict[int, list[HeadRecord]] = {}
        recent: OrderedDict[int, bytes] = OrderedDict()
        last = 0
        async for record in read_topic(self._bus):
            entry = record.entry
            if isinstance(entry, CheckpointError):
                self._fault(record.offset, f"the record is no checkpoint and no head: {entry}")
            elif isinstance(entry, HeadRecord):
                if entry.checkpoint > last:  # else it was published again
                    heads.setdefault(entry.checkpoint, []).append(entry)
            elif entry.number > last:
                last = entry.number
                recent[last] = entry.raw
                if len(recent) > _RECENT:
                    recent.popitem(last=False)
                yield Held(entry, heads.pop(last, []))
            elif recent.get(entry.number) != entry.raw:
                meaning = (
                    f"checkpoint {entry.number} stands here again, behind checkpoint {last}, and is another"
                )
                self._fault(record.offset, meaning, number=entry.number)

    def _fault(self, offset: int, meaning: str, *, number: int | None = None) -> None:
        place = Place(topic=CHECKPOINTS, partition=PARTITION, offset=offset, checkpoint=number)
        self.faults.append(Fault(kind="checkpoint", place=place, meaning=meaning, cause=_FORGER))


class FilesSource:
    """A folder or an object store with the files that a server writes, or a copy of it.

    Args:
        files: the place.
        is_live: it is the one that the server writes to.
    """

    def __init__(self, files: CheckpointFiles, *, is_live: bool) -> None:
        self.name = files.name
        self.is_live = is_live
        self.faults: list[Fault] = []
        self._files = files

    async def held(self) -> AsyncIterator[Held]:
        """Its checkpoints by number.

        Raises:
            BlobError: the place is away.
        """
        last = 0
        for path in await self._files.paths():
            try:
                signed, heads = await self._files.read(path)
            except CheckpointError as error:
                self._fault(path, f"it is no file of a checkpoint: {error}")
                continue
            except BlobNotFoundError:  # listed a moment ago
                self._fault(path, "the file went away while it was read")
                continue
            if signed.number <= last:
                self._fault(path, f"it holds checkpoint {signed.number}, behind checkpoint {last}")
                continue
            last = signed.number
            yield Held(signed, heads)

    def _fault(self, path: str, meaning: str) -> None:
        place = Place(file=f"{self.name.rstrip('/')}/{path}")
        self.faults.append(Fault(kind="checkpoint", place=place, meaning=meaning, cause=_FORGER))


class SingleFileSource:
    """One file with many checkpoints, such as an auditor makes of a folder with ``cat``.

    Args:
        path: the file; its lines are read one at a time.
    """

    def __init__(self, path: Path) -> None:
        self.name = str(path)
        self.is_live = False
        self.faults: list[Fault] = []
        self._path = path

    async def held(self) -> AsyncIterator[Held]:
        """Its checkpoints by number. Reads the file in between, without waiting for anything else."""
        heads: list[HeadRecord] = []
        last = 0
        with self._path.open("rb") as file:
            for line in file:
                try:
                    entry = decode_entry(line)
                except CheckpointError as error:
                    self._fault(f"behind checkpoint {last} is a line that is none: {error}")
                    continue
                if isinstance(entry, HeadRecord):
                    heads.append(entry)
                elif entry.number <= last:
                    self._fault(f"checkpoint {entry.number} stands behind checkpoint {last}")
                else:
                    last = entry.number
                    yield Held(entry, heads)
                    heads = []
        if heads:
            self._fault(f"the file is cut off: heads behind checkpoint {last}, and no checkpoint after them")

    def _fault(self, meaning: str) -> None:
        place = Place(file=self.name)
        self.faults.append(Fault(kind="checkpoint", place=place, meaning=meaning, cause=_FORGER))
