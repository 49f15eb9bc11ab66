"""Deliveries of webhooks: trusted only where they are signed and new."""

import base64
from datetime import UTC, datetime

import pytest
from standardwebhooks.webhooks import Webhook

from signoff.client import ConfigurationError
from signoff.client.webhooks import InvalidSignatureError, verify

SECRET = "whsec_" + base64.b64encode(b"a secret of 24 bytes or so").decode()
OTHER = "whsec_" + base64.b64encode(b"another secret of its own").decode()
BODY = b'{"type":"pause:opened","eventId":7,"timestamp":"now","workflowId":"w","executionId":"e"}'
NOW = 1_800_000_000


def signed(*secrets: str, body: bytes = BODY, at: int = NOW) -> dict[str, str]:
    """Headers by the specification's own library."""
    moment = datetime.fromtimestamp(at, UTC)
    signatures = [Webhook(secret).sign("h/e/7", moment, body.decode()) for secret in secrets]
    return {"Webhook-Id": "h/e/7", "Webhook-Timestamp": str(at), "Webhook-Signature": " ".join(signatures)}


def check(headers: dict[str, str], *secrets: str, body: bytes = BODY) -> str:
    return verify(body, headers, secrets, clock=lambda: NOW).id


def test_a_signed_delivery_gives_its_event() -> None:
    delivery = verify(BODY, signed(SECRET), SECRET, clock=lambda: NOW)

    assert (delivery.id, delivery.timestamp) == ("h/e/7", NOW)
    assert (delivery.event.type, delivery.event.event_id, delivery.event.raw) == ("pause:opened", 7, BODY)


def test_during_a_rotation_either_secret_will_do() -> None:
    assert check(signed(OTHER, SECRET), SECRET) == "h/e/7"
    assert check(signed(SECRET), OTHER, SECRET) == "h/e/7"


@pytest.mark.parametrize(
    ("headers", "says"),
    [
        (signed(OTHER), "not signed with this secret"),
        (signed(SECRET, body=BODY + b" "), "not signed with this secret"),
        (signed(SECRET, at=NOW - 301), "over 300 s away"),
        (signed(SECRET, at=NOW + 301), "over 300 s away"),
        (signed(SECRET) | {"Webhook-Timestamp": "soon"}, "no number of seconds"),
        (signed(SECRET) | {"Webhook-Timestamp": "9" * 5000}, "no number of seconds"),
        (signed(SECRET) | {"Webhook-Id": "\udcff"}, "not signed with this secret"),
        (signed(SECRET) | {"Webhook-Signature": "v1,\udcff"}, "not signed with this secret"),
        (signed(SECRET) | {"Webhook-Signature": "v2,AAAA v1"}, "not signed with this secret"),
        (signed(SECRET) | {"Webhook-Signature": "v1,é"}, "not signed with this secret"),
        ({"Webhook-Id": "h", "Webhook-Timestamp": "1"}, "has no header 'webhook-signature'"),
    ],
)
def test_what_is_not_to_be_trusted_is_refused(headers: dict[str, str], says: str) -> None:
    with pytest.raises(InvalidSignatureError, match=says):
        check(headers, SECRET)


def test_a_delivery_at_the_edge_of_the_tolerance_is_good() -> None:
    assert check(signed(SECRET, at=NOW - 300), SECRET) == "h/e/7"


def test_a_signed_body_that_is_no_event_is_refused() -> None:
    with pytest.raises(InvalidSignatureError, match="holds no event"):
        check(signed(SECRET, body=b"{}"), SECRET, body=b"{}")


@pytest.mark.parametrize("secret", ["whsec_", "whsec_?", ""])
def test_a_secret_that_is_none_is_the_receivers_fault(secret: str) -> None:
    with pytest.raises(ConfigurationError, match="secret is"):
        check(signed(SECRET), secret)
