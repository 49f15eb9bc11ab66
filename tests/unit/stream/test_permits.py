"""Whether a stream may go on, while it is being asked."""

import asyncio
from typing import cast

from signoff.access.directory.live import LiveDirectory
from signoff.events.errors import StoreUnavailableError
from signoff.stream.errors import RefusedError
from signoff.stream.permits import Permit
from support.executors import until


class Directory:
    """A directory that changes when the test says so."""

    def __init__(self) -> None:
        self.version = 1


class Asked:
    """What is asked, and answered when the test says so."""

    def __init__(self) -> None:
        self.answers = asyncio.Event()
        self.error: Exception | None = None
        self.count = 0
        self.ended = False

    async def __call__(self) -> None:
        self.count += 1
        await self.answers.wait()
        if self.error is not None:
            raise self.error

    def end(self) -> None:
        self.ended = True


def _permit(directory: Directory, asked: Asked) -> Permit:
    return Permit(cast("LiveDirectory", directory), asked, asked.end, {})


async def test_nothing_is_sent_while_somebody_else_asks_whether_it_may_be() -> None:
    directory, asked = Directory(), Asked()
    asked.answers.set()
    permit = _permit(directory, asked)
    await permit.begin()
    asked.answers.clear()
    asked.error = RefusedError(403, "no more")
    directory.version += 1

    watching, sending = asyncio.create_task(permit.renew()), asyncio.create_task(permit.holds())
    await until(lambda: asked.count == 3 or sending.done())
    asked.answers.set()

    assert await watching
    assert not await sending
    assert asked.ended


async def test_without_a_change_of_the_directory_nobody_is_asked() -> None:
    directory, asked = Directory(), Asked()
    asked.answers.set()
    permit = _permit(directory, asked)
    await permit.begin()

    assert [await permit.holds() for _ in range(3)] == [True] * 3
    assert asked.count == 1


async def test_a_stream_stays_while_it_cannot_be_said() -> None:
    directory, asked = Directory(), Asked()
    asked.answers.set()
    permit = _permit(directory, asked)
    await permit.begin()
    directory.version += 1
    asked.error = StoreUnavailableError("away")

    assert not await permit.renew()
    assert await permit.holds()
    assert asked.count == 2
