"""Every store tells the time of day."""

import time

from signoff.events.store.base import EventStore
from support.stores import STARTED, Opened

MINUTE = 60.0


async def test_a_store_tells_what_time_it_is(opened: Opened) -> None:
    store: EventStore = opened.store
    by_its_clock = await store.now()

    assert min(abs(by_its_clock - STARTED), abs(by_its_clock - time.time())) < MINUTE
