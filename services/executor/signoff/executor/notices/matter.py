"""What people are to be told of: an event of a pause point, and everything that is needed to tell them."""

from collections.abc import Mapping
from typing import Any, cast
from uuid import UUID

import msgspec
from msgspec import Struct

from signoff.engine.definitions.references import Template
from signoff.engine.messages import Notify
from signoff.engine.points.notices import occasions_of
from signoff.engine.points.standing import may_not, person_of
from signoff.engine.state import PausePoint, State
from signoff.events.times import from_iso
from signoff.events.types import Deadline, Occasion
from signoff.executor.blocks.simple import Human
from signoff.executor.logs.loaded import Loaded
from signoff.executor.running.reading import Reading, reading_of


class Entry(Struct, frozen=True):
    """A notification: as it was written, and with its references found."""

    written: Any
    template: Template

    @property
    def is_personal(self) -> bool:
        """Whether it goes to people by themselves, in place of a channel."""
        return isinstance(self.written, Mapping) and self.written.get("to") is not None

    @property
    def is_carried(self) -> bool:
        """Whether a mail server that its author names carries it, and may show them links of others."""
        return isinstance(self.written, Mapping) and self.written.get("url") is not None


class Matter(Struct, frozen=True, kw_only=True):
    """An event of a pause point that people are to be told of, on its own: the state goes on meanwhile.

    Attributes:
        workflow: its name.
        to: keys of those whom it is about; none: all who may decide.
        point: as it was when this was made.
        settled: people who decided, or have nothing to decide here.
        entries: the notifications that the definition has for this occasion.
        reading: what their references may read; the pause block's own output, once it ended.
    """

    log_id: UUID
    event_id: int
    occasion: Occasion
    workspace: UUID
    workflow_id: str
    workflow: str
    execution_id: str
    to: list[str]
    point: PausePoint
    settled: frozenset[str]
    entries: list[Entry]
    reading: Reading

    @property
    def context_id(self) -> str:
        """Of the pause point."""
        return self.point.context_id

    @property
    def asked(self) -> list[str]:
        """Keys of those who are to be told, each by themselves."""
        return self.to or [*self.point.assignees, *(f"user:{each}" for each in self.point.delegates)]

    @property
    def ends_at(self) -> float | None:
        """When it is decided by itself, in seconds since the epoch; ``None``: never."""
        last = self.point.deadlines[-1] if self.point.deadlines else None
        return from_iso(last.at) if last is not None and _ends(last) else None


def matter_of(loaded: Loaded, state: State, effect: Notify) -> Matter:
    """Take from a state what it takes to tell people of an event."""
    plan = loaded.plan
    if plan is None:
        raise ValueError("people are told only where the definition is known")
    point = state.points[effect.context_id]
    block = plan.graph.nodes[point.block_id].block
    prepared = cast("Human", plan.blocks[point.block_id])  # no other kind of block has notifications
    written = block.params.get("notification")
    both = zip(written if isinstance(written, list) else [], prepared.notification, strict=True)
    entries = [Entry(each, template) for each, template in both if effect.occasion in occasions_of(each)]
    reads = frozenset[str]().union(*(entry.template.blocks for entry in entries))
    return Matter(
        log_id=loaded.log_id,
        event_id=effect.event_id,
        occasion=effect.occasion,
        workspace=loaded.workspace,
        workflow_id=state.workflow_id,
        workflow=plan.graph.definition.name,
        execution_id=state.execution_id,
        to=list(effect.to),
        point=msgspec.structs.replace(point, decisions=list(point.decisions)),
        settled=frozenset(_settled(state, point)),
        entries=entries,
        reading=reading_of(loaded, state, point.turns, {*reads, point.block_id}),
    )


def _settled(state: State, point: PausePoint) -> set[str]:
    people = may_not(point)
    entry = state.entries.get(point.entry_id or "")
    if entry is not None:
        people.add(person_of(entry.actor))
        if entry.made is not None:
            people |= {each for each in (entry.made.user_id, entry.made.on_behalf_of) if each}
    return people


def _ends(step: Deadline) -> bool:
    return step.action in ("decide", "fail")
