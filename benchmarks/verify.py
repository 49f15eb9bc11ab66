"""How fast a log is verified: `python -m benchmarks verify [--postgres [--kafka]]`.

One execution is run and then copied, each copy under an id of its own with a chain of its own, as an executor
would have written it. Chain, fold and rows are read by as many processes as there are processors. At last all
of it, and an execution of 100,000 events in a log of its own (SQLite), is verified by a process of its own,
whose memory is then all that this takes.
"""

import asyncio
import multiprocessing
import resource
import time
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Final
from uuid import UUID

import msgspec
import uvloop
from benchmarks.figures import Figure, Target, table
from benchmarks.inprocess import Load
from benchmarks.verify_topic import measure_topic, publish_all

from signoff.audit.checkpoints.files import CheckpointFiles
from signoff.audit.checkpoints.signing import Signer
from signoff.audit.checkpoints.writer import CheckpointWriter
from signoff.audit.verify.sealed import SealCheck
from signoff.audit.verify.sources import FilesSource
from signoff.cli.auditing.units import Done, Levels, Selection, plan
from signoff.cli.auditing.workers import totals, verify_by_processes, verify_here
from signoff.cli.upkeep.opening import opened
from signoff.events.blobs import BlobStore
from signoff.events.bus.memory import MemoryBus
from signoff.events.codec import chain_hash
from signoff.events.ids import new_id
from signoff.events.store.base import Append, EventStore, ExecutionRow, NewEvent, Recorded
from signoff.events.topics import PARTITIONS, partition_of
from signoff.events.topology import apply
from signoff.executor.app import open_tools
from signoff.runtime.settings import Settings
from support.executors import REFUND, Site

_COPIES: Final = 60_000
_LOOPS: Final = 10
_TURNS: Final = 1_000
_RUN_LIMIT: Final = 300.0
_AT_ONCE: Final = 500
_PROCESSES: Final = 2
_MICROSECONDS: Final = 1_000_000
_SEED: Final = b"s" * 32
_GIVEN: Final = {"amount": 10, "customer": "Ada"}
_LEVELS: Final = {
    "chain and versions": (Levels(fold=False, projections=False), Target(100_000, least=True)),
    "with fold": (Levels(fold=True, projections=False), Target(50_000, least=True)),
    "with fold and projections": (Levels(), Target(25_000, least=True)),  # with the topic, where there is one
}


@asynccontextmanager
async def site_on(store: EventStore, blobs: BlobStore) -> AsyncIterator[Site]:
    bus = MemoryBus()
    await apply(bus)
    async with open_tools(Settings(), blobs) as tools:
        yield Site(store, bus, blobs, tools, partitions=PARTITIONS)
    await bus.close()


async def fill(site: Site) -> Figure:
    """Write the log; gives what of an append's time the hashes of its events take."""
    async with site.executor():
        workflow = await site.deploy(REFUND)
        sent = await site.start(workflow, _GIVEN)
        await site.ended(sent)
    original = await site.store.read(sent.log_id)
    row = await site.store.execution(sent.log_id)
    assert row is not None
    leases = {lease.partition: lease.epoch for lease in await site.store.acquire("filler", most=64, ttl=600)}
    hashing = appending = 0.0
    for _ in range(0, _COPIES, _AT_ONCE):
        appends = _appends(leases, original, row)
        begun = time.perf_counter()
        for append in appends:
            for event in append.events:
                chain_hash(event.state)
        hashed = time.perf_counter()
        for append in appends:
            await site.store.append(append)
        hashing += hashed - begun
        appending += time.perf_counter() - hashed
    await site.store.release(leases, owner="filler")
    print(f"{_COPIES:,} executions of {len(original)} events", flush=True)
    share = hashing / appending * 100
    return Figure("the chain's hashes, beside the appends", share, "%", Target(10))


def _appends(leases: dict[int, int], original: Sequence[Recorded], row: ExecutionRow) -> list[Append]:
    by_partition: dict[int, Append] = {}
    for _ in range(_AT_ONCE):
        log_id = new_id()
        number = partition_of(log_id)
        append = by_partition.setdefault(number, Append(partition=number, epoch=leases[number]))
        append.events += _copy(original, log_id)
        append.rows.append(msgspec.structs.replace(row, log_id=log_id, partition=number))
    return list(by_partition.values())


def _copy(original: Sequence[Recorded], log_id: UUID) -> list[NewEvent]:
    old, new, before, prev = str(original[0].log_id).encode(), str(log_id).encode(), "", ""
    events = []
    for event in original:
        state = event.state.replace(old, new).replace(before.encode(), prev.encode(), 1 if before else 0)
        events.append(NewEvent(log_id, event.version, event.topic, state))
        before, prev = chain_hash(event.state), chain_hash(state)
    return events


async def _measure(load: Load) -> None:
    settings = Settings(data=load.folder, database_url=load.database, kafka=load.kafka)
    async with opened(settings) as installation:
        await installation.store.migrate(partitions=PARTITIONS)
        async with site_on(installation.store, installation.blobs) as site:
            figures = [await fill(site)]
            sealing = await _seal(site, load)
        if load.kafka:
            await publish_all(installation.store, settings)
    for name, (levels, target) in _LEVELS.items():
        done, seconds, processor = await _verify(settings, levels)
        figures.append(_rate(name, done, seconds, target))
        processor *= _MICROSECONDS / done.events
        figures.append(Figure("  processor time of our processes", processor, "µs/event"))
    if load.kafka:
        figures += await measure_topic(settings, processes=_PROCESSES, before=seconds)
    figures += sealing
    apart = Settings(data=load.folder / "long")
    async with opened(apart) as installation:
        await installation.store.migrate(partitions=PARTITIONS)
        async with site_on(installation.store, installation.blobs) as site:
            await _run_long(site)
    for each in (settings, apart):
        with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as alone:
            figures.append(await asyncio.wrap_future(alone.submit(_verify_alone, each)))
    for line in table({"verify": figures}):
        print(line)


async def _verify(settings: Settings, levels: Levels) -> tuple[Done, float, float]:
    """Verify everything; gives what was done, the seconds and those of processors' time."""
    begun, spent = time.perf_counter(), _processor()
    async with opened(settings, read_only=True) as installation:
        state = await plan(installation.store, levels, Selection())
        async with aclosing(verify_by_processes(settings, state, count=_PROCESSES)) as units:
            async for at, done in units:
                state.done[at] = done
    return totals(state.done), time.perf_counter() - begun, _processor() - spent


async def _run_long(site: Site) -> None:
    """Run an execution of loops, which has 100,000 events and some."""
    steps = {
        "a": {"type": "variables", "set": {"a": "<loop.index>"}, "then": "b"},
        "b": {"type": "variables", "set": {"b": "<loop.index>"}, "then": "c"},
        "c": {"type": "variables", "set": {"c": "<loop.index>"}},
    }
    turns = {"turns": {"type": "loop", "for": _TURNS, "blocks": steps}}
    document = {"blocks": {"loops": {"type": "loop", "for": _LOOPS, "blocks": turns}}}
    async with site.executor():
        sent = await site.start(await site.deploy(document, "long"), {})
        await site.ended(sent, limit=_RUN_LIMIT)


def _verify_alone(settings: Settings) -> Figure:
    """What a process holds at most that verifies everything."""
    return asyncio.run(_verify_one(settings))


async def _verify_one(settings: Settings) -> Figure:
    async with opened(settings, read_only=True) as installation:
        before = _resident()
        state = await plan(installation.store, Levels(), Selection())
        async with aclosing(verify_here(installation, state)) as units:
            done = totals({at: each async for at, each in units})
    assert not done.more, "nothing of it is wrong"
    name = f"resident at most, of {done.events:,} events in {done.logs:,} logs"
    return Figure(name, _resident(), "MiB", None, f"{before:.0f} MiB before")


def _resident() -> float:
    """MiB that this process held at most, since it began: `ru_maxrss` has its parent's in it."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def _processor() -> float:
    """Seconds of processor time of the processes that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _rate(name: str, done: Done, seconds: float, target: Target) -> Figure:
    assert not done.more, "nothing of it is wrong"
    return Figure(name, done.events / seconds, "events/s", target, f"{done.events:,} in {seconds:.1f} s")


async def _seal(site: Site, load: Load) -> list[Figure]:
    """What checkpoints cost, and holding the log against them."""
    files, signer = CheckpointFiles.open(f"file://{load.folder / 'checkpoints'}"), Signer([_SEED])
    writer = CheckpointWriter(site.store, site.bus, files, signer, held=lambda: True, clock=time.time)
    begun = time.perf_counter()
    await writer.write()
    written = time.perf_counter()
    check = SealCheck(site.store, [FilesSource(files, signer.keys, is_live=True)], signer.keys)
    assert [fault async for fault in check.run()] == []
    compared, events = time.perf_counter(), await site.store.last_position()
    return [
        Figure("checkpoints made", events / (written - begun), "events/s"),
        Figure("checkpoints compared", events / (compared - written), "events/s"),
    ]


def measure(load: Load) -> None:
    """Measure verification."""
    uvloop.run(_measure(load))
