"""What differs between two states of an execution, or between two executions event by event."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import Any, Final, Literal, TypeAlias

import msgspec
from msgspec import Struct

from signoff.engine.folding.places import path_of, turns_of
from signoff.events.types import Event, ExecutionForked, Json, Placed

Kind: TypeAlias = Literal["added", "removed", "changed"]

MAX_CHANGES: Final = 1_000
"""Changes that are told of; a larger difference is not read any more, but looked through."""


OWN: Final = frozenset({
    "startedAt", "endedAt", "durationMs", "duration", "startTime", "endTime", "resumeExecutionId",
    "resumeEntryId", "decisionId", "heldId", "apiUrl", "uiUrl", "executionId", "childExecutionId", "url",
    "resumeEndpoint", "submittedAt", "requestDigest", "nextAttemptAt", "dueAt", "at", "waitDuration",
})  # fmt: skip
"""Names of what differs in any two executions: ids and times."""


class Change(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One place in which two values differ.

    Attributes:
        path: the names that lead there, from the outermost one on.
        kind: whether it is only in the second, only in the first, or in both.
        before: what the first one has there; left out where that is nothing, or null.
        after: what the second one has there; likewise.
    """

    path: list[str]
    kind: Kind
    before: Json = None
    after: Json = None


def changes_between(before: Json, after: Json) -> list[Change]:
    """The places in which two JSON values differ, the outermost that are wholly new or gone.

    Args:
        before: the first value.
        after: the second value.

    Returns:
        At most `MAX_CHANGES`, in the order of the names of both.
    """
    found: list[Change] = []
    for change in _walk([], before, after):
        found.append(change)
        if len(found) == MAX_CHANGES:
            break
    return found


def _walk(path: list[str], before: Json, after: Json) -> Iterator[Change]:
    if isinstance(before, dict) and isinstance(after, dict):
        for name in dict.fromkeys([*before, *after]):
            if name not in after:
                yield Change(path=[*path, name], kind="removed", before=before[name])
            elif name not in before:
                yield Change(path=[*path, name], kind="added", after=after[name])
            else:
                yield from _walk([*path, name], before[name], after[name])
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for index, (first, second) in enumerate(zip(before, after, strict=True)):
            yield from _walk([*path, str(index)], first, second)
    elif before != after or isinstance(before, bool) != isinstance(after, bool):
        yield Change(path=path, kind="changed", before=before, after=after)


class Pair(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """What stands at one place of two timelines.

    Attributes:
        same: both have the same there: a copy and its original, or what reads the same.
        first: the event of the first one.
        second: the event of the second one.
    """

    same: bool
    first: Event | None = None
    second: Event | None = None


def align(first: Sequence[Event], second: Sequence[Event]) -> Iterator[Pair]:
    """Two timelines side by side: their common past, and from there what is about the same blocks.

    Args:
        first: events of a log, from the first one on.
        second: the same of a log that was forked from it, the other way around, or of any other execution.
    """
    common = _common(first, second)
    for one, other in zip(first[:common], second[:common], strict=True):
        yield Pair(same=True, first=one, second=other)
    yield from _merge(first[common:], second[common:])


def _common(first: Sequence[Event], second: Sequence[Event]) -> int:
    """How many events at the beginning are one and the same history: originals and their copies."""
    taken = min(max(_copied(first), _copied(second)), len(first), len(second))
    # A fork begins with an event of its own. The second one tells whether it goes on with the other's.
    same = (
        (one.type, one.happened_at) == (other.type, other.happened_at)
        for one, other in zip(first[1:taken], second[1:taken], strict=True)
    )
    apart = next((at for at, is_same in enumerate(same, start=1) if not is_same), taken)
    return 0 if apart == 1 < taken else apart


def _copied(events: Sequence[Event]) -> int:
    """The events before a log goes its own way; none where it is no fork."""
    forks = [
        event.event_id
        for event in events
        if isinstance(event.data, ExecutionForked) and event.copy_of is None
    ]
    return forks[-1] - 1 if forks else 0


def _merge(first: Sequence[Event], second: Sequence[Event]) -> Iterator[Pair]:
    """Pair what has the same subject, each event once, without changing the order of either."""
    places: dict[str, list[int]] = {}
    for index, event in enumerate(second):
        places.setdefault(subject_of(event), []).append(index)
    behind = 0
    for one in first:
        at = places.get(subject_of(one), [])
        found = bisect_left(at, behind)
        if found == len(at):
            yield Pair(same=False, first=one)
            continue
        for other in second[behind : at[found]]:
            yield Pair(same=False, second=other)
        behind = at[found] + 1
        yield Pair(same=_say_the_same(one, second[at[found]]), first=one, second=second[at[found]])
    for other in second[behind:]:
        yield Pair(same=False, second=other)


def _say_the_same(one: Event, other: Event) -> bool:
    return one.data == other.data or _says(one) == _says(other)


def _says(event: Event) -> Json:
    """What an event says apart from when it happened, and in which execution."""
    return _without_own(msgspec.to_builtins(event.data))


def _without_own(value: Json) -> Json:
    if isinstance(value, dict):
        return {name: _without_own(each) for name, each in value.items() if name not in OWN}
    if isinstance(value, list):
        return [_without_own(each) for each in value]
    return value


def subject_of(event: Event) -> str:
    """What an event is about, in words that do not depend on when it happened: ``block:started pay``."""
    data: Any = event.data
    about = (getattr(data, name, None) for name in ("context_id", "block_id", "container_id", "timer_id"))
    subject = next((each for each in about if each), "")
    turns = path_of(turns_of(data)) if isinstance(data, Placed) else ""
    index = getattr(data, "index", None)
    return f"{event.type} {subject}{turns}{'' if index is None else f' {index}'}".strip()


def named(path: Sequence[str]) -> str:
    """A path as one reads it."""
    return " › ".join(path)
