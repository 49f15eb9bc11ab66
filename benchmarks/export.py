"""How fast a log is exported: `python -m benchmarks export [--postgres]`. The log is that of `verify`."""

import asyncio
import resource
import time
from pathlib import Path
from typing import Final

import uvloop
from benchmarks.figures import Figure, Target, table
from benchmarks.inprocess import Load
from benchmarks.verify import fill, site_on

from signoff.audit.export.exporter import Exported, Exporter
from signoff.audit.export.selection import Selection
from signoff.audit.export.target import Format, Options
from signoff.audit.export.target import Target as Place
from signoff.events.blobs import BlobStore
from signoff.events.objects import Objects
from signoff.events.store import open_store
from signoff.events.store.base import EventStore
from signoff.events.topics import PARTITIONS
from signoff.runtime.settings import Settings

_MEBIBYTE: Final = 1024
_MICROSECONDS: Final = 1_000_000
_TARGET: Final = Target(50_000, least=True)
_FORMATS: Final[tuple[Format, ...]] = ("jsonl", "parquet")


async def _export(store: EventStore, folder: Path, form: Format) -> Exported:
    target = Place(Objects.open(f"file://{folder}"), name=str(folder))
    options = Options(format=form, selection=Selection())
    exporter = await asyncio.to_thread(Exporter, store, target, options, tell=lambda _: None)
    return await exporter.run()


async def _measured(store: EventStore, folder: Path, form: Format) -> list[Figure]:
    begun, spent = time.perf_counter(), time.process_time()
    done = await _export(store, folder, form)
    seconds = time.perf_counter() - begun
    processor = (time.process_time() - spent) / done.events * _MICROSECONDS
    begun = time.perf_counter()
    again = await _export(store, folder, form)
    assert again.events == 0
    return [
        Figure(form, done.events / seconds, "events/s", _TARGET, f"{done.events:,} in {seconds:.1f} s"),
        Figure("  processor time of our process", processor, "µs/event"),
        Figure("  on disk", done.size / done.events, "bytes/event", note=f"{done.files} files"),
        Figure("  again, with nothing to do", (time.perf_counter() - begun) * 1e3, "ms"),
    ]


async def _measure(load: Load) -> None:
    settings = Settings(data=load.folder, database_url=load.database)
    store = await open_store(settings.store_url)
    await store.migrate(partitions=PARTITIONS)
    figures: list[Figure] = []
    async with site_on(store, BlobStore.open("memory:")) as site:
        await fill(site)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for form in _FORMATS:
        figures += await _measured(store, load.folder / form, form)
    await store.close()
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    note = f"{before / _MEBIBYTE:.0f} MiB of them when the log was written"
    figures.append(Figure("resident at most", used / _MEBIBYTE, "MiB", note=note))
    for line in table({"export": figures}):
        print(line)


def measure(load: Load) -> None:
    """Measure exports."""
    uvloop.run(_measure(load))
