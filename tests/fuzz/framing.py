"""Bytes that are hardly HTTP: what follows such a request on its connection means nothing any more."""

import random
from collections.abc import Callable
from typing import Final

_BODY: Final = b'{"input":{"name":"Ada"}}'


def broken(raw: bytes, chance: random.Random) -> bytes:
    """A request whose framing is wrong, odd or missing.

    Args:
        raw: a rightly framed one.
        chance: decides.
    """
    head, _, body = raw.partition(b"\r\n\r\n")
    return chance.choice(_WAYS)(head, body, chance)


def _headers(*lines: bytes) -> Callable[[bytes, bytes, random.Random], bytes]:
    def more(head: bytes, body: bytes, _: random.Random) -> bytes:
        return b"\r\n".join([head, *lines]) + b"\r\n\r\n" + body

    return more


def _chunked(*chunks: bytes) -> Callable[[bytes, bytes, random.Random], bytes]:
    def sent(head: bytes, _: bytes, __: random.Random) -> bytes:
        kept = [line for line in head.split(b"\r\n") if not line.lower().startswith(b"content-length")]
        return b"\r\n".join([*kept, b"Transfer-Encoding: chunked"]) + b"\r\n\r\n" + b"".join(chunks)

    return sent


def _always(raw: bytes) -> Callable[[bytes, bytes, random.Random], bytes]:
    return lambda *_: raw


def _cut(head: bytes, body: bytes, chance: random.Random) -> bytes:
    raw = head + b"\r\n\r\n" + body
    return raw[: chance.randrange(len(raw))]


def _flipped(head: bytes, body: bytes, chance: random.Random) -> bytes:
    raw = bytearray(head + b"\r\n\r\n" + body)
    for _ in range(chance.randint(1, 8)):
        raw[chance.randrange(len(raw))] = chance.randrange(256)
    return bytes(raw)


def _noise(_: bytes, __: bytes, chance: random.Random) -> bytes:
    return chance.randbytes(chance.randint(1, 400)) + b"\r\n\r\n"


def _version(version: bytes) -> Callable[[bytes, bytes, random.Random], bytes]:
    return lambda head, body, _: head.replace(b"HTTP/1.1", version, 1) + b"\r\n\r\n" + body


_WAYS: Final[tuple[Callable[[bytes, bytes, random.Random], bytes], ...]] = (
    _cut,
    _flipped,
    _noise,
    lambda head, body, _: head.replace(b"\r\n", b"\n") + b"\n\n" + body,
    lambda head, body, _: b"\r\n\r\n" + head + b"\r\n\r\n" + body,
    lambda head, body, _: head.replace(b": ", b" : ", 1) + b"\r\n\r\n" + body,
    lambda head, body, _: head.replace(b"/", b"http://evil.example/", 1) + b"\r\n\r\n" + body,
    lambda head, body, _: head.replace(b"Host: 127.0.0.1", b"X: y") + b"\r\n\r\n" + body,
    _version(b"HTTP/1.0"), _version(b"HTTP/0.9"), _version(b"HTTP/9.9"), _version(b"HTTP/2"),
    _version(b""),
    _headers(b"Content-Length: 0"), _headers(b"Content-Length: -1"),
    _headers(b"Content-Length: 99999999999999999999"),
    _headers(b"Content-Length: 10000000"), _headers(b"Content-Length: 1", b"Content-Length: 2"),
    _headers(b"Content-Length: x"),
    _headers(b"Transfer-Encoding: chunked"), _headers(b"Transfer-Encoding: gzip, chunked"),
    _headers(b"Transfer-Encoding: x"),
    _headers(b"X: y", b" folded"), _headers(b"no colon"), _headers(b": no name"),
    _headers(b"X\x00: y"), _headers(b"X: \x00"), _headers(b"X: \xff"),
    _headers(b"X: " + b"y" * 20_000), _headers(*[b"X: y"] * 500),
    _headers(b"Expect: 100-continue", b"Content-Length: 5"),
    _headers(b"Upgrade: websocket", b"Connection: Upgrade", b"Sec-WebSocket-Version: 13"),
    _chunked(b"%x\r\n" % len(_BODY), _BODY, b"\r\n0\r\n\r\n"),
    _chunked(b"5;a=b\r\n", b"12345\r\n", b"0\r\nTrailer: x\r\n\r\n"),
    _chunked(b"zz\r\n"), _chunked(b"-5\r\n12345\r\n"), _chunked(b"ffffffffffffffffffff\r\n"),
    _chunked(b"5\r\n12"), _chunked(b"5\r\n1234567\r\n"), _chunked(),
    _always(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    _always(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 100), _always(b"\r\n"),
    _always(b"\x00" * 5000),
    _always(b"GET\r\n\r\n"), _always(b"GET / HTTP/1.1\r\n" + b"A" * 70_000), _always(b"G" * 70_000),
    _always(b"GET " + b"/" * 70_000 + b" HTTP/1.1\r\n\r\n"),
    _always(b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n"),
    _always(b"CONNECT evil.example:443 HTTP/1.1\r\nHost: x\r\n\r\n"),
    _always(b"GET //evil.example HTTP/1.1\r\n\r\n"),
)  # fmt: skip
