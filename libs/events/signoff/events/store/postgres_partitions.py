"""The events of some partitions: callers who ask at the same time share one pass over the log.

No index has the partitions. It would cost every append a third more of the database's time, and only who
catches up reads by partition: a relay that has taken over, a comparison with the topic. They ask for all
their partitions at once, and together read each event once, instead of once for every partition.
"""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from itertools import chain
from operator import attrgetter
from typing import Any, Final, TypeAlias

from msgspec import Struct

from signoff.events.lookups import Lookups
from signoff.events.store.base import Recorded
from signoff.events.store.paging import PAGE_BYTES, bytes_of, page_of

Fetch: TypeAlias = Callable[..., Awaitable[Sequence[Any]]]

_WINDOW: Final = 50_000
"""Positions that one statement looks through, so that its time is bounded however few events fit."""

_MOST: Final = 8_000
"""Events that one pass gives; who begins further ahead than that has another pass."""


class _Wanted(Struct, frozen=True):
    """What one caller lacks: of some partitions, above a position."""

    partitions: frozenset[int]
    after: int
    limit: int
    size: int | None


class _Stretch(Struct, frozen=True):
    """A caller's events of a pass; if its page has room left, it has no others up to this position."""

    events: list[Recorded]
    upto: int


class PartitionReads:
    """Reads pages of partitions' events.

    Args:
        fetch: runs a named query.
    """

    def __init__(self, fetch: Fetch) -> None:
        self._fetch = fetch
        self._passes: Lookups[_Wanted, _Stretch] = Lookups(self._look, at_once=1)

    async def read(
        self, partitions: Collection[int], *, after: int, upto: int, limit: int, size: int | None
    ) -> list[Recorded]:
        """Events of some partitions by position: a page of them, or all that there are.

        Args:
            partitions: whose.
            after: positions above this one.
            upto: the log's last position.
            limit: at most so many events.
            size: bytes of states; once the page has them it ends.

        Raises:
            StoreUnavailableError: the database is away.
        """
        found: list[Recorded] = []
        while after < upto and len(found) < limit and (size is None or size > 0):
            wanted = _Wanted(frozenset(partitions), after, limit - len(found), size)
            (stretch,) = await self._passes.find([wanted])
            found += stretch.events
            size = None if size is None else size - bytes_of(stretch.events)
            after = stretch.upto
        return found

    async def _look(self, wanted: Sequence[_Wanted]) -> list[_Stretch]:
        stretches: dict[_Wanted, _Stretch] = {}
        for group in _groups(wanted):
            stretches.update(await self._pass(group))
        return [stretches[each] for each in wanted]

    async def _pass(self, group: Sequence[_Wanted]) -> dict[_Wanted, _Stretch]:
        """One statement for callers that go on at about the same position."""
        after = min(each.after for each in group)
        until = after + _WINDOW
        limit = min(_MOST, sum(each.limit for each in group))
        size = min(PAGE_BYTES, sum(PAGE_BYTES if each.size is None else each.size for each in group))
        numbers = list(frozenset[int]().union(*(each.partitions for each in group)))
        by_partition: defaultdict[int, list[Recorded]] = defaultdict(list)
        last, used, count = after, 0, 0
        for number, *columns in await self._fetch("read_partitions", after, until, numbers, limit, size):
            event = Recorded(*columns)
            by_partition[number].append(event)
            last, used, count = event.position, used + len(event.state), count + 1
        upto = last if count >= limit or used >= size else until
        return {each: _Stretch(list(_share(each, by_partition)), upto) for each in group}


def _groups(wanted: Sequence[_Wanted]) -> Iterator[list[_Wanted]]:
    """Callers whose next events can come in one pass; nobody who is ahead waits for one who is far behind."""
    group: list[_Wanted] = []
    for each in sorted(wanted, key=attrgetter("after")):
        if group and each.after > group[0].after + _MOST:
            yield group
            group = []
        group.append(each)
    if group:
        yield group


def _share(wanted: _Wanted, by_partition: Mapping[int, list[Recorded]]) -> Iterator[Recorded]:
    """What one caller gets of a pass."""
    events = chain.from_iterable(by_partition.get(number, ()) for number in wanted.partitions)
    own = sorted((event for event in events if event.position > wanted.after), key=attrgetter("position"))
    return page_of(own, limit=wanted.limit, size=wanted.size)
