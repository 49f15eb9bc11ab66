"""Mail through a real SMTP server, which runs in the same event loop: what blocks it would wait for ever."""

import asyncio
import email
import email.policy

import pytest
from aiosmtpd.smtp import SMTP, AuthResult

from support.notices import notice

ADDRESSES = "from=ops@example.com&to=ann@example.org"


class Mailbox:
    """Takes mail, but for recipients that it does not know."""

    def __init__(self):
        self.port = 0
        self.raw = []
        self.recipients = []
        self.logins = []

    async def handle_RCPT(self, _server, _session, envelope, address, options):  # noqa: N802  (aiosmtpd calls it so)
        if address.startswith("nobody@"):
            return "550 5.1.1 no such mailbox"
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 OK"

    async def handle_DATA(self, _server, _session, envelope):  # noqa: N802
        self.raw.append(envelope.content)
        self.recipients += envelope.rcpt_tos
        return "250 taken"

    def authenticate(self, _server, _session, _envelope, _mechanism, data):
        self.logins.append((data.login, data.password))
        return AuthResult(success=data.password == b"right", handled=False)

    def message(self):
        return email.message_from_bytes(self.raw[0], policy=email.policy.default)


@pytest.fixture
async def open_mailbox(server_tls):
    """Opens mail servers; a secure one wants STARTTLS and a password."""
    servers = []

    async def open_one(*, secure):
        mailbox, loop = Mailbox(), asyncio.get_running_loop()
        wants = {
            "tls_context": server_tls,
            "require_starttls": True,
            "auth_required": True,
            "authenticator": mailbox.authenticate,
        }
        settings = wants if secure else {}
        server = await loop.create_server(
            lambda: SMTP(mailbox, hostname="localhost", loop=loop, **settings), "127.0.0.1", 0
        )
        mailbox.port = server.sockets[0].getsockname()[1]
        servers.append(server)
        return mailbox

    yield open_one
    for server in servers:
        server.close()
        await server.wait_closed()


@pytest.fixture
async def mailbox(open_mailbox):
    return await open_mailbox(secure=False)


@pytest.fixture
async def secure_mailbox(open_mailbox):
    return await open_mailbox(secure=True)


async def test_a_mail_reaches_a_relay_without_encryption_where_that_is_allowed(new_notifier, mailbox):
    sent = await new_notifier().send(notice(f"mailto://127.0.0.1:{mailbox.port}?{ADDRESSES}"))

    assert (sent.channel, sent.success, sent.error) == ("mailto", True, None)
    assert mailbox.message()["Subject"] == "A title"
    assert mailbox.message()["To"] == "ann@example.org"
    assert mailbox.message().get_content().strip() == "A body"


async def test_a_mail_goes_encrypted_and_with_a_login(new_notifier, secure_mailbox, trusted):
    sent = await new_notifier().send(
        notice(f"mailtos://localhost:{secure_mailbox.port}?{ADDRESSES}&user=me&pass=right")
    )

    assert (sent.channel, sent.success, sent.error) == ("mailtos", True, None)
    assert secure_mailbox.logins == [(b"me", b"right")]
    assert secure_mailbox.recipients == ["ann@example.org"]


async def test_a_wrong_password_is_told_by_the_servers_number(new_notifier, secure_mailbox, trusted):
    sent = await new_notifier().send(
        notice(f"mailtos://localhost:{secure_mailbox.port}?{ADDRESSES}&user=me&pass=canary")
    )

    assert sent.error == "its mail server answered 535"
    assert secure_mailbox.raw == []


async def test_a_mail_server_with_a_certificate_that_nobody_trusts_gets_nothing(new_notifier, secure_mailbox):
    sent = await new_notifier().send(
        notice(f"mailtos://localhost:{secure_mailbox.port}?{ADDRESSES}&user=me&pass=right")
    )

    assert sent.error == "the certificate of its host is not trusted"
    assert (secure_mailbox.logins, secure_mailbox.raw) == ([], [])


async def test_a_mail_server_that_does_not_encrypt_gets_nothing(new_notifier, mailbox):
    sent = await new_notifier().send(notice(f"mailtos://127.0.0.1:{mailbox.port}?{ADDRESSES}"))

    assert sent.error == "its mail server does not offer STARTTLS"
    assert mailbox.raw == []


async def test_encryption_cannot_be_turned_off_by_an_option(new_notifier, mailbox):
    sent = await new_notifier().send(notice(f"mailtos://127.0.0.1:{mailbox.port}?{ADDRESSES}&mode=insecure"))

    assert sent.error == "url: mailtos:// is encrypted; without mode=insecure it is"
    assert mailbox.raw == []


async def test_a_recipient_that_the_server_does_not_know_is_told(new_notifier, mailbox):
    url = f"mailto://127.0.0.1:{mailbox.port}?from=ops@example.com&to=nobody@example.org"

    sent = await new_notifier().send(notice(url))

    assert sent.error == "its mail server answered 550"


async def test_an_address_that_is_none_keeps_the_mail_from_everybody(new_notifier, mailbox):
    url = f"mailto://127.0.0.1:{mailbox.port}?from=ops@example.com&to=ann@example.org&cc=nonsense"

    sent = await new_notifier().send(notice(url))

    assert sent.error == "url: one of its addresses is none"
    assert mailbox.raw == []


@pytest.mark.parametrize("line_break", ["\n", "\r\n", "\r", "\u2028", "\x0b", "\x85"])
async def test_a_line_break_in_a_title_adds_no_header(new_notifier, mailbox, line_break):
    url = f"mailto://127.0.0.1:{mailbox.port}?{ADDRESSES}"
    title = f"Pay 5 €{line_break}Bcc: eve@example.org{line_break}{line_break}Another body"

    sent = await new_notifier().send(notice(url, title=title))

    assert sent.success
    assert mailbox.message()["Bcc"] is None
    assert mailbox.message()["Subject"] == "Pay 5 € Bcc: eve@example.org Another body"
    assert mailbox.recipients == ["ann@example.org"]


async def test_a_line_break_in_a_name_adds_no_header(new_notifier, mailbox):
    url = f"mailto://127.0.0.1:{mailbox.port}?{ADDRESSES}&name=Ann%0d%0aBcc:%20eve@example.org"

    sent = await new_notifier().send(notice(url))

    assert sent.error.startswith("url: has control characters")
    assert mailbox.raw == []


async def test_a_mail_server_in_a_private_network_is_not_reached(new_notifier, mailbox):
    for host in ("127.0.0.1", "localhost"):
        sent = await new_notifier(networks=()).send(notice(f"mailto://{host}:{mailbox.port}?{ADDRESSES}"))

        assert "Address 127.0.0.1 is not public" in sent.error or "Address ::1 is not public" in sent.error
    assert mailbox.raw == []


async def test_the_server_of_an_option_is_checked_as_well(new_notifier, mailbox):
    url = f"mailto://example.com:{mailbox.port}?{ADDRESSES}&smtp=127.0.0.1"

    sent = await new_notifier(networks=()).send(notice(url))

    assert "Address 127.0.0.1 is not public" in sent.error
