"""Secrets at rest: AES-GCM under keys derived from ``SIGNOFF_SECRET_KEY``, with rotation."""

import hmac
import os
from collections.abc import Sequence
from hashlib import sha256
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from signoff.access.errors import SealError

_VERSION: Final = b"\x01"
_KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12
_NAME_BYTES: Final = 8
_DIGEST_DIGITS: Final = 32
_HEAD: Final = len(_VERSION) + _NAME_BYTES + _NONCE_BYTES


class Sealer:
    """Encrypts and authenticates small secrets.

    What is sealed is bound to a context, such as ``environment/<workspace>/<name>``: put elsewhere, it
    does not open. Format: version (1 byte), name of the key (8), nonce (12), ciphertext with its tag.

    Args:
        secrets: the secret key of the server first; after it earlier ones, which only open.

    Raises:
        ValueError: there is none.
    """

    def __init__(self, secrets: Sequence[bytes]) -> None:
        if not secrets:
            raise ValueError("a sealer needs a secret key")
        keys = [_derived(secret, b"signoff sealing v1") for secret in secrets]
        self._digest_key = _derived(secrets[0], b"signoff digests v1")
        self._secrets = tuple(secrets)
        self._newest = _name_of(keys[0])
        self._keys = {_name_of(key): AESGCM(key) for key in keys}

    def seal(self, plain: bytes, *, context: str) -> bytes:
        """Encrypt under the newest key."""
        nonce = os.urandom(_NONCE_BYTES)
        return (
            _VERSION + self._newest + nonce + self._keys[self._newest].encrypt(nonce, plain, context.encode())
        )

    def open(self, sealed: bytes, *, context: str) -> bytes:
        """Decrypt what was sealed for this context.

        Raises:
            SealError: it was sealed under a key that is not known here, for another context, or changed.
        """
        key = self._keys.get(sealed[1 : 1 + _NAME_BYTES])
        if sealed[:1] != _VERSION or len(sealed) < _HEAD or key is None:
            raise SealError("sealed under another SIGNOFF_SECRET_KEY: name it in SIGNOFF_SECRET_KEY_PREVIOUS")
        try:
            return key.decrypt(sealed[1 + _NAME_BYTES : _HEAD], sealed[_HEAD:], context.encode())
        except InvalidTag as error:
            raise SealError(f"what is kept for {context} was changed, or moved from elsewhere") from error

    def keys_for(self, label: bytes) -> list[bytes]:
        """Keys of 32 bytes for another purpose, derived from the server's secrets: the newest first.

        Args:
            label: the purpose, which nothing else is derived with.
        """
        return [_derived(secret, label) for secret in self._secrets]

    def digest(self, plain: bytes) -> str:
        """Names a secret: 32 hexadecimal digits that tell nothing to whoever lacks the newest key."""
        return hmac.digest(self._digest_key, plain, "sha256").hex()[:_DIGEST_DIGITS]

    def is_newest(self, sealed: bytes) -> bool:
        """Whether it is sealed under the newest key; otherwise it should be sealed again."""
        return sealed[1 : 1 + _NAME_BYTES] == self._newest


def _derived(secret: bytes, info: bytes) -> bytes:
    return HKDF(SHA256(), _KEY_BYTES, salt=None, info=info).derive(secret)


def _name_of(key: bytes) -> bytes:
    return sha256(b"signoff key name" + key).digest()[:_NAME_BYTES]
