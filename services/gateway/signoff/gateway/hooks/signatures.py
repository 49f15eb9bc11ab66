"""Signatures of what another system sends: HMAC-SHA256 of the body, with a secret that both sides know.

Two forms are read: ``sha256=<hex>``, or the hex alone, of the body (GitHub), and ``t=<seconds>,v1=<hex>`` of
the time, a dot and the body (Stripe), so that what was overheard cannot be sent again later.
"""

import hmac
from collections.abc import Mapping
from typing import Final

SIGNATURE_HEADERS: Final = ("X-Signoff-Signature", "X-Hub-Signature-256", "Stripe-Signature")
"""Where a signature is looked for, the first that is there."""

TOLERANCE: Final = 300
"""Seconds that the time in a signature may be off."""


def is_signed(
    headers: Mapping[str, str], body: bytes, secret: str, *, header: str | None, now: float
) -> bool:
    """Whether a body comes from somebody who knows the secret.

    Args:
        headers: of the request, names in any case.
        body: as it came, byte for byte.
        secret: of the webhook.
        header: that holds the signature, where it is none of `SIGNATURE_HEADERS`.
        now: seconds since the epoch.
    """
    names = SIGNATURE_HEADERS if header is None else (header,)
    given = next((headers[name] for name in names if name in headers), "")
    fields = [field.strip().partition("=") for field in given.split(",")]
    times = [value for name, _, value in fields if name == "t"]
    if not times:
        return _matches(given.strip().removeprefix("sha256="), body, secret)
    signed = times[0].encode("utf-8", "surrogateescape") + b"." + body
    signatures = [value for name, _, value in fields if name == "v1"]
    return _is_recent(times[0], now) and any(_matches(each, signed, secret) for each in signatures)


def _is_recent(text: str, now: float) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= 12 and abs(now - int(text)) <= TOLERANCE


def _matches(signature: str, signed: bytes, secret: str) -> bool:
    expected = hmac.new(secret.encode(), signed, "sha256").hexdigest()
    return hmac.compare_digest(expected.encode(), signature.lower().encode("utf-8", "surrogateescape"))
