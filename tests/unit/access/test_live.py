"""The directory as a process has it: how old it may be, and how it comes to be current."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from signoff.access.directory import live
from signoff.access.directory.fold import DEFAULT_ID, FORMAT, Directory, User, evolve_directory
from signoff.access.directory.live import STALE_AFTER, LiveDirectory
from signoff.access.gate import Gate
from signoff.events.bus.memory import MemoryBus
from signoff.events.codec import chain_hash, decode_event
from signoff.events.errors import StoreUnavailableError
from signoff.events.store.base import Snapshot
from signoff.events.store.memory import MemoryStore
from signoff.events.topics import DEFAULT_WORKSPACE, PARTITIONS, directory_log_id
from signoff.events.types import MemberRemoved
from signoff.runtime.settings import Settings
from support.directories import ADMIN, user
from support.executor_faults import FaultyStore
from support.growing_logs import Ledger
from support.stores import Clock

KEY = "the-bootstrap-key"


class Place:
    """A directory whose log can be away, in a time that a test sets."""

    def __init__(self, store: MemoryStore, ledger: Ledger) -> None:
        self.store: Any = FaultyStore(store)
        self.clock = Clock()
        self.log = ledger.log(log_id=directory_log_id())
        self.directory = LiveDirectory(self.store, look_every=0.001, clock=self.clock)
        self.gate = Gate(self.store, self.directory, Settings(bootstrap_api_key=KEY))


@pytest.fixture
async def place() -> AsyncIterator[Place]:
    store, bus = MemoryStore(), MemoryBus()
    await store.migrate(partitions=PARTITIONS)
    yield Place(store, await Ledger.open(store, bus))
    await bus.close()
    await store.close()


async def _follow(place: Place) -> asyncio.Task[None]:
    task = asyncio.create_task(place.directory.follow())
    await place.directory.look()
    return task


@pytest.fixture
async def followed(place: Place) -> AsyncIterator[Place]:
    """A place whose directory is followed."""
    task = await _follow(place)
    yield place
    task.cancel()
    await asyncio.wait([task])


async def test_nobody_is_let_in_once_the_log_could_not_be_read_for_too_long(followed: Place) -> None:
    followed.store.away = True

    followed.clock.now += STALE_AFTER
    assert DEFAULT_WORKSPACE in followed.gate.by_key(KEY).grants
    followed.clock.now += 0.001
    with pytest.raises(StoreUnavailableError):
        followed.gate.by_key(KEY)
    with pytest.raises(StoreUnavailableError):
        await followed.directory.check()


async def test_callers_are_let_in_again_when_the_log_is_back_with_what_changed_meanwhile(
    followed: Place,
) -> None:
    followed.store.away = True
    followed.clock.now += STALE_AFTER + 1
    await followed.log.add(user("ada"), publish=False)
    followed.store.away = False

    await followed.directory.reached(1)

    assert DEFAULT_WORKSPACE in followed.gate.by_key(KEY).grants
    assert "ada" in followed.directory.state.users


async def test_a_directory_that_was_never_read_lets_nobody_in(place: Place) -> None:
    with pytest.raises(StoreUnavailableError):
        place.gate.by_key(KEY)


async def test_a_fact_that_cannot_be_folded_is_not_passed_over(place: Place) -> None:
    nobody = MemberRemoved(actor=ADMIN, workspace_id=DEFAULT_ID, user_id="nobody")
    await place.log.add(nobody, user("ada"), publish=False)

    for _ in range(2):
        with pytest.raises(KeyError):
            await place.directory.look()

    assert place.directory.version == 0


async def test_who_waits_for_a_change_that_does_not_come_is_told(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "_REACH_LIMIT", 0.01)

    with pytest.raises(StoreUnavailableError, match="did not show the change"):
        await place.directory.reached(1)


async def test_a_snapshot_is_where_the_fold_begins(place: Place) -> None:
    await place.log.add(user("ada"), user("bob"), publish=False)
    before = Directory()
    for raw in place.log.raws[:1]:
        evolve_directory(before, decode_event(raw))
    before.users["of the snapshot"] = User()
    kept = {"state": before, "prev": chain_hash(place.log.raws[0]), "large": False}
    await _keep(place, FORMAT, msgspec.json.encode(kept), version=1)

    await place.directory.look()

    assert set(place.directory.state.users) == {"ada", "bob", "of the snapshot"}


@pytest.mark.parametrize(
    ("form", "state"),
    [
        (FORMAT, b'{"state":'),
        (FORMAT, b"[]"),
        (FORMAT - 1, b'{"state":{"version":2},"prev":"","large":false}'),
        (FORMAT, b'{"state":{"version":2},"prev":"of other events","large":false}'),
    ],
    ids=["broken off", "something else", "of another format", "of other events"],
)
async def test_a_snapshot_that_cannot_be_read_is_as_good_as_none(
    place: Place, form: int, state: bytes
) -> None:
    await place.log.add(user("ada"), user("bob"), publish=False)
    await _keep(place, form, state, version=2)

    await place.directory.look()

    assert place.directory.version == 2
    assert set(place.directory.state.users) == {"ada", "bob"}


async def _keep(place: Place, form: int, state: bytes, *, version: int) -> None:
    await place.store.keep_snapshot(
        Snapshot(log_id=directory_log_id(), version=version, format=form, state=state)
    )
