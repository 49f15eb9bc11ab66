"""Executions that go on from an event of another one: begun for good, or tried out."""

from typing import Literal, TypeAlias

import msgspec
from msgspec import Struct

from signoff.client.errors import Json

Stopped: TypeAlias = Literal["ended", "paused", "effects", "limit"]
"""Why a dry run goes no further: it would be over, people would be asked, blocks that act outside would run,
or it was too long."""


class ForkDecision(Struct, frozen=True, kw_only=True, rename="camel"):
    """A decision on a pause point that is open where a fork begins."""

    context_id: str
    input: Json = None


class ForkSource(Struct, frozen=True, kw_only=True, rename="camel"):
    """The execution, and the event of it, that a fork goes on from."""

    execution_id: str
    event_id: int


class Forked(Struct, frozen=True, kw_only=True, rename="camel"):
    """A fork that has begun."""

    execution_id: str
    workflow_id: str
    workflow_version: int
    source: ForkSource
    status_url: str


class WouldRun(Struct, frozen=True, kw_only=True, rename="camel"):
    """A block that acts outside, and would run: with this input, and to these blocks it leads."""

    instance: str
    block_id: str
    block_name: str
    block_type: str
    input: Json = None
    leads_to: list[str] = []


class DryRun(Struct, frozen=True, kw_only=True, rename="camel"):
    """What a fork would come to. Nothing was written or done.

    Attributes:
        source: what it would go on from.
        stopped: why it goes no further.
        would_run: blocks that act outside, and of which the execution has no result for this input.
        recorded: blocks that were given what they gave in the execution.
        events: what would stand in its log, from ``execution:forked`` on, as bytes.
        state: how it would be.
    """

    source: ForkSource
    stopped: Stopped
    would_run: list[WouldRun]
    recorded: list[str]
    events: list[msgspec.Raw]
    state: dict[str, Json]
