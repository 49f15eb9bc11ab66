"""The cursor of a feed: opaque to whoever holds it, and checked when it comes back."""

import os
import struct
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Sequence
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from signoff.tail.errors import BadCursorError

LABEL: Final = b"signoff feed cursors"
"""Derives the keys of cursors from the secrets of a server (`Sealer.keys_for`), the same in all processes."""

_CONTEXT: Final = [b"signoff feed cursor v1"]
_PLAIN: Final = struct.Struct(">BQ4s")
"""The number of the log's shards (one), the position in it, and a salt."""

_SHARDS: Final = 1
_NO_SALT: Final = bytes(4)
_LONGEST: Final = 64
_LARGEST_POSITION: Final = 2**63 - 1


class Cursors:
    """Writes and reads cursors.

    A position counts the events of all workspaces, so that it is encrypted: nobody learns from a cursor
    how much others do. It is the same wherever the same event is sent (AES-SIV, RFC 5297, needs no
    nonce), so that each replay has the very same frames. Where no event is sent a salt makes it another
    one each time, or else it would tell whether anything at all happened.

    Args:
        keys: of 32 bytes, derived with `LABEL`: the newest first; after it earlier ones, whose cursors are
            still read.

    Raises:
        ValueError: there is none.
    """

    def __init__(self, keys: Sequence[bytes]) -> None:
        if not keys:
            raise ValueError("cursors need a key")
        self._ciphers = [AESSIV(key) for key in keys]

    def at_event(self, position: int) -> str:
        """The cursor that goes with the event at a position."""
        return self._sealed(position, _NO_SALT)

    def between(self, position: int) -> str:
        """A cursor of the same place that shows nobody whether it moved."""
        return self._sealed(position, os.urandom(len(_NO_SALT)))

    def _sealed(self, position: int, salt: bytes) -> str:
        sealed = self._ciphers[0].encrypt(_PLAIN.pack(_SHARDS, position, salt), _CONTEXT)
        return urlsafe_b64encode(sealed).decode("ascii")

    def position(self, cursor: str) -> int:
        """The position that a cursor names.

        Raises:
            BadCursorError: it is none of this server's.
        """
        sealed = _bytes(cursor)
        for cipher in self._ciphers:
            try:
                plain = cipher.decrypt(sealed, _CONTEXT)
            except InvalidTag:
                continue
            if len(plain) == _PLAIN.size and plain[0] == _SHARDS:
                position: int = _PLAIN.unpack(plain)[1]
                if position <= _LARGEST_POSITION:
                    return position
        raise BadCursorError


def _bytes(cursor: str) -> bytes:
    if len(cursor) > _LONGEST:
        raise BadCursorError
    try:
        return b64decode(cursor, altchars="-_", validate=True)
    except ValueError as error:  # also of characters that are no ASCII
        raise BadCursorError from error
