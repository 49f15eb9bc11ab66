"""What happens to a pause point, and what people decide there."""

from typing import ClassVar

from signoff.events.types.envelopes import EventData
from signoff.events.types.values import (
    Actor,
    Deadline,
    DeadlineAction,
    Json,
    Made,
    Maker,
    Mode,
    Occasion,
    PauseKind,
    Priority,
    Quorum,
    Verdict,
)


class PauseOpened(EventData, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """A pause point waits: ``response`` is what its makers are shown, and the form.

    ``assignees``: who may decide: ``user:<id>``, ``group:<id>`` or ``role:<role>``; none: whoever may decide
    in the workspace. ``self_approval``: who started the execution may. ``deadlines``: the earliest first.
    ``step_up``: a decision by link needs a code that is sent to its maker.
    """

    TYPE: ClassVar[str] = "pause:opened"
    context_id: str
    block_id: str
    pause_kind: PauseKind
    title: str | None = None
    response: Json = None
    resume_at: str | None = None
    content_digest: str | None = None
    assignees: list[str] = []
    quorum: Quorum | None = None
    self_approval: bool = True
    deadlines: list[Deadline] = []
    priority: Priority = "normal"
    step_up: bool = False


class PauseAmended(EventData, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """What a pause point shows was changed: approvals before it are void. Without a ``title`` that stays."""

    TYPE: ClassVar[str] = "pause:amended"
    context_id: str
    title: str | None = None
    response: Json = None
    content_digest: str
    actor: Actor
    reason: str
    request_digest: str | None = None


class PauseClaimed(EventData, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """Somebody works on a decision: until they release it nobody else takes it."""

    TYPE: ClassVar[str] = "pause:claimed"
    context_id: str
    actor: Actor
    request_digest: str | None = None


class PauseReleased(EventData, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """A claimed decision is anybody's again who may take it."""

    TYPE: ClassVar[str] = "pause:released"
    context_id: str
    actor: Actor
    request_digest: str | None = None


class PauseDelegated(EventData, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """One who may decide asked another user to do it in their place."""

    TYPE: ClassVar[str] = "pause:delegated"
    context_id: str
    to: str
    on_behalf_of: str | None = None
    actor: Actor
    reason: str | None = None
    request_digest: str | None = None


class PauseReassigned(EventData, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """Others may decide than before: ``assignees`` as in ``pause:opened``, in place of the earlier ones."""

    TYPE: ClassVar[str] = "pause:reassigned"
    context_id: str
    assignees: list[str]
    actor: Actor
    reason: str
    request_digest: str | None = None


class PauseReturned(EventData, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """One who may decide wants changes first: nobody decides until the content was amended."""

    TYPE: ClassVar[str] = "pause:returned"
    context_id: str
    actor: Actor
    reason: str
    request_digest: str | None = None


class PauseCommented(EventData, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """Somebody said something about a decision."""

    TYPE: ClassVar[str] = "pause:commented"
    context_id: str
    actor: Actor
    text: str
    request_digest: str | None = None


class PauseReminded(EventData, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """A step of the deadline: those who may decide are told again. Steps count from 1."""

    TYPE: ClassVar[str] = "pause:reminded"
    context_id: str
    step: int
    to: list[str] = []


class PauseEscalated(EventData, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """A step of the deadline: others may decide, too. Who had claimed it has it no longer."""

    TYPE: ClassVar[str] = "pause:escalated"
    context_id: str
    step: int
    to: list[str]


class PauseExpired(EventData, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """The last step of the deadline: the default decision follows, or the block fails."""

    TYPE: ClassVar[str] = "pause:expired"
    context_id: str
    step: int
    action: DeadlineAction


class DecisionRecorded(EventData, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """One of several people who decide together has decided.

    ``approvals`` and ``rejections`` are the weights of all noted so far, with this one; ``required`` is what
    the approvals must come to.
    """

    TYPE: ClassVar[str] = "decision:recorded"
    decision_id: str
    context_id: str
    actor: Actor
    made: Made
    verdict: Verdict
    weight: int = 1
    input: Json = None
    submission: Json = None
    approvals: int
    rejections: int = 0
    required: int
    request_digest: str | None = None


class DecisionHeld(EventData, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """A decision came before its pause point: it is kept, and taken when the point opens."""

    TYPE: ClassVar[str] = "decision:held"
    held_id: str
    context_id: str
    mode: Mode
    input: Json = None
    actor: Actor
    maker: Maker
    expires_at: str
    request_digest: str | None = None


class DecisionExpired(EventData, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """A held decision is not taken any more; ``reason`` says why."""

    TYPE: ClassVar[str] = "decision:expired"
    held_id: str
    context_id: str
    reason: str


class PauseClosed(EventData, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """A pause point can no longer be resumed."""

    TYPE: ClassVar[str] = "pause:closed"
    context_id: str
    reason: str


class PauseNotified(EventData, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """A notification about a pause point was sent, or failed.

    ``channel``: by what, such as ``mailto`` or ``slack``; never an address. ``to``: the one user that it was
    for. ``of``: the event that it tells of. ``tool_id``, ``title`` and ``operation`` are the definition's.
    """

    TYPE: ClassVar[str] = "pause:notified"
    context_id: str
    channel: str
    success: bool
    error: str | None = None
    occasion: Occasion = "opened"
    of: int | None = None
    to: str | None = None
    tool_id: str | None = None
    title: str | None = None
    operation: str | None = None
    duration_ms: float | None = None


class ResumeQueued(EventData, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """A decision settled its point while another run was under way: its run starts later."""

    TYPE: ClassVar[str] = "resume:queued"
    resume_entry_id: str
    resume_execution_id: str
    context_id: str
    mode: Mode
    input: Json = None
    submission: Json = None
    actor: Actor
    made: Made | None = None
    retry_of: str | None = None
    queue_position: int
    request_digest: str | None = None


class ResumeFailed(EventData, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """A queued decision never ran: the execution ended before."""

    TYPE: ClassVar[str] = "resume:failed"
    resume_entry_id: str
    context_id: str
    reason: str
