"""Moving and zooming a graph in Chromium: `python -m benchmarks graph`.

Chromium traces its main thread while the graph of a workflow of 300 blocks is dragged about and zoomed, as
the performance panel of DevTools does. What counts is script, style and layout from one animation frame to
the next, and the longest task; both in CPU time of the thread, since the browser shares its cores with the
server and with its own rasterizer.
"""

import asyncio
import json
import shutil
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from benchmarks.figures import Figure, Target, percentile, table
from benchmarks.inprocess import Load
from benchmarks.large import graph
from benchmarks.page_server import PageServer
from playwright.async_api import Browser, Page, async_playwright

from signoff.engine.definitions.parse import parse
from signoff.gateway.pages.graph.drawing import draw

_BLOCKS: Final = 300
_MOVES: Final = 240
_TURNS: Final = 120
_DRAWN: Final = 20
_CATEGORIES: Final = ["devtools.timeline", "disabled-by-default-devtools.timeline", "toplevel"]
_WORK: Final = frozenset({"FunctionCall", "EvaluateScript", "RunMicrotasks", "UpdateLayoutTree", "Layout"})
_FRAME: Final = "FireAnimationFrame"
_TASKS: Final = frozenset({"RunTask", "ThreadControllerImpl::RunTask"})
_PER_FRAME: Final = Target(8.0)
_LONGEST: Final = Target(50.0)
_DRAWING: Final = Target(150.0)

Event = Mapping[str, Any]


def measure(load: Load) -> None:
    """Draw, move, zoom, and print the figures."""
    figures = [_drawing(), *asyncio.run(_moving(load.folder))]
    print("\n".join(table({f"a graph of {_BLOCKS} blocks": figures})))


def _drawing() -> Figure:
    parsed = parse({"blocks": graph(_BLOCKS), "start": "b0"}, workflow_id="large")
    if parsed.definition is None:
        raise ValueError(f"the workflow has faults: {parsed.faults[:3]}")
    taken: list[float] = []
    for _ in range(_DRAWN):
        began = time.thread_time()
        draw(parsed.definition)
        taken.append(time.thread_time() - began)
    return Figure("drawn on the server: CPU, p50", percentile(taken, 50) * 1e3, "ms", _DRAWING)


async def _moving(folder: Path) -> list[Figure]:
    async with _server(folder) as server, _browser() as browser:
        workflow = await server.deploy(graph(_BLOCKS), name="large", start="b0")
        context = await browser.new_context(base_url=server.url, viewport={"width": 1280, "height": 800})
        token = await server.session(await server.add_person("Ada", "admin"))
        await context.add_cookies([{"name": "signoff_session", "value": token, "url": server.url}])
        page = await context.new_page()
        await page.goto(f"/workflows/{workflow}")
        await page.locator(".graph-drawing[style]").wait_for()
        return [
            *_told("moved", await _traced(browser, page, _drag)),
            *_told("zoomed", await _traced(browser, page, _zoom)),
        ]


@asynccontextmanager
async def _server(folder: Path) -> AsyncIterator[PageServer]:
    server = PageServer(folder / "graph")
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


@asynccontextmanager
async def _browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=shutil.which("chromium"),
            args=["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"],
        )
        try:
            yield browser
        finally:
            await browser.close()


async def _traced(browser: Browser, page: Page, act: Callable[[Page], Awaitable[None]]) -> list[Event]:
    await browser.start_tracing(page=page, categories=_CATEGORIES)
    await act(page)
    raw = await browser.stop_tracing()
    return _of_main_thread(json.loads(raw)["traceEvents"])


async def _middle(page: Page) -> tuple[float, float]:
    box = await page.locator(".graph-view").bounding_box()
    if box is None:
        raise ValueError("the page shows no graph")
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


async def _drag(page: Page) -> None:
    x, y = await _middle(page)
    await page.mouse.move(x + 400, y)
    await page.mouse.down()
    for step in range(_MOVES):
        await page.mouse.move(x + 400 - (step % 80) * 10, y + step % 7)
    await page.mouse.up()


async def _zoom(page: Page) -> None:
    await page.mouse.move(*await _middle(page))
    await page.keyboard.down("Control")
    for step in range(_TURNS):
        await page.mouse.wheel(0, 40 if step % 40 < 20 else -40)
    await page.keyboard.up("Control")


def _of_main_thread(events: Sequence[Event]) -> list[Event]:
    """The events of the page's main thread: that which has animation frames."""
    threads = {(each["pid"], each["tid"]) for each in events if each["name"] == _FRAME}
    if len(threads) != 1:
        raise ValueError(f"the trace has animation frames in {len(threads)} threads")
    found = [each for each in events if each.get("ph") == "X" and (each["pid"], each["tid"]) in threads]
    return sorted(found, key=lambda each: (each["ts"], -each.get("dur", 0)))


def _told(what: str, events: Sequence[Event]) -> list[Figure]:
    frames = _per_frame(events)
    tasks = [each for each in events if each["name"] in _TASKS]
    longest = max(map(_cpu, tasks))
    note = f"{len(frames)} frames"
    waited = f"{max(each['dur'] for each in tasks) / 1e3:.0f} ms with what it waited for a core"
    return [
        Figure(f"{what}: script and layout per frame, p50", percentile(frames, 50), "ms", _PER_FRAME, note),
        Figure(f"{what}: script and layout per frame, most", max(frames), "ms", _PER_FRAME, note),
        Figure(f"{what}: longest task", longest, "ms", _LONGEST, waited),
    ]


def _per_frame(events: Sequence[Event]) -> list[float]:
    """Milliseconds of work from each animation frame to the next; work within work counts once."""
    frames: list[float] = []
    end = 0.0
    for each in events:
        if each["name"] == _FRAME:
            frames.append(0.0)
        elif each["name"] in _WORK and each["ts"] >= end and frames:
            frames[-1] += _cpu(each)
            end = each["ts"] + each.get("dur", 0)
    return frames


def _cpu(event: Event) -> float:
    """Milliseconds of CPU time of an event."""
    return float(event.get("tdur", event.get("dur", 0))) / 1e3
