"""Names are looked up beside everything else, and never for long."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from typing import Any

import aiohttp
import pytest

from signoff.runtime.guard import guarded_session
from signoff.runtime.names import Names

LIMIT = 10


@pytest.fixture
def hanging(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Name servers that answer nothing until the event is set."""
    answer, known = threading.Event(), socket.getaddrinfo

    def look_up(host: Any, *given: Any, **named: Any) -> Any:
        answer.wait(LIMIT)
        return known("127.0.0.1", *given, **named)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    yield answer
    answer.set()


async def test_a_name_has_its_addresses() -> None:
    names = Names()

    found = await names.resolve("localhost", 8080, socket.AF_INET)

    assert [(each["host"], each["port"], each["family"]) for each in found] == [
        ("127.0.0.1", 8080, socket.AF_INET)
    ]
    await names.close()


async def test_a_name_that_nobody_knows_is_an_error() -> None:
    names = Names()

    with pytest.raises(socket.gaierror):
        await names.resolve("no-such-host.invalid")

    await names.close()


async def test_requests_whose_names_hang_hold_up_no_other_thread(hanging: threading.Event) -> None:
    async with guarded_session(()) as session:
        urls = [f"http://host-{number}.test" for number in range(40)]  # more than the loop has threads
        asked = [asyncio.create_task(session.get(url)) for url in urls]

        async with asyncio.timeout(LIMIT / 2):
            await asyncio.gather(*(asyncio.to_thread(int) for _ in range(40)))

        assert not any(task.done() for task in asked)
        hanging.set()
        answers = await asyncio.gather(*asked, return_exceptions=True)
    assert {type(each) for each in answers} == {aiohttp.ClientConnectorError}  # no public address


async def test_a_look_up_is_waited_for_so_long_and_no_longer(hanging: threading.Event) -> None:
    names = Names(limit=0.05)

    with pytest.raises(OSError, match=r"no name server answered for slow\.test within 0\.05 s"):
        await names.resolve("slow.test")

    await names.close()


async def test_more_look_ups_than_may_wait_fail_at_once(hanging: threading.Event) -> None:
    names = Names(threads=1, waiting=1)
    asked = [asyncio.create_task(names.resolve(name)) for name in ("one.test", "two.test")]
    await asyncio.gather(asyncio.to_thread(int))  # both have begun

    with pytest.raises(OSError, match=r"three\.test was not looked up"):
        await names.resolve("three.test")

    hanging.set()
    await asyncio.gather(*asked)
    await names.close()
