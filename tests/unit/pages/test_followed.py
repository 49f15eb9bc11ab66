"""Logs that are followed: read once for all who ask, and kept within a room of bytes."""

import asyncio
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import pytest

from signoff.events.store.base import Recorded
from signoff.events.store.memory import MemoryStore
from signoff.gateway.pages.followed import FollowedLogs

LOG = UUID(int=1)


class Words:
    """The states of a log's events, in their order."""

    def __init__(self) -> None:
        self.all: list[bytes] = []

    @property
    def version(self) -> int:
        """The last event that was taken."""
        return len(self.all)

    @property
    def weight(self) -> int:
        """Their bytes."""
        return sum(map(len, self.all))

    def take(self, page: Sequence[Recorded]) -> None:
        """Take events, but none that is bad."""
        for recorded in page:
            self.all.append(recorded.state)
            if recorded.state == b"bad":
                raise ValueError("this event is bad")


class Logs(MemoryStore):
    """Logs that are what a test says, and how often each was read."""

    def __init__(self, **of: list[bytes]) -> None:
        super().__init__()
        self.states = {UUID(int=int(name[1:])): states for name, states in of.items()}
        self.read_after: list[int] = []
        self.reading = self.most_at_once = 0

    async def read(self, log_id: UUID, *, after: int = 0, **_: Any) -> list[Recorded]:
        self.read_after.append(after)
        self.reading += 1
        self.most_at_once = max(self.most_at_once, self.reading)
        await asyncio.sleep(0)
        self.reading -= 1
        return [
            Recorded(position=version, log_id=log_id, version=version, topic="t", state=state)
            for version, state in enumerate(self.states[log_id], start=1)
            if version > after
        ]


async def words(logs: FollowedLogs[Words], store: Logs, number: int = 1) -> list[bytes]:
    """What is made of a log."""
    async with logs.reading(store, UUID(int=number)) as made:
        return list(made.all)


async def test_those_who_ask_while_a_log_is_read_share_one_more_look() -> None:
    store, logs = Logs(_1=[b"a", b"b"]), FollowedLogs(Words)

    found = await asyncio.gather(*(words(logs, store) for _ in range(10)))

    assert found == [[b"a", b"b"]] * 10
    assert (store.read_after, store.most_at_once) == ([0, 2], 1)


async def test_who_asks_later_takes_only_what_was_added() -> None:
    store, logs = Logs(_1=[b"a"]), FollowedLogs(Words)
    await words(logs, store)
    store.states[LOG].append(b"b")

    assert await words(logs, store) == [b"a", b"b"]
    assert store.read_after == [0, 1]


async def test_nobody_is_given_what_failed_midway_for_another() -> None:
    store, logs = Logs(_1=[b"a", b"bad", b"c"]), FollowedLogs(Words)
    first, second = asyncio.create_task(words(logs, store)), asyncio.create_task(words(logs, store))

    with pytest.raises(ValueError, match="is bad"):
        await first
    store.states[LOG][1] = b"b"

    assert await second == [b"a", b"b", b"c"]
    assert store.read_after == [0, 0]


async def test_nothing_is_taken_while_somebody_has_a_log() -> None:
    store, logs = Logs(_1=[b"a"]), FollowedLogs(Words)
    async with logs.reading(store, LOG) as made:
        store.states[LOG].append(b"b")
        other = asyncio.create_task(words(logs, store))
        await asyncio.sleep(0)

        assert made.all == [b"a"]
    assert await other == [b"a", b"b"]


async def test_logs_that_were_not_looked_at_lately_give_way_to_others_and_it_is_told() -> None:
    forgotten: list[int] = []
    store = Logs(_1=[b"1" * 40], _2=[b"2" * 40], _3=[b"3" * 40])
    logs = FollowedLogs(Words, room=100, forget=lambda log_id: forgotten.append(log_id.int))

    for number in (1, 2, 1, 3):
        await words(logs, store, number)

    assert forgotten == [2]
    await words(logs, store, 1)
    assert store.read_after == [0, 0, 1, 0, 1]


async def test_no_more_logs_are_kept_than_there_are_to_be() -> None:
    forgotten: list[int] = []
    store = Logs(_1=[], _2=[], _3=[])
    logs = FollowedLogs(Words, most=2, forget=lambda log_id: forgotten.append(log_id.int))

    for number in (1, 2, 3):
        await words(logs, store, number)

    assert forgotten == [1]


async def test_a_log_that_is_too_large_is_shared_by_those_who_wait_and_not_kept() -> None:
    forgotten: list[int] = []
    store = Logs(_1=[b"x" * 30, b"y" * 30], _2=[b"2"])
    logs = FollowedLogs(Words, largest=50, forget=lambda log_id: forgotten.append(log_id.int))
    await words(logs, store, 2)

    await asyncio.gather(words(logs, store), words(logs, store))
    await words(logs, store)

    assert store.read_after == [0, 0, 2, 0]
    assert forgotten == [1, 1]


async def test_what_was_added_in_many_looks_counts_as_what_came_at_once() -> None:
    forgotten: list[int] = []
    store = Logs(_1=[])
    logs = FollowedLogs(Words, largest=50, forget=lambda log_id: forgotten.append(log_id.int))

    for _ in range(3):
        store.states[LOG].append(b"x" * 20)
        await words(logs, store)

    assert forgotten == [1]
