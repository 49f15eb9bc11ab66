"""By what is sent: the channels of definitions, and the operator's own mail server."""

import asyncio
from ipaddress import ip_network
from typing import Final

from msgspec import Struct

from signoff.notify import Notifier, parse_schemes
from signoff.notify.services import SETTING
from signoff.runtime.errors import SettingsError
from signoff.runtime.guard import parse_networks
from signoff.runtime.settings import Settings

WORKERS: Final = 32
"""Messages that are under way at once: all that tellers have under way, so that none waits here."""

_MAIL: Final = ("mailtos", "mailto")
_ANYWHERE: Final = (ip_network("0.0.0.0/0"), ip_network("::/0"))


class Channels(Struct, frozen=True):
    """By what is sent.

    Attributes:
        authors: by the URLs of definitions, to public addresses.
        own: by the operator's mail server, wherever that is.
        mail_url: of that server; ``None``: there is none.
        public_url: what links begin with; ``""``: nobody knows.
    """

    authors: Notifier
    own: Notifier
    mail_url: str | None
    public_url: str

    @classmethod
    def of(cls, settings: Settings) -> "Channels":
        """Those that settings name; nothing is opened before it is used.

        Raises:
            SettingsError: a channel is none.
        """
        try:
            schemes = parse_schemes(settings.notify_schemes)
        except ValueError as error:
            raise SettingsError(SETTING, f"names of channels: {error}") from error
        networks = parse_networks(",".join(settings.allow_private_networks))
        return cls(
            authors=Notifier(schemes=schemes, networks=networks, workers=WORKERS),
            own=Notifier(schemes=_MAIL, networks=_ANYWHERE, workers=WORKERS),
            mail_url=settings.mail_url,
            public_url=settings.public_url or "",
        )

    async def close(self) -> None:
        """Send nothing any more."""
        await asyncio.gather(self.authors.close(), self.own.close())
