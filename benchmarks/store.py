"""`python -m benchmarks.store`: how fast the log takes appends, on a private PostgreSQL and on SQLite.

Each writer appends two events of 520 bytes with an offset, waits for the commit, and goes on; so the number
of writers is the size of a group. Figures are medians of rounds, fsync on.
"""

import asyncio
import platform
import sqlite3
import statistics
import sys
import time
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Final

import uvloop
from msgspec import Struct

from signoff.events.ids import new_id
from signoff.events.store.base import Append, EventStore, NewEvent
from signoff.events.store.postgres import PostgresStore
from signoff.events.store.sqlite import SqliteStore

# The server is started as the tests start it: what does that lies with them.
sys.path[:0] = [str(Path(__file__).resolve().parents[1] / folder) for folder in ("deploy/local", "tests")]

from local_services.ports import unused_port  # noqa: E402
from local_services.postgres import Postgres  # noqa: E402

from support.processes import LocalRun  # noqa: E402

_WRITERS: Final = (1, 16, 64, 256)
_EVENTS: Final = 2
_PER_LOG: Final = 20
_STATE: Final = b'{"type":"block:completed","data":"' + b"x" * 484 + b'"}'
_SECONDS: Final = 1.5
_ROUNDS: Final = 3
_PARTITIONS: Final = 64


class Round(Struct, frozen=True):
    """One round: events a second, seconds an append took, CPU seconds of this process an event."""

    rate: float
    latency: float
    cpu: float


async def _write(store: EventStore, partition: int, until: float, taken: list[float]) -> None:
    log_id, head, offset = new_id(), 0, 0
    while (began := time.perf_counter()) < until:
        if head >= _PER_LOG:
            log_id, head = new_id(), 0
        events = [NewEvent(log_id, head + n, "signoff:BlockCompleted", _STATE) for n in range(1, _EVENTS + 1)]
        head, offset = head + _EVENTS, offset + 1
        await store.append(Append(partition=partition, epoch=1, next_offset=offset, events=events))
        taken.append(time.perf_counter() - began)


async def _round(store: EventStore, writers: int) -> Round:
    taken: list[float] = []
    began, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*(_write(store, n % _PARTITIONS, began + _SECONDS, taken) for n in range(writers)))
    elapsed, cpu = time.perf_counter() - began, time.process_time() - cpu
    events = len(taken) * _EVENTS
    return Round(events / elapsed, statistics.median(taken), cpu / events)


async def _measure(name: str, store: EventStore) -> None:
    await store.migrate(partitions=_PARTITIONS)
    await store.acquire("benchmark", most=_PARTITIONS, ttl=3_600)
    await _round(store, _WRITERS[-1])  # plans, caches, files
    for writers in _WRITERS:
        _print(name, writers, [await _round(store, writers) for _ in range(_ROUNDS)])
    await store.close()


def _print(name: str, writers: int, rounds: Sequence[Round]) -> None:
    rate = statistics.median(each.rate for each in rounds)
    latency = statistics.median(each.latency for each in rounds)
    cpu = statistics.median(each.cpu for each in rounds)
    print(
        f"{name:10} {writers:4} writers  {rate:8,.0f} events/s  p50 {latency * 1e3:6.2f} ms  "
        f"CPU {cpu * 1e6:5.1f} µs/event",
        flush=True,
    )


async def _all(folder: Path, url: str, server: str) -> None:
    print(
        f"Signoff {version('signoff')}, Python {platform.python_version()}, PostgreSQL {server.strip()}, "
        f"SQLite {sqlite3.sqlite_version}, uvloop {version('uvloop')}"
    )
    await _measure("postgres", await PostgresStore.open(url))
    await _measure("sqlite", await SqliteStore.open(folder / "log.db"))


def main() -> None:
    """Measure, print, and leave nothing behind."""
    run = LocalRun()
    try:
        server = Postgres(run.folder, port=unused_port())
        server.start()
        uvloop.run(_all(run.folder, server.create_database("benchmark"), server.query("SHOW server_version")))
        server.stop()
    finally:
        run.close()


if __name__ == "__main__":
    main()
