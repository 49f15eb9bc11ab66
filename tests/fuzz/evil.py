"""Values that have broken servers before, here and elsewhere."""

import json
import random
from typing import Any, Final

TEXTS: Final = (
    "", " ", "\x00", "a\x00b", "\ud800", "\udfff\ud800", "\u202egnirts", "\ufeff", "\u2028", "é",
    "e\u0301", "ﷺ" * 50,
    "𝔘𝔫𝔦", "👩‍👩‍👧‍👦", "'; DROP TABLE stored_events; --", "\" OR 1=1", "%s%n%x", "${7*7}", "{{TOKEN}}",
    "<start.input>",
    "<loop.index>", "<a.b[99999999999999999999]>", "../../../../etc/passwd", "..\\..", "/dev/null",
    "file:///etc/passwd",
    "http://127.0.0.1:1/", "http://[::1]/", "http://169.254.169.254/latest", "javascript:alert(1)",
    "<script>", "\r\nX: y",
    "__proto__", "constructor", "__class__", "null", "true", "NaN", "Infinity", "-0", "1e309", "0x10",
    "٣", "latest", "me",
    "00000000-0000-0000-0000-000000000000", "2026-05-01T12:00:00Z", "9999-12-31T23:59:60+23:59",
    "0000-00-00", "-1",
    "x" * 129, "x" * 5000, "a" * 300 + "!", "*", "sha256:" + "0" * 64, "Bearer", "W/\"\"", "bytes=0-",
    "bytes=5-1,0-", "0-1",
)  # fmt: skip

NUMBERS: Final = (
    "0", "-0", "-1", "1.0", "1e400", "-1e400", "1E+2", "9007199254740993", "9223372036854775807",
    "9223372036854775808",
    "18446744073709551615", "18446744073709551616", "1" * 400, "0." + "0" * 400 + "1", "NaN",
    "Infinity", "00", "+1", "1.", ".5",
)  # fmt: skip
"""As they are written: most are no JSON."""

RAW: Final = (
    '"\\ud800"', '"\\u0000"', '"\\x41"', "'single'", "undefined", "[]", "{}", "[[]]", "null", "true",
    "false", '""', "[" * 120 + "]" * 120,
    "[" * 5000, '{"a":' * 120 + "1" + "}" * 120, '{"a":1,"a":2}', '{"":{}}', '{"__proto__":{"x":1}}',
    "[1,]", "// comment", '"\\u202e"',
    '{"$blob":"sha256:' + "0" * 64 + '","size":1,"mediaType":"a/b"}', '{"$file":{"key":"x"}}',
    '"' + "y" * 100_000 + '"', "[" + "0," * 20_000 + "0]",
)  # fmt: skip
"""Values as they are written in JSON, or something like it."""

BYTES: Final = (
    b"", b"\xff\xfe{\x00}\x00", b"\xef\xbb\xbf{}", b"\x80abc", b"\xc0\xaf", b"\xed\xa0\x80", b"{",
    b"}", b"[", b'"', b"null", b"0", b"\x00", b"{}{}",
    b"a: &a [*a]", b"a: &a [x,x]\nb: &b [*a,*a]\nc: &c [*b,*b]\nd: [*c,*c,*c]",
    b"!!python/object:os.system {}", b"---\n---\n", b"a: *b", b"\t: x",
    b"--edge--", b"--edge\r\n\r\n",
    b"--edge\r\nContent-Disposition: form-data; name=\"f\"; filename=\"\xff\"\r\n\r\nx\r\n--edge--\r\n",
    b"<?xml version='1.0'?>",
)  # fmt: skip
"""Whole bodies."""

SEGMENTS: Final = (
    "..", ".", "", "%2e%2e", "%2F", "%2f..%2f", "%00", "%", "%zz", "%c0%af", "%ff", "%ed%a0%80",
    "%F0%9F%92%A9", "a%20b", "a+b", "a;b=c", "a:b", "*", "~",
    "{id}", "%7Bid%7D", "é", "x" * 4000, "%E2%80%AE", "-", "_", "me", "stream", "null", "0",
    "%0d%0aX:y", "@", "a%3Fb=c", "a%23b", "\\..\\", "%5c", "&", "=", "%25%32%65",
)  # fmt: skip
"""Segments of a path as they are sent."""

HEADERS: Final = (
    ("Content-Type", "text/plain"), ("Content-Type", "application/json; charset=utf-16"),
    ("Content-Type", "multipart/form-data"), ("Content-Type", "a"),
    ("Content-Type", "application/yaml"), ("Content-Type", "multipart/form-data; boundary="),
    ("Content-Encoding", "gzip"), ("Content-Encoding", "br"),
    ("Content-Encoding", "deflate"), ("Content-Encoding", "x"), ("Accept", "text/event-stream"),
    ("Accept", "*/*;q=abc"), ("Accept-Encoding", "identity;q=0"),
    ("Authorization", "Bearer "), ("Authorization", "Basic Og=="), ("Authorization", "Bearer x"),
    ("Authorization", "\udcff"), ("Cookie", "signoff_session=x"),
    ("Cookie", "=;;="), ("Cookie", "a=" + "b" * 4000), ("X-API-Key", "x"), ("X-API-Key", ""),
    ("Host", "evil.example"), ("Host", ""), ("Host", "[::1"), ("Host", "a:b"), ("Host", ":99999"),
    ("Host", "\udcff"), ("Host", "a/b?c#d@e"), ("Origin", "null"),
    ("Origin", "http://[::1"), ("Sec-Fetch-Site", "cross-site"), ("Expect", "100-continue"),
    ("Expect", "x"), ("Connection", "close"), ("Connection", "upgrade"),
    ("Upgrade", "websocket"), ("Upgrade", "h2c"), ("X-Forwarded-For", "1.2.3.4, x"),
    ("X-Forwarded-Host", "evil"), ("Forwarded", "for=\"_x"),
    ("X-HTTP-Method-Override", "DELETE"), ("traceparent", "00-" + "0" * 32 + "-" + "0" * 16 + "-00"),
    ("traceparent", "x"), ("Range", "bytes=-0"),
    ("Range", "bytes=99999999999999999999-"), ("Range", "x=0-1"), ("Range", "bytes=1-0"),
    ("If-Range", "x"), ("If-None-Match", "*"), ("If-None-Match", ",,\"a"),
    ("If-Modified-Since", "x"), ("If-Match", "\""), ("Last-Event-ID", "-1"),
    ("Last-Event-ID", "1" * 100), ("Last-Event-ID", "\udce9"), ("X-Execution-Id", "../x"),
    ("X-Execution-Mode", "async"), ("X-Execution-Mode", "stream"), ("X-Stream-Response", "true"),
    ("X-Sim-Via", "a," * 30), ("X-Execution-Timeout-Seconds", "-1"),
    ("X-Execution-Timeout-Seconds", "²"), ("X-Workspace-Id", "00000000-0000-0000-0000-00000000000g"),
    ("Idempotency-Key", "x" * 256), ("Idempotency-Key", "é"),
    ("X-A", "y" * 7000), ("X-A", "\x01"), ("Access-Control-Request-Method", "PUT"), ("TE", "trailers"),
    ("Via", "1.1 x"), ("Date", "x"),
)  # fmt: skip

METHODS: Final = (
    "HEAD", "OPTIONS", "TRACE", "CONNECT", "PATCH", "PUT", "DELETE", "POST", "GET", "get", "PROPFIND",
    "QUERY", "X" * 100, "G\u00e9T", "M-SEARCH",
)  # fmt: skip


def written(chance: random.Random, *ids: str) -> str:
    """A value as JSON would write it, if it were one."""
    match chance.randrange(5):
        case 0:
            return chance.choice(NUMBERS)
        case 1:
            return chance.choice(RAW)
        case 2:
            return json.dumps(chance.choice(ids))
        case _:
            return json.dumps(chance.choice(TEXTS))


def value(chance: random.Random) -> Any:
    """A value that JSON can hold."""
    return chance.choice(
        (None, True, False, 0, -1, 2**53 + 1, 2**63, 2**70, 1e308, 0.1, [], {}, [[]], *TEXTS)
    )
