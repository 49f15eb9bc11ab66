"""Mails that the server sends itself: by whom, and to whom alone."""

import pytest

from signoff.access.errors import CodeNotSentError
from signoff.gateway.people.mail import Mail, addressed


@pytest.mark.parametrize(
    ("url", "whole"),
    [
        ("mailtos://smtp.example.org", "mailtos://smtp.example.org?to=ada%40example.org"),
        (
            "mailtos://me:a%2Fb@smtp.example.org:465?from=signoff%40example.org",
            "mailtos://me:a%2Fb@smtp.example.org:465?from=signoff%40example.org&to=ada%40example.org",
        ),
        ("mailtos://smtp.example.org?to=boss@example.org", "mailtos://smtp.example.org?to=ada%40example.org"),
    ],
)
def test_a_mail_goes_to_its_one_recipient(url: str, whole: str) -> None:
    assert addressed(url, "ada@example.org") == whole


@pytest.mark.parametrize("address", ["a&cc=eve@example.org", "a?b@example.org", "a#b@example.org"])
def test_an_address_adds_nothing_to_the_url(address: str) -> None:
    url = addressed("mailtos://smtp.example.org", address)

    assert url.count("&") == url.count("#") == 0
    assert url.count("?") == 1


async def test_without_a_url_nothing_is_sent_and_the_setting_is_named() -> None:
    mail = Mail(None)

    with pytest.raises(CodeNotSentError, match="SIGNOFF_MAIL_URL"):
        await mail.send("ada@example.org", "A title", "A body")
    await mail.close()
