"""What may be asked of a log."""

from typing import ClassVar, Literal, TypeAlias

from msgspec import Struct

from signoff.events.types.accesses import (
    AccessEnded,
    AccessesDropped,
    AccessExported,
    AccessRead,
    AccessRefused,
    AccessVerified,
)
from signoff.events.types.envelopes import CommandData
from signoff.events.types.values import Json, Maker, Mode, Parent, Source


class ForkDecision(Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """A decision that is taken with a fork, on a pause point that is open there."""

    context_id: str
    input: Json = None
    seen_digest: str | None = None
    maker: Maker | None = None


class Fork(Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """What an execution begins with that is forked from another one.

    ``log_id`` names the source's log, of which the events up to ``event_id`` are taken. ``edited``: the fork
    has an ``input`` of its own; ``replanted``: it runs another version, and takes finished outputs alone.
    """

    log_id: str
    event_id: int
    reason: str
    edited: bool = False
    replanted: bool = False
    decision: ForkDecision | None = None


class StartExecution(CommandData, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """Begin an execution of one version of a workflow."""

    TYPE: ClassVar[str] = "StartExecution"
    workspace_id: str
    workflow_id: str
    workflow_version: int
    definition_digest: str
    trigger: str = "api"
    mode: Mode
    input: Json = None
    time_limit: float | None = None
    timeout_at: str | None = None
    """When the first run is out of time, although its time limit would leave it longer."""
    stop_after_block_id: str | None = None
    parent: Parent | None = None
    call_chain: list[str] = []
    source: Source | None = None
    trigger_block_id: str | None = None
    start_block_id: str | None = None
    outputs: dict[str, Json] = {}
    """With ``start_block_id``: the outputs of blocks before it, from the source; ``variables`` likewise."""
    variables: dict[str, Json] = {}
    fork: Fork | None = None
    """It goes on from another execution; the ``source`` says which."""


class ResumeExecution(CommandData, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """Take a decision on one pause point."""

    TYPE: ClassVar[str] = "ResumeExecution"
    context_id: str
    mode: Mode | None = None
    """``None``: the mode that the execution began in."""
    input: Json = None
    seen_digest: str | None = None
    maker: Maker | None = None
    retry: bool = False
    """Take it anew on a point whose run failed. Without an input: what was submitted then."""
    hold_until: str | None = None
    """Keep it until this moment, if its point has not opened yet."""


class PauseCommand(CommandData, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """Base of what is asked of a pause point that waits, beside deciding."""

    context_id: str
    maker: Maker


class AmendPause(PauseCommand, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """Show something else at a pause point than what has ``seen_digest``; without a ``title`` it stays."""

    TYPE: ClassVar[str] = "AmendPause"
    title: str | None = None
    response: Json
    content_digest: str
    seen_digest: str
    reason: str


class ClaimPause(PauseCommand, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """Keep a decision to oneself for now."""

    TYPE: ClassVar[str] = "ClaimPause"


class ReleasePause(PauseCommand, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """Give a claimed decision back."""

    TYPE: ClassVar[str] = "ReleasePause"


class DelegatePause(PauseCommand, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """Ask another user (``to``, an id) to decide in one's place."""

    TYPE: ClassVar[str] = "DelegatePause"
    to: str
    reason: str | None = None


class ReassignPause(PauseCommand, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """Let others decide: ``assignees`` as in ``pause:opened``."""

    TYPE: ClassVar[str] = "ReassignPause"
    assignees: list[str]
    reason: str


class ReturnPause(PauseCommand, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """Want changes before anybody decides."""

    TYPE: ClassVar[str] = "ReturnPause"
    reason: str


class CommentPause(PauseCommand, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """Say something about a decision."""

    TYPE: ClassVar[str] = "CommentPause"
    text: str


class CancelExecution(CommandData, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """Stop an execution, whether it runs, waits or is paused."""

    TYPE: ClassVar[str] = "CancelExecution"
    reason: str


class RetryExecution(CommandData, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """Try a failed execution again, from the blocks that failed."""

    TYPE: ClassVar[str] = "RetryExecution"
    reason: str
    mode: Mode | None = None
    """``None``: the mode that the execution began in."""


class ChildChanged(CommandData, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """A child execution paused, went on or ended; its event says how. Sent to the parent's log.

    ``event_id`` is the child's event: of two, the later one counts.
    """

    TYPE: ClassVar[str] = "ChildChanged"
    instance: str
    child_execution_id: str
    event_id: int
    status: Literal["paused", "resumed", "completed", "failed", "cancelled"]
    output: Json = None
    error: str | None = None
    code: str | None = None


class DeployWorkflow(CommandData, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """Make a definition, checked at the gateway, the next version of a workflow."""

    TYPE: ClassVar[str] = "DeployWorkflow"
    workspace_id: str
    workflow_id: str
    name: str
    definition: Json
    digest: str


class UndeployWorkflow(CommandData, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """Let a workflow take no new executions."""

    TYPE: ClassVar[str] = "UndeployWorkflow"
    workspace_id: str
    workflow_id: str


class ActivateVersion(CommandData, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """Let a version of a workflow that was deployed before take the executions again."""

    TYPE: ClassVar[str] = "ActivateVersion"
    workspace_id: str
    workflow_id: str
    version: int


class SwitchSchedule(CommandData, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """Let a schedule of a workflow start executions, or no more."""

    TYPE: ClassVar[str] = "SwitchSchedule"
    workspace_id: str
    workflow_id: str
    block_id: str
    enabled: bool


WorkflowCommand: TypeAlias = DeployWorkflow | UndeployWorkflow | ActivateVersion | SwitchSchedule
"""What is asked of a workflow's own log."""


class Proposal(Struct, frozen=True):
    """A fact that a caller wants recorded: the type of its event, and its data."""

    type: str
    data: dict[str, Json]


class ChangeDirectory(CommandData, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """Record facts in the directory's log, all or none: ``proposed`` as they would stand there.

    Their ``actor`` is left out; it is the command's.
    """

    TYPE: ClassVar[str] = "ChangeDirectory"
    proposed: list[Proposal]


class RecordAccesses(CommandData, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """Record what a process saw of who read what, and who was turned away, in the access log of a day.

    ``partition`` is that in which the log lies, ``day`` that of the accesses (``2026-07-26``, UTC).
    ``observer`` names the process and ``batch`` counts what it sends: one that came before has no effect.
    """

    TYPE: ClassVar[str] = "RecordAccesses"
    workspace_id: str
    partition: int
    day: str
    observer: str
    batch: int
    read: list[AccessRead] = []
    ended: list[AccessEnded] = []
    exported: list[AccessExported] = []
    verified: list[AccessVerified] = []
    refused: list[AccessRefused] = []
    dropped: list[AccessesDropped] = []
