"""Who signs checkpoints: Ed25519 keys derived from the server's secret; any JOSE library checks them.

They are made here of ``cryptography``: joserfc warns of the name ``EdDSA`` since RFC 9864, and other
libraries do not know the new one yet.
"""

import hashlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Final, Literal, TypeAlias

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from msgspec import Struct

from signoff.audit.checkpoints.checkpoint import CheckpointError

LABEL: Final = b"signoff checkpoints v1"
"""What the secret key is derived with (HKDF, SHA-256, 32 bytes) to sign checkpoints."""

ALGORITHM: Final = "EdDSA"
"""Of RFC 8037."""

CHECKPOINT: Final = "signoff-checkpoint"
BUNDLE: Final = "signoff-bundle"
"""What a signature is of, as its header says (``typ``): the one never passes for the other."""

_LATELY: Final = 16  # the same checkpoint is read from several places, one after the other

Verdict: TypeAlias = Literal["valid", "invalid", "unknown key"]


class PublicKey(Struct, frozen=True, kw_only=True):
    """A public key as a JWK (RFC 8037). ``kid`` is its thumbprint (RFC 7638)."""

    kty: Literal["OKP"] = "OKP"
    crv: Literal["Ed25519"] = "Ed25519"
    x: str
    kid: str
    use: Literal["sig"] = "sig"
    alg: Literal["EdDSA"] = "EdDSA"


class Jwks(Struct, frozen=True):
    """Public keys as a document (RFC 7517)."""

    keys: list[PublicKey]


class _Header(Struct, frozen=True):
    alg: str
    kid: str = ""
    typ: str = ""


_encode: Final = msgspec.json.Encoder().encode
_header: Final = msgspec.json.Decoder(_Header)
_jwks: Final = msgspec.json.Decoder(Jwks)


class Keyring:
    """Public keys by their ids.

    Args:
        keys: of which signatures may be.

    Raises:
        CheckpointError: one of them is no Ed25519 key.
    """

    def __init__(self, keys: Iterable[PublicKey]) -> None:
        self._keys = {key.kid: key for key in keys}
        self._checking = {kid: _public_key(key) for kid, key in self._keys.items()}
        self._check = lru_cache(maxsize=_LATELY)(self._verify)

    @classmethod
    def read(cls, document: bytes) -> "Keyring":
        """The keys of a JWKS document, as ``GET /api/checkpoints/keys`` gives it.

        Raises:
            CheckpointError: it is none, has other keys, or has none at all.
        """
        try:
            keys = _jwks.decode(document).keys
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise CheckpointError(f"no JWKS document of Ed25519 keys: {error}") from error
        if not keys:
            raise CheckpointError("there is no key in it")
        return cls(keys)

    def __or__(self, other: "Keyring") -> "Keyring":
        """The keys of both."""
        return Keyring([*self.jwks().keys, *other.jwks().keys])

    def __bool__(self) -> bool:
        return bool(self._keys)

    def jwks(self) -> Jwks:
        """The keys as a document."""
        return Jwks(list(self._keys.values()))

    def check(self, raw: bytes, signature: str, typ: str = CHECKPOINT) -> Verdict:
        """Whether a detached JWS over some bytes is by one of these keys, and of what it should be."""
        return self._check(raw, signature, typ)

    def _verify(self, raw: bytes, signature: str, typ: str) -> Verdict:
        protected, _, mark = signature.partition("..")
        try:
            header, signed = _header.decode(_decode(protected)), _decode(mark)
        except (msgspec.MsgspecError, ValueError, RecursionError):
            return "invalid"
        if (header.alg, header.typ) != (ALGORITHM, typ):
            return "invalid"
        key = self._checking.get(header.kid)
        if key is None:
            return "unknown key"
        try:
            key.verify(signed, _signing_input(protected, raw))
        except InvalidSignature:
            return "invalid"
        return "valid"


class Signer:
    """Signs with the newest key.

    Args:
        seeds: 32 bytes each, derived from the server's secret keys, the newest first.

    Attributes:
        keys: the public ones of all.
    """

    def __init__(self, seeds: Sequence[bytes]) -> None:
        own = [Ed25519PrivateKey.from_private_bytes(seed) for seed in seeds]
        public = [_named(key.public_key()) for key in own]
        self._key = own[0]
        self._kid = public[0].kid
        self.keys = Keyring(public)

    def sign(self, raw: bytes, typ: str = CHECKPOINT) -> str:
        """A detached JWS (RFC 7515, appendix F) over some bytes.

        Args:
            raw: the bytes.
            typ: what they are.
        """
        protected = _text(_encode({"alg": ALGORITHM, "kid": self._kid, "typ": typ}))
        return f"{protected}..{_text(self._key.sign(_signing_input(protected, raw)))}"


def _signing_input(protected: str, raw: bytes) -> bytes:
    return f"{protected}.{_text(raw)}".encode()


def _named(key: Ed25519PublicKey) -> PublicKey:
    x = _text(key.public_bytes_raw())
    thumbprint = hashlib.sha256(_encode({"crv": "Ed25519", "kty": "OKP", "x": x})).digest()
    return PublicKey(x=x, kid=_text(thumbprint))


def _public_key(key: PublicKey) -> Ed25519PublicKey:
    try:
        return Ed25519PublicKey.from_public_bytes(_decode(key.x))
    except ValueError as error:
        raise CheckpointError(f"the key {key.kid!r} is no Ed25519 key: {error}") from error


def _text(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def _decode(text: str) -> bytes:
    return urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
