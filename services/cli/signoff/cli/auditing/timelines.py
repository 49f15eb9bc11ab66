"""Two timelines event by event, for people and for programs."""

from collections.abc import Iterable

from rich.text import Text

from signoff.audit.life.differences import Pair, subject_of
from signoff.cli.terminal.output import Output


def show_pairs(pairs: Iterable[Pair], output: Output, *, people: bool) -> None:
    """Print events side by side.

    ``=`` stands before what both have, ``~`` before what is another, ``-`` before what only the first has,
    and ``+`` before what only the second has.

    Args:
        pairs: the events.
        output: where to.
        people: as lines of text; otherwise each pair as a JSON line.
    """
    for pair in pairs:
        if people:
            output.unbroken(Text(_line(pair)))
        else:
            output.line(pair)


def _line(pair: Pair) -> str:
    sign = "=" if pair.same else "~" if pair.first and pair.second else "-" if pair.first else "+"
    numbers = " ".join("" if each is None else str(each.event_id) for each in (pair.first, pair.second))
    shown = pair.first or pair.second
    return f"{sign} {numbers:>11}  {'' if shown is None else subject_of(shown)}"
