"""A search over rows in memory."""

from collections import Counter
from collections.abc import Iterable
from operator import gt, itemgetter, lt

from signoff.events.store.base import ExecutionRow
from signoff.events.store.ordering import order_key
from signoff.events.store.search import (
    COUNTED,
    Attribute,
    Counts,
    Place,
    Range,
    Search,
    counts,
    counts_by_workflow,
    fold_case,
)
from signoff.events.store.words import has_words, wanted_logs


def find(
    rows: Iterable[ExecutionRow], search: Search, *, after: Place | None, limit: int
) -> list[ExecutionRow]:
    """The executions that a search finds, in its order, from the one after a place."""
    found = [
        ((key, row.log_id), row)
        for row in rows
        if _fits(row, search) and (key := order_key(row, search.order)) is not None
    ]
    if after is not None:
        last, comes = (after.key, after.log_id), lt if search.descending else gt
        found = [(key, row) for key, row in found if comes(key, last)]
    found.sort(key=itemgetter(0), reverse=search.descending)
    return [row for _, row in found[:limit]]


def count(rows: Iterable[ExecutionRow], search: Search) -> Counts:
    """How many executions a search finds, by status."""
    found = sorted(
        (row for row in rows if _fits(row, search)),
        key=lambda row: (row.started_at, row.log_id),
        reverse=True,
    )
    return counts(Counter(row.status for row in found[: COUNTED + 1]).items())


def count_by_workflow(rows: Iterable[ExecutionRow], search: Search) -> dict[str, dict[str, int]] | None:
    """How many executions a search finds, by workflow and status; ``None`` beyond the limit of counts."""
    found = Counter((row.workflow_id, row.status) for row in rows if _fits(row, search))
    return counts_by_workflow((*key, number) for key, number in found.items())


def _fits(row: ExecutionRow, search: Search) -> bool:
    return (
        row.workspace_id == search.workspace_id
        and (not search.workflow_ids or row.workflow_id in search.workflow_ids)
        and (not search.statuses or row.status in search.statuses)
        and (not search.pause_statuses or row.pause_status in search.pause_statuses)
        and (not search.triggers or row.trigger in search.triggers)
        and search.actor_type in {None, row.actor_type}
        and search.actor_id in {None, row.actor_id}
        and (search.started_after is None or row.started_at >= search.started_after)
        and (search.started_before is None or row.started_at < search.started_before)
        and _holds(row.error, search.error)
        and all(_is_any(row.attributes.get(name), values) for name, values in search.attributes.items())
        and all(_is_within(row.attributes.get(name), bounds) for name, bounds in search.ranges.items())
        and search.forked_from in {None, row.forked_from}
        and (search.text is None or has_words(row, search) or _begins(row, search))
    )


def _holds(text: str | None, part: str | None) -> bool:
    return part is None or (text is not None and fold_case(part) in fold_case(text))


def _begins(row: ExecutionRow, search: Search) -> bool:
    """Whether the id of an execution without one of its client's begins with the text."""
    logs = wanted_logs(search)
    return row.execution_id is None and logs is not None and logs[0] <= row.log_id <= logs[1]


def _is_any(value: Attribute | None, wanted: Iterable[Attribute]) -> bool:
    return any(value == each and isinstance(value, bool) == isinstance(each, bool) for each in wanted)


def _is_within(value: Attribute | None, bounds: Range) -> bool:
    if value is None or isinstance(value, bool | str):
        return False
    return (bounds.least is None or value >= bounds.least) and (bounds.most is None or value <= bounds.most)
