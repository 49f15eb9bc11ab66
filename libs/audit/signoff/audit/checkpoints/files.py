"""Checkpoints in a folder or an object store: for each a file of JSON lines, its heads and itself, by days.

A file is there whole or not at all, and never written again: so an object store may lock it, and a copy of
the folder, at whatever moment, is one that an auditor can hold against the log. Files with other names are
none of ours, such as what an interrupted copy left.
"""

import re
from collections.abc import Sequence
from typing import Final

import structlog

from signoff.audit.checkpoints.checkpoint import (
    SHARD,
    CheckpointError,
    HeadRecord,
    Signed,
    decode_entry,
    encode_entry,
)
from signoff.audit.checkpoints.signing import Keyring
from signoff.events.objects import Objects

_DIGITS: Final = 12
_PATH: Final = re.compile(r"[0-9]+/[0-9]{4}-[0-9]{2}-[0-9]{2}/([0-9]{12})\.jsonl")

_log = structlog.get_logger("signoff.checkpoints")


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
    def open(cls, url: str, *, read_only: bool = False) -> "CheckpointFiles":
        """The files at a URL, as :meth:`~signoff.events.objects.Objects.open` takes it. Does file I/O.

        Args:
            url: of the place.
            read_only: a folder that is missing is not made, and is empty.

        Raises:
            BlobError: there is no such store.
        """
        return cls(Objects.open(url, read_only=read_only), name=url)

    async def write(self, signed: Signed, heads: Sequence[HeadRecord]) -> None:
        """Keep a checkpoint with its heads, durably, where it is not kept yet.

        Raises:
            BlobError: it may not be kept: write it again.
            CheckpointError: something else stands there.
        """
        lines = [encode_entry(head) for head in heads] + [encode_entry(signed)]
        path, content = path_of(signed), b"\n".join(lines) + b"\n"
        if await self._objects.create(path, content):
            return
        there = await self._objects.read(path)
        if there == content:
            return
        if not content.startswith(there):
            raise CheckpointError(f"{path} holds something else than checkpoint {signed.number}")
        await self._objects.write(path, content)  # a folder's file that a power failure cut off

    async def last(self, keys: Keyring, *, after: Signed | None) -> Signed | None:
        """The last checkpoint behind one that the server signed, ``None`` when there is none.

        Raises:
            BlobError: the store is away.
        """
        for path in reversed(await self.paths(after=after)):
            try:
                signed, _ = await self.read(path)
            except CheckpointError as error:
                _log.error("a file of checkpoints is none", path=path, reason=str(error))
                continue
            if keys.check(signed.raw, signed.signature) == "valid":
                return signed
            _log.error("a file holds a checkpoint that is none of this server's", path=path)
        return None

    async def read(self, path: str) -> tuple[Signed, list[HeadRecord]]:
        """A checkpoint and its heads.

        Raises:
            BlobError: the store is away, or has no such file.
            CheckpointError: it is cut off, or says something else, or is of another number than its name.
        """
        signed, heads = parse(await self._objects.read(path))
        if path.rpartition("/")[2] != path_of(signed).rpartition("/")[2]:
            raise CheckpointError(f"it holds checkpoint {signed.number}")
        return signed, heads

    async def paths(self, *, after: Signed | None = None) -> list[str]:
        """The files of checkpoints behind one, or all, by number.

        Raises:
            BlobError: the store is away.
        """
        found = await self._objects.paths(str(SHARD), after="" if after is None else path_of(after))
        return sorted(filter(_PATH.fullmatch, found), key=lambda path: path.rpartition("/")[2])


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
