"""Events of types that this version does not know are passed on like any other, from the log and live."""

import asyncio

import pytest

from signoff.events.codec import TOPIC_BY_TYPE
from signoff.events.types import EventData
from signoff.tail import Frame, Hub
from support.growing_logs import LIMIT, Ledger, completed, started, until


class Invented(EventData, frozen=True, kw_only=True):
    """Something that only a newer version knows."""

    TYPE = "later:invented"
    x: int


async def test_a_reader_gets_newer_events_byte_by_byte(
    hub: Hub, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(TOPIC_BY_TYPE, Invented.TYPE, "signoff:LaterInvented")
    log = ledger.log()
    await log.add(started(), Invented(x=1), status="running")

    async def read() -> list[bytes]:
        return [each.raw async for each in hub.follow(log.log_id, after=0) if isinstance(each, Frame)]

    async with asyncio.timeout(LIMIT):
        reading = asyncio.create_task(read())
        await until(lambda: hub.live)
        await log.add(Invented(x=2))
        await log.add(completed(), status="completed")
        frames = await reading

    assert frames == log.raws
