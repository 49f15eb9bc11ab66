"""Mail URLs with one recipient: a mail for one person goes to nobody else."""

import pytest
from apprise.plugins.email.base import NotifyEmail

from signoff.notify import InvalidNoticeError, addressed

ANN = "ann+work@example.org"


@pytest.mark.parametrize(
    "url",
    [
        "mailtos://user:pass@mail.example.org",
        "mailtos://user:pass@mail.example.org:587/?from=a@example.org",
        "mailtos://user:pass@mail.example.org/eve@example.org/bob@example.org",
        "mailtos://user:pass@mail.example.org?to=eve@example.org&cc=bob@example.org&bcc=x@example.org",
        "mailtos://user:pass@mail.example.org?TO=eve@example.org;%42cc=bob@example.org&+Cc=x@example.org",
        "mailtos://user:pass@mail.example.org?from=a@example.org#b@example.org",
        "MAILTOS://user:pass@mail.example.org",
    ],
)
def test_whoever_else_a_url_names_gets_nothing(url: str) -> None:
    parsed = NotifyEmail.parse_url(addressed(url, ANN))

    assert parsed["targets"] == [ANN]
    assert "cc" not in parsed
    assert "bcc" not in parsed
    assert (parsed["host"], parsed["user"], parsed["password"]) == ("mail.example.org", "user", "pass")


def test_what_else_a_url_says_stays_as_it_was_written() -> None:
    url = "mailtos://mail.example.org:465?user=a%40b.org&pass=a+b%2Bc%20d#e&mode=ssl"

    assert addressed(url, ANN) == (
        "mailtos://mail.example.org:465/?user=a%40b.org&pass=a+b%2Bc%20d#e&mode=ssl&to=ann%2Bwork%40example.org"
    )


@pytest.mark.parametrize(
    ("url", "error"),
    [
        ("slack://a/b/c", "must begin with mailtos://"),
        ("", "must begin with mailtos://"),
        ("{{MAIL}}", "must begin with mailtos://"),
        ("mailtos://eve%40example.org?smtp=mail.example.org", "must name a mail server"),
    ],
)
def test_what_is_no_mail_server_is_refused(url: str, error: str) -> None:
    with pytest.raises(InvalidNoticeError, match=error):
        addressed(url, ANN)
