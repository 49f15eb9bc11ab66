"""From the first migration to the end."""

import asyncio
from uuid import uuid4

import pytest

from signoff.events.errors import SchemaError, StoreUnavailableError
from signoff.events.store.base import EventStore
from support.stores import PARTITIONS, Writer, events


async def test_a_migrated_store_is_in_order_and_migrating_again_changes_nothing(store: EventStore) -> None:
    writer, log = await Writer.of(store), uuid4()
    await writer.append(*events(log, [1]))

    assert await store.migrate(partitions=PARTITIONS) == []

    await store.check(partitions=PARTITIONS)
    await store.ping()
    assert await store.heads([log]) == {log: 1}


async def test_another_number_of_partitions_is_refused(store: EventStore) -> None:
    with pytest.raises(SchemaError, match=str(PARTITIONS)):
        await store.check(partitions=PARTITIONS * 2)
    with pytest.raises(SchemaError, match=str(PARTITIONS)):
        await store.migrate(partitions=PARTITIONS * 2)

    assert len(await store.leases()) == PARTITIONS


async def test_closing_finishes_what_is_under_way_and_then_refuses(store: EventStore) -> None:
    writer = await Writer.of(store)
    appends = [asyncio.create_task(writer.append(*events(uuid4(), [1]))) for _ in range(20)]
    await asyncio.sleep(0)

    await store.close()

    assert all(isinstance(position, int) for position in await asyncio.gather(*appends))
    for refused in (writer.append(*events(uuid4(), [1])), store.ping(), store.last_position()):
        with pytest.raises(StoreUnavailableError):
            await refused
