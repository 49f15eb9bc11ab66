"""Checkpoints in a folder or an object store: for each a file of JSON lines, its heads and itself, by days.

A file is there whole or not at all, and never written again: so an object store may lock it, and a copy of
the folder, at whatever moment, is one that an auditor can hold against the log.
"""

from collections.abc import Sequence
from typing import Final

from signoff.audit.checkpoints.checkpoint import (
    SHARD,
    CheckpointError,
    HeadRecord,
    Signed,
    decode_entry,
    encode_entry,
)
from signoff.events.objects import Objects

_DIGITS: Final = 12


class CheckpointFiles:
    """The files of one shard.

    Args:
        objects: where.
        name: what people call the place.
    """

    def __init__(self, objects: Objects, *, name: str) -> None:
        self._objects = objects
        self.name = name

    @classmethod
    def open(cls, url: str) -> "CheckpointFiles":
        """The files at a URL, as :meth:`~signoff.events.objects.Objects.open` takes it. Does file I/O.

        Raises:
            BlobError: there is no such store.
        """
        return cls(Objects.open(url), name=url)

    async def write(self, signed: Signed, heads: Sequence[HeadRecord]) -> None:
        """Keep a checkpoint with its heads, durably.

        Raises:
            BlobError: it may not be kept: write it again.
        """
        lines = [encode_entry(head) for head in heads] + [encode_entry(signed)]
        await self._objects.write(path_of(signed), b"\n".join(lines) + b"\n")

    async def last(self, *, after: Signed | None) -> Signed | None:
        """The last checkpoint behind one, ``None`` when there is none.

        Raises:
            BlobError: the store is away.
            CheckpointError: the file is none.
        """
        paths = await self._objects.paths(str(SHARD), after="" if after is None else path_of(after))
        return (await self.read(paths[-1]))[0] if paths else None

    async def read(self, path: str) -> tuple[Signed, list[HeadRecord]]:
        """A checkpoint and its heads.

        Raises:
            BlobError: the store is away, or has no such file.
            CheckpointError: it is cut off, or says something else.
        """
        return parse(await self._objects.read(path))

    async def paths(self) -> list[str]:
        """All files, by number.

        Raises:
            BlobError: the store is away.
        """
        return sorted(await self._objects.paths(str(SHARD)), key=lambda path: path.rpartition("/")[2])


def path_of(signed: Signed) -> str:
    """Where a checkpoint is kept: ``<shard>/<day>/<number>.jsonl``."""
    checkpoint = signed.checkpoint
    return f"{checkpoint.shard}/{checkpoint.time[:10]}/{checkpoint.number:0{_DIGITS}}.jsonl"


def parse(content: bytes) -> tuple[Signed, list[HeadRecord]]:
    """The one checkpoint of a file, with its heads.

    Raises:
        CheckpointError: it is cut off, or says something else.
    """
    if not content.endswith(b"\n"):
        raise CheckpointError("the file is cut off in a line")
    *heads, signed = map(decode_entry, content.splitlines())
    if not isinstance(signed, Signed):
        raise CheckpointError("the file is cut off before its checkpoint")
    found = [head for head in heads if isinstance(head, HeadRecord)]
    if len(found) < len(heads):
        raise CheckpointError("the file holds more than one checkpoint")
    return signed, found
