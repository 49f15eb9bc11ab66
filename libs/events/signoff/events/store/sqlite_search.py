"""A search as the arguments of SQLite's queries."""

from collections.abc import Iterable

from signoff.events.store.rows import escape
from signoff.events.store.search import Place, Search, fold_case
from signoff.events.store.sqlite_writer import as_json, microseconds


def filter_arguments(search: Search) -> tuple[object, ...]:
    """The arguments ?1 to ?13 that ``found_executions`` takes (queries_sqlite.sql)."""
    return (
        search.workspace_id.hex,
        _listed(search.workflow_ids),
        _listed(search.statuses),
        _listed(search.pause_statuses),
        _listed(search.triggers),
        search.actor_type,
        None if search.actor_id is None else escape(search.actor_id),
        _moment(search.started_after),
        _moment(search.started_before),
        _part(search.error),
        as_json({
            escape(name): [escape(value) if isinstance(value, str) else value for value in values]
            for name, values in search.attributes.items()
        }),
        as_json({escape(name): [bounds.least, bounds.most] for name, bounds in search.ranges.items()}),
        _part(search.text),
    )  # fmt: skip


def page_arguments(search: Search, after: Place | None, limit: int) -> tuple[object, ...]:
    """The arguments ?14 to ?18 of ``executions``; ``executions_newest`` has its order and takes three."""
    place = (None, None) if after is None else (microseconds(after.key), after.log_id.hex)
    order = () if is_newest_first(search) else (search.order, search.descending)
    return (*place, limit, *order)


def is_newest_first(search: Search) -> bool:
    """Whether the order is that of an index. SQLite plans a query before it knows its arguments."""
    return search.order == "started" and search.descending


def _listed(texts: Iterable[str]) -> str:
    return as_json([escape(text) for text in texts])


def _moment(seconds: float | None) -> int | None:
    return None if seconds is None else microseconds(seconds)


def _part(text: str | None) -> str | None:
    return None if text is None else escape(fold_case(text))
