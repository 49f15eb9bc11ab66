"""What happened to each block, and when: folded from a log in few words, so that long logs are traced fast.

A trace of a whole log is also that of each of its beginnings: whatever it tells names the event by which it
was known, and `Span.stays_upto` and `Trace.spans_upto` leave out what came later.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final, Literal, TypeAlias

import msgspec
from msgspec import Raw, Struct

from signoff.engine.folding.places import path_of
from signoff.events.store.base import Recorded
from signoff.events.times import from_iso
from signoff.events.types import Copy, Turn, TurnType

StayKind: TypeAlias = Literal["run", "retry", "human", "time", "child"]
"""What a block does: it runs, or waits for its next try, for people, a moment, or another execution."""

Outcome: TypeAlias = Literal["completed", "failed", "handled", "taken over"]
"""How a block ended; ``handled``: its failure was taken by an error edge; ``taken over``: from a source."""

CONTAINERS: Final = frozenset({"loop", "parallel"})


class Stay(Struct, kw_only=True):
    """A stretch of time in which a block did one thing.

    Attributes:
        kind: what it did.
        since: when it began, seconds since the epoch.
        begun_by: the event that began it.
        until: when it ended; ``None``: it goes on.
        ended_by: the event that ended it.
        attempt: which try.
        failed: it ended with an error.
        cut: the execution ended meanwhile.
    """

    kind: StayKind
    since: float
    begun_by: int
    until: float | None = None
    ended_by: int | None = None
    attempt: int = 1
    failed: bool = False
    cut: bool = False


class End(Struct, frozen=True):
    """How a block ended, and the event that says so."""

    event_id: int
    outcome: Outcome


class Called(Struct, frozen=True, kw_only=True):
    """An execution that a block called."""

    event_id: int
    execution_id: str
    workflow_id: str
    name: str
    block_id: str


class Span(Struct, kw_only=True):
    """One instance of a block: the block itself, or in a loop or parallel that of one turn.

    Attributes:
        key: names the instance, as pause points do.
        block_id: the block.
        name: as people know it; its id where no event says.
        type: of the block, where an event says.
        turns: around it, outermost first.
        begun_by: the first event about it.
        since: when that was, seconds since the epoch.
        stays: what it did, in order.
        ends: how it ended; again each time that it ran anew.
        turned: of a loop or parallel, the events at which its turns began.
        total: of a loop or parallel, how many turns there will be, where that is known.
        forked_by: the event with which the execution went its own way, where its source had begun this.
    """

    key: str
    block_id: str
    name: str
    type: str
    turns: list[Turn]
    begun_by: int
    since: float
    stays: list[Stay] = []
    ends: list[End] = []
    turned: list[int] = []
    total: int | None = None
    forked_by: int = 0

    def stays_upto(self, event_id: int) -> Iterator[Stay]:
        """What it did by an event; what ended later goes on still."""
        for stay in self.stays:
            if stay.begun_by > event_id:
                return
            if stay.ended_by is None or stay.ended_by <= event_id:
                yield stay
            else:
                yield Stay(kind=stay.kind, since=stay.since, begun_by=stay.begun_by, attempt=stay.attempt)

    def end_upto(self, event_id: int) -> End | None:
        """How it had ended by an event; ``None`` while it had not, or had begun anew."""
        end = next((each for each in reversed(self.ends) if each.event_id <= event_id), None)
        last = next((each for each in reversed(self.stays) if each.begun_by <= event_id), None)
        began_anew = end is not None and last is not None and last.begun_by > end.event_id
        return None if began_anew else end


class _About(Struct, rename="camel"):
    """The few members of an event's data that a trace is made of."""

    block_id: str | None = None
    block_name: str | None = None
    block_type: str | None = None
    context_id: str | None = None
    container_id: str | None = None
    timer_id: str | None = None
    pause_kind: str | None = None
    kind: str | None = None
    handled: bool = False
    final: bool = True
    total: int | None = None
    iteration_current: int | None = None
    iteration_total: int | None = None
    iteration_type: TurnType | None = None
    iteration_container_id: str | None = None
    parent_iterations: list[Turn] = []
    child_execution_id: str | None = None
    child_workflow_id: str = ""
    child_workflow_name: str = ""
    outputs: dict[str, Raw] | None = None
    as_of: str | None = None

    def turns(self) -> list[Turn]:
        """The turns around it, outermost first."""
        if self.iteration_type is None:
            return []
        inner = Turn(
            iteration_current=self.iteration_current or 0,
            iteration_total=self.iteration_total,
            iteration_type=self.iteration_type,
            iteration_container_id=self.iteration_container_id or "",
        )
        return [*self.parent_iterations, inner]


class _Seen(Struct, kw_only=True, rename="camel"):
    type: str
    event_id: int
    timestamp: str
    attempt: int | None = None
    copy_of: Copy | None = None
    data: _About


class _Kind(Struct):
    type: str


_decoder: Final = msgspec.json.Decoder(_Seen)
_kind_decoder: Final = msgspec.json.Decoder(_Kind)
_WAITS: Final[Mapping[str | None, StayKind]] = {"human": "human", "time": "time", "child": "child"}
_BEGIN_AGAIN: Final = frozenset({"run", "child"})
_ENDINGS: Final = frozenset({"execution:completed", "execution:error", "execution:cancelled"})


class Trace:
    """Takes the events of a log in order, and keeps what they say of its blocks."""

    def __init__(self) -> None:
        self.version = 0
        self.began_at = 0.0
        self.time = 0.0
        self.calls: list[Called] = []
        self._spans: dict[str, Span] = {}
        self._acts: Final[Mapping[str, Callable[[_Seen, float], None]]] = {
            "block:started": self._start,
            "block:completed": self._complete,
            "block:error": self._fail,
            "block:retrying": self._retry,
            "pause:opened": self._pause,
            "pause:closed": self._go_on,
            "execution:resumed": self._go_on,
            "timer:set": self._set_timer,
            "timer:fired": self._go_on,
            "child:called": self._call,
            "container:opened": self._contain,
            "loop:iteration": self._turn,
            "parallel:branch": self._turn,
            "execution:seeded": self._take_over,
            "execution:forked": self._fork,
        }

    def __len__(self) -> int:
        return len(self._spans)

    def find(self, key: str) -> Span | None:
        """An instance of a block, by the name that pause points have for it."""
        return self._spans.get(key)

    def spans_upto(self, event_id: int) -> Iterator[Span]:
        """The instances that there were by an event, in the order in which they began."""
        return (span for span in self._spans.values() if span.begun_by <= event_id)

    def calls_upto(self, event_id: int) -> list[Called]:
        """The executions that had been called by an event."""
        return [call for call in self.calls if call.event_id <= event_id]

    def take(self, page: Iterable[Recorded]) -> None:
        """Trace further events; those that were taken before are passed over.

        Raises:
            CodecError: a moment in them is none.
        """
        for recorded in page:
            if recorded.version <= self.version:
                continue
            event = _seen(recorded.state)
            if event is not None:
                self._take(event)
            self.version = recorded.version  # not before: what cannot be read is met again at the next look

    def _take(self, event: _Seen) -> None:
        at = from_iso(event.timestamp if event.copy_of is None else event.copy_of.timestamp)
        self.began_at = self.began_at or at
        self.time = max(self.time, at)
        act = self._acts.get(event.type)
        if act is not None:
            act(event, at)
        elif event.type in _ENDINGS and event.data.final:
            self._end_all(event, at)

    def _span(self, event: _Seen, at: float) -> Span:
        about = event.data
        block_id = about.block_id or about.container_id or ""
        turns = about.turns()
        span = self._spans.get(block_id + path_of(turns))
        if span is None:
            span = self._add(block_id, turns, event, at)
        if about.block_name is not None:
            span.name, span.type = about.block_name, about.block_type or ""
        return span

    def _add(self, block_id: str, turns: list[Turn], event: _Seen, at: float) -> Span:
        key = block_id + path_of(turns)
        self._spans[key] = Span(
            key=key, block_id=block_id, name=block_id, type="", turns=turns, begun_by=event.event_id, since=at
        )
        return self._spans[key]

    def _start(self, event: _Seen, at: float) -> None:
        span = self._span(event, at)
        _close(span, event, at)
        _open(span, event, at, "run")

    def _complete(self, event: _Seen, at: float) -> None:
        span = self._span(event, at)
        _close(span, event, at)
        span.ends.append(End(event.event_id, "completed"))

    def _fail(self, event: _Seen, at: float) -> None:
        span = self._span(event, at)
        _close(span, event, at, failed=True)
        span.ends.append(End(event.event_id, "handled" if event.data.handled else "failed"))

    def _retry(self, event: _Seen, at: float) -> None:
        span = self._span(event, at)
        _close(span, event, at, failed=True)
        _open(span, event, at, "retry")

    def _pause(self, event: _Seen, at: float) -> None:
        self._wait(event.data.context_id, event, at, _WAITS.get(event.data.pause_kind, "human"))

    def _set_timer(self, event: _Seen, at: float) -> None:
        if event.data.kind == "wait":
            self._wait(event.data.timer_id, event, at, "time")

    def _go_on(self, event: _Seen, at: float) -> None:
        span = self._spans.get(event.data.context_id or event.data.timer_id or "")
        if span is not None and _waits(span):
            _close(span, event, at)
            if event.type != "pause:closed":
                _open(span, event, at, "run")

    def _wait(self, key: str | None, event: _Seen, at: float, kind: StayKind) -> None:
        span = self._spans.get(key or "")
        if span is not None and not (_waits(span) and span.stays[-1].kind == kind):
            _close(span, event, at)
            _open(span, event, at, kind)

    def _contain(self, event: _Seen, at: float) -> None:
        self._span(event, at).total = event.data.total

    def _turn(self, event: _Seen, at: float) -> None:
        self._span(event, at).turned.append(event.event_id)

    def _call(self, event: _Seen, at: float) -> None:
        span, about = self._span(event, at), event.data
        self.calls.append(
            Called(
                event_id=event.event_id,
                execution_id=about.child_execution_id or "",
                workflow_id=about.child_workflow_id,
                name=about.child_workflow_name or about.child_workflow_id,
                block_id=span.block_id,
            )
        )
        _close(span, event, at)
        _open(span, event, at, "child")

    def _take_over(self, event: _Seen, at: float) -> None:
        for key in event.data.outputs or ():
            span = self._spans.get(key) or self._add(key, [], event, at)
            span.ends.append(End(event.event_id, "taken over"))

    def _fork(self, event: _Seen, at: float) -> None:
        """What was under way stood still since the source's event; what was at work begins again."""
        for span in self._spans.values():
            span.forked_by = event.event_id
            if span.stays and span.stays[-1].until is None and event.data.as_of is not None:
                kind = span.stays[-1].kind
                _close(span, event, from_iso(event.data.as_of))
                if kind not in _BEGIN_AGAIN or span.type in CONTAINERS:
                    _open(span, event, at, kind)
        self._take_over(event, at)

    def _end_all(self, event: _Seen, at: float) -> None:
        for span in self._spans.values():
            if span.stays and span.stays[-1].until is None:
                _close(span, event, at)
                span.stays[-1].cut = True


def _waits(span: Span) -> bool:
    return bool(span.stays) and span.stays[-1].until is None and span.stays[-1].kind != "run"


def _open(span: Span, event: _Seen, at: float, kind: StayKind) -> None:
    last = span.stays[-1].attempt if span.stays else 1
    span.stays.append(Stay(kind=kind, since=at, begun_by=event.event_id, attempt=event.attempt or last))


def _close(span: Span, event: _Seen, at: float, *, failed: bool = False) -> None:
    if span.stays and span.stays[-1].until is None:
        stay = span.stays[-1]
        stay.until, stay.ended_by, stay.failed = at, event.event_id, failed


def _seen(raw: bytes) -> _Seen | None:
    """An event as far as a trace needs it; ``None`` for what a later version recorded in words of its own."""
    try:
        return _decoder.decode(raw)
    except msgspec.ValidationError:
        _kind_decoder.decode(raw)  # what is no event at all is not passed over
        return None
