"""The hands of those who write to the records of checkpoints in a database."""

from collections.abc import Callable, Mapping
from typing import Final
from uuid import UUID

import msgspec

from signoff.audit.checkpoints.checkpoint import Signed, encode_checkpoint, encode_entry
from signoff.audit.checkpoints.decided import KIND, read_record
from signoff.audit.checkpoints.signing import Signer
from signoff.events.store.base import EventStore

STRANGER: Final = Signer([b"a stranger's seed of 32 bytes ..."[:32]])
"""Who has a key, and not the server's."""


def _by_another_key(real: Signed) -> bytes:
    return encode_entry(Signed(real.checkpoint, real.raw, STRANGER.sign(real.raw)))


def _of_other_bytes(real: Signed) -> bytes:
    return encode_entry(msgspec.structs.replace(real, raw=real.raw.replace(b'"shard":0', b'"shard":0 ')))


def _of_a_number_beyond_all(real: Signed) -> bytes:
    checkpoint = msgspec.structs.replace(real.checkpoint, number=2**63)
    raw = encode_checkpoint(checkpoint)
    return encode_entry(Signed(checkpoint, raw, STRANGER.sign(raw)))


SPOILT: Final[Mapping[str, Callable[[Signed], bytes]]] = {
    "another key": _by_another_key,
    "other bytes": _of_other_bytes,
    "a number beyond all": _of_a_number_beyond_all,
    "no JSON": lambda _: b"\xff\x00",
    "nothing": lambda _: b"",
}
"""What a record is made to hold instead of a checkpoint."""


async def spoil(store: EventStore, spoilt: Callable[[Signed], bytes], *, number: int = 1) -> None:
    """Put something in the place of a checkpoint that a database has."""
    scope, key = UUID(int=0), f"{number:012}"
    kept = await store.records.get(KIND, scope, key)
    assert kept is not None
    await store.records.put(KIND, scope, key, spoilt(read_record(kept)))
