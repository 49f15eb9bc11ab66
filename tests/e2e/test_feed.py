"""The feed of an embedded server, as a page reads it: a token, then everything that happens."""

import json
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from e2e.shell import Embedded
from e2e.test_embedded import committed

REFUND = "@examples/refund-approval/input.json"
_LIMIT = 20


def _token(server: Embedded, **feed: list[str]) -> str:
    request = urllib.request.Request(
        f"{server.url}/api/stream-tokens",
        headers={"X-API-Key": server.key, "Content-Type": "application/json"},
        data=json.dumps({"feed": feed}).encode(),
    )
    with urllib.request.urlopen(request, timeout=_LIMIT) as response:
        return str(json.load(response)["token"])


@contextmanager
def _feed(server: Embedded, token: str, last: str = "") -> Iterator[IO[bytes]]:
    request = urllib.request.Request(
        f"{server.url}/api/stream?token={token}", headers={"Last-Event-ID": last} if last else {}
    )
    with urllib.request.urlopen(request, timeout=_LIMIT) as response:
        yield response


def _frames(feed: IO[bytes], count: int) -> list[tuple[str, bytes]]:
    """The next frames with data: cursor and data."""
    frames: list[tuple[str, bytes]] = []
    cursor = ""
    while len(frames) < count:
        line = feed.readline()
        assert line, "the feed ended"
        if line.startswith(b"id: "):
            cursor = line[4:].strip().decode()
        elif line.startswith(b"data: "):
            frames.append((cursor, line[6:].rstrip(b"\n")))
    return frames


def test_a_page_follows_what_happens_and_goes_on_after_a_cut_where_it_was(server: Embedded) -> None:
    token = _token(server, types=["execution:*", "pause:*"], workflowId=["refund-approval"])
    with _feed(server, token) as feed:
        ((cursor, opened),) = _frames(feed, 1)
        server.signoff("run", "refund-approval", "--id", "fed", "--input", REFUND)
        before = _frames(feed, 2)
    server.signoff("run", "deploy-gate", "--id", "not-fed", "--input", "@examples/deploy-gate/input.json")
    server.signoff("resume", "fed", "--input", '{"approved": true}')

    expected = [
        event
        for event in committed(server, "fed")
        if json.loads(event)["type"].startswith(("execution:", "pause:"))
    ]
    with _feed(server, token, last=before[-1][0]) as feed:
        after = _frames(feed, len(expected) - 2)
    with _feed(server, token, last=cursor) as feed:
        again = _frames(feed, len(expected))

    assert json.loads(opened) == {"type": "feed:opened"}
    assert [data for _, data in before + after] == expected
    assert again == before + after
