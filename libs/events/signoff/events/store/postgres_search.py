"""A search as the arguments of PostgreSQL's queries."""

from typing import Final

import msgspec

from signoff.events.store.rows import encode_attributes, escape
from signoff.events.store.search import Place, Search, alternatives, fold_case

SEARCHING: Final = {
    # What a search leaves out, and its order, are known when its plan is made: it is made each time.
    "plan_cache_mode": "force_custom_plan",
}
"""Settings of the connections that search."""


def filter_arguments(search: Search) -> tuple[object, ...]:
    """The arguments $1 to $15 that ``found_executions`` takes (queries.sql)."""
    return (
        search.workspace_id,
        [escape(each) for each in search.workflow_ids],
        list(search.statuses),
        list(search.pause_statuses),
        [escape(each) for each in search.triggers],
        search.actor_type,
        _escaped(search.actor_id),
        search.started_after,
        search.started_before,
        _part(search.error),
        [_within(search, encode_attributes(each)) for each in alternatives(search.attributes)],
        [escape(name) for name in search.ranges],
        [bounds.least for bounds in search.ranges.values()],
        [bounds.most for bounds in search.ranges.values()],
        _part(search.text),
    )


def page_arguments(search: Search, after: Place | None, limit: int) -> tuple[object, ...]:
    """The arguments $16 to $20 of ``executions``."""
    place = (None, None) if after is None else (after.key, after.log_id)
    return (search.order, search.descending, *place, limit)


def _within(search: Search, attributes: str) -> str:
    """Attributes as the column has them: under their workspace."""
    return msgspec.json.encode({str(search.workspace_id): msgspec.Raw(attributes.encode())}).decode()


def _escaped(text: str | None) -> str | None:
    return None if text is None else escape(text)


def _part(text: str | None) -> str | None:
    return None if text is None else escape(fold_case(text))
