"""Pages of an execution's events: nothing is left out, however large the events are."""

from typing import Any, Literal
from uuid import UUID

import pytest

from signoff.events.codec import TOPIC_BY_TYPE
from signoff.events.store.base import NewEvent, Recorded
from signoff.events.store.memory import MemoryStore
from signoff.events.store.paging import bytes_of
from signoff.gateway.pages.executions.events import LAST, Family, page_of_events
from support.stores import Writer, log_in

LARGE = b'{"a":"' + b"x" * 700_000 + b'"}'


class CountingStore(MemoryStore):
    """Counts the bytes of events that are read."""

    bytes_read = 0

    async def read(self, *args: Any, **kwargs: Any) -> list[Recorded]:
        page = await super().read(*args, **kwargs)
        self.bytes_read += bytes_of(page)
        return page


async def log_of(store: MemoryStore, events: list[tuple[str, bytes]]) -> UUID:
    writer = await Writer.of(store)
    log_id = log_in(writer.lease.partition)
    await writer.append(
        *(
            NewEvent(log_id, at, TOPIC_BY_TYPE[kind], state)
            for at, (kind, state) in enumerate(events, start=1)
        )
    )
    return log_id


async def pages_of(events: list[tuple[str, bytes]], family: Family | Literal[""]) -> list[list[Recorded]]:
    """All pages of a log, one after the other."""
    store = MemoryStore()
    log_id = await log_of(store, events)
    pages: list[list[Recorded]] = []
    after, more = 0, True
    while more:
        page, more = await page_of_events(store, log_id, after=after, last=LAST, family=family)
        pages.append(page)
        after = page[-1].version if page else after
    return pages


@pytest.mark.parametrize("family", ["", "block"])
async def test_large_events_make_short_pages_that_leave_nothing_out(family: Family | Literal[""]) -> None:
    pages = await pages_of([("block:started", LARGE)] * 20, family)

    assert [each.version for page in pages for each in page] == list(range(1, 21))
    assert max(map(len, pages)) < 20


async def test_small_events_of_a_family_wait_for_large_ones_of_another_topic() -> None:
    log = [("block:completed", LARGE) if at % 5 == 0 else ("block:started", b"{}") for at in range(200)]

    pages = await pages_of(log, "block")

    assert [each.version for page in pages for each in page] == list(range(1, 201))


async def test_events_of_another_family_are_passed_over() -> None:
    pages = await pages_of([("block:started", b"{}"), ("pause:opened", b"{}")] * 60, "pause")

    assert [len(page) for page in pages] == [50, 10]
    assert all(each.version % 2 == 0 for page in pages for each in page)


async def test_a_family_of_many_types_reads_no_more_than_one_type() -> None:
    kinds = [kind for kind in TOPIC_BY_TYPE if kind.startswith("pause:")]
    store = CountingStore()
    log_id = await log_of(store, [(kind, LARGE) for kind in kinds * 10])

    page, more = await page_of_events(store, log_id, after=0, last=LAST, family="pause")

    assert (len(page) > 0, more) == (True, True)
    assert store.bytes_read <= 4 * 1024 * 1024 + len(kinds) * len(LARGE)
