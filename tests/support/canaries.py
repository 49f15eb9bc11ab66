"""Secrets that nothing else is like, and a client that remembers everything it was ever answered."""

import asyncio
import base64
import secrets
from collections.abc import Collection, Mapping
from typing import Any
from urllib.parse import quote

import aiohttp
from msgspec import Struct


class Canaries:
    """Secrets by name; each is unlike any other text."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}

    def new(self, name: str) -> str:
        """Plant one."""
        self._known[name] = f"Canary{secrets.token_hex(16)}"
        return self._known[name]

    def learn(self, name: str, secret: str) -> str:
        """One that the server made itself."""
        self._known[name] = secret
        return secret

    def of(self, name: str) -> str:
        """One that was planted."""
        return self._known[name]

    def seen(self, text: bytes, *, shown: Collection[str] = ()) -> list[str]:
        """The names of those that stand in some bytes, as they are or encoded, but for those that may."""
        return [
            name
            for name, secret in self._known.items()
            if name not in shown and any(each in text for each in _spellings(secret))
        ]


def _spellings(secret: str) -> set[bytes]:
    raw = secret.encode()
    return {
        raw,
        quote(secret, safe="").encode(),
        raw.hex().encode(),
        base64.b64encode(raw).rstrip(b"="),
        base64.urlsafe_b64encode(raw).rstrip(b"="),
    }


class Answered(Struct, frozen=True):
    """All of an answer; ``shown`` are the secrets that it is there to show."""

    request: str
    status: int
    headers: Mapping[str, str]
    body: bytes
    shown: Collection[str] = ()

    @property
    def everything(self) -> bytes:
        """Headers and body."""
        return repr(list(self.headers.items())).encode() + self.body


class Remembering:
    """Calls a server.

    Args:
        url: of the server.

    Attributes:
        answers: every one.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self.answers: list[Answered] = []

    async def send(self, method: str, path: str, *, shown: Collection[str] = (), **given: Any) -> Answered:
        """Send a request, on a connection and with cookies of its own; streams are read to their end."""
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=20)) as session,
            session.request(method, self._url + path, allow_redirects=False, **given) as response,
        ):
            body = await response.read()
        answered = Answered(f"{method} {path}", response.status, response.headers, body, shown)
        self.answers.append(answered)
        return answered

    async def listen(self, path: str, *, until: bytes, **given: Any) -> None:
        """Read a stream that does not end, until something came."""
        body = b""
        async with aiohttp.ClientSession() as session, session.get(self._url + path, **given) as response:
            async with asyncio.timeout(20):
                while until not in body:
                    body += await response.content.readline()
        self.answers.append(Answered(f"GET {path}", response.status, response.headers, body))
