"""A server to which anything is said stays well: no fault of its own, no silence, no growth, no error logged.

``make test`` sends 5,000 requests, ``make soak`` 100,000 of another seed, which it prints;
``SIGNOFF_FUZZ_SEED`` repeats either.
"""

import asyncio
import json
import os
import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from fuzz.caller import Answer, Caller, NoAnswerError
from fuzz.framing import broken
from fuzz.mutations import mutated
from fuzz.valid import Valid
from support.populated_server import PopulatedServer

_SEED: Final = os.environ.get("SIGNOFF_FUZZ_SEED")
_CALLERS: Final = 8
_BROKEN: Final = 0.1
_WARM: Final = 0.4
_GROWTH: Final = 128 * 1024
"""Kibibytes that a server may hold more at the end than after this part of all requests: caches fill, and
allocators keep what they had. From 10,000 requests on it holds 100 MiB more than at first, and no more."""

_SHOWN: Final = 20


@pytest.fixture
def server(tmp_path: Path) -> Iterator[PopulatedServer]:
    """A server that has something of everything."""
    server = PopulatedServer(tmp_path)
    try:
        server.serve()
        yield server
    finally:
        server.kill()


@pytest.mark.timeout(150)
async def test_whatever_is_sent_the_server_stays_well(server: PopulatedServer) -> None:
    await _fuzz(server, 5_000, int(_SEED or 20260501))


@pytest.mark.soak
@pytest.mark.timeout(7200)
async def test_whatever_is_sent_for_long_the_server_stays_well(server: PopulatedServer) -> None:
    await _fuzz(server, 100_000, int(_SEED or random.randrange(2**32)))


async def _fuzz(server: PopulatedServer, count: int, seed: int) -> None:
    print(f"SIGNOFF_FUZZ_SEED={seed}")
    fuzzer = Fuzzer(server, seed)
    warming_up = round(count * _WARM)
    await fuzzer.send(warming_up)
    before = server.memory()
    await fuzzer.send(count - warming_up)
    grown = server.memory() - before

    print(f"statuses: {dict(sorted(fuzzer.statuses.items()))}; grown by {grown} KiB from {before}")
    assert not fuzzer.found, "\n\n".join([*fuzzer.found[:_SHOWN], *map(str, server.complaints())])
    assert server.complaints() == []
    assert grown <= _GROWTH
    _serves(server)


def _serves(server: PopulatedServer) -> None:
    """After all that, a workflow is deployed and executed as ever."""
    code = "return <start.x> + 1"
    server.ask("PUT", "/api/workflows/after", {"blocks": {"add": {"type": "function", "code": code}}})
    executed = server.ask("POST", "/api/workflows/after/execute", {"input": {"x": 1}})
    assert executed["output"]["result"] == 2, executed


class Fuzzer:
    """Sends requests that are more or less wrong, over several connections at once.

    Args:
        server: that gets them.
        seed: the same one makes the same requests; in which order they arrive is not said.

    Attributes:
        found: requests, with what is wrong with their answers.
        statuses: how often each came; 0 is the end of a connection.
    """

    def __init__(self, server: PopulatedServer, seed: int) -> None:
        self._server = server
        self._chance = random.Random(seed)
        document = server.ask("GET", "/openapi.json")
        self._valid = Valid(document, server.known, server.key, self._chance)
        self.found: list[str] = []
        self.statuses: Counter[int] = Counter()

    async def send(self, count: int) -> None:
        """Send so many."""
        left = iter(range(count))
        async with asyncio.TaskGroup() as callers:
            for _ in range(_CALLERS):
                callers.create_task(self._call(left))

    async def _call(self, left: Iterator[int]) -> None:
        caller = Caller(*self._server.address)
        try:
            for _ in left:
                await self._one(caller)
        finally:
            await caller.close()

    async def _one(self, caller: Caller) -> None:
        request = mutated(self._valid.request(), self._chance, self._valid.id())
        raw = request.encode()
        wrecked = self._chance.random() < _BROKEN
        if wrecked:
            raw = broken(raw, self._chance)
        try:
            sent = caller.throw(raw) if wrecked else caller.call(raw, head=request.method == "HEAD")
            answer = await sent
        except NoAnswerError:
            self.found.append(f"no answer to {raw[:2000]!r}")
            return
        self.statuses[answer.status] += 1
        fault = "the connection ended" if answer.status == 0 and not wrecked else _fault(answer, raw)
        if fault is not None:
            self.found.append(f"{fault}: {answer.status} {answer.body[:500]!r} to {raw[:2000]!r}")


def _fault(answer: Answer, raw: bytes) -> str | None:
    """What is wrong with an answer to what was sent, if anything is."""
    if answer.status == 503:
        return None if "retry-after" in answer.headers else "no Retry-After"
    if answer.status >= 500:
        # A run whose block failed, by Sim's contract; its caller reads `success`, not the status.
        failed_run = answer.status == 500 and b'"success":false' in answer.body
        return None if failed_run else "a fault of the server's"
    if answer.status >= 400 and answer.body:
        return None if _tells_why(answer, raw) else "a refusal that does not say why"
    return None


def _tells_why(answer: Answer, raw: bytes) -> bool:
    if "x-signoff-block" in answer.headers:
        return True
    if answer.headers.get("content-type", "").startswith("text/html"):
        # A page, which is no answer of the API; what CONNECT names is a host, whatever it looks like.
        asked_api = b" /api/" in raw.split(b"\r\n", 1)[0] and not raw.startswith(b"CONNECT ")
        return b"<h1" in answer.body and not asked_api
    try:
        return bool(json.loads(answer.body)["error"])
    except (ValueError, KeyError, TypeError):
        return False
