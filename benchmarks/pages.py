"""The pages over many executions: `python -m benchmarks pages [--postgres] [--points N]`.

A few executions are run and then copied. Then people who are signed in ask for every page, one after the
other, as a browser does: what is told is the time from the request to the last byte, and what is sent for
the page and all that it loads to a browser that has nothing of it. Last the slowest pages are asked for by
eight at once, and meanwhile one that is light: how long it takes tells how long a page holds up all others.
"""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from http import HTTPStatus
from typing import Final
from urllib.parse import quote

import aiohttp
import psycopg
from benchmarks.copies import fill
from benchmarks.figures import Figure, Target, percentile, table
from benchmarks.inprocess import Load
from benchmarks.page_samples import Names, decide_often, run_samples
from benchmarks.page_server import PageServer
from msgspec import Struct

from signoff.events.store import open_store
from signoff.gateway.pages.page import Page
from signoff.gateway.pages.routes import ALL
from support.browser_server import Person

_EXECUTIONS: Final = 100_000
_ASKED: Final = 500
_LONGEST: Final = 20.0
"""Seconds after which a page is asked for no more; 100 times in any case."""

_LEAST: Final = 100
_CROWD: Final = 8
_CROWDED: Final = 5
"""Pages that a crowd asks for: the slowest."""

_REFUSED: Final = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)
"""How a server answers of whom too much is asked, or by one caller."""

_RETRIED: Final = 0.1
_LIGHT: Final = "/sign-in"
_TARGET: Final = Target(200.0)
_WEIGHT: Final = Target(150.0)
_KB: Final = 1000
_ASSET: Final = re.compile(rb'(?:href|src)="(/assets/[^"#]+)')
_FIXED: Final = re.compile(r"/(settings|workflows/\+new)[^{}]*")
"""Pages whose addresses name nothing."""


class Asked(Struct, frozen=True, kw_only=True):
    """A page, and how it was answered.

    Attributes:
        name: what it is.
        path: its address.
        taken: seconds of each answer.
        sent: bytes, with all that it loads.
        unpacked: what these are without compression.
    """

    name: str
    path: str
    taken: list[float]
    sent: int
    unpacked: int


def measure(load: Load) -> None:
    """Fill a server, ask for its pages, and print the figures."""
    print("\n".join(table({"PostgreSQL" if load.database else "SQLite": asyncio.run(_measure(load))})))


async def _measure(load: Load) -> list[Figure]:
    server = PageServer(load.folder / "pages", database_url=load.database)
    await server.start()
    try:
        names = await run_samples(server)
        lately, once = [await server.add_person(name, "admin", "approver") for name in ("Ada", "Bob")]
        await decide_often(server, once, names.workflow)
    finally:
        await server.stop()
    await _fill(server, load, names)
    await server.start()
    try:
        await decide_often(server, lately, names.workflow)
        return await _figures(server, names, lately, once)
    finally:
        await server.stop()


async def _fill(server: PageServer, load: Load, names: Names) -> None:
    began, count = time.perf_counter(), load.points or _EXECUTIONS
    store = await open_store(load.database or f"sqlite:///{quote(str(server.data / 'signoff.db'))}")
    try:
        await fill(store, {names.done: 70, names.failed: 10, names.waiting: 20}, count)
    finally:
        await store.close()
    if load.database:
        await asyncio.to_thread(_analyze, load.database)
    print(f"{count:,} executions written in {time.perf_counter() - began:.0f} s", flush=True)


def _analyze(url: str) -> None:
    """Gather statistics, as autovacuum does within a minute of such a load."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("ANALYZE")


async def _figures(server: PageServer, names: Names, lately: Person, once: Person) -> list[Figure]:
    figures: list[Figure] = []
    async with _session(server, await server.session(lately)) as session:
        asked = [await _ask(session, name, path) for name, path in _paths(names)]
        async with _session(server, await server.session(once)) as other:
            asked.append(await _ask(other, "inbox, decided long ago", "/inbox/decided"))
        for each in asked:
            figures += _told(each)
        slowest = sorted(asked, key=lambda each: percentile(each.taken, 50), reverse=True)[:_CROWDED]
        for each in slowest:
            figures += [figure async for figure in _crowded(server.url, session, each)]
    return figures


def _session(server: PageServer, token: str) -> aiohttp.ClientSession:
    cookies, headers = {"signoff_session": token}, {"Sec-Fetch-Site": "none"}  # as a browser's
    return aiohttp.ClientSession(server.url, cookies=cookies, headers=headers, auto_decompress=False)


def _paths(names: Names) -> Iterator[tuple[str, str]]:
    """Every page: what it is, and its address."""
    one, (long, twin) = f"/executions/{names.done}", names.long
    displaying = f"/resume/{names.display_workflow}"
    yield from (
        ("executions", "/executions"),
        ("executions that wait", "/executions?status=paused"),
        ("executions, a workflow's failed", f"/executions?status=failed&workflowId={names.workflow}"),
        ("executions, by duration", "/executions?sort=-duration"),
        ("executions, an attribute", "/executions?attribute=customer:ACME"),
        ("executions, an attribute of none", "/executions?attribute=customer:nobody"),
        ("executions, a word of all", "/executions?text=acme"),
        ("executions, a word of none", "/executions?text=nowhere-to-be-found"),
        ("executions, an id's beginning", f"/executions?text={names.done[:-4]}"),
        ("executions, an error of none", "/executions?error=nowhere-to-be-found"),
        ("an execution", one),
        ("an execution that waits", f"/executions/{names.waiting}"),
        ("an execution as of an event", f"{one}?asOf=3"),
        ("an execution's block", f"{one}?block=pay"),
        ("its events", f"{one}/events"),
        ("an event", f"{one}/events/2"),
        ("its verification", f"{one}/verification"),
        ("two executions compared", f"/executions/compare?left={names.done}&right={names.failed}"),
        ("an execution of 10,000 events", f"/executions/{long}"),
        ("the same as of event 5,000", f"/executions/{long}?asOf=5000"),
        ("its events, from 5,000 on", f"/executions/{long}/events?from=5000"),
        ("its events, a rare type", f"/executions/{long}/events?type=container"),
        ("its verification, 10,000 events", f"/executions/{long}/verification"),
        ("two of 10,000 events compared", f"/executions/compare?left={long}&right={twin}"),
        ("an execution of 300 blocks", f"/executions/{names.large}"),
        ("an execution of 800 waits", f"/executions/{names.waits}"),
        ("inbox", "/inbox"),
        ("inbox, all", "/inbox?scope=all"),
        ("inbox, a word of all", "/inbox?scope=all&text=appro"),
        ("inbox, a point", f"/inbox/{names.waiting}/approve"),
        ("inbox, a point after 10,000 events", f"/inbox/{long}/approve"),
        ("inbox, a point that shows 2,000 rows", f"/inbox/{names.displayed}/approve"),
        ("inbox, decided lately", "/inbox/decided"),
        ("resume", f"/resume/{names.workflow}/{names.waiting}?contextId=approve"),
        ("resume after 10,000 events", f"/resume/{names.long_workflow}/{long}?contextId=approve"),
        ("resume that shows 2,000 rows", f"{displaying}/{names.displayed}?contextId=approve"),
        ("workflows", "/workflows"),
        ("a workflow", f"/workflows/{names.workflow}"),
        ("its versions", f"/workflows/{names.workflow}/versions"),
        ("its source", f"/workflows/{names.workflow}/source"),
        ("its form", f"/workflows/{names.workflow}/run"),
        ("a workflow of 300 blocks", f"/workflows/{names.large_workflow}"),
        ("its source, 300 blocks", f"/workflows/{names.large_workflow}/source"),
        *((page.path.strip("/"), page.path) for page in ALL if _is_fixed(page)),
    )


def _is_fixed(page: Page) -> bool:
    return page.method == "GET" and _FIXED.fullmatch(page.path) is not None


async def _ask(session: aiohttp.ClientSession, name: str, path: str) -> Asked:
    """Ask for a page, one after the other."""
    taken: list[float] = []
    end = time.perf_counter() + _LONGEST
    await _fetch(session, path)
    while _goes_on(taken, end):
        taken.append((await _fetch(session, path))[1])
    unpacked, _ = await _fetch(session, path, encoding="identity")
    loaded = [path, *{found.decode() for found in _ASSET.findall(unpacked)}]
    return Asked(
        name=name,
        path=path,
        taken=taken,
        sent=sum([len((await _fetch(session, each))[0]) for each in loaded]),
        unpacked=sum([len((await _fetch(session, each, encoding="identity"))[0]) for each in loaded]),
    )


def _goes_on(taken: Sequence[float], end: float) -> bool:
    return len(taken) < _LEAST or (len(taken) < _ASKED and time.perf_counter() < end)


async def _fetch(session: aiohttp.ClientSession, path: str, *, encoding: str = "gzip") -> tuple[bytes, float]:
    """A page as it was sent, and the seconds until its last byte."""
    began = time.perf_counter()
    async with session.get(path, headers={"Accept-Encoding": encoding}) as answer:
        body = await answer.read()
        if answer.status != HTTPStatus.OK:
            raise RuntimeError(f"{path}: {answer.status}")
    return body, time.perf_counter() - began


def _told(asked: Asked) -> Iterator[Figure]:
    note = f"{len(asked.taken)} times, {asked.path}"
    yield Figure(f"{asked.name}, p50", percentile(asked.taken, 50) * 1e3, "ms")
    yield Figure(f"{asked.name}, p99", percentile(asked.taken, 99) * 1e3, "ms", _TARGET, note)
    yield Figure("  with all that it loads", asked.sent / _KB, "KB", _WEIGHT)
    yield Figure("  the same unpacked", asked.unpacked / _KB, "KB")


async def _crowded(url: str, session: aiohttp.ClientSession, heavy: Asked) -> AsyncIterator[Figure]:
    """How a light page fares while eight ask for a heavy one, each again and again."""
    light: list[float] = []
    taken: list[float] = []
    refused = 0

    async def ask_again() -> None:
        nonlocal refused
        while True:
            began = time.perf_counter()
            async with session.get(heavy.path) as answer:
                await answer.read()
            if answer.status in _REFUSED:
                refused += 1
                await asyncio.sleep(_RETRIED)
            elif answer.status == HTTPStatus.OK:
                taken.append(time.perf_counter() - began)
            else:
                raise RuntimeError(f"{heavy.path}: {answer.status}")

    end = time.perf_counter() + _LONGEST
    async with aiohttp.ClientSession(url) as stranger, asyncio.TaskGroup() as group:
        crowd = [group.create_task(ask_again()) for _ in range(_CROWD)]
        while not taken or _goes_on(light, end):
            light.append((await _fetch(stranger, _LIGHT))[1])
        for each in crowd:
            each.cancel()
    note = f"{len(light)} times, while {_CROWD} ask for: {heavy.name}"
    crowds = f"{len(taken)} times, {refused} refused"
    yield Figure(f"{_LIGHT} beside a crowd, p50", percentile(light, 50) * 1e3, "ms")
    yield Figure(f"{_LIGHT} beside a crowd, p99", percentile(light, 99) * 1e3, "ms", _TARGET, note)
    yield Figure("  the crowd's page, p99", percentile(taken, 99) * 1e3, "ms", None, crowds)
