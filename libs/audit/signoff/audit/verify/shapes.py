"""Rows that are none: a database that minds no types holds whatever somebody writes into its columns.

Whoever reads a log passes over them, so that one such row hides no other.
"""

from collections.abc import Collection
from uuid import UUID

from signoff.audit.verify.faults import WRITER, Fault, Place
from signoff.events.store.base import EventStore
from signoff.events.store.upkeep import Misshapen


async def check_shapes(store: EventStore, *, limit: int, only: Collection[UUID] | None = None) -> list[Fault]:
    """Name rows that no event and no row of this version is like.

    Args:
        store: the log.
        limit: at most so many events and so many rows are named.
        only: of these logs alone; ``None``: of all, also where the log cannot be told.

    Raises:
        StoreUnavailableError: the database is away.
    """
    found = await store.upkeep.misshapen(limit=limit)
    return [_fault(row) for row in found if only is None or row.log_id in only]


def _fault(row: Misshapen) -> Fault:
    is_event = row.table == "stored_events"
    place = Place(
        log_id=None if row.log_id is None else str(row.log_id),
        event_id=row.version,
        position=row.position,
        table=row.table,
    )
    meaning = f"a row holds what the server never writes: {row.found}"
    return Fault(kind="unreadable" if is_event else "projection", place=place, meaning=meaning, cause=WRITER)
