"""What the bus carries: `python benchmarks/bus.py [memory: | kafka://host:port]`. Takes about ten seconds.

Without an argument both adapters are measured, the real one on a private broker of its own.
"""

import asyncio
import platform
import statistics
import sys
import tempfile
import time
import uuid
from pathlib import Path

import uvloop

from signoff.events.bus import open_bus
from signoff.events.bus.base import Bus, Record
from signoff.events.bus.limits import MAX_RECORD_BYTES

REPOSITORY = Path(__file__).resolve().parents[1]
PARTITIONS = 64
EVENTS = 200_000
PER_CALL = 60
ROUND_TRIPS = 500
HEADERS = [(f"ce_attribute{number}", b"x" * 20) for number in range(13)]
EVENT = Record(b"k" * 16, b"v" * 520, HEADERS)


async def measure(url: str) -> None:
    bus = await open_bus(url)
    topic = f"benchmark-{uuid.uuid4().hex}"
    await bus.create({topic: PARTITIONS}, configs={topic: {"max.message.bytes": str(MAX_RECORD_BYTES)}})
    print(f"{url.partition(':')[0]}: Python {platform.python_version()}, {PARTITIONS} partitions")
    await publish_rate(bus, topic)
    await publish_rate(bus, topic)
    await round_trips(bus, topic)
    await bus.close()


async def publish_rate(bus: Bus, topic: str) -> None:
    start, cpu = time.perf_counter(), time.process_time()
    under_way = [
        await bus.publish(topic, number % PARTITIONS, [EVENT] * PER_CALL)
        for number in range(EVENTS // PER_CALL)
    ]
    for acknowledgement in under_way:
        await acknowledgement
    rate = EVENTS / (time.perf_counter() - start)
    cost = (time.process_time() - cpu) / EVENTS * 1e6
    print(f"{'published and acknowledged':28} {rate:8.0f} /s, {cost:.1f} µs of CPU each")


async def round_trips(bus: Bus, topic: str) -> None:
    """Send, see it, answer, see the answer: what a command and its outcome take."""
    ends = await bus.bounds(topic, [0, 1])
    there, back = await bus.reader(topic), await bus.reader(topic)
    await there.assign({0: ends[0][1]})
    await back.assign({1: ends[1][1]})

    async def answer() -> None:
        answered = 0
        while answered < ROUND_TRIPS:
            for _ in await there.poll(wait=1):
                await bus.send(topic, 1, EVENT)
                answered += 1

    answering = asyncio.create_task(answer())
    taken = []
    for _ in range(ROUND_TRIPS):
        start = time.perf_counter()
        await bus.send(topic, 0, EVENT)
        while not await back.poll(wait=1):
            pass
        taken.append(time.perf_counter() - start)
    await answering
    steps = statistics.quantiles(taken, n=100)
    print(f"{'round trip':28} p50 {steps[49] * 1e3:.2f} ms, p99 {steps[98] * 1e3:.2f} ms")


def measure_private_broker() -> None:
    sys.path.insert(0, str(REPOSITORY / "deploy" / "local"))
    from local_services.kafka import Kafka  # noqa: PLC0415  # a path of the repository, not of the package
    from local_services.ports import unused_port  # noqa: PLC0415

    with tempfile.TemporaryDirectory() as folder:
        port = unused_port()
        broker = Kafka(Path(folder), port=port, controller_port=unused_port(taken={port}))
        broker.start()
        try:
            uvloop.run(measure(f"kafka://{broker.bootstrap}"))
        finally:
            broker.stop()


if __name__ == "__main__":
    if len(sys.argv) > 1:
        uvloop.run(measure(sys.argv[1]))
    else:
        uvloop.run(measure("memory:"))
        measure_private_broker()
