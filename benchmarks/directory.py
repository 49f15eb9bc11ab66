"""A large directory: `python -m benchmarks directory [--postgres]`.

Every service folds the whole of it, and every request is let in by it: what that takes, in memory and time.
"""

import gc
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Final
from urllib.parse import quote
from uuid import UUID

import msgspec
import uvloop
from benchmarks.figures import Figure, table
from benchmarks.inprocess import Load

from signoff.access.directory.changes import faults
from signoff.access.directory.fold import FORMAT, WORKFLOW_ID, Directory
from signoff.access.directory.live import LiveDirectory
from signoff.access.gate import Gate
from signoff.access.keys.making import digest_of
from signoff.engine.messages import Draft
from signoff.events.ids import new_id
from signoff.events.store import open_store
from signoff.events.store.base import Append, EventStore, Snapshot
from signoff.events.topics import PARTITIONS, directory_log_id, partition_of
from signoff.events.types import (
    Actor,
    DirectoryFact,
    KeyCreated,
    KeyRevoked,
    MemberRemoved,
    MemberSet,
    UserAdded,
    UserDisabled,
    WorkspaceCreated,
)
from signoff.executor.logs.loaded import Loaded
from signoff.runtime.settings import Settings

_USERS: Final = 20_000
_WORKSPACES: Final = 2_000
_MEMBERSHIPS: Final = 2
_AT_ONCE: Final = 500
_ASKED: Final = 2_000
_ACTOR: Final = Actor(type="apiKey", id="benchmark")
_STATM: Final = Path("/proc/self/statm")
_PAGE: Final = 4096


def _workspace(number: int) -> str:
    return str(UUID(int=1 + number % _WORKSPACES))


def _user(number: int) -> str:
    return str(UUID(int=1_000_000 + number))


def _key(number: int) -> str:
    return f"signoff_{number:043}"


def _facts() -> Iterator[DirectoryFact]:
    for number in range(_WORKSPACES):
        yield WorkspaceCreated(actor=_ACTOR, workspace_id=_workspace(number), name=f"Workspace {number}")
    for number in range(_USERS):
        user_id = _user(number)
        yield UserAdded(actor=_ACTOR, user_id=user_id)
        for other in range(_MEMBERSHIPS):
            workspace_id = _workspace(number + other)
            yield MemberSet(actor=_ACTOR, workspace_id=workspace_id, user_id=user_id, roles=["admin"])
        digest = digest_of(_key(number))
        yield KeyCreated(actor=_ACTOR, key_id=str(new_id()), name="laptop", digest=digest, user_id=user_id)


async def _write(store: EventStore) -> Loaded:
    """The log, each fact by a command of its own, as an executor writes it; gives its fold."""
    partition = partition_of(directory_log_id(), PARTITIONS)
    leases = await store.acquire("benchmark", most=PARTITIONS, ttl=3_600)
    epoch = next(lease.epoch for lease in leases if lease.partition == partition)
    loaded = Loaded(directory_log_id(), Directory(), None)
    loaded.name(execution_id=None, workflow_id=WORKFLOW_ID)
    facts = _facts()
    while drafts := [Draft(fact, str(new_id())) for fact in islice(facts, _AT_ONCE)]:
        step = loaded.step(drafts, time.time())
        await store.append(Append(partition=partition, epoch=epoch, events=loaded.records(step)))
    return loaded


async def _keep_snapshot(store: EventStore, loaded: Loaded) -> int:
    raw = msgspec.json.encode({"state": loaded.state, "prev": loaded.prev, "large": loaded.large})
    version = loaded.state.version
    await store.keep_snapshot(Snapshot(log_id=directory_log_id(), version=version, format=FORMAT, state=raw))
    return len(raw)


async def _start(store: EventStore) -> tuple[LiveDirectory, float, float]:
    """A process's directory, the seconds that it took and the bytes that it holds."""
    gc.collect()
    before, began = _memory(), time.perf_counter()
    directory = LiveDirectory(store)
    await directory.look()
    seconds = time.perf_counter() - began
    gc.collect()
    return directory, seconds, _memory() - before


def _memory() -> float:
    return int(_STATM.read_text(encoding="ascii").split()[1]) * _PAGE


def _each(call: Callable[[int], object]) -> float:
    """Microseconds that a call takes with each of some numbers."""
    began = time.perf_counter()
    for number in range(_ASKED):
        call(number)
    return (time.perf_counter() - began) / _ASKED * 1e6


def _asking(store: EventStore, directory: LiveDirectory) -> Iterator[Figure]:
    """What a request costs: the first of a caller since the last change of the directory, and later ones."""
    gate = Gate(store, directory, Settings())
    for note in ("first since a change", "later ones"):
        yield Figure("a caller by key", _each(lambda number: gate.by_key(_key(number))), "µs", note=note)
    yield Figure("a caller by session", _each(lambda number: gate.by_user(_user(number))), "µs")


def _deciding(state: Directory) -> Iterator[Figure]:
    """What an executor's loop is kept by."""
    workspace_id, user_id = _workspace(0), _user(0)
    key_id = next(iter(state.keys))
    one: list[DirectoryFact] = [MemberRemoved(actor=_ACTOR, workspace_id=workspace_id, user_id=user_id)]
    all_of_a_user: list[DirectoryFact] = [
        KeyRevoked(actor=_ACTOR, key_id=key_id), *one, UserDisabled(actor=_ACTOR, user_id=user_id)
    ]  # fmt: skip
    for name, facts in (("a member removed", one), ("a user removed", all_of_a_user)):
        began = time.perf_counter()
        assert not list(faults(state, facts, state.time))
        yield Figure(name, (time.perf_counter() - began) * 1e3, "ms", note=f"{len(facts)} facts checked")


async def _figures(load: Load) -> list[Figure]:
    store = await open_store(load.database or f"sqlite:///{quote(str(load.folder / 'directory.db'))}")
    try:
        await store.migrate(partitions=PARTITIONS)
        loaded = await _write(store)
        _, folding, size = await _start(store)
        raw = await _keep_snapshot(store, loaded)
        directory, decoding, _ = await _start(store)
        return [
            Figure("start, from the log", folding, "s", note=f"{loaded.state.version:,} events"),
            Figure("start, from a snapshot", decoding, "s", note=f"{raw / 1e6:.1f} MB"),
            Figure("memory", size / 1e6, "MB", note=f"{size / _USERS:,.0f} bytes a user"),
            *_asking(store, directory),
            *_deciding(directory.state),
        ]
    finally:
        await store.close()


def measure(load: Load) -> None:
    """Measure a directory of 20,000 users, each with a key and two memberships, in 2,000 workspaces."""
    system = f"{_USERS:,} users, {_WORKSPACES:,} workspaces"
    print("\n".join(table({system: uvloop.run(_figures(load))})), flush=True)
