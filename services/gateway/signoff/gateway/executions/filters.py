"""Which executions a caller means: a filter, read into a search; and the cursors of its pages."""

import base64
import binascii
import re
from typing import Annotated, Final, Literal, TypeAlias
from uuid import UUID

import msgspec
from msgspec import Meta, Struct

from signoff.events.store.base import ExecutionStatus
from signoff.events.store.search import Attribute, Order, Place, Range, Search
from signoff.gateway.errors import bad_field
from signoff.gateway.http.moments import Moment, read_moment
from signoff.gateway.http.queries import BY_COMMAS

Sort: TypeAlias = Literal[
    "startedAt", "-startedAt", "updatedAt", "-updatedAt", "endedAt", "-endedAt", "duration", "-duration"
]
"""What executions are sorted by; with ``-`` the highest first."""

_ORDERS: Final[dict[str, Order]] = {
    "startedAt": "started",
    "updatedAt": "updated",
    "endedAt": "ended",
    "duration": "duration",
}
_ACTOR_TYPES: Final = ("user", "apiKey", "system", "link")
_ATTRIBUTE: Final = re.compile(r"([^:<>=]{1,100})(:|>=|<=)(.{0,256})", re.DOTALL)
_GRAMMAR: Final = 'must be like "customer:ACME", "amount>=100" or "amount<=500"'
_LARGEST: Final = 1e11
"""Seconds; a key beyond it is none that an execution has."""

_ATTRIBUTE_SHOWN: Final = r"^[^:<>=]{1,100}(:[\s\S]{0,256}|[<>]=-?(0|[1-9][0-9]{0,15})(\.[0-9]{1,15})?)$"
"""The same for the docs only: what does not fit is refused with an example, not with a pattern."""

Text: TypeAlias = Annotated[str, Meta(min_length=1, max_length=200)]
Texts: TypeAlias = Annotated[list[Text], Meta(max_length=50), BY_COMMAS]


class ExecutionFilter(
    Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel", forbid_unknown_fields=True
):
    """Which executions are meant; every member must hold, and what is left out does not matter.

    Attributes:
        workflow_id: Of one of these workflows.
        status: In one of these states.
        trigger: Started by one of these, such as `api` or `schedule`.
        actor: Started by this caller: an id, or a type and an id such as `user:ann`.
        started_after: Not before this moment, ISO 8601; without an offset it is UTC.
        started_before: Before this moment.
        error: Part of the text of their error; A to Z and a to z are the same.
        attribute: `name:value`, `name>=number` or `name<=number`. Several values of one name are
            alternatives; everything else must hold.
        forked_from: Forks of this execution, by its own id.
        text: The beginning of their id, or words: each begins a word of their id, their workflow's id,
            their error or one of their attributes.
    """

    workflow_id: Texts = []
    status: Annotated[list[ExecutionStatus], BY_COMMAS] = []
    trigger: Texts = []
    actor: Text | None = None
    started_after: Moment | None = None
    started_before: Moment | None = None
    error: Text | None = None
    attribute: Annotated[
        list[Annotated[str, Meta(extra_json_schema={"pattern": _ATTRIBUTE_SHOWN})]], Meta(max_length=5)
    ] = []
    forked_from: Text | None = None
    text: Text | None = None


def read_filter(given: ExecutionFilter, workspace_id: UUID, sort: Sort = "-startedAt") -> Search:
    """The search that a filter asks for.

    Args:
        given: what the caller sent.
        workspace_id: the caller's.
        sort: the order.

    Raises:
        ApiError: 400 names the member.
    """
    actor_type, actor_id = _actor(given.actor)
    attributes, ranges = _attributes(given.attribute)
    return Search(
        workspace_id=workspace_id,
        workflow_ids=tuple(given.workflow_id),
        statuses=tuple(given.status),
        triggers=tuple(given.trigger),
        actor_type=actor_type,
        actor_id=actor_id,
        started_after=read_moment("startedAfter", given.started_after),
        started_before=read_moment("startedBefore", given.started_before),
        error=given.error,
        attributes=attributes,
        ranges=ranges,
        forked_from=given.forked_from,
        text=given.text,
        order=_ORDERS[sort.removeprefix("-")],
        descending=sort.startswith("-"),
    )


def _actor(text: str | None) -> tuple[str | None, str | None]:
    kind, colon, name = (text or "").partition(":")
    return (kind, name or None) if colon and kind in _ACTOR_TYPES else (None, text)


def _attributes(texts: list[str]) -> tuple[dict[str, tuple[Attribute, ...]], dict[str, Range]]:
    attributes: dict[str, tuple[Attribute, ...]] = {}
    ranges: dict[str, Range] = {}
    for index, text in enumerate(texts):
        match = _ATTRIBUTE.fullmatch(text)
        if match is None:
            raise bad_field(f"attribute[{index}]", _GRAMMAR)
        name, operator, value = match.groups()
        if operator == ":":
            attributes[name] = attributes.get(name, ()) + _meanings(value)
        else:
            ranges[name] = _narrowed(ranges.get(name, Range()), operator, _number(value, index))
    return attributes, ranges


def _meanings(value: str) -> tuple[Attribute, ...]:
    """The values that a text may stand for: a caller does not know how the workflow keeps it."""
    scalar = _scalar(value)
    return (value,) if scalar is None else (value, scalar)


def _number(value: str, index: int) -> float:
    number = _scalar(value)
    if number is None or isinstance(number, bool):
        raise bad_field(f"attribute[{index}]", f"{_GRAMMAR}: {value!r} is no number")
    return float(number)


def _scalar(text: str) -> int | float | bool | None:
    try:
        return msgspec.json.decode(text, type=int | float | bool)
    except (msgspec.DecodeError, UnicodeEncodeError):
        return None


def _narrowed(bounds: Range, operator: str, number: float) -> Range:
    if operator == ">=":
        least = number if bounds.least is None else max(number, bounds.least)
        return Range(least=least, most=bounds.most)
    most = number if bounds.most is None else min(number, bounds.most)
    return Range(least=bounds.least, most=most)


def write_cursor(sort: Sort, place: Place) -> str:
    """A place in a search as callers hand it back: its order, key and log."""
    raw = msgspec.json.encode((sort, place.key, place.log_id))
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def read_cursor(text: str | None, sort: Sort) -> Place | None:
    """The place that a cursor holds, of this order.

    Raises:
        ApiError: 400, it is no cursor, or one of another order.
    """
    if text is None:
        return None
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        made_for, key, log_id = msgspec.json.decode(raw, type=tuple[str, float, UUID])
    except (binascii.Error, ValueError, msgspec.DecodeError) as error:
        raise bad_field("cursor", "must be a nextCursor as it was given") from error
    if made_for != sort:
        raise bad_field("cursor", f"was given for sort={made_for[:20]}: ask with that, or without a cursor")
    if abs(key) > _LARGEST:
        raise bad_field("cursor", "must be a nextCursor as it was given")
    return Place(key, log_id)
