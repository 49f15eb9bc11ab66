"""The AsyncAPI document, with what other libraries put on topics."""

from typing import Final

from msgspec import Struct

from signoff.audit.checkpoints.checkpoint import Checkpoint, HeadRecord
from signoff.events.schemas.asyncapi import document
from signoff.events.schemas.structs import Schema


class SignedCheckpoint(Struct, frozen=True):
    """A checkpoint, with the detached JWS over its very bytes."""

    checkpoint: Checkpoint
    signature: str


_SIGNED: Final = (HeadRecord, SignedCheckpoint)


def build() -> Schema:
    """The document."""
    return document(_SIGNED)
