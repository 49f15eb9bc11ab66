"""What a feed is about: which events, of those that its reader may see."""

import re
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Final, get_args
from uuid import UUID

from msgspec import Struct

from signoff.events.codec import TOPIC_BY_TYPE
from signoff.events.store.base import ExecutionStatus
from signoff.events.types import (
    ACCESS_FACTS,
    DIRECTORY_FACTS,
    EVENT_TYPES,
    ExecutionCancelled,
    ExecutionCompleted,
    ExecutionError,
    ExecutionForked,
    ExecutionPaused,
    ExecutionReopened,
    ExecutionResumed,
    ExecutionStarted,
)
from signoff.tail.errors import BadFilterError

PARAMETERS: Final = ("types", "workflowId", "status", "workspaceId", "executionId")
"""The names of a feed's filters, in a query and in a body."""

MOST: Final = 32
"""Values that one filter takes, so that a feed is cheap to match and fits a stream token."""

_LONGEST: Final = 128
UUID_TEXT: Final = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_TYPES: Final = tuple(sorted(EVENT_TYPES.keys() - {fact.TYPE for fact in (*DIRECTORY_FACTS, *ACCESS_FACTS)}))
_STATUSES: Final[tuple[ExecutionStatus, ...]] = get_args(ExecutionStatus)

BROUGHT_BY: Final[Mapping[ExecutionStatus, frozenset[str]]] = {
    "running": frozenset(
        {ExecutionStarted.TYPE, ExecutionResumed.TYPE, ExecutionReopened.TYPE, ExecutionForked.TYPE}
    ),
    "paused": frozenset({ExecutionPaused.TYPE, ExecutionError.TYPE}),
    "completed": frozenset({ExecutionCompleted.TYPE}),
    "failed": frozenset({ExecutionError.TYPE}),
    "cancelled": frozenset({ExecutionCancelled.TYPE}),
}
"""The types of the events that bring an execution into a state. An ``execution:error`` that is not final
leaves points of earlier runs open, and so brings it to ``paused``."""


class FeedFilter(Struct, frozen=True, kw_only=True):
    """Which events a feed has; all of its conditions hold for each. Make it with :func:`filter_of`.

    Attributes:
        types: of the events; ``None``: any, also such as this version does not know.
        statuses: the states into which the events bring their execution; empty: any event.
        workflow_ids: of these workflows; empty: of all.
        workspace_id: in this workspace alone; ``None``: in all that the reader may see.
        execution_ids: of these executions, by any of their ids, and the events that begin forks of them;
            empty: of all.
    """

    types: frozenset[str] | None = None
    statuses: frozenset[ExecutionStatus] = frozenset()
    workflow_ids: frozenset[str] = frozenset()
    workspace_id: UUID | None = None
    execution_ids: frozenset[str] = frozenset()

    @property
    def topics(self) -> list[str]:
        """What the log's ``topic`` column has for the types; empty: anything."""
        return [] if self.types is None else sorted(TOPIC_BY_TYPE[each] for each in self.types)


def filter_of(parameters: Mapping[str, Sequence[str]]) -> FeedFilter:
    """A filter of what a request says.

    Args:
        parameters: :data:`PARAMETERS` with their values, each of which may hold several, by commas. Other
            names are none of a filter's, and ignored.

    Raises:
        BadFilterError: names the parameter and says what it must be.
    """
    given = {name: _values(name, parameters.get(name, ())) for name in PARAMETERS}
    statuses = [_status(each) for each in given["status"]]
    types = _types(given["types"])
    if statuses:
        brought = frozenset[str]().union(*(BROUGHT_BY[status] for status in statuses))
        types = brought if types is None else types & brought
        if not types:
            raise BadFilterError(
                "types", "such as bring an execution into that status, and none of these does"
            )
    return FeedFilter(
        types=types,
        statuses=frozenset(statuses),
        workflow_ids=frozenset(given["workflowId"]),
        workspace_id=_workspace(given["workspaceId"]),
        execution_ids=frozenset(given["executionId"]),
    )


def _values(name: str, texts: Sequence[str]) -> list[str]:
    values = [value.strip() for text in texts for value in text.split(",")]
    values = list(dict.fromkeys(value for value in values if value))
    if len(values) > MOST:
        raise BadFilterError(name, f"at most {MOST} values")
    if any(len(value) > _LONGEST for value in values):
        raise BadFilterError(name, f"at most {_LONGEST} characters each")
    return values


def _workspace(values: list[str]) -> UUID | None:
    if not values:
        return None
    if len(values) > 1:
        raise BadFilterError("workspaceId", "one value")
    if not UUID_TEXT.fullmatch(values[0]):
        raise BadFilterError("workspaceId", "a UUID")
    return UUID(values[0])


def _status(value: str) -> ExecutionStatus:
    if value not in _STATUSES:
        raise BadFilterError("status", f"{_list(_STATUSES)}, and {value!r} is none of them")
    return value


def _types(values: list[str]) -> frozenset[str] | None:
    return frozenset[str]().union(*map(_matching, values)) if values else None


def _matching(value: str) -> frozenset[str]:
    if value.endswith(":*"):
        found = frozenset(each for each in _TYPES if each.startswith(value[:-1]))
    else:
        found = frozenset(each for each in _TYPES if each == value)
    if not found:
        families = sorted({f"{each.partition(':')[0]}:*" for each in _TYPES})
        close = get_close_matches(value, [*_TYPES, *families], n=1)
        hint = f"; did you mean {close[0]}?" if close else ""
        raise BadFilterError("types", f"types of events, or {_list(families)}, and {value!r} is none{hint}")
    return found


def _list(values: Iterable[str]) -> str:
    return ", ".join(values)
