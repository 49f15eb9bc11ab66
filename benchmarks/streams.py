"""How many readers one stream process serves: `python -m benchmarks streams`.

A stream service with a PostgreSQL and a Kafka of its own, a writer, and 2,000 readers in a process of their
own, all on this machine. The readers look at every frame, and the writer knows every byte that it wrote.
"""

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Final

import msgspec
import uvloop
from benchmarks.figures import Figure, Target, percentile, table
from benchmarks.inprocess import Load
from benchmarks.load import LoadError
from benchmarks.processes import Usage, usage
from benchmarks.stream_readers import Done, Order, Wanted
from benchmarks.stream_writer import Log, Writer
from benchmarks.systems import ENVIRONMENT, PROGRAM, REPOSITORY
from local_services.ports import unused_port
from local_services.signoff import SignoffService

from signoff.events.bus import open_bus
from signoff.events.store import open_store
from signoff.events.topics import PARTITIONS
from signoff.events.topology import apply

_EXECUTIONS: Final = 1_000
_WORKFLOWS: Final = 100
_STREAMS: Final = 1_900
_WARM_UP: Final = 100
_RATE: Final = 1_000
_SECONDS: Final = 30.0
_BEFORE_THE_CUT: Final = 5.0
_KEY: Final = "the-key-of-two-thousand-readers"
_LIMIT: Final = 300.0


class _Readers:
    """The process of the readers."""

    def __init__(self) -> None:
        self.process: asyncio.subprocess.Process

    async def start(self) -> None:
        self.process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "benchmarks.stream_readers", cwd=REPOSITORY, limit=2**27,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip

    async def obey(self, order: Order) -> Done:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(msgspec.json.encode(order) + b"\n")
        line = await asyncio.wait_for(self.process.stdout.readline(), _LIMIT)
        if not line:
            raise LoadError("the readers ended: a stream was cut off by the server")
        return msgspec.json.decode(line, type=Done)

    async def stop(self) -> None:
        if self.process.returncode is None:
            self.process.kill()
        await self.process.wait()


def measure(load: Load) -> None:
    """Serve them, and print how well."""
    assert load.database is not None
    assert load.kafka is not None
    uvloop.run(_migrate(load))
    service = SignoffService(
        "stream", 1, load.folder, port=unused_port(), program=PROGRAM, environment=_environment(load)
    )
    service.start()
    try:
        uvloop.run(_measure(load, service))
    finally:
        service.stop()


def _environment(load: Load) -> dict[str, str]:
    own = {
        "SIGNOFF_DATABASE_URL": str(load.database),
        "SIGNOFF_KAFKA": str(load.kafka),
        "SIGNOFF_BOOTSTRAP_API_KEY": _KEY,
        "SIGNOFF_SECRET_KEY": "k" * 43,
        "SIGNOFF_DATA": str(load.folder),
    }
    return {**os.environ, **ENVIRONMENT, **own}


async def _migrate(load: Load) -> None:
    store = await open_store(str(load.database))
    await store.migrate(partitions=PARTITIONS)
    await store.close()
    bus = await open_bus(f"kafka://{load.kafka}")
    await apply(bus)
    await bus.close()


async def _measure(load: Load, service: SignoffService) -> None:
    store, bus = await open_store(str(load.database)), await open_bus(f"kafka://{load.kafka}")
    logs = [Log(f"workflow-{number % _WORKFLOWS}") for number in range(_EXECUTIONS)]
    writer, readers = await Writer.open(store, bus, logs), _Readers()
    await readers.start()
    identity = service.process.identity
    assert identity is not None
    try:
        bench = _Bench(writer, readers, lambda: usage(identity.pid))
        figures = [
            *await bench.idle(service.port),
            *await bench.under_load(_SECONDS),
            *await bench.after_a_cut(),
        ]
    finally:
        await readers.stop()
        await bus.close()
        await store.close()
    print("\n".join(table({"streams": figures})))


class _Bench:
    def __init__(self, writer: Writer, readers: _Readers, used: Callable[[], Usage]) -> None:
        self._writer = writer
        self._readers = readers
        self._used = used

    async def idle(self, port: int) -> list[Figure]:
        """Open all of them; what each takes that has nothing to do."""
        await self._readers.obey(Order(port=port, key=_KEY, open=self._feeds()))
        await self._writer.begin()
        streams = self._streams()
        await self._readers.obey(Order(open=streams[:_WARM_UP]))
        before = self._used()
        opened = await self._readers.obey(Order(open=streams[_WARM_UP:]))
        caught_up = await self._readers.obey(Order(expect=self._expected()))
        after = self._used()
        count = len(streams) - _WARM_UP
        memory = (after.memory - before.memory) / count / 1024
        _check(caught_up)
        return [
            Figure(
                "streams opened", count / opened.seconds, "/s", None, f"{count} in {opened.seconds:.1f} s"
            ),
            Figure("  CPU of the service for each", (after.cpu - before.cpu) / count * 1e3, "ms"),
            Figure("memory of an idle stream", memory, "KiB", Target(20), "resident"),
        ]

    async def under_load(self, seconds: float) -> list[Figure]:
        """Write at the rate, and see when each frame comes."""
        begun = await self._readers.obey(Order(forget=True))
        before, spent = self._used(), asyncio.get_running_loop().time()
        rate = await self._writer.go_on(rate=_RATE, seconds=seconds)
        done = await self._readers.obey(Order(expect=self._expected()))
        after, spent = self._used(), asyncio.get_running_loop().time() - spent
        _check(done)
        committed = self._writer.committed
        delays = [(at - committed[execution, number]) * 1e3 for execution, number, at in done.arrivals]
        frames = done.frames - begun.frames
        note = (
            f"{frames:,} frames, each looked at; the writer's slowest turn took {self._writer.longest:.2f} s"
        )
        return [
            Figure("events written", rate, "/s", Target(_RATE * 0.98, least=True), note),
            Figure("frames sent", frames / spent, "/s"),
            Figure("commit to client, p50", percentile(delays, 50), "ms"),
            Figure("commit to client, p99", percentile(delays, 99), "ms", Target(250)),
            Figure("commit to client, the slowest", max(delays), "ms"),
            Figure("CPU of the service", (after.cpu - before.cpu) / spent * 100, "%", None, "of one core"),
            Figure("  for each frame", (after.cpu - before.cpu) / frames * 1e6, "µs"),
            Figure("CPU of the readers", (done.cpu - begun.cpu) / spent * 100, "%", None, "of one core"),
            Figure("memory of the service", after.memory / 2**20, "MiB"),
        ]

    async def after_a_cut(self) -> list[Figure]:
        """Cut all off at once while events go on, and let all come back."""
        before = self._used()
        writing = asyncio.create_task(self._writer.go_on(rate=_RATE, seconds=_BEFORE_THE_CUT * 2))
        await asyncio.sleep(_BEFORE_THE_CUT)
        back = await self._readers.obey(Order(drop=True))
        await writing
        done = await self._readers.obey(Order(expect=self._expected()))
        after = self._used()
        _check(done)
        events = sum(log.version for log in self._writer.logs)
        return [
            Figure("all cut off, and all back", back.seconds, "s", None, f"{_STREAMS + _WORKFLOWS} at once"),
            Figure("  CPU of the service meanwhile", after.cpu - before.cpu, "s"),
            Figure(
                "frames missing or double",
                done.out_of_order + done.behind,
                "",
                Target(0),
                f"of {events:,} events",
            ),
            Figure(
                "logs with other bytes", done.other_bytes, "", Target(0), "by the checksum of each reader"
            ),
        ]

    def _feeds(self) -> list[Wanted]:
        return [
            Wanted(
                path=f"/api/stream?workflowId={name}",
                executions=[str(log.log_id) for log in self._writer.logs if log.workflow == name],
                feed=True,
            )
            for name in sorted({log.workflow for log in self._writer.logs})
        ]

    def _streams(self) -> list[Wanted]:
        logs = [self._writer.logs[number % _EXECUTIONS] for number in range(_STREAMS)]
        return [
            Wanted(
                path=f"/api/workflows/{log.workflow}/executions/{log.log_id}/stream",
                executions=[str(log.log_id)],
            )
            for log in logs
        ]

    def _expected(self) -> dict[str, tuple[int, int]]:
        return {str(log.log_id): (log.version, log.checksum) for log in self._writer.logs}


def _check(done: Done) -> None:
    """A figure of streams that are not right means nothing.

    Raises:
        LoadError: they are not.
    """
    if done.refused or done.behind or done.out_of_order or done.other_bytes:
        raise LoadError(
            f"{done.refused} streams refused, {done.behind} behind, {done.out_of_order} frames out of order, "
            f"{done.other_bytes} logs with other bytes"
        )
