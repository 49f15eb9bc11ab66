"""API keys: how they are made, and how they are known again without being kept."""

import secrets
from base64 import b64encode
from hashlib import sha256
from typing import Final

PREFIX: Final = "signoff_"
"""What every key begins with, so that scanners find a key that leaked."""

_RANDOM_BYTES: Final = 32


def new_key() -> str:
    """A new key: 256 random bits. It is shown once and kept nowhere."""
    return PREFIX + secrets.token_urlsafe(_RANDOM_BYTES)


def digest_of(key: str) -> str:
    """What the directory holds of a key: the base64 of its SHA-256.

    A key has 256 random bits, so that no salt and no slow hash are needed: there is nothing to guess.
    """
    # Headers may hold bytes that are no UTF-8, which arrive as lone surrogates.
    return b64encode(sha256(key.encode("utf-8", "surrogateescape")).digest()).decode()
