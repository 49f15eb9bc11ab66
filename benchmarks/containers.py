"""What a block costs in ever larger loops and parallels: `python -m benchmarks containers`.

One execution at a time, without HTTP. A curve that rises means that some step looks at all that came before.
"""

import gc
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import uvloop
from benchmarks.inprocess import Caller, Load, running_executor

_ITERATIONS: Final = (10, 100, 1_000)
_BRANCHES: Final = (10, 100, 1_000, 10_000)
_IN_A_LOOP: Final = 5
_STATM: Final = Path("/proc/self/statm")
_PAGE: Final = 4096


def _sim(container: str, inside: list[str], settings: dict[str, Any]) -> dict[str, Any]:
    """A container around a line of blocks that do nothing."""
    blocks = [("start", "start_trigger"), ("c", container), *((name, "noop") for name in inside)]
    edges = [("start", "c", "source"), ("c", inside[0], f"{container}-start-source")]
    edges += [(a, b, "source") for a, b in pairwise(inside)]
    return {
        "blocks": [
            {"id": name, "metadata": {"id": kind, "name": name}, "config": {"params": {}}}
            for name, kind in blocks
        ],
        "connections": [{"source": a, "target": b, "sourceHandle": handle} for a, b, handle in edges],
        f"{container}s": {"c": {"id": "c", "nodes": inside, **settings}},
    }


def _cases() -> Iterator[tuple[str, int, dict[str, Any]]]:
    """Name, blocks and definition of each run."""
    inside = [f"b{number}" for number in range(_IN_A_LOOP)]
    for count in _ITERATIONS:
        document = _sim("loop", inside, {"loopType": "for", "iterations": count})
        yield f"loop of {count:,} × {_IN_A_LOOP}", count * _IN_A_LOOP, document
    for count in _BRANCHES:
        yield (
            f"parallel of {count:,}",
            count,
            _sim("parallel", ["b0"], {"parallelType": "count", "count": count}),
        )


async def _time(caller: Caller, workflow_id: str, digest: str) -> tuple[float, float]:
    gc.collect()
    start, cpu = time.perf_counter(), time.process_time()
    await caller.execute(workflow_id, digest)
    return time.perf_counter() - start, time.process_time() - cpu


def _memory() -> float:
    """Megabytes that this process holds."""
    return int(_STATM.read_text(encoding="ascii").split()[1]) * _PAGE / 1e6


async def _measure(load: Load) -> None:
    async with running_executor(load) as caller:
        for number, (name, blocks, document) in enumerate(_cases()):
            workflow_id = f"container-{number}"
            digest = await caller.deploy(workflow_id, document)
            await caller.execute(workflow_id, digest) if blocks < 1_000 else None
            times = sorted([await _time(caller, workflow_id, digest) for _ in range(load.rounds)])
            wall, cpu = (1e6 * each / blocks for each in times[len(times) // 2])
            print(
                f"{name:22} {wall:7.0f} µs a block, {cpu:6.0f} µs of CPU, {_memory():6.0f} MB in memory",
                flush=True,
            )


def measure(load: Load) -> None:
    """Run each size some times and print the median."""
    uvloop.run(_measure(load))
