"""The values that a page of an execution shows: its own, or those of an instance of a block."""

from typing import Final, Literal, TypeAlias
from urllib.parse import quote, urlencode

from msgspec import Struct

from signoff.engine.state import TERMINAL
from signoff.events.codec import decode_event
from signoff.events.store.base import EventStore, ExecutionRow
from signoff.events.types import EventData, Json
from signoff.gateway.gateway import Gateway
from signoff.gateway.http.moments import EventOrMoment
from signoff.gateway.pages.executions.addresses import path_of
from signoff.gateway.pages.executions.look import Look
from signoff.gateway.pages.executions.standing import Standing, instance_of, place_of
from signoff.gateway.pages.executions.stored import digest_of, readable
from signoff.gateway.pages.executions.trace import End, Span
from signoff.gateway.pages.executions.traced import Seen

Tab: TypeAlias = Literal["input", "output", "variables"]


class ShowQuery(Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """What is shown of an execution.

    Attributes:
        as_of: As it was after this event, or at this moment, in place of now.
        block: The block whose values are shown.
        turn: Which instance of it; the last one without.
        show: Which of its values, or of the execution's own.
    """

    as_of: EventOrMoment | None = None
    block: str = ""
    turn: str = ""
    show: Tab | None = None


class Values(Struct, frozen=True, kw_only=True):
    """A value of an execution, or of an instance of a block.

    Attributes:
        of: whose: the block's name, empty for the execution's own.
        place: the turns around the block.
        standing: how the block stands.
        tabs: which values there are: name, address, whether it is this one.
        value: what is shown.
        nothing: why there is no value.
        more: an address that has all of it.
        event_id: of the event that says so.
        before: the address of the instance before this one.
        after: the address of the next one.
    """

    of: str = ""
    place: str = ""
    standing: Standing | None = None
    tabs: list[tuple[str, str, bool]]
    value: Json = None
    nothing: str = ""
    more: str | None = None
    event_id: int | None = None
    before: str | None = None
    after: str | None = None


class Here:
    """Addresses of what this page can show, with what it shows now.

    Args:
        row: of the execution.
        query: what is shown.
    """

    def __init__(self, row: ExecutionRow, query: ShowQuery) -> None:
        self.path = path_of(row)
        self.query = query
        self._given = {
            "asOf": query.as_of or "",
            "block": query.block,
            "turn": query.turn,
            "show": query.show or "",
        }

    def with_(self, **changes: str | int) -> str:
        """This page with something else shown; an empty text takes a choice away."""
        asked = {name: value for name, value in (self._given | changes).items() if value}
        return f"{self.path}?{urlencode(asked)}" if asked else self.path

    def block_link(self) -> str:
        """What the address of a block begins with."""
        as_of = self._given["asOf"]
        return f"?asOf={quote(as_of, safe='')}&block=" if as_of else "?block="


async def values_of(gateway: Gateway, row: ExecutionRow, seen: Seen, here: Here) -> Values:
    """The values that are asked for: of a block that had begun, else the execution's own.

    Args:
        gateway: the ports.
        row: of the execution.
        seen: the execution after the event that is shown.
        here: what is asked for.

    Raises:
        StoreUnavailableError: the database is away.
    """
    query, look = here.query, seen.look
    spans = [each for each in seen.trace.spans_upto(look.event_id) if each.block_id == query.block]
    if not spans:
        return await _own(gateway, row, look, here)
    at = next((at for at, span in enumerate(spans) if span.key == query.turn), len(spans) - 1)
    instance = instance_of(spans[at], look.event_id)
    span, end = instance.span, instance.end
    tab: Tab = "input" if query.show == "input" else "output"
    data = None if end is None else await _data(gateway.store, row, end.event_id)
    stored, nothing = _NOT_ENDED if end is None or data is None else _said(data, end, span, tab)
    return Values(
        of=span.name,
        place=place_of(span.turns),
        standing=instance.standing,
        tabs=_tabs(("input", "output"), tab, here),
        value=readable(stored),
        nothing=nothing,
        more=None if end is None else _whole(here, end.event_id, stored),
        event_id=None if end is None else end.event_id,
        before=here.with_(turn=spans[at - 1].key) if at else None,
        after=here.with_(turn=spans[at + 1].key) if at + 1 < len(spans) else None,
    )


_NOT_ENDED: Final[tuple[Json, str]] = (None, "It has not ended: there is no value yet.")


async def _data(store: EventStore, row: ExecutionRow, event_id: int) -> EventData:
    (found,) = await store.read(row.log_id, after=event_id - 1, limit=1)
    return decode_event(found.state).data


def _said(data: EventData, end: End, span: Span, tab: Tab) -> tuple[Json, str]:
    """A value of a block, as the event has it with which the block ended; or why there is none."""
    if end.outcome == "taken over":
        if tab == "input":
            return None, "It ran in the execution that this one goes on from."
        return getattr(data, "outputs", {}).get(span.key), ""
    if tab == "input":
        return getattr(data, "input", None), ""
    error = getattr(data, "error", None)
    return ({"error": error} if error is not None else getattr(data, "output", None)), ""


def _whole(here: Here, event_id: int, stored: Json) -> str:
    """Where all of a value is to be had."""
    digest = digest_of(stored)
    if digest is not None:
        return f"/api{here.path}/blobs/{quote(digest, safe='')}"
    return f"/api{here.path}/events?from={event_id - 1}&to={event_id}"


async def _own(gateway: Gateway, row: ExecutionRow, look: Look, here: Here) -> Values:
    """The values of the execution as a whole; large ones are told of, and are at another address."""
    own, status = look.own, look.view.status
    tab: Tab = here.query.show or ("output" if status in TERMINAL or status == "paused" else "input")
    has_output = tab == "output" and own.ended_by > 0
    value: Json = own.input if tab == "input" else dict(own.variables)
    if tab == "output":
        value = getattr(await _data(gateway.store, row, own.ended_by), "output", None) if has_output else None
    return Values(
        tabs=_tabs(("input", "output", "variables"), tab, here),
        value=gateway.links.pause(readable(value)) if tab == "output" else readable(value),
        nothing="" if tab != "output" or has_output else "There is no output yet.",
        more=f"/api{here.path}?{urlencode({'asOf': look.event_id, 'includeOutput': 'true'})}",
    )


def _tabs(names: tuple[Tab, ...], current: Tab, here: Here) -> list[tuple[str, str, bool]]:
    return [(name.capitalize(), here.with_(show=name), name == current) for name in names]
