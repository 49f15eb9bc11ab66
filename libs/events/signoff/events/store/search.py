"""What is looked for among executions, whichever database holds them."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import product
from string import ascii_lowercase, ascii_uppercase
from typing import Final, Literal, TypeAlias
from uuid import UUID

from msgspec import Struct

COUNTED: Final = 10_000
"""Executions that one count looks at: beyond it the count is a least."""

Attribute: TypeAlias = str | int | float | bool
"""A value that executions are found by."""

Order: TypeAlias = Literal["started", "updated", "ended", "duration"]
"""What executions are sorted by; ``duration`` is from the start to the end."""

_LOWER: Final = str.maketrans(ascii_uppercase, ascii_lowercase)


class Range(Struct, frozen=True, kw_only=True):
    """Bounds of a number, both within; ``None`` is no bound."""

    least: float | None = None
    most: float | None = None


class Search(Struct, frozen=True, kw_only=True):
    """Which executions of a workspace are wanted, and in which order. What is left out does not matter.

    Attributes:
        workspace_id: whose they are.
        workflow_ids: of one of these workflows.
        statuses: in one of these.
        pause_statuses: the same for how far their pause points are decided.
        triggers: started by one of these.
        actor_type: what kind of caller started them.
        actor_id: which caller.
        started_after: not before this moment, in seconds since the epoch, UTC.
        started_before: before this moment.
        error: part of the text of their error; A to Z and a to z are the same.
        attributes: by name the values of which they have one.
        ranges: by name the bounds within which they have a number.
        forked_from: forks of the execution with this id, as callers know it.
        text: the beginning of their id; or every word of it begins a word of their workflow's id, their own,
            their error or an attribute (see :func:`~.words.words_of`).
        order: what they are sorted by. Where it is their end or duration, those that go on are left out.
        descending: the highest first.
    """

    workspace_id: UUID
    workflow_ids: tuple[str, ...] = ()
    statuses: tuple[str, ...] = ()
    pause_statuses: tuple[str, ...] = ()
    triggers: tuple[str, ...] = ()
    actor_type: str | None = None
    actor_id: str | None = None
    started_after: float | None = None
    started_before: float | None = None
    error: str | None = None
    attributes: Mapping[str, tuple[Attribute, ...]] = {}
    ranges: Mapping[str, Range] = {}
    forked_from: str | None = None
    text: str | None = None
    order: Order = "started"
    descending: bool = True


class Place(Struct, frozen=True):
    """A place in the order of a search: that of an execution, by its key (in seconds) and its log."""

    key: float
    log_id: UUID


class Counts(Struct, frozen=True, kw_only=True):
    """How many executions a search finds.

    Attributes:
        by_status: how many in each status; those with none are left out.
        exact: false: there are more than `COUNTED`, and these are the newest of them.
    """

    by_status: dict[str, int]
    exact: bool


def counts(found: Iterable[tuple[str, int]]) -> Counts:
    """What a database counted: by status, one more than `COUNTED` at most."""
    by_status = dict(found)
    return Counts(by_status=by_status, exact=sum(by_status.values()) <= COUNTED)


def counts_by_workflow(found: Iterable[tuple[str, str, int]]) -> dict[str, dict[str, int]] | None:
    """The same by workflow and status; ``None`` beyond `COUNTED`."""
    by_workflow: dict[str, dict[str, int]] = {}
    total = 0
    for workflow_id, status, count in found:
        by_workflow.setdefault(workflow_id, {})[status] = count
        total += count
    return by_workflow if total <= COUNTED else None


def fold_case(text: str) -> str:
    """A text with a to z for A to Z, as every database does it; other letters stay."""
    return text.translate(_LOWER)


def alternatives(attributes: Mapping[str, tuple[Attribute, ...]]) -> Iterator[dict[str, Attribute]]:
    """Every way to have one of its values for each name; none where no attribute is asked for."""
    if attributes:
        for values in product(*attributes.values()):
            yield dict(zip(attributes, values, strict=True))
