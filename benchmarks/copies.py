"""Copies of executions, each under an id of its own with its pause point, as an executor writes them."""

import random
from collections.abc import Iterator, Mapping, Sequence
from typing import Final
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from signoff.events.codec import chain_hash
from signoff.events.ids import new_id
from signoff.events.store.base import Append, EventStore, ExecutionRow, NewEvent, PointRow, Recorded
from signoff.events.topics import PARTITIONS, partition_of

_AT_ONCE: Final = 500
_DAYS: Final = 100 * 86_400.0


class _Sample(Struct, frozen=True, kw_only=True):
    """An execution that is copied: its events, its row, its open point, and how many of a hundred are it."""

    events: list[Recorded]
    row: ExecutionRow
    point: PointRow | None
    share: int


async def fill(store: EventStore, shares: Mapping[str, int], count: int) -> None:
    """Write copies of executions, over a hundred days, as their partitions' only owner.

    Args:
        store: of a server that is stopped.
        shares: of a hundred copies, how many are of which execution.
        count: how many copies.

    Raises:
        RuntimeError: somebody else owns partitions, or there is no such execution.
    """
    samples = [await _sample(store, execution_id, share) for execution_id, share in shares.items()]
    leases = {
        each.partition: each.epoch for each in await store.acquire("filler", most=PARTITIONS, ttl=3_600)
    }
    if len(leases) < PARTITIONS:
        raise RuntimeError("the server has not given its partitions back")
    chance = random.Random(1)
    for done in range(0, count, _AT_ONCE):
        for append in _appends(leases, samples, chance, done / count):
            await store.append(append)
    position = await store.last_position()
    await store.relayed({partition: (epoch, position) for partition, epoch in leases.items()})
    await store.release(leases, owner="filler")


async def _sample(store: EventStore, execution_id: str, share: int) -> _Sample:
    row = await store.execution(UUID(execution_id))
    if row is None:
        raise RuntimeError(f"execution {execution_id} is not in the log")
    point = await store.point(row.log_id, "approve")
    return _Sample(events=await store.read(row.log_id), row=row, point=point, share=share)


def _appends(
    leases: dict[int, int], samples: Sequence[_Sample], chance: random.Random, share: float
) -> Iterator[Append]:
    by_partition: dict[int, Append] = {}
    for sample in chance.choices(samples, weights=[each.share for each in samples], k=_AT_ONCE):
        log_id = new_id()
        number = partition_of(log_id)
        append = by_partition.setdefault(number, Append(partition=number, epoch=leases[number]))
        moved = -_DAYS * (1 - share) - chance.random()
        append.events += _copy(sample.events, log_id)
        append.rows.append(_moved(sample.row, log_id, number, moved))
        if sample.point is not None:
            append.rows.append(replace(sample.point, log_id=log_id, opened_at=sample.point.opened_at + moved))
    yield from by_partition.values()


def _moved(row: ExecutionRow, log_id: UUID, partition: int, moved: float) -> ExecutionRow:
    return replace(
        row,
        log_id=log_id,
        partition=partition,
        started_at=row.started_at + moved,
        updated_at=row.updated_at + moved,
        ended_at=None if row.ended_at is None else row.ended_at + moved,
    )


def _copy(original: Sequence[Recorded], log_id: UUID) -> Iterator[NewEvent]:
    old, new, before, prev = str(original[0].log_id).encode(), str(log_id).encode(), "", ""
    for event in original:
        state = event.state.replace(old, new).replace(before.encode(), prev.encode(), 1 if before else 0)
        yield NewEvent(log_id, event.version, event.topic, state)
        before, prev = chain_hash(event.state), chain_hash(state)
