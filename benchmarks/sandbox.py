"""What a program costs: `python benchmarks/sandbox.py`. Takes about five seconds."""

import asyncio
import platform
import statistics
import time
from collections.abc import Awaitable, Callable
from functools import partial

import uvloop

from signoff.sandbox.pool import Sandbox
from signoff.sandbox.process import WorkerProcess
from signoff.sandbox.programs import LANGUAGES, Language, Program

FUNCTION = Program(kind="function", source="return amount * 2", bindings={"amount": 21})
ENDLESS = Program(kind="function", source="for (;;);", timeout=60)
PYTHON = Program(kind="function", language="python", source="return amount * 2", bindings={"amount": 21})
CONDITION = Program(kind="condition", source="amount > 10", bindings={"amount": 21})
WORKERS = 2


async def main() -> None:
    print(f"Python {platform.python_version()}, {WORKERS} workers")
    for language in LANGUAGES:
        report(f"start of a {language} worker", await times(20, partial(start_and_stop, language)))
    async with await Sandbox.start(workers=WORKERS) as sandbox:
        report("function", await times(1000, lambda: sandbox.run(FUNCTION, workspace="w")))
        report("function in Python", await times(1000, lambda: sandbox.run(PYTHON, workspace="w")))
        report("check", await times(1000, lambda: sandbox.check(FUNCTION.source, workspace="w")))
        report(
            "check of Python",
            await times(1000, partial(sandbox.check, PYTHON.source, language="python", workspace="w")),
        )
        report("condition", await times(1000, lambda: sandbox.run(CONDITION, workspace="w")))
        await throughput(sandbox)
        await beside_endless_functions(sandbox)


async def start_and_stop(language: Language) -> None:
    await (await WorkerProcess.start(language)).stop()


async def throughput(sandbox: Sandbox, count: int = 5000) -> None:
    start = time.perf_counter()
    await asyncio.gather(*(sandbox.run(FUNCTION, workspace=f"w{n % 8}") for n in range(count)))
    print(f"{'functions at once':28} {count / (time.perf_counter() - start):8.0f} /s")


async def beside_endless_functions(sandbox: Sandbox) -> None:
    endless = [asyncio.create_task(sandbox.run(ENDLESS, workspace="w")) for _ in range(WORKERS)]
    lags: list[float] = []
    lag = asyncio.create_task(measure_lag(lags))
    await asyncio.sleep(0.5)
    report("function beside endless ones", await times(10, lambda: sandbox.run(FUNCTION, workspace="w")))
    lag.cancel()
    report("lag of the loop meanwhile", lags)
    for task in endless:
        task.cancel()
    await asyncio.gather(*endless, lag, return_exceptions=True)


async def measure_lag(lags: list[float], pause: float = 0.005) -> None:
    while True:
        start = time.perf_counter()
        await asyncio.sleep(pause)
        lags.append(time.perf_counter() - start - pause)


async def times(count: int, action: Callable[[], Awaitable[object]]) -> list[float]:
    taken = []
    for _ in range(count):
        start = time.perf_counter()
        await action()
        taken.append(time.perf_counter() - start)
    return taken


def report(what: str, seconds: list[float]) -> None:
    middle, most = statistics.median(seconds), max(seconds)
    print(f"{what:28} p50 {middle * 1e3:8.2f} ms   max {most * 1e3:8.2f} ms   ({len(seconds)} times)")


if __name__ == "__main__":
    uvloop.run(main())
