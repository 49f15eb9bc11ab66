"""A mail server on loopback that keeps what it is sent; it runs in the test's own loop."""

import asyncio
import email
import email.policy
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email.message import EmailMessage
from typing import Any

from aiosmtpd.smtp import SMTP

from support.executors import until


class MailServer:
    """Takes mail for anybody, in the clear and without a login.

    Attributes:
        received: recipients and message of each mail, in the order in which they came.
    """

    def __init__(self) -> None:
        self.port = 0
        self.received: list[tuple[list[str], EmailMessage]] = []

    @property
    def url(self) -> str:
        """An Apprise URL without recipients."""
        return f"mailto://127.0.0.1:{self.port}?from=signoff@example.org"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802  (aiosmtpd's)
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        self.received.append((list(envelope.rcpt_tos), message))
        return "250 taken"

    @asynccontextmanager
    async def serving(self) -> AsyncIterator["MailServer"]:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: SMTP(self, hostname="localhost", loop=loop), "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        yield self
        server.close()
        await server.wait_closed()

    async def until(self, count: int) -> list[tuple[list[str], EmailMessage]]:
        """Wait for some mails, and give all."""
        await until(lambda: len(self.received) >= count)
        return self.received

    def to(self, address: str) -> list[EmailMessage]:
        """The mails that somebody got, and nobody else with them."""
        return [message for people, message in self.received if people == [address]]
