"""Mails that the server sends itself: by whom, and to whom alone."""

import pytest

from signoff.access.errors import CodeNotSentError
from signoff.gateway.people.mail import Mail


async def test_without_a_url_nothing_is_sent_and_the_setting_is_named() -> None:
    mail = Mail(None)

    with pytest.raises(CodeNotSentError, match="SIGNOFF_MAIL_URL"):
        await mail.send("ada@example.org", "A title", "A body")
    await mail.close()
