"""The comparison of topic and log in parts, by as many processes as there are processors."""

import asyncio
import multiprocessing
from collections.abc import AsyncGenerator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import AsyncExitStack
from typing import Final, TypeVar

import msgspec
from msgspec import Struct

from signoff.audit.verify.faults import Fault
from signoff.audit.verify.topic import TopicCompared
from signoff.cli.auditing.topic import TopicComparison
from signoff.cli.auditing.units import LISTED, Selection
from signoff.cli.exits import CommandError, Exit
from signoff.events.bus import open_bus
from signoff.events.bus.base import Bus
from signoff.events.errors import SignoffError
from signoff.events.store import open_store
from signoff.events.store.base import EventStore
from signoff.events.topics import PARTITIONS
from signoff.runtime.settings import Settings

Each = TypeVar("Each")

AT_ONCE: Final = 8
"""Partitions, or logs, that are compared at the same time; the log is read once for all of the former."""


class TopicDone(Struct, frozen=True):
    """What became of a part: its counts, and the first faults of them."""

    compared: TopicCompared
    faults: list[Fault]


def parts_of(selection: Selection) -> list[Selection]:
    """A selection in parts that can be compared apart from each other."""
    if selection.logs:
        return [msgspec.structs.replace(selection, logs=some) for some in _in_parts(selection.logs)]
    numbers = selection.partitions or tuple(range(PARTITIONS))
    return [msgspec.structs.replace(selection, partitions=some) for some in _in_parts(numbers)]


def _in_parts(all_: tuple[Each, ...]) -> list[tuple[Each, ...]]:
    return [all_[start : start + AT_ONCE] for start in range(0, len(all_), AT_ONCE)]


async def compare_topic(
    settings: Settings, selection: Selection, *, processes: int
) -> AsyncGenerator[TopicDone, None]:
    """Compare the topic with the log; gives each part once it is done, in no order.

    Args:
        settings: of the installation, a cluster.
        selection: of logs and partitions.
        processes: how many work at once.

    Raises:
        CommandError: a part could not be compared; says why.
    """
    parts = parts_of(selection)
    if processes == 1 or len(parts) == 1:
        for part in parts:
            yield await _compare(settings, part)
        return
    pool, working = await asyncio.to_thread(_start, settings, parts, processes)
    try:
        for done in asyncio.as_completed(map(asyncio.wrap_future, working)):
            yield await done
    except BrokenProcessPool as error:
        raise CommandError("a process of the comparison was killed", code=Exit.REFUSED) from error
    finally:
        await asyncio.to_thread(pool.shutdown, cancel_futures=True)


async def compare_here(store: EventStore, bus: Bus, selection: Selection) -> TopicDone:
    """Compare the topic with a log that is open already.

    Raises:
        BusError: the broker is away.
        StoreUnavailableError: the database is away.
    """
    compared, faults = TopicCompared(), list[Fault]()
    for part in parts_of(selection):
        async for fault in TopicComparison(store, bus, part, compared).run():
            if len(faults) < LISTED:
                faults.append(fault)
    return TopicDone(compared, faults)


def _start(
    settings: Settings, parts: list[Selection], processes: int
) -> tuple[ProcessPoolExecutor, list[Future[TopicDone]]]:
    """Starting processes takes a while, which is not the event loop's."""
    pool = ProcessPoolExecutor(min(processes, len(parts)), mp_context=multiprocessing.get_context("spawn"))
    return pool, [pool.submit(_work, settings, part) for part in parts]


def _work(settings: Settings, part: Selection) -> TopicDone:
    """What a process does for a part."""
    try:
        return asyncio.run(_compare(settings, part))
    except SignoffError as error:
        raise CommandError(str(error), code=Exit.REFUSED) from error


async def _compare(settings: Settings, part: Selection) -> TopicDone:
    async with AsyncExitStack() as stack:
        store = await open_store(settings.store_url)
        stack.push_async_callback(store.close)
        bus = await open_bus(settings.bus_url)
        stack.push_async_callback(bus.close)
        return await compare_here(store, bus, part)
