"""Checks of stream tokens."""

from typing import Final

import msgspec

from signoff.client.stream_checks.cursors import body_of
from signoff.client.stream_checks.evidence import FEED, Evidence, expect
from signoff.client.stream_checks.frames import difference
from signoff.client.transport import api_path

_TOKENS: Final = api_path("stream-tokens")


async def opens_its_stream(evidence: Evidence) -> None:
    """S-21."""
    token = await _token(evidence, {"executionId": evidence.execution_id})
    heard = await evidence.heard(f"{evidence.path}?token={token}", bare=True)
    found = difference(evidence.replays[0].blocks, heard.blocks)
    expect(found is None, *(found or ("", "")))


async def opens_nothing_else(evidence: Evidence) -> None:
    """S-22."""
    own = await _token(evidence, {"executionId": evidence.execution_id})
    feeds = await _token(evidence, {"feed": {"types": ["execution:*"]}})
    middle = len(own) // 2
    damaged = own[:middle] + ("A" if own[middle] != "A" else "B") + own[middle + 1 :]
    for token, path, status in (
        (own, FEED, 403),
        (feeds, evidence.path, 403),
        (damaged, evidence.path, 401),
    ):
        told = await evidence.wire.ask("GET", f"{path}?token={token}", bare=True)
        expect(told.status == status, f"{status} from {path}", (told.status, told.body[:200]))


async def _token(evidence: Evidence, of: object) -> str:
    told = await evidence.wire.ask("POST", _TOKENS, body=msgspec.json.encode(of))
    token = body_of(told).get("token")
    expect(isinstance(token, str), "a token", (told.status, told.body[:200]))
    return str(token)
