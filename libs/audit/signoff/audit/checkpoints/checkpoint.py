"""A checkpoint and the heads that it commits to, as values and as the bytes that are signed and kept."""

import hashlib
from binascii import b2a_base64
from collections.abc import Sequence
from typing import Annotated, Final, TypeAlias

import msgspec
from msgspec import Meta, Raw, Struct

from signoff.audit.checkpoints.merkle import root_of
from signoff.events.errors import SignoffError
from signoff.events.store.base import Head
from signoff.events.times import is_time

SHARD: Final = 0
"""There is one log database."""

# What is read was perhaps made up: no number is larger than every database and every JSON reader can hold.
Number: TypeAlias = Annotated[int, Meta(ge=1, le=999_999_999_999)]
_Count: TypeAlias = Annotated[int, Meta(ge=0, le=2**53 - 1)]
_Above: TypeAlias = Annotated[int, Meta(ge=1, le=2**53 - 1)]


class CheckpointError(SignoffError):
    """Bytes are no checkpoint and no head."""


class Checkpoint(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """What the log was at a moment: the last event of every log that changed since the checkpoint before.

    Attributes:
        shard: of which log database.
        number: 1, 2, 3 …
        after: the heads are those of events above this position. It is the one that the checkpoint before
            goes up to; a lower one says that the log was found another than was signed, as after a restore,
            and is covered again from there.
        position: up to which it goes.
        heads: how many logs changed.
        root: the Merkle root over their heads, sorted by the log's id: base64 of its 32 bytes.
        time: when it was made.
        previous: base64 of the SHA-256 of the bytes of the checkpoint before, which commit to all earlier.
    """

    shard: _Count
    number: Number
    after: _Count
    position: _Above
    heads: _Count
    root: str
    time: str
    previous: str | None = None


class Leaf(Struct, frozen=True, rename="camel"):
    """The head of a log as a checkpoint commits to it: the leaf of the tree is the JSON of these fields.

    Attributes:
        log_id: names the log.
        event_id: of its last event.
        hash: base64 of the SHA-256 of that event's bytes: what the next event carries as ``prev``.
    """

    log_id: str
    event_id: int
    hash: str


class HeadRecord(Struct, frozen=True, rename="camel"):
    """A leaf as it is kept and published, with the number of its checkpoint."""

    log_id: str
    event_id: _Above
    hash: str
    checkpoint: Number

    @property
    def leaf(self) -> Leaf:
        """What the checkpoint commits to."""
        return Leaf(self.log_id, self.event_id, self.hash)


class Signed(Struct, frozen=True):
    """A checkpoint with its very bytes and their signature, a detached JWS."""

    checkpoint: Checkpoint
    raw: bytes
    signature: str

    @property
    def number(self) -> int:
        """Of the checkpoint."""
        return self.checkpoint.number


Entry: TypeAlias = Signed | HeadRecord
"""What topic and files hold."""


class _Line(Struct, rename="camel"):
    checkpoint: Raw
    signature: str | None = None


_encode: Final = msgspec.json.Encoder().encode
_line: Final = msgspec.json.Decoder(_Line)
_checkpoint: Final = msgspec.json.Decoder(Checkpoint)
_head: Final = msgspec.json.Decoder(HeadRecord)


def digest_text(digest: bytes) -> str:
    """A digest as events and checkpoints write it."""
    return b2a_base64(digest, newline=False).decode("ascii")


def sha256_text(raw: bytes) -> str:
    """The SHA-256 of some bytes, as checkpoints write it."""
    return digest_text(hashlib.sha256(raw).digest())


def leaf_of(head: Head) -> Leaf:
    """The leaf of a head in the log."""
    return Leaf(str(head.log_id), head.version, digest_text(head.digest))


def leaf_bytes(leaf: Leaf) -> bytes:
    """The bytes that the tree is made of."""
    return _encode(leaf)


def root_text(leaves: Sequence[Leaf]) -> str:
    """The root over leaves that are sorted by their log's id."""
    return digest_text(root_of([leaf_bytes(leaf) for leaf in leaves]))


def encode_checkpoint(checkpoint: Checkpoint) -> bytes:
    """The bytes that are signed."""
    return _encode(checkpoint)


def encode_entry(entry: Entry) -> bytes:
    """A line of a file, and the value of a record. The bytes of a checkpoint stand in it as they are."""
    if isinstance(entry, HeadRecord):
        return _encode(entry)
    return b'{"checkpoint":' + entry.raw + b',"signature":' + _encode(entry.signature) + b"}"


def decode_entry(line: bytes) -> Entry:
    """What a line, or the value of a record, says.

    Raises:
        CheckpointError: it is no checkpoint and no head.
    """
    try:
        found = _line.decode(line)
        if found.signature is None:
            return _head.decode(line)
        raw = bytes(found.checkpoint)
        checkpoint = _checkpoint.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise CheckpointError(f"no checkpoint and no head of one: {error}") from error
    if checkpoint.shard != SHARD or not is_time(checkpoint.time):
        raise CheckpointError(f"no checkpoint of shard {SHARD}, or of no time")
    return Signed(checkpoint, raw, found.signature)
