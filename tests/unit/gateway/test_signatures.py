"""Signatures: only who knows the secret, and for a signed time only about then."""

import hmac

import pytest
from multidict import CIMultiDict

from signoff.gateway.hooks.signatures import TOLERANCE, is_signed

SECRET = "it is a secret"
BODY = b'{"a": 1}'
NOW = 1_750_000_000.0


def digest(body: bytes, secret: str = SECRET) -> str:
    return hmac.new(secret.encode(), body, "sha256").hexdigest()


def timed(at: float, body: bytes = BODY) -> str:
    return f"t={int(at)},v1={digest(f'{int(at)}.'.encode() + body)}"


def signed(header: str | None = None, **headers: str) -> bool:
    given = CIMultiDict({name.replace("_", "-"): value for name, value in headers.items()})
    return is_signed(given, BODY, SECRET, header=header, now=NOW)


@pytest.mark.parametrize(
    "given",
    [
        {"X_Signoff_Signature": f"sha256={digest(BODY)}"},
        {"x_signoff_signature": digest(BODY).upper()},
        {"X_Hub_Signature_256": f"sha256={digest(BODY)}"},
        {"Stripe_Signature": timed(NOW)},
        {"Stripe_Signature": f"t={int(NOW)}, v0=abc, v1=abc, {timed(NOW).partition(',')[2]}"},
        {"X_Signoff_Signature": timed(NOW - TOLERANCE)},
        {"X_Signoff_Signature": timed(NOW + TOLERANCE)},
    ],
)
def test_a_signature_made_with_the_secret_is_taken(given: dict[str, str]) -> None:
    assert signed(**given)


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"X_Signoff_Signature": ""},
        {"X_Signoff_Signature": "sha256="},
        {"X_Signoff_Signature": f"sha256={digest(BODY, 'another')}"},
        {"X_Signoff_Signature": f"sha256={digest(BODY + b' ')}"},
        {"X_Signoff_Signature": f"sha1={digest(BODY)}"},
        {"X_Signoff_Signature": f"sha256={digest(BODY)[:-1]}"},
        {"X_Signoff_Signature": "\udcff\udcfe"},
        {"X_Other": f"sha256={digest(BODY)}"},
        {"Stripe_Signature": timed(NOW - TOLERANCE - 1)},
        {"Stripe_Signature": timed(NOW + TOLERANCE + 1)},
        {"Stripe_Signature": timed(NOW, b"other")},
        {"Stripe_Signature": f"t={int(NOW)}"},
        {"Stripe_Signature": f"t={int(NOW)},v1={digest(BODY)}"},
        {"Stripe_Signature": f"t=soon,v1={digest(b'soon.' + BODY)}"},
        {"Stripe_Signature": f"t={'9' * 5000},v1={digest(BODY)}"},
        {"Stripe_Signature": f"t=,v1={digest(b'.' + BODY)}"},
    ],
)
def test_any_other_is_not(given: dict[str, str]) -> None:
    assert not signed(**given)


def test_a_header_of_the_authors_choice_is_the_only_one_that_counts() -> None:
    assert signed("X-Line-Signature", X_Line_Signature=digest(BODY))
    assert not signed("X-Line-Signature", X_Signoff_Signature=digest(BODY))
