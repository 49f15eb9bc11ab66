"""For receivers of Signoff's webhooks: whether a delivery is Signoff's, and new (Standard Webhooks 1.0).

The same delivery may come twice: its ``webhook-id`` is the same each time. The checks need nothing of a
connection, so that they serve in any web framework.
"""

import base64
import binascii
import hashlib
import hmac
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import msgspec
from msgspec import Struct

from signoff.client.answers.executions import StreamEvent
from signoff.client.errors import ClientError, ConfigurationError

TOLERANCE: Final = 300
"""Seconds that a delivery's timestamp may lie in the past or the future."""

_DIGITS: Final = 12
_PREFIX: Final = "whsec_"
_VERSION: Final = "v1"


class InvalidSignatureError(ClientError):
    """The delivery is not to be trusted: answer it with 401 and do nothing."""


class Delivery(Struct, frozen=True, kw_only=True):
    """A delivery that was checked.

    Attributes:
        id: the same on every attempt: what was handled under it need not be handled again.
        timestamp: when this attempt was made, seconds since the epoch.
        event: what happened.
    """

    id: str
    timestamp: int
    event: StreamEvent


def verify(
    body: bytes,
    headers: Mapping[str, str],
    secrets: str | Sequence[str],
    *,
    tolerance: int = TOLERANCE,
    clock: Callable[[], float] = time.time,
) -> Delivery:
    """Check a delivery and read its event.

    Args:
        body: the request's, byte for byte as it came.
        headers: the request's, names in any case.
        secrets: the hook's ``whsec_…``; while it is rotated, the new one and the old one.
        tolerance: seconds that its timestamp may be off.
        clock: seconds since the epoch, UTC.

    Raises:
        InvalidSignatureError: it is not signed with any of the secrets, or too old to be new.
        ConfigurationError: a secret is none.
    """
    given = {name.lower(): value for name, value in headers.items()}
    try:
        id_, sent, signatures = (given[f"webhook-{name}"] for name in ("id", "timestamp", "signature"))
    except KeyError as error:
        raise InvalidSignatureError(f"the delivery has no header {error}") from error
    timestamp = _timestamp(sent, clock(), tolerance)
    signed = b"%s.%d.%s" % (_raw(id_), timestamp, body)
    keys = [_key(secret) for secret in ([secrets] if isinstance(secrets, str) else secrets)]
    if not _is_signed(signed, signatures, keys):
        raise InvalidSignatureError("the delivery is not signed with this secret: was the hook's rotated?")
    try:
        event = msgspec.json.decode(body, type=StreamEvent)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise InvalidSignatureError(f"the delivery holds no event: {error}") from error
    return Delivery(id=id_, timestamp=timestamp, event=msgspec.structs.replace(event, raw=body))


def _timestamp(text: str, now: float, tolerance: int) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= _DIGITS):
        raise InvalidSignatureError("webhook-timestamp is no number of seconds")
    if abs(now - int(text)) > tolerance:
        raise InvalidSignatureError(
            f"webhook-timestamp is over {tolerance} s away from this clock: an old delivery, or a wrong clock"
        )
    return int(text)


def _raw(header: str) -> bytes:
    """A header as it came: bytes that are no UTF-8 arrive as lone surrogates."""
    return header.encode("utf-8", "surrogateescape")


def _key(secret: str) -> bytes:
    try:
        key = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except binascii.Error as error:
        raise ConfigurationError("a secret is whsec_ and base64: take it as it was shown") from error
    if not key:
        raise ConfigurationError("a secret is empty: anybody could sign with it")
    return key


def _is_signed(signed: bytes, signatures: str, keys: Sequence[bytes]) -> bool:
    """Whether one of the signatures is of one of the keys, in a time that tells nothing of them."""
    good = [base64.b64encode(hmac.digest(key, signed, hashlib.sha256)) for key in keys]
    given = [
        _raw(value)
        for version, _, value in (each.partition(",") for each in signatures.split())
        if version == _VERSION
    ]
    return any(hmac.compare_digest(one, other) for one in good for other in given)
