"""How each block of an execution stands after an event, and which way the execution went."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from msgspec import Struct

from signoff.engine.definitions.definition import Connection
from signoff.engine.definitions.graph import Edge, fires
from signoff.events.types import Json, Turn
from signoff.gateway.pages.executions.trace import CONTAINERS, End, Outcome, Span, Stay, StayKind, Trace
from signoff.gateway.pages.graph.marks import Mark
from signoff.gateway.pages.graph.words import HUMAN
from signoff.gateway.pages.moments import spoken

Line = tuple[str, str, str]
"""A connection: source, handle, target."""

_WAITING: Final[Mapping[StayKind, str]] = {
    "retry": "Waits for its next try",
    "human": "Waits for a decision",
    "time": "Waits for its time",
    "child": "Waits for another execution",
}
_BRANCH_MARK: Final = "₍"


class Standing(Struct, frozen=True):
    """A status as pages/statuses.py knows it, and a word in place of its own."""

    status: str
    label: str = ""


_ENDED: Final[Mapping[Outcome, Standing]] = {
    "completed": Standing("completed"),
    "failed": Standing("failed"),
    "handled": Standing("failed", "Failed, and handled"),
    "taken over": Standing("completed", "Taken over"),
}
_DECIDED: Final = Standing("completed", "Decided")
_UNKNOWN: Final = Standing("")
_CUT: Final = Standing("cancelled", "Cut off")
_MOST_TELLING: Final = ("started", "paused", "failed", "cancelled", "completed", "")
"""Of several instances of a block the one that is told of, in this order."""


class Instance(Struct, frozen=True, kw_only=True):
    """An instance of a block as it stood after an event.

    Attributes:
        span: the instance, with what came later, too.
        stays: what it had done by then, in this execution and not in one that it was forked from; what
            ended later goes on still.
        end: how it had ended.
        begun: how many of its turns had begun, of a loop or parallel.
        standing: how it stood.
    """

    span: Span
    stays: Sequence[Stay]
    end: End | None
    begun: int
    standing: Standing

    @property
    def is_container(self) -> bool:
        """Whether it is a loop or parallel."""
        return self.span.type in CONTAINERS

    @property
    def took(self) -> float | None:
        """Seconds that it took, waits included; ``None`` while it goes on, or where it did nothing here."""
        lengths = [None if each.until is None else each.until - each.since for each in self.stays]
        ended = [each for each in lengths if each is not None]
        return sum(ended) if ended and len(ended) == len(lengths) else None

    @property
    def turns(self) -> str:
        """How many turns of a container had begun: ``2 of 5``."""
        total = self.span.total
        return f"{self.begun:,} turns" if total is None else f"{self.begun:,} of {total:,}"


def instance_of(span: Span, event_id: int) -> Instance:
    """How an instance of a block stood after an event."""
    stays, end = list(span.stays_upto(event_id)), span.end_upto(event_id)
    return Instance(
        span=span,
        stays=[each for each in stays if each.begun_by >= span.forked_by],
        end=end,
        begun=bisect_right(span.turned, event_id),
        standing=_standing(span, stays[-1] if stays else None, end),
    )


def _standing(span: Span, last: Stay | None, end: End | None) -> Standing:
    if last is not None and last.until is None:
        waits = _WAITING.get(last.kind)
        return Standing("started") if waits is None else Standing("paused", waits)
    if end is not None and end.outcome == "completed":
        if end.event_id < span.forked_by:
            return _ENDED["taken over"]
        return _DECIDED if span.type == HUMAN else _ENDED["completed"]
    if end is not None:
        return _ENDED[end.outcome]
    return _CUT if last is not None and last.cut else _UNKNOWN


def by_block(trace: Trace, event_id: int) -> dict[str, list[Instance]]:
    """The instances of each block that there were after an event, in the order in which they began."""
    found: dict[str, list[Instance]] = {}
    for span in trace.spans_upto(event_id):
        found.setdefault(span.block_id, []).append(instance_of(span, event_id))
    return found


def block_standing(instances: Sequence[Instance]) -> Standing:
    """How a block stood: its most telling instance, of several the last."""
    standings = (each.standing for each in reversed(instances))
    return min(standings, key=lambda each: _MOST_TELLING.index(each.status))


def marks_of(blocks: Mapping[str, Sequence[Instance]], links: Mapping[str, str]) -> dict[str, Mark]:
    """What the graph tells of the blocks.

    Args:
        blocks: their instances.
        links: where people decide, by pause point.
    """
    marks: dict[str, Mark] = {}
    for block_id, instances in blocks.items():
        standing = block_standing(instances)
        keys = (each.span.key for each in reversed(instances))
        href = next((links[key] for key in keys if key in links), "")
        note = "" if standing.label and standing is not _DECIDED else _note(instances)  # room for one
        marks[block_id] = Mark(status=standing.status, label=standing.label, note=note, href=href)
    return marks


def _note(instances: Sequence[Instance]) -> str:
    """A few characters more: how far a container is, how often a block ran, or how long it took."""
    last = instances[-1]
    if last.is_container:
        return last.turns
    if len(instances) > 1:
        return f"×{len(instances):,}"
    if last.took is None:
        return ""
    return f"waited {spoken(last.took)}" if last.standing is _DECIDED else spoken(last.took)


def place_of(turns: Iterable[Turn]) -> str:
    """The turns around a block in words: ``iteration 3, branch 1``; they are counted from 1."""
    return ", ".join(
        f"{'iteration' if turn.iteration_type == 'loop' else 'branch'} {turn.iteration_current + 1}"
        for turn in turns
    )


def lines_taken(
    connections: Iterable[Connection],
    outputs: Mapping[str, Json],
    blocks: Mapping[str, Sequence[Instance]],
) -> set[Line]:
    """The connections that were taken by an event.

    Args:
        connections: of the version that runs.
        outputs: of blocks by instance, as the state after the event has them.
        blocks: their instances after the event.
    """
    ended = {block_id for block_id, instances in blocks.items() if any(each.end for each in instances)}
    by_id: dict[str, list[Json]] = {}
    for key, output in outputs.items():
        block_id = key.partition(_BRANCH_MARK)[0]
        if block_id in ended:
            by_id.setdefault(block_id, []).append(output)
    return set(_taken(connections, by_id))


def _taken(connections: Iterable[Connection], outputs: Mapping[str, list[Json]]) -> Iterator[Line]:
    for each in connections:
        edge = Edge(each.handle, each.target)
        for output in outputs.get(each.source, ()):
            failed = isinstance(output, dict) and output.keys() == {"error"}
            if fires(edge, output=output, failed=failed):
                yield (each.source, each.handle, each.target)
                break
