"""Mails that this server sends people itself, by ``SIGNOFF_MAIL_URL``."""

from ipaddress import ip_network
from typing import Final

from signoff.access.errors import CodeNotSentError
from signoff.notify import InvalidNoticeError, Notice, Notifier, addressed

_SCHEMES: Final = ("mailtos", "mailto")
_ANYWHERE: Final = (ip_network("0.0.0.0/0"), ip_network("::/0"))
_WORKERS: Final = 2


class Mail:
    """Sends mails. The operator named the server to send them by, so that it may be private.

    Args:
        url: an Apprise URL without a recipient; ``None``: there is none.
    """

    def __init__(self, url: str | None) -> None:
        self._url = url
        self._notifier: Notifier | None = None

    async def send(self, address: str, title: str, body: str) -> None:
        """Send a text to somebody.

        Raises:
            CodeNotSentError: no server is named, or it did not take the mail.
        """
        if self._url is None:
            raise CodeNotSentError("Codes cannot be mailed: the server's operator must set SIGNOFF_MAIL_URL")
        if self._notifier is None:
            self._notifier = Notifier(schemes=_SCHEMES, networks=_ANYWHERE, workers=_WORKERS)
        try:
            url = addressed(self._url, address)
        except InvalidNoticeError as error:
            raise CodeNotSentError("Codes cannot be mailed: SIGNOFF_MAIL_URL names no mail server") from error
        sent = await self._notifier.send(Notice(url=url, title=title, body=body))
        if not sent.success:
            raise CodeNotSentError(f"The code could not be mailed ({sent.error}); ask for another one")

    async def close(self) -> None:
        """Send nothing any more."""
        if self._notifier is not None:
            await self._notifier.close()
