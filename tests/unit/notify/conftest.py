"""Servers on loopback that stand for mail servers and chat services, and a notifier that may reach them."""

import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from signoff.notify import DEFAULT_SCHEMES, Notifier
from signoff.notify.services import PLAIN
from support.hooks import Receiver
from support.notices import LOOPBACK, Chat

NewNotifier = Callable[..., Notifier]


@pytest.fixture
async def new_notifier() -> AsyncIterator[NewNotifier]:
    """Makes notifiers that may reach this machine, by any channel; they are closed in the end."""
    async with AsyncExitStack() as stack:

        def make(**settings: Any) -> Notifier:
            fields = {
                "schemes": DEFAULT_SCHEMES | PLAIN,
                "networks": LOOPBACK,
                "time_limit": 10.0,
                **settings,
            }
            notifier = Notifier(**fields)
            stack.push_async_callback(notifier.close)
            return notifier

        yield make


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with Receiver().serving() as receiver:
        yield receiver


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for this machine with its key, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))]),
            critical=False,
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + signed.public_bytes(serialization.Encoding.PEM))
    return path


@pytest.fixture
def server_tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


@pytest.fixture
def trusted(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both `requests` and `smtplib` trust the certificate."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))


@pytest.fixture
async def chat(server_tls: ssl.SSLContext, trusted: None) -> AsyncIterator[Chat]:
    async with Chat().serving(server_tls) as chat:
        yield chat
