"""The access log: `python -m benchmarks accesses [--postgres]`.

Every read of every caller is noted, sent and recorded: what that takes from a gateway and an executor, and
how long an auditor waits on a busy day.
"""

import time
from collections.abc import Awaitable, Iterable, Sequence
from typing import Final, cast
from urllib.parse import quote

import uvloop
from benchmarks.figures import Figure, Target, table
from benchmarks.inprocess import Load

from signoff.audit.accesses.gathering import Sight
from signoff.audit.accesses.log import WORKFLOW_ID, AccessLog, day_of, decide_accesses
from signoff.audit.accesses.reading import LOOKED_AT, Wanted, read_page
from signoff.audit.accesses.recorder import AccessRecorder
from signoff.events.bus.base import Bus, Record
from signoff.events.codec import decode_command
from signoff.events.store import open_store
from signoff.events.store.base import Append, EventStore
from signoff.events.topics import DEFAULT_WORKSPACE, PARTITIONS, access_log_id
from signoff.events.types import Actor
from signoff.executor.logs.loaded import Loaded

_READS: Final = 100_000
_AT_ONCE: Final = 2_000
_REPEATED: Final = 10
_TURN: Final = 20
"""Commands of an append."""

_PARTITION: Final = 7
_STATUS: Final = 370.0
"""Microseconds of a gateway's CPU for a look at an execution (`python -m benchmarks gateway`)."""

_ACTOR: Final = Actor(type="apiKey", id="0198c1f0-1111-7c1a-9f7e-1f2e3d4c5b6a")
_WORKSPACE: Final = str(DEFAULT_WORKSPACE)


class _Line:
    """Takes what is published."""

    def __init__(self) -> None:
        self.values: list[bytes] = []

    async def publish(self, _: str, __: int, records: Sequence[Record]) -> Awaitable[None]:
        self.values += [record.value for record in records]

        async def acknowledged() -> None:
            return None

        return acknowledged()


def _sight(number: int) -> Sight:
    return Sight(
        kind="read", workspace_id=_WORKSPACE, actor=_ACTOR, auth_method="apiKey", operation="getExecution",
        about="execution", names=(("workflowId", "refund"), ("executionId", f"execution-{number}")),
    )  # fmt: skip


async def _see(name: str, numbers: Iterable[int]) -> tuple[Figure, list[bytes]]:
    """What a gateway spends on a read, a second's reads at a time; and the commands."""
    line, reads = _Line(), list(numbers)
    began = time.process_time()
    for start in range(0, len(reads), _AT_ONCE):
        recorder = AccessRecorder(cast("Bus", line), time.time)
        async with recorder.running():
            for number in reads[start : start + _AT_ONCE]:
                recorder.note(_sight(number))
    each = (time.process_time() - began) / len(reads) * 1e6
    size = sum(map(len, line.values)) / len(reads)
    note = f"{each / _STATUS:.1%} of a look at an execution; {size:,.0f} bytes"
    return Figure(name, each, "µs", Target(0.05 * _STATUS), note), line.values


async def _record(store: EventStore, commands: Sequence[bytes]) -> Figure:
    """What an executor's loop spends on an access, its append included."""
    leases = await store.acquire("benchmark", most=PARTITIONS, ttl=3_600)
    epoch = next(lease.epoch for lease in leases if lease.partition == _PARTITION)
    state = AccessLog()
    loaded = Loaded(access_log_id(_WORKSPACE, _PARTITION, day_of(time.time())), state, None)
    loaded.name(execution_id=None, workflow_id=WORKFLOW_ID)
    began = time.perf_counter()
    for start in range(0, len(commands), _TURN):
        append = Append(partition=_PARTITION, epoch=epoch)
        for raw in commands[start : start + _TURN]:
            command = decode_command(raw)
            step = loaded.step(decide_accesses(state, command), time.time())
            append.events += loaded.records(step)
        await store.append(append)
    seconds = time.perf_counter() - began
    return Figure("recorded", state.version / seconds, "accesses/s", note=f"{state.version:,} of one day")


async def _read(store: EventStore) -> Figure:
    """The page that looks at as much as any does, and finds nothing."""
    now = time.time()
    wanted = Wanted(
        workspace_id=_WORKSPACE, actor_id="nobody", first=now - 86_400, end=now + 86_400, limit=100
    )
    began = time.perf_counter()
    await read_page(store, wanted)
    return Figure(
        "the longest page", (time.perf_counter() - began) * 1e3, "ms", note=f"{LOOKED_AT:,} looked at"
    )


async def _figures(load: Load) -> list[Figure]:
    repeated, _ = await _see(
        "noted and sent, of ten reads again and again", (n % _REPEATED for n in range(_READS))
    )
    different, commands = await _see("noted and sent, each another one", range(_READS))
    store = await open_store(load.database or f"sqlite:///{quote(str(load.folder / 'accesses.db'))}")
    try:
        await store.migrate(partitions=PARTITIONS)
        return [repeated, different, await _record(store, commands), await _read(store)]
    finally:
        await store.close()


def measure(load: Load) -> None:
    """Measure the access log of 100,000 reads in one workspace on one day."""
    system = f"{_READS:,} reads"
    print("\n".join(table({system: uvloop.run(_figures(load))})), flush=True)
