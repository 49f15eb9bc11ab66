"""The orders of executions and of pause points in a search."""

from typing import assert_never

from signoff.events.store.base import ExecutionRow, PointRow
from signoff.events.store.inbox import InboxOrder, InboxPlace
from signoff.events.store.search import Order, Place


def place_of(row: ExecutionRow, order: Order) -> Place:
    """Where an execution stands in an order.

    Raises:
        ValueError: it has not ended, so it has no place in this order.
    """
    key = order_key(row, order)
    if key is None:
        raise ValueError(f"execution {row.log_id} has not ended: it has no place in the order of {order}")
    return Place(key, row.log_id)


def order_key(row: ExecutionRow, order: Order) -> float | None:
    """What an execution is sorted by, in seconds; ``None``: it is left out."""
    match order:
        case "started":
            return row.started_at
        case "updated":
            return row.updated_at
        case "ended":
            return row.ended_at
        case "duration":
            # To the microsecond, as the databases have it: floats of this size differ by a part of it.
            return None if row.ended_at is None else round(row.ended_at - row.started_at, 6)
        case _:
            assert_never(order)


def inbox_place(row: PointRow, order: InboxOrder) -> InboxPlace:
    """Where a pause point stands in an order."""
    match order:
        case "opened":
            key: float | None = row.opened_at
        case "due":
            key = row.due_at
        case "priority":
            key = row.priority
        case _:
            assert_never(order)
    return InboxPlace(key, row.opened_at, row.log_id, row.context_id)
