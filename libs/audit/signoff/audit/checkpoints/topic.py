"""Checkpoints on their topic: the heads that a checkpoint commits to, then the checkpoint.

A head's key is its log's id, so that compaction keeps the newest head of every log; a checkpoint's is
``<shard>/<number>``, so that it keeps them all.
"""

from collections.abc import AsyncIterator, Sequence
from typing import Final

import structlog
from msgspec import Struct

from signoff.audit.checkpoints.checkpoint import (
    CheckpointError,
    Entry,
    HeadRecord,
    Signed,
    decode_entry,
    encode_entry,
)
from signoff.audit.checkpoints.signing import Keyring
from signoff.events.bus.base import Bus, Message, Record
from signoff.events.errors import BusUnavailableError
from signoff.events.topics import CHECKPOINTS

PARTITION: Final = 0
"""Of the topic: it has one, so that a checkpoint stands behind its heads."""

_BATCH: Final = 500
_WAIT: Final = 1.0
_SILENCE: Final = 15
_LOOK: Final = 256

_log = structlog.get_logger("signoff.checkpoints")


class TopicEntry(Struct, frozen=True):
    """A record of the topic. ``entry`` is what it says, or why that is nothing."""

    offset: int
    entry: Entry | CheckpointError


async def publish(bus: Bus, signed: Signed, heads: Sequence[HeadRecord]) -> None:
    """Put a checkpoint on the topic behind its heads, and wait until all is there.

    Raises:
        BusError: some of it may not be there: publish it again.
    """
    for start in range(0, len(heads), _BATCH):
        batch = heads[start : start + _BATCH]
        records = [Record(head.log_id.encode(), encode_entry(head)) for head in batch]
        await (await bus.publish(CHECKPOINTS, PARTITION, records))
    key = f"{signed.checkpoint.shard}/{signed.number}".encode()
    await bus.send(CHECKPOINTS, PARTITION, Record(key, encode_entry(signed)))


async def last_on_topic(bus: Bus, keys: Keyring) -> Signed | None:
    """The last checkpoint on the topic that the server signed, ``None`` when it holds none.

    Args:
        bus: the broker.
        keys: of the server.

    Raises:
        BusError: the broker is away.
    """
    first, end = (await bus.bounds(CHECKPOINTS, [PARTITION]))[PARTITION]
    look = 1
    while end > first:
        start, found = max(first, end - look), None
        async for each in read_topic(bus, start=start, end=end):
            if not isinstance(each.entry, Signed):
                continue
            if keys.check(each.entry.raw, each.entry.signature) == "valid":
                found = each.entry
            else:
                _log.error("the topic holds a checkpoint that is none of this server's", offset=each.offset)
        if found is not None:
            return found
        end, look = start, look * _LOOK
    return None


async def read_topic(
    bus: Bus, *, start: int | None = None, end: int | None = None
) -> AsyncIterator[TopicEntry]:
    """The records of the topic, as they stand on it.

    Args:
        bus: the broker.
        start: the first offset; the first that there is.
        end: before this offset; before the end that the topic has now.

    Raises:
        BusError: the broker is away.
    """
    bounds = (await bus.bounds(CHECKPOINTS, [PARTITION]))[PARTITION]
    at, end = max(bounds[0], start or 0), bounds[1] if end is None else end
    if at >= end:
        return
    reader = await bus.reader(CHECKPOINTS)
    try:
        await reader.assign({PARTITION: at})
        silent = 0
        while at < end:
            messages = await reader.poll(wait=_WAIT)
            begin, at = at, await reader.position(PARTITION)
            silent = 0 if at > begin else silent + 1
            if silent > _SILENCE:
                raise BusUnavailableError(f"{CHECKPOINTS} gives nothing after offset {at}")
            for message in messages:
                if message.offset < end:
                    yield TopicEntry(message.offset, _read(message))
    finally:
        await reader.close()


def _read(message: Message) -> Entry | CheckpointError:
    try:
        entry = decode_entry(message.value)
    except CheckpointError as error:
        return error
    key = entry.log_id if isinstance(entry, HeadRecord) else f"{entry.checkpoint.shard}/{entry.number}"
    if message.key != key.encode():
        return CheckpointError(f"its key is {message.key.decode(errors='replace')!r}, not {key!r}")
    return entry
