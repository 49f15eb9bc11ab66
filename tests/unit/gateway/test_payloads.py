"""Payloads: JSON, a form or text becomes the input; anything else is refused by what is wrong with it."""

import pytest

from signoff.events.types import Json
from signoff.gateway.errors import ApiError
from signoff.gateway.hooks.payloads import read_payload

FORM = "application/x-www-form-urlencoded"


@pytest.mark.parametrize(
    ("raw", "content_type", "payload"),
    [
        (b'{"a": 1}', "application/json", {"a": 1}),
        (b"[1]", "application/vnd.github+json", [1]),
        (b'{"a": 1}', "application/octet-stream", {"a": 1}),
        (b" ", "application/json", {}),
        (b"", FORM, {}),
        (b"a=1&b=&c=x+y%20z", FORM, {"a": "1", "b": "", "c": "x y z"}),
        (b"a=1&a=2", FORM, {"a": ["1", "2"]}),
        (b"payload=%7B%22a%22%3A1%7D", FORM, {"a": 1}),
        (b"payload=plain", FORM, {"payload": "plain"}),
        ("grüß".encode(), "text/plain", "grüß"),
    ],
)
def test_a_body_is_read_by_its_type(raw: bytes, content_type: str, payload: Json) -> None:
    assert read_payload(raw, content_type, None) == payload


def test_a_text_is_read_in_its_charset() -> None:
    assert read_payload("grüß".encode("latin-1"), "text/plain", "latin-1") == "grüß"


@pytest.mark.parametrize(
    ("raw", "content_type", "charset", "status"),
    [
        (b'{"a": NaN}', "application/json", None, 400),
        (b"no json", "application/octet-stream", None, 400),
        (b"\xff", "text/plain", None, 400),
        (b"text", "text/plain", "no-such-charset", 400),
        (b"a=%FF", FORM, None, 400),
        (b"&".join(b"a=1" for _ in range(1001)), FORM, None, 400),
        (b"payload=%7B", FORM, None, 400),
        (b"--x--", "multipart/form-data", None, 415),
        (b"\x89PNG", "image/png", None, 415),
    ],
)
def test_what_is_none_of_them_is_refused(
    raw: bytes, content_type: str, charset: str | None, status: int
) -> None:
    with pytest.raises(ApiError) as refused:
        read_payload(raw, content_type, charset)

    assert refused.value.status == status
