"""Inboxes over many open points: `python -m benchmarks inbox [--postgres] [--points N]`.

Each question is asked for everybody, in every order, at its first page and at its 200th, and counted. What a
point asks for (a role or a group, a deadline, a priority) follows from its workflow, as it does in life: so
lists are long and one-sided.
"""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from itertools import islice, product
from typing import Any, Final
from urllib.parse import quote
from uuid import UUID

import uvloop
from benchmarks.figures import Figure, Target, percentile, table
from benchmarks.inprocess import Load
from msgspec import Struct
from msgspec.structs import replace

from signoff.events.ids import new_id
from signoff.events.store import open_store
from signoff.events.store.base import Append, EventStore, NewEvent, PointGone, PointRow, Row
from signoff.events.store.inbox import InboxOrder, InboxPlace, InboxSearch
from signoff.events.store.ordering import inbox_place
from signoff.events.topics import PARTITIONS

_POSTGRES_POINTS: Final = 1_000_000
_SQLITE_POINTS: Final = 100_000
_TARGET: Final = Target(50.0)
_ROUNDS: Final = 3
_PAGE: Final = 50
_STEP: Final = 1_000
_FAR: Final = 200
_AT_ONCE: Final = 500
_WRITERS: Final = 64
_SECONDS: Final = 3.0
_WORKFLOWS: Final = 200
_NOW: Final = 1_790_000_000.0
_HOUR: Final = 3_600.0
_DAY: Final = 24 * _HOUR
_WORKSPACE: Final = UUID(int=7)
_STATE: Final = b'{"type":"pause:opened","data":"' + b"x" * 484 + b'"}'
_ORDERS: Final[tuple[InboxOrder, ...]] = ("opened", "due", "priority")

_WHO: Final[Mapping[str, tuple[str, ...]]] = {
    "7 of a person": ("user:ann",),
    "50 of a group": ("group:small",),
    "1% of a late group, all low": ("group:late",),
    "30% of a group": ("group:large",),
    "50% of a role": ("role:approver",),
    "anybody's 20%": ("anybody",),
    "all that a person may decide": ("user:ann", "group:small", "group:large", "role:approver", "anybody"),
    "the workspace": (),
}
_FILTERS: Final[Mapping[str, dict[str, Any]]] = {
    "no filter": {},
    "free and not excluded": {"free_for": "ann", "not_excluded": "ann"},
    "claimed by a person": {"claimed_by": "ann"},
    "a workflow": {"workflow_ids": ("workflow-70",)},
    "urgent": {"priorities": (3,)},
    "low": {"priorities": (0,)},
    "overdue": {"due_before": _NOW},
    "due within an hour": {"due_after": _NOW, "due_before": _NOW + _HOUR},
    "opened within a day": {"opened_after": _NOW - _DAY},
    "returned": {"returned": True},
    "a rare word": {"text": "number4711"},
    "a word of one in a hundred": {"text": "topic42"},
    "a word of all": {"text": "appro"},
    "a word of none": {"text": "nowhere"},
}


class Asked(Struct, frozen=True):
    """One query: of a kind, described, and the milliseconds that it took."""

    kind: str
    text: str
    taken: float


def _points(count: int) -> Iterator[PointRow]:
    """Open points, the oldest first, over 100 days."""
    chance = random.Random(1)
    for number in range(count):
        workflow = chance.randrange(_WORKFLOWS)
        opened_at = _NOW - 100 * _DAY * (1 - number / count)
        topic = chance.randrange(100)
        title = f"Approve payment number{number % 99991} topic{topic} of supplier {number % 9973}"
        yield PointRow(
            log_id=new_id(),
            context_id=str(UUID(int=workflow + 1)),
            workspace_id=_WORKSPACE,
            workflow_id=f"workflow-{workflow}",
            block_id=str(UUID(int=workflow + 1)),
            title=title,
            text=f"{title} in category{workflow} for department {workflow % 17}, {number % 4999} euros",
            priority=3 if chance.random() < 0.05 else (workflow // 5) % 3,
            opened_at=opened_at,
            due_at=None if workflow % 3 == 0 else opened_at + chance.random() * 104 * _DAY,
            candidates=_candidates(number, count, workflow),
            claimed_by=_claimant(number),
            excluded=["ann"] if number % 10 == 3 else [],
            returned=number % 100 == 5,
            version=5,
        )


def _claimant(number: int) -> str | None:
    if number % 25_013 == 1:
        return "ann"
    return f"user-{number % 1000}" if number % 20 == 0 else None


def _candidates(number: int, count: int, workflow: int) -> list[str]:
    """Whom a point is for: by its workflow, but for a few."""
    found = [f"user:user-{number % 2000}"] if 120 <= workflow < 160 else []
    found += ["role:approver"] if workflow < 100 else []
    found += ["group:large"] if 60 <= workflow < 120 else []
    found += ["anybody"] if workflow >= 160 else []
    found += ["group:small"] if number % (count // 50) == 1 else []
    found += ["user:ann"] if number % (count // 7) == 2 else []
    found += ["group:late"] if number * 100 >= count * 97 and workflow % 15 < 5 else []
    return found


async def _load(store: EventStore, count: int) -> None:
    """Write the points through appends, each writer a partition of its own."""
    leases = await store.acquire("benchmark", most=PARTITIONS, ttl=36_000)
    points = _points(count)

    async def write(partition: int, epoch: int) -> None:
        while rows := list[Row](islice(points, _AT_ONCE)):
            await store.append(Append(partition=partition, epoch=epoch, rows=rows))

    await asyncio.gather(*(write(lease.partition, lease.epoch) for lease in leases[:4]))


async def _ask(store: EventStore) -> list[Asked]:
    """Ask every question of everybody, one after the other."""
    found: list[Asked] = []
    for (filtered, filters), (who, candidates) in product(_FILTERS.items(), _WHO.items()):
        base = InboxSearch(workspace_ids=(_WORKSPACE,), candidates=candidates, now=_NOW, **filters)
        for order, descending in product(_ORDERS, (False, True)):
            search = replace(base, order=order, descending=descending)
            text = f"{who}, by {order}{', from its end' if descending else ''}"
            found += [Asked(filtered, text, await _page(store, search, None)) for _ in range(_ROUNDS)]
            if not descending and (place := await _far_place(store, search)) is not None:
                far = f"{text}, page {_FAR}"
                found += [Asked(filtered, far, await _page(store, search, place)) for _ in range(_ROUNDS)]
        found += [Asked("counts", f"{filtered}, {who}", await _count(store, base)) for _ in range(_ROUNDS)]
    return found


async def _far_place(store: EventStore, search: InboxSearch) -> InboxPlace | None:
    """The place before the far page, where there is one; reached in steps that no statement's time ends."""
    place, left = None, _PAGE * (_FAR - 1)
    while left:
        rows = await store.inbox(search, after=place, limit=min(left, _STEP))
        if len(rows) < min(left, _STEP):
            return None
        place, left = inbox_place(rows[-1], search.order), left - len(rows)
    return place


async def _page(store: EventStore, search: InboxSearch, after: InboxPlace | None) -> float:
    began = time.perf_counter()
    await store.inbox(search, after=after, limit=_PAGE)
    return (time.perf_counter() - began) * 1e3


async def _count(store: EventStore, search: InboxSearch) -> float:
    began = time.perf_counter()
    await store.count_inbox(search)
    return (time.perf_counter() - began) * 1e3


def _answers(asked: list[Asked]) -> Iterator[Figure]:
    """Median and 99th percentile of each kind and of all, and what took longest."""
    for kind in dict.fromkeys(each.kind for each in asked):
        yield from _of_kind(kind, [each for each in asked if each.kind == kind])
    yield from _of_kind("all queries", asked, _TARGET)


def _of_kind(kind: str, asked: list[Asked], target: Target | None = None) -> Iterator[Figure]:
    taken = [each.taken for each in asked]
    worst = max(asked, key=lambda each: each.taken)
    yield Figure(f"{kind}, p50", percentile(taken, 50), "ms", note=f"{len(taken)} one after the other")
    note = f"worst {worst.taken:.0f} ms: {worst.text}"
    yield Figure(f"{kind}, p99", percentile(taken, 99), "ms", target, note)


async def _appending(store: EventStore) -> AsyncIterator[Figure]:
    """What a point adds to appends of two events: one that opens it, and one in which it goes."""
    without = await _rate(store, with_points=False)
    having = await _rate(store, with_points=True)
    note = f"{_WRITERS} writers, two events each"
    yield Figure("appends without points", without, "/s", note=note)
    yield Figure("appends that open or end a point", having, "/s", note=note)
    cost = (1 / having - 1 / without) * 2 * 1e6
    yield Figure("what a point adds to appends", cost, "µs", note="opening and end together")


async def _rate(store: EventStore, *, with_points: bool) -> float:
    epochs = {lease.partition: lease.epoch for lease in await store.leases()}
    points = list(islice(_points(20_000), 20_000))
    written = 0
    end = time.perf_counter() + _SECONDS

    async def write(number: int) -> None:
        nonlocal written
        partition, log_id, version = number % PARTITIONS, new_id(), 0
        while time.perf_counter() < end:
            row = replace(points[written % len(points)], log_id=new_id())
            gone = PointGone(log_id=row.log_id, context_id=row.context_id)
            for change in (row, gone):
                events = [NewEvent(log_id, version + n, "signoff:PauseOpened", _STATE) for n in (1, 2)]
                rows: list[Row] = [change] if with_points else []
                epoch = epochs[partition]
                await store.append(Append(partition=partition, epoch=epoch, events=events, rows=rows))
                written, version = written + 1, version + 2

    began = time.perf_counter()
    await asyncio.gather(*(write(number) for number in range(_WRITERS)))
    return written / (time.perf_counter() - began)


async def _figures(load: Load) -> list[Figure]:
    store = await open_store(load.database or f"sqlite:///{quote(str(load.folder / 'inbox.db'))}")
    try:
        await store.migrate(partitions=PARTITIONS)
        began = time.perf_counter()
        await _load(store, _count_of(load))
        print(f"loaded in {time.perf_counter() - began:.0f} s", flush=True)
        asked = await _ask(store)
        return [*_answers(asked), *[figure async for figure in _appending(store)]]
    finally:
        await store.close()


def _count_of(load: Load) -> int:
    return load.points or (_SQLITE_POINTS if load.database is None else _POSTGRES_POINTS)


def measure(load: Load) -> None:
    """Measure every kind of query of inboxes, and what a point costs appends."""
    print("\n".join(table({f"{_count_of(load):,} open points": uvloop.run(_figures(load))})), flush=True)
