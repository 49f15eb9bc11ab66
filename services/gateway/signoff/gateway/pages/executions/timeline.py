"""A timeline of blocks and waits: bars in per cent of a width, on a scale that shortens long waits.

What a machine does takes milliseconds and what people do takes days. Stretches in which nothing runs are
therefore drawn shorter than they were, and say how long they are; all others are to scale.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import Final

from msgspec import Struct

from signoff.gateway.pages.executions.standing import Instance, Standing, block_standing, place_of
from signoff.gateway.pages.executions.trace import CONTAINERS, Stay, StayKind, Trace
from signoff.gateway.pages.moments import spoken

MAX_ROWS: Final = 60
"""Instances that have a row each; of more, and of blocks, rows are by block and so many at most."""

MAX_PAUSES: Final = 50
"""Stretches in which nothing runs that are shown as such: the widest."""

_MAX_BARS: Final = 180
_THINNEST: Final = 0.4
_IDLE_SHARE: Final = 0.6
"""All stretches in which nothing runs together, of what runs take."""

_LONG: Final = 2.0
"""They are shortened once they are longer than that."""

_FORMS: Final[Mapping[StayKind, str]] = {
    "run": "ran", "retry": "waited for its next try", "human": "waited for a decision",
    "time": "waited for its time", "child": "waited for another execution",
}  # fmt: skip


class Bar(Struct, frozen=True, kw_only=True):
    """A stretch of time: per cent of the width; ``kind`` is how it looks, ``title`` what it says."""

    x: float
    width: float
    kind: str
    title: str


class Row(Struct, frozen=True, kw_only=True):
    """An instance of a block, or all of a block.

    Attributes:
        key: of the instance; empty for all of a block.
        block_id: the block.
        name: of the block.
        place: the turns around it; or how many instances there are.
        depth: containers around it.
        standing: how it stands.
        tries: how often it was tried.
        began: seconds after the execution began.
        took: how long it took, waits included; of all of a block, all of them together.
        bars: in their order.
    """

    key: str
    block_id: str
    name: str
    place: str
    depth: int
    standing: Standing
    tries: int
    began: str
    took: str
    bars: list[Bar]


class Pause(Struct, frozen=True, kw_only=True):
    """A stretch that is drawn shorter than it was: per cent of the width, and its real length."""

    x: float
    width: float
    length: str


class Timeline(Struct, frozen=True, kw_only=True):
    """What the blocks of an execution did, and when.

    Attributes:
        rows: a block or an instance each.
        pauses: the stretches that are shortened.
        length: the time from the beginning to the event.
        left_out: rows that are not shown.
        here: where the event is, per cent of the width, which goes on to the last one.
    """

    rows: list[Row]
    pauses: list[Pause]
    length: str
    left_out: int
    here: float


class Scale:
    """Moments to per cent of a width.

    Args:
        began: the first moment, seconds since the epoch.
        ended: the last one.
        busy: stretches in which something ran, in any order.
    """

    def __init__(self, began: float, ended: float, busy: Iterable[tuple[float, float]]) -> None:
        self._moments, is_idle = _stretches(began, max(ended, began), busy)
        lengths = [after - before for before, after in zip(self._moments, self._moments[1:], strict=False)]
        worked = sum(length for length, idle in zip(lengths, is_idle, strict=True) if not idle)
        idled, idles = sum(lengths) - worked, sum(is_idle)
        most = worked * _IDLE_SHARE / idles if worked and idled > worked * _LONG else float("inf")
        drawn = [min(length, most) if idle else length for length, idle in zip(lengths, is_idle, strict=True)]
        whole = sum(drawn) or 1.0
        self._places = [0.0]
        for length in drawn:
            self._places.append(self._places[-1] + 100 * length / whole)
        self.shortened = [
            (self._moments[index], self._moments[index + 1])
            for index, length in enumerate(lengths)
            if drawn[index] < length
        ]

    def place(self, moment: float) -> float:
        """Where a moment is."""
        index = min(max(bisect_right(self._moments, moment) - 1, 0), len(self._moments) - 2)
        if index < 0:
            return 0.0
        before, after = self._moments[index], self._moments[index + 1]
        share = (moment - before) / (after - before) if after > before else 0.0
        width = self._places[index + 1] - self._places[index]
        return self._places[index] + width * min(max(share, 0.0), 1.0)


def _stretches(
    began: float, ended: float, busy: Iterable[tuple[float, float]]
) -> tuple[list[float], list[bool]]:
    """The borders between stretches in which something ran and others, and which are idle."""
    moments, is_idle = [began], list[bool]()
    for since, until in sorted(busy):
        if until <= moments[-1]:
            continue
        if since > moments[-1]:
            moments.append(since)
            is_idle.append(True)
            moments.append(until)
            is_idle.append(False)
        elif is_idle:
            moments[-1] = until
        else:
            moments.append(until)
            is_idle.append(False)
    if ended > moments[-1]:
        moments.append(ended)
        is_idle.append(True)
    return moments, is_idle


def timeline_of(
    blocks: Mapping[str, Sequence[Instance]], began_at: float, now: float, scale: Scale
) -> Timeline:
    """The timeline after an event.

    Args:
        blocks: their instances after the event, each in the order in which they began.
        began_at: when the execution began, seconds since the epoch.
        now: the moment at which it ends: that of the event, or the present.
        scale: of the whole execution, so that nothing moves where it is looked at as of another event.
    """
    every = sorted(chain.from_iterable(blocks.values()), key=lambda each: each.span.begun_by)
    is_single = len(every) <= MAX_ROWS
    groups = [[each] for each in every] if is_single else list(blocks.values())
    shown = groups[:MAX_ROWS]
    bars = _thinned([_bars(group, scale, now) for group in shown])
    return Timeline(
        rows=[
            _row(group, of_row, began_at, now, is_single=is_single)
            for group, of_row in zip(shown, bars, strict=True)
        ],
        pauses=_pauses(scale),
        length=spoken(max(now - began_at, 0.0)),
        left_out=len(groups) - len(shown),
        here=round(scale.place(now), 2),
    )


def scale_of(trace: Trace, now: float) -> Scale:
    """The scale of a whole execution.

    Args:
        trace: of its log.
        now: the moment at which it ends: the present where it goes on; seconds since the epoch.
    """
    busy = (
        (stay.since, _until(stay, now))
        for span in trace.spans_upto(trace.version)
        if span.type not in CONTAINERS
        for stay in span.stays
        if stay.kind == "run"
    )
    return Scale(trace.began_at, now, busy)


def _until(stay: Stay, now: float) -> float:
    return now if stay.until is None else stay.until


def _pauses(scale: Scale) -> list[Pause]:
    """The widest of the stretches that are shortened, from left to right."""
    found = [_pause(scale, since, until) for since, until in scale.shortened]
    seen = sorted((each for each in found if each.width >= _THINNEST), key=lambda each: -each.width)
    return sorted(seen[:MAX_PAUSES], key=lambda each: each.x)


def _pause(scale: Scale, since: float, until: float) -> Pause:
    x = scale.place(since)
    return Pause(x=round(x, 2), width=round(scale.place(until) - x, 2), length=spoken(until - since))


def _row(
    instances: Sequence[Instance], bars: list[Bar], began_at: float, now: float, *, is_single: bool
) -> Row:
    span, many = instances[0].span, len(instances)
    place = place_of(span.turns) if is_single else f"{many:,} times" if many > 1 else ""
    if instances[0].is_container:
        place = ", ".join(filter(None, [place, instances[-1].turns]))
    stays = [stay for each in instances for stay in each.stays]
    return Row(
        key=span.key if is_single else "",
        block_id=span.block_id,
        name=span.name,
        place=place,
        depth=min(len(span.turns), 6),
        standing=block_standing(instances),
        tries=max((stay.attempt for stay in stays), default=1),
        began=spoken(max(span.since - began_at, 0.0)),
        took=spoken(sum(_until(stay, now) - stay.since for stay in stays)) if stays else "",
        bars=bars,
    )


def _bars(instances: Sequence[Instance], scale: Scale, now: float) -> list[Bar]:
    return [_bar(stay, instance, scale, now) for instance in instances for stay in instance.stays]


def _bar(stay: Stay, instance: Instance, scale: Scale, now: float) -> Bar:
    until = _until(stay, now)
    x = min(scale.place(stay.since), 100 - _THINNEST)
    kind = "wait" if stay.kind != "run" else "box" if instance.is_container else "run"
    if stay.failed:
        kind = "failed"
    elif stay.until is None:
        kind += " open"
    try_ = f", try {stay.attempt}" if stay.attempt > 1 else ""
    words = f"{_FORMS[stay.kind]}{try_} for {spoken(max(until - stay.since, 0.0))}"
    return Bar(
        x=round(x, 2),
        width=round(max(scale.place(until) - x, _THINNEST), 2),
        kind=kind,
        title=words + (", then failed" if stay.failed else ", to now" if stay.until is None else ""),
    )


def _thinned(rows: list[list[Bar]]) -> list[list[Bar]]:
    """The bars of all rows, with those put together that are too near to each other to be told apart."""
    gap = _THINNEST / 2
    while sum(map(len, rows)) > _MAX_BARS and gap < 100:
        rows = [_joined(row, gap) for row in rows]
        gap *= 2
    return rows


def _joined(bars: list[Bar], gap: float) -> list[Bar]:
    """Bars of a row, of which those of one kind are one where less than a gap is between them."""
    joined: list[Bar] = []
    latest: dict[str, int] = {}
    for bar in sorted(bars, key=lambda each: each.x):
        at = latest.get(bar.kind)
        last = None if at is None else joined[at]
        if at is None or last is None or bar.x > last.x + last.width + gap:
            latest[bar.kind] = len(joined)
            joined.append(bar)
            continue
        end = max(last.x + last.width, bar.x + bar.width)
        joined[at] = Bar(x=last.x, width=round(end - last.x, 2), kind=bar.kind, title="several")
    return joined
