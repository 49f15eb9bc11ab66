"""A log in parts that are verified one by one, by several processes, and gone on with after a break."""

import asyncio
import hashlib
import random
from itertools import pairwise
from pathlib import Path
from typing import Final
from uuid import UUID

import msgspec
from msgspec import Struct

from signoff.audit.verify.faults import Fault
from signoff.cli.exits import CommandError
from signoff.events.store.base import EventStore
from signoff.events.store.upkeep import LAST_LOG, NO_LOG

_EVENTS: Final = 50_000
_MOST: Final = 1_000
_SAMPLES: Final = 4
LISTED: Final = 1_000
"""Faults of a unit that are kept; more are counted."""


class Levels(Struct, frozen=True, kw_only=True):
    """What is checked. The chain always is, where any log is read; values are with the fold alone."""

    fold: bool = True
    projections: bool = True
    values: bool = True


class Selection(Struct, frozen=True, kw_only=True):
    """Which logs are checked: those to which all of this applies.

    Attributes:
        logs: only these, by their ids.
        workflow: only its executions and deployments.
        since: only logs whose first event is not older, as events write times.
        partitions: only logs in these.
    """

    logs: tuple[UUID, ...] = ()
    workflow: str | None = None
    since: str | None = None
    partitions: tuple[int, ...] = ()

    @property
    def is_everything(self) -> bool:
        """No log is left out."""
        return self == Selection()


class Unit(Struct, frozen=True):
    """The logs above one id, up to another."""

    after: UUID
    until: UUID


class Done(Struct, frozen=True, kw_only=True):
    """What became of a unit.

    Attributes:
        logs: that were checked.
        events: likewise.
        unfolded: logs that could not be folded here, since their blocks are not, or a newer version wrote.
        values: large values that were looked at.
        older: rows of an earlier version, which lack what lists have shown since.
        faults: the first :data:`LISTED`.
        more: how many there are besides.
    """

    logs: int
    events: int
    unfolded: int = 0
    values: int = 0
    older: int = 0
    faults: list[Fault] = []
    more: int = 0


class State(Struct, kw_only=True):
    """How far a verification has come: what ``--resume`` keeps.

    Attributes:
        upto: the position up to which events are looked at.
        log: of which log it is: a digest of its first event and of the one at that position.
        levels: what is checked.
        selection: of which logs.
        units: the parts.
        done: those that are, by their places among the units.
    """

    upto: int
    log: str
    levels: Levels
    selection: Selection
    units: list[Unit]
    done: dict[int, Done] = {}

    @property
    def left(self) -> list[int]:
        """The units that are not done, by their places."""
        return [at for at in range(len(self.units)) if at not in self.done]


_state: Final = msgspec.json.Decoder(State)


async def plan(store: EventStore, levels: Levels, selection: Selection) -> State:
    """Divide the log as it is now into parts of about as many events.

    Raises:
        StoreUnavailableError: the database is away.
    """
    upto = max(0, await store.last_position())
    if selection.logs:
        units = [Unit(UUID(int=max(0, log_id.int - 1)), log_id) for log_id in sorted(selection.logs)]
    else:
        bounds = [NO_LOG, *await _bounds(store, upto), LAST_LOG]
        units = [Unit(after, until) for after, until in pairwise(bounds)]
    log = await _digest(store, upto)
    return State(upto=upto, log=log, levels=levels, selection=selection, units=units)


async def _digest(store: EventStore, upto: int) -> str:
    """What tells a log from others: of its first event, and of the one at a position."""
    digest = hashlib.sha256()
    for after in (0, upto - 1) if upto else ():
        for event in await store.upkeep.history(after=after, limit=1, size=1):
            digest.update(msgspec.json.encode((event.log_id, event.version, event.position)) + event.state)
    return digest.hexdigest()


async def _bounds(store: EventStore, upto: int) -> list[UUID]:
    """The logs that part the units: of events that chance picks, so that units have about as many."""
    count = min(_MOST, upto // _EVENTS)
    picked = []
    for position in random.sample(range(upto), min(upto, count * _SAMPLES)):
        picked += [event.log_id for event in await store.read_all(after=position, limit=1)]
    return sorted({*sorted(picked)[_SAMPLES - 1 :: _SAMPLES]} - {NO_LOG, LAST_LOG})


async def load(store: EventStore, path: Path, levels: Levels, selection: Selection) -> State | None:
    """The state of an earlier call, ``None`` when there is none that is left to be gone on with.

    Raises:
        CommandError: the file is another one, or of another verification, or of another log.
        StoreUnavailableError: the database is away.
    """
    try:
        state = _state.decode(await asyncio.to_thread(path.read_bytes))
    except FileNotFoundError:
        return None
    except (OSError, msgspec.MsgspecError) as error:
        raise CommandError(f"{path} is no file that --resume wrote: {error}") from error
    if not state.left:
        return None
    if (state.levels, state.selection) != (levels, selection):
        raise CommandError(f"{path} is of a verification with other options: give those, or another file")
    if state.log != await _digest(store, state.upto):
        raise CommandError(
            f"{path} is of another log, or this one is not what it was up to position {state.upto}: give "
            "another file, so that all of it is verified"
        )
    return state


def save(path: Path, state: State) -> None:
    """Keep how far a verification has come, whole or not at all.

    Raises:
        CommandError: the file cannot be written.
    """
    aside = path.with_name(path.name + ".new")
    try:
        aside.write_bytes(msgspec.json.encode(state))
        aside.replace(path)
    except OSError as error:
        raise CommandError(f"cannot write {path}: {error}") from error
