"""A page of an execution's events."""

from typing import Annotated, Final, TypeAlias
from uuid import UUID

from msgspec import Meta, Struct, field

from signoff.events.store.base import EventStore, Recorded

_SOME: Final = 50
_PAGE_BYTES: Final = 4 * 1024 * 1024


EventId: TypeAlias = Annotated[int, Meta(ge=0, le=2**31 - 1)]


class EventsQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which events of an execution are wanted.

    Attributes:
        after: The page begins after this event.
        last: No event after this one.
        limit: Events in a page at most; a page of large ones is shorter.
    """

    after: EventId = field(default=0, name="from")
    last: EventId = field(default=2**31 - 1, name="to")
    limit: Annotated[int, Meta(ge=1, le=1000)] = 100


async def page_of_events(
    store: EventStore, log_id: UUID, *, after: int, last: int, limit: int
) -> tuple[list[Recorded], bool]:
    """Events of one page, and whether more follow."""
    page: list[Recorded] = []
    size = 0
    while True:
        found = await store.read(log_id, after=after, limit=_SOME)
        for recorded in found:
            if recorded.version > last:
                return page, False
            if len(page) == limit or size > _PAGE_BYTES:
                return page, True
            page.append(recorded)
            size += len(recorded.state)
        if len(found) < _SOME:
            return page, False
        after = found[-1].version
