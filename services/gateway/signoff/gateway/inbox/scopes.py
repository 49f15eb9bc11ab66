"""What is in somebody's inbox: the searches that their keys come to, and whether they may decide a point."""

from collections.abc import Iterable
from typing import Final
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from signoff.access.callers import Principal
from signoff.engine.points.standing import person_of
from signoff.events.store.base import EventStore, PointRow
from signoff.events.store.inbox import ANYBODY, InboxCounts, InboxPlace, InboxSearch, start
from signoff.events.store.ordering import inbox_place
from signoff.events.types import Maker
from signoff.gateway.inbox.filters import Claimed, Scope

MAX_KEYS: Final = 200
"""Users, groups and roles by which one query looks for points; what is only further groups' is left out."""

MAX_ABSENT: Final = 20
"""People in whose place somebody decides what these have claimed, in one query."""

_NOBODY: Final = ""


class Desk(Struct, frozen=True, kw_only=True):
    """As whom somebody has an inbox.

    Attributes:
        person: the user, or what names another caller.
        user_key: of the user; ``None`` where there is none.
        shared_keys: of their roles and groups, and of points that anybody decides.
        absent: people in whose place they decide → the keys of each.
        decides: whether they may decide anything in the workspace.
    """

    person: str
    user_key: str | None
    shared_keys: list[str]
    absent: dict[str, list[str]]
    decides: bool

    @property
    def own_keys(self) -> list[str]:
        """Their own first: those that are left out where they are too many come last."""
        return self.shared_keys if self.user_key is None else [self.user_key, *self.shared_keys]


class Scoped(Struct, frozen=True, kw_only=True):
    """A scope as searches: their union.

    Attributes:
        searches: what each finds belongs to it.
        overlaps: what two of them find both, for counting.
        complete: no key was left out.
    """

    searches: tuple[InboxSearch, ...]
    overlaps: tuple[InboxSearch, ...] = ()
    complete: bool = True


class Count(Struct, frozen=True, kw_only=True):
    """How many points a scope has; not ``exact``: at least so many. ``by_priority`` is by its number."""

    total: int
    exact: bool
    by_priority: dict[int, int]
    overdue: int


def desk_of(caller: Principal, maker: Maker) -> Desk:
    """The inbox of a caller, as the directory knows them now."""
    return Desk(
        person=maker.user_id or person_of(caller.actor),
        user_key=None if maker.user_id is None else f"user:{maker.user_id}",
        shared_keys=[
            *(f"role:{role}" for role in maker.roles),
            ANYBODY,
            *(f"group:{group_id}" for group_id in maker.group_ids),
        ],
        absent={
            absent: [f"user:{absent}", *(f"group:{group_id}" for group_id in group_ids)]
            for absent, group_ids in maker.stands_in_for.items()
        },
        decides=caller.may("pauses:decide"),
    )


def scoped(desk: Desk, scope: Scope, search: InboxSearch) -> Scoped:
    """What somebody looks for, of what a filter finds."""
    if scope == "all":
        return Scoped(searches=(search,))
    if not desk.decides:
        return Scoped(searches=())
    if scope == "mine":
        return _mine(desk, search)
    if scope == "groups":
        keys = desk.shared_keys
        found = replace(search, candidates=tuple(keys[:MAX_KEYS]), free_for=_NOBODY, not_excluded=desk.person)
        return Scoped(searches=(found,), complete=len(keys) <= MAX_KEYS)
    return _open(desk, search)


def _open(desk: Desk, search: InboxSearch) -> Scoped:
    """What they may decide in their own right or in the place of others, and what those have claimed."""
    if search.returned is None:
        search = replace(search, returned=False)
    search = replace(search, not_excluded=desk.person)
    keys = list(dict.fromkeys([*desk.own_keys, *(key for each in desk.absent.values() for key in each)]))
    free = replace(search, candidates=tuple(keys[:MAX_KEYS]), free_for=desk.person)
    theirs = [
        replace(search, candidates=tuple(keys_of_one[:MAX_KEYS]), claimed_by=absent)
        for absent, keys_of_one in list(desk.absent.items())[:MAX_ABSENT]
    ]
    complete = len(keys) <= MAX_KEYS and len(desk.absent) <= MAX_ABSENT
    return Scoped(searches=(free, *theirs), complete=complete)


def _mine(desk: Desk, search: InboxSearch) -> Scoped:
    claimed = replace(search, claimed_by=desk.person, not_excluded=desk.person)
    if desk.user_key is None:
        return Scoped(searches=(claimed,))
    assigned = replace(search, candidates=(desk.user_key,), not_excluded=desk.person)
    both = replace(claimed, candidates=(desk.user_key,))
    return Scoped(searches=(assigned, claimed), overlaps=(both,))


def claimed_only(wanted: Scoped, desk: Desk, claimed: Claimed | None) -> Scoped:
    """Of what somebody looks for what they have claimed, or nobody has; ``None`` leaves it as it is."""
    if claimed is None:
        return wanted

    def narrowed(searches: tuple[InboxSearch, ...]) -> tuple[InboxSearch, ...]:
        if claimed == "nobody":
            return tuple(replace(each, free_for=_NOBODY) for each in searches if each.claimed_by is None)
        return tuple(
            replace(each, claimed_by=desk.person)
            for each in searches
            if each.free_for != _NOBODY and each.claimed_by in (None, desk.person)
        )

    return replace(wanted, searches=narrowed(wanted.searches), overlaps=narrowed(wanted.overlaps))


async def page_of(
    store: EventStore, wanted: Scoped, *, after: InboxPlace | None, limit: int
) -> list[PointRow]:
    """The points of a scope in their order, from the one after a place; those of all searches, each once."""
    found: dict[tuple[float | int, float, UUID, str], PointRow] = {}
    descending = False
    for search in wanted.searches:
        descending = search.descending
        for row in await store.inbox(search, after=after, limit=limit):
            found[start(search, inbox_place(row, search.order))] = row
    return [found[key] for key in sorted(found, reverse=descending)][:limit]


async def count(store: EventStore, wanted: Scoped) -> Count:
    """How many points a scope has."""
    every = [await store.count_inbox(search) for search in wanted.searches]
    twice = [await store.count_inbox(search) for search in wanted.overlaps]
    exact = wanted.complete and all(each.exact for each in (*every, *twice))
    by_priority = _by_priority(every)
    for priority, number in _by_priority(twice).items():
        by_priority[priority] = max(0, by_priority.get(priority, 0) - number)
    overdue = sum(each.overdue for each in every) - sum(each.overdue for each in twice)
    return Count(
        total=sum(by_priority.values()), exact=exact, by_priority=by_priority, overdue=max(0, overdue)
    )


def _by_priority(counts: Iterable[InboxCounts]) -> dict[int, int]:
    summed: dict[int, int] = {}
    for each in counts:
        for priority, number in each.by_priority.items():
            summed[priority] = summed.get(priority, 0) + number
    return summed


def may_decide(desk: Desk, row: PointRow) -> bool:
    """Whether somebody may decide a point of a list, as far as its row tells; the engine judges again."""
    if not desk.decides or row.returned or desk.person in row.excluded:
        return False
    if not set(row.candidates).isdisjoint(desk.own_keys):
        return row.claimed_by in (None, desk.person)
    return any(
        absent not in row.excluded
        and row.claimed_by in (None, desk.person, absent)
        and not set(row.candidates).isdisjoint(keys)
        for absent, keys in desk.absent.items()
    )
