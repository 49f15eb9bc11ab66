"""What a process saw of accesses, joined and bounded, until it is sent.

Equal accesses are one fact with a count. When too much waits, reads give way before refusals, and whatever
gives way is counted: nothing is left out without a word.
"""

import itertools
from collections import OrderedDict
from collections.abc import Callable
from typing import Final, Literal, TypeAlias

from msgspec import Struct

from signoff.audit.accesses.log import day_of
from signoff.events.times import iso
from signoff.events.types import (
    Access,
    AccessEnded,
    AccessesDropped,
    AccessExported,
    AccessFact,
    AccessRead,
    AccessRefused,
    AccessVerified,
    Actor,
    Sighted,
)

MOST: Final = 10_000
"""Facts that may wait."""

JOINED: Final = 5.0
"""Seconds within which equal reads are one fact."""

_DAY: Final = 86_400.0

Kind: TypeAlias = Literal["read", "ended", "exported", "verified"]
"""What somebody did, or was refused."""

_FACTS: Final[dict[Kind, type[Access]]] = {
    "read": AccessRead,
    "ended": AccessEnded,
    "exported": AccessExported,
    "verified": AccessVerified,
}


class Refused(Struct, frozen=True, kw_only=True):
    """How somebody was turned away; the fields are those of ``access:refused``."""

    permission: str | None = None
    status: int
    code: str | None = None
    reason: str
    hidden: bool = False


class Sight(Struct, frozen=True, kw_only=True):
    """An access without its moment: equal ones are joined. The fields are those of the facts."""

    kind: Kind
    workspace_id: str
    actor: Actor | None = None
    auth_method: str | None = None
    link_id: str | None = None
    address: str | None = None
    operation: str
    about: str
    names: tuple[tuple[str, str], ...] = ()
    filter: tuple[tuple[str, str], ...] = ()
    refused: Refused | None = None


class _Seen:
    """A sight that waits: when it was first and last seen, and how often."""

    __slots__ = ("count", "first", "last", "sight")

    def __init__(self, sight: Sight, first: float, last: float) -> None:
        self.sight = sight
        self.first = first
        self.last = last
        self.count = 1


class _Dropped(Struct):
    reads: int = 0
    refusals: int = 0
    first: float = 0.0
    last: float = 0.0


class _Line:
    """What waits of one sort: open for more of the same, or ready to go."""

    def __init__(self) -> None:
        self._open: OrderedDict[Sight, _Seen] = OrderedDict()
        self._ready: OrderedDict[int, _Seen] = OrderedDict()
        self._numbers = itertools.count()

    def __len__(self) -> int:
        return len(self._open) + len(self._ready)

    def joined(self, sight: Sight, now: float) -> bool:
        """Count one more of what is open, if it is of the same day."""
        seen = self._open.get(sight)
        if seen is None:
            return False
        if seen.first // _DAY != now // _DAY:
            self._close(self._open.pop(sight))
            return False
        seen.count += 1
        seen.last = max(seen.last, now)
        return True

    def add(self, sight: Sight, first: float, last: float) -> None:
        self._open[sight] = _Seen(sight, first, last)

    def add_closed(self, sight: Sight, first: float, last: float) -> None:
        self._close(_Seen(sight, first, last))

    def _close(self, seen: _Seen) -> None:
        self._ready[next(self._numbers)] = seen

    def close(self, before: float) -> None:
        """Let nothing join any more what was opened before a moment."""
        while self._open and next(iter(self._open.values())).first <= before:
            self._close(self._open.popitem(last=False)[1])

    def take(self, most: int) -> list[_Seen]:
        """Up to so many that are ready, the oldest first."""
        return [self._ready.popitem(last=False)[1] for _ in range(min(most, len(self._ready)))]

    def give_way(self) -> _Seen:
        """The oldest goes. There must be one."""
        return (self._ready or self._open).popitem(last=False)[1]


class Gathering:
    """Accesses on their way to access logs.

    Args:
        clock: seconds since the epoch, UTC.
        most: facts that may wait.
    """

    def __init__(self, clock: Callable[[], float], *, most: int = MOST) -> None:
        self._clock = clock
        self._most = most
        self._reads = _Line()
        self._refusals = _Line()
        self._dropped: dict[tuple[str, str], _Dropped] = {}

    def __len__(self) -> int:
        return len(self._reads) + len(self._refusals)

    def note(self, sight: Sight, *, since: float | None = None) -> None:
        """An access happens now. Never waits.

        Args:
            sight: what it is.
            since: when it began, where that was not now; such a one is joined with no other.
        """
        now = self._clock()
        line = self._reads if sight.refused is None else self._refusals
        if since is None and line.joined(sight, now):
            return
        if len(self) >= self._most:
            if line is self._reads or not len(self._reads):
                self._drop(sight, now)
                return
            oldest = self._reads.give_way()
            self._drop(oldest.sight, oldest.last, count=oldest.count)
        if since is None:
            line.add(sight, now, now)
        else:
            line.add_closed(sight, since, now)

    def _drop(self, sight: Sight, moment: float, *, count: int = 1) -> None:
        key = (sight.workspace_id, day_of(moment))
        dropped = self._dropped.setdefault(key, _Dropped(first=moment))
        dropped.last = max(dropped.last, moment)
        if sight.refused is None:
            dropped.reads += count
        else:
            dropped.refusals += count

    def take(self, most: int, *, all_of_it: bool = False) -> list[tuple[str, str, AccessFact]]:
        """What is ready, refusals first, each with the workspace and the day in whose log it belongs.

        Args:
            most: facts; of those that tell what was dropped there may be more.
            all_of_it: reads that might still be joined, too.
        """
        now = self._clock()
        self._refusals.close(now)
        self._reads.close(now if all_of_it else now - JOINED)
        taken = self._refusals.take(most)
        taken += self._reads.take(most - len(taken))
        facts: list[tuple[str, str, AccessFact]] = [
            (
                seen.sight.workspace_id,
                day_of(seen.last if seen.sight.kind == "ended" else seen.first),
                _fact(seen),
            )
            for seen in taken
        ]
        facts += [(*key, _dropped_fact(key[0], dropped)) for key, dropped in self._dropped.items()]
        self._dropped.clear()
        return facts


def _fact(seen: _Seen) -> Access:
    sight = seen.sight
    fact = _FACTS[sight.kind](
        workspace_id=sight.workspace_id,
        actor=sight.actor,
        auth_method=sight.auth_method,
        link_id=sight.link_id,
        address=sight.address,
        operation=sight.operation,
        about=Sighted(kind=sight.about, names=dict(sight.names), filter=dict(sight.filter)),
        first_at=iso(seen.first),
        last_at=None if seen.last == seen.first else iso(seen.last),
        count=seen.count,
    )
    return fact if sight.refused is None else _refusal(fact, sight.refused)


def _refusal(fact: Access, refused: Refused) -> AccessRefused:
    return AccessRefused(
        workspace_id=fact.workspace_id,
        actor=fact.actor,
        auth_method=fact.auth_method,
        link_id=fact.link_id,
        address=fact.address,
        operation=fact.operation,
        about=fact.about,
        first_at=fact.first_at,
        last_at=fact.last_at,
        count=fact.count,
        permission=refused.permission,
        status=refused.status,
        code=refused.code,
        reason=refused.reason,
        hidden=refused.hidden,
    )


def _dropped_fact(workspace_id: str, dropped: _Dropped) -> AccessesDropped:
    return AccessesDropped(
        workspace_id=workspace_id,
        reads=dropped.reads,
        refusals=dropped.refusals,
        first_at=iso(dropped.first),
        last_at=iso(dropped.last),
    )
