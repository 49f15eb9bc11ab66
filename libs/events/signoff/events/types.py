"""Every event and command: the vocabulary of the log, the topics, the stream and the exports.

The only place where a fact is named. An event is an :class:`Event` envelope around one of the
``EventData`` structs; a command is a :class:`Command` envelope around one of the ``CommandData``
structs. Everything is frozen. On the wire names are camelCase, absent values are left out, and the
order of keys is the order of the fields here, so that equal events have equal bytes.

A field is added with a default, never renamed or reused.
"""

from typing import Any, ClassVar, Final, Literal, TypeAlias

from msgspec import Raw, Struct

Json: TypeAlias = Any
"""A value as JSON knows it. Its shape is the workflow author's, not ours."""

Mode: TypeAlias = Literal["sync", "stream", "async"]
"""How the caller waits: for the answer, on a stream, or not at all."""

PauseKind: TypeAlias = Literal["human", "time", "child"]
"""What an execution waits for: a person, a moment, another execution."""


Role: TypeAlias = Literal["read", "write", "admin", "approver", "auditor"]
"""What a member is in a workspace; what each may do is :mod:`signoff.access.permissions`'s."""

TurnType: TypeAlias = Literal["loop", "parallel"]

Priority: TypeAlias = Literal["low", "normal", "high", "urgent"]
"""How soon a decision is wanted."""

Verdict: TypeAlias = Literal["approved", "rejected"]
"""What one of several people who decide together says."""

DeadlineAction: TypeAlias = Literal["remind", "escalate", "decide", "fail"]
"""What a step of a deadline does: tell again, ask others too, decide by default, fail the block."""

Occasion: TypeAlias = Literal["opened", "reminded", "escalated", "delegated", "returned", "amended", "closed"]
"""What people are told of a pause point."""


class Actor(Struct, frozen=True, omit_defaults=True):
    """Who did it, as the gateway authenticated them. ``owner``: the user who has or made a key."""

    type: Literal["user", "apiKey", "system", "link"]
    id: str
    name: str | None = None
    owner: str | None = None


SYSTEM: Final = Actor(type="system", id="signoff")


class Parent(Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """Whose child an execution is. ``instance`` is the calling block with the turns around it.

    ``log_id`` stands only where a client chose the parent's id; ``depth`` is 1 for the child of an execution
    that nobody called.
    """

    execution_id: str
    log_id: str | None = None
    block_id: str
    instance: str
    depth: int


class Source(Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """The execution that another one takes its past from, as of an event."""

    execution_id: str
    event_id: int


class Turn(Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """One iteration of a loop, or one branch of a parallel, that something happens in."""

    iteration_current: int
    iteration_total: int | None = None
    iteration_type: TurnType
    iteration_container_id: str


class Quorum(Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """How several people decide together. Each of them counts once, with their weight.

    People are named as in ``PauseOpened.assignees``. ``field``: the form's field that says yes or no; without
    one every decision is a yes. ``rejections``: the weight of the noes that settle it. ``weights``: of some;
    the highest that applies counts, 1 where none does. ``veto``: those whose no alone settles it.
    """

    required: int
    field: str | None = None
    rejections: int = 1
    weights: dict[str, int] = {}
    veto: list[str] = []


class Deadline(Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """A step of a pause point's deadline: what happens at a moment if nobody has decided by then.

    ``to``: whom it reminds or asks too, as in ``PauseOpened.assignees``. ``input``: the default decision.
    """

    at: str
    action: DeadlineAction
    to: list[str] = []
    input: Json = None


class Maker(Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """Who asks something of a pause point: what the gateway knew of them at that moment.

    ``user_id``: the person; a workspace's key is none. ``roles`` include those that they imply.
    ``stands_in_for``: absent people → the ids of their groups. ``verified``: by a code that was sent to them.
    """

    user_id: str | None = None
    roles: list[Role] = []
    group_ids: list[str] = []
    stands_in_for: dict[str, list[str]] = {}
    auth_method: str = "apiKey"
    address: str | None = None
    link_id: str | None = None
    verified: bool = False


class Made(Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """How a decision was made: on which content, by whom, how the gateway knew them, from where.

    ``content_digest`` names what the point showed; ``seen``: its maker said that they saw exactly that.
    ``user_id``: the person behind the actor. ``on_behalf_of``: the user that they stood in for.
    """

    content_digest: str | None = None
    seen: bool = False
    auth_method: str = "apiKey"
    user_id: str | None = None
    on_behalf_of: str | None = None
    address: str | None = None
    link_id: str | None = None
    verified: bool = False


# --- Events -----------------------------------------------------------------------------------------


class EventData(Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """Base of what an event says. ``TYPE`` is its name on the wire."""

    TYPE: ClassVar[str] = ""


class ExecutionStarted(EventData, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """An execution began, of one immutable version of a workflow."""

    TYPE: ClassVar[str] = "execution:started"
    workspace_id: str
    workflow_version: int
    definition_digest: str
    trigger: str
    mode: Mode
    input: Json = None
    actor: Actor
    request_digest: str | None = None
    parent: Parent | None = None
    call_chain: list[str] = []
    """The workflows that called one another up to it, the outermost first, over HTTP or as children."""
    source: Source | None = None
    trigger_block_id: str | None = None
    """The start block, where it is not the one that a call starts with."""
    start_block_id: str | None = None
    """Where a run from a block begins; what lies before it is the source's."""
    timeout_at: str | None = None
    """When the first run is out of time, if nothing pauses it. Each later run has as long again …"""
    time_limit: float | None = None
    """… or so many seconds, where the first had only what was left to its caller."""
    stop_after_block_id: str | None = None
    start_time: str


class ExecutionSeeded(EventData, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """A run from a block took the outputs of the blocks before it, and the variables, from its source."""

    TYPE: ClassVar[str] = "execution:seeded"
    outputs: dict[str, Json]
    variables: dict[str, Json] = {}


class PausePointRef(Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """One open pause point, as ``execution:paused`` lists it."""

    context_id: str
    block_id: str
    pause_kind: PauseKind


class ExecutionPaused(EventData, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """A run ended with pause points open: nothing is left to run until one is resumed."""

    TYPE: ClassVar[str] = "execution:paused"
    output: Json = None
    pause_points: list[PausePointRef] = []
    duration: float
    start_time: str
    end_time: str


class ExecutionResumed(EventData, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """A decision was taken up: a new run began at its pause point.

    ``retry_of``: the entry of the decision whose run failed, where an operator tries its point again.
    """

    TYPE: ClassVar[str] = "execution:resumed"
    resume_execution_id: str
    context_id: str
    resume_entry_id: str
    mode: Mode
    input: Json = None
    submission: Json = None
    actor: Actor
    made: Made | None = None
    retry_of: str | None = None
    request_digest: str | None = None


class ExecutionCompleted(EventData, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """The execution ended well. ``response_block_id``: the ``response`` block that fixed the output."""

    TYPE: ClassVar[str] = "execution:completed"
    success: bool
    output: Json = None
    response_block_id: str | None = None
    duration: float
    start_time: str
    end_time: str


class ExecutionError(EventData, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """A run failed; with ``final`` the execution has ended."""

    TYPE: ClassVar[str] = "execution:error"
    error: str
    block_id: str | None = None
    code: str
    output: Json = None
    duration: float
    start_time: str
    end_time: str
    final: bool


class ExecutionCancelled(EventData, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """Somebody stopped the execution."""

    TYPE: ClassVar[str] = "execution:cancelled"
    reason: str
    actor: Actor
    output: Json = None
    duration: float
    start_time: str
    end_time: str


class ExecutionReopened(EventData, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """An operator tries a failed execution again: from what failed, and a new run began.

    With ``context_id`` from a pause point whose run failed: its run begins with the decision that follows.
    """

    TYPE: ClassVar[str] = "execution:reopened"
    resume_execution_id: str
    mode: Mode
    actor: Actor
    reason: str
    context_id: str | None = None
    request_digest: str | None = None


class Placed(EventData, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """Base of what happens to a block: in which iteration or branch, and in which ones around that.

    The first four fields are the innermost turn's; ``parent_iterations`` has the others, outermost first.
    """

    iteration_current: int | None = None
    iteration_total: int | None = None
    iteration_type: TurnType | None = None
    iteration_container_id: str | None = None
    parent_iterations: list[Turn] = []


class BlockEvent(Placed, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """What every event of a block names."""

    block_id: str
    block_name: str
    block_type: str
    execution_order: int


class BlockStarted(BlockEvent, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """A block is about to run: nothing of it ran before this was durable."""

    TYPE: ClassVar[str] = "block:started"
    child_execution_id: str | None = None


class BlockCompleted(BlockEvent, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """A block finished with an output."""

    TYPE: ClassVar[str] = "block:completed"
    input: Json = None
    output: Json
    duration_ms: float
    started_at: str
    ended_at: str


class BlockError(BlockEvent, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """A block failed for good; ``handled`` when an error edge took it."""

    TYPE: ClassVar[str] = "block:error"
    input: Json = None
    error: str
    code: str | None = None
    duration_ms: float
    started_at: str
    ended_at: str
    handled: bool


class BlockRetrying(Placed, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """A try failed; the next one starts at ``next_attempt_at``."""

    TYPE: ClassVar[str] = "block:retrying"
    block_id: str
    error: str
    next_attempt_at: str


class ContainerOpened(Placed, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """A loop or a parallel knows what it goes over.

    ``total`` is unknown where a condition decides. ``at_once``: branches of a parallel that may be busy.
    """

    TYPE: ClassVar[str] = "container:opened"
    block_id: str
    input: Json = None
    items: Json = None
    total: int | None = None
    at_once: int | None = None


class LoopIteration(Placed, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """An iteration of a loop began. The place is the loop's own."""

    TYPE: ClassVar[str] = "loop:iteration"
    container_id: str
    index: int
    item: Json = None


class ParallelBranch(Placed, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """A branch of a parallel began. The place is the parallel's own."""

    TYPE: ClassVar[str] = "parallel:branch"
    container_id: str
    index: int
    item: Json = None


class ChildCalled(Placed, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """A block called another workflow: from this event its execution is started."""

    TYPE: ClassVar[str] = "child:called"
    block_id: str
    child_execution_id: str
    child_workflow_id: str
    child_workflow_name: str
    child_workflow_version: int
    child_definition_digest: str
    depth: int
    input: Json = None
    timeout_at: str | None = None
    """When the run that calls is out of time: so is the child's first one."""


class ChildCancelled(EventData, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """Nobody waits for a child any more: from this event it is cancelled."""

    TYPE: ClassVar[str] = "child:cancelled"
    block_id: str
    child_execution_id: str
    reason: str


class StreamChunk(Placed, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """Part of what a block says while it runs. A later attempt starts at offset 0 and replaces it.

    ``offset`` counts characters.
    """

    TYPE: ClassVar[str] = "stream:chunk"
    block_id: str
    attempt: int
    offset: int
    chunk: str


class StreamDone(Placed, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """A block has said everything: ``offset`` characters."""

    TYPE: ClassVar[str] = "stream:done"
    block_id: str
    attempt: int
    offset: int


class VariablesSet(EventData, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """Workflow variables were assigned."""

    TYPE: ClassVar[str] = "variables:set"
    values: dict[str, Json]


class TimerSet(EventData, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """Something will happen at ``due_at``, whoever is alive then."""

    TYPE: ClassVar[str] = "timer:set"
    timer_id: str
    kind: str
    due_at: str
    block_id: str | None = None


class TimerFired(EventData, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """The moment of a timer had come."""

    TYPE: ClassVar[str] = "timer:fired"
    timer_id: str
    kind: str
    due_at: str


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
    """What a pause point shows was changed: approvals before it are void."""

    TYPE: ClassVar[str] = "pause:amended"
    context_id: str
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


class WorkflowDeployed(EventData, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """A workflow got a new immutable version. It stands in the workflow's own log."""

    TYPE: ClassVar[str] = "workflow:deployed"
    workspace_id: str
    version: int
    name: str
    definition: Json
    digest: str
    actor: Actor


class WorkflowUndeployed(EventData, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """A workflow takes no new executions; its versions stay for those that run."""

    TYPE: ClassVar[str] = "workflow:undeployed"
    workspace_id: str
    actor: Actor


class WorkflowActivated(EventData, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """A version that was deployed before takes the executions again. It stands in the workflow's own log."""

    TYPE: ClassVar[str] = "workflow:activated"
    workspace_id: str
    version: int
    name: str
    digest: str
    actor: Actor


class ScheduleFired(EventData, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """A schedule of a workflow was due: from this event an execution is started. In the workflow's log.

    ``due_at`` is the moment that it was due, however late it is fired; ``missed`` counts the moments since
    the last that its catch-up policy leaves out.
    """

    TYPE: ClassVar[str] = "schedule:fired"
    workspace_id: str
    version: int
    digest: str
    block_id: str
    execution_id: str
    due_at: str
    missed: int = 0


class ScheduleSwitched(EventData, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """A schedule was switched on or off. It stays so in later versions, by its block's id.

    It stands in the workflow's own log. What a schedule misses while it is off is let go.
    """

    TYPE: ClassVar[str] = "schedule:switched"
    workspace_id: str
    block_id: str
    enabled: bool
    actor: Actor


class DirectoryFact(EventData, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """Base of what stands in the directory's log: who there is, and what they may do (ADR 0023).

    Ids of people only: names and addresses are kept beside the log, where they can be erased. The
    ``actor`` is who changed it; ``request_digest`` names their request, where it had an ``Idempotency-Key``.
    """

    actor: Actor
    request_digest: str | None = None


class WorkspaceCreated(DirectoryFact, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """A workspace was made."""

    TYPE: ClassVar[str] = "workspace:created"
    workspace_id: str
    name: str


class WorkspaceRenamed(DirectoryFact, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """A workspace has another name."""

    TYPE: ClassVar[str] = "workspace:renamed"
    workspace_id: str
    name: str


class WorkspaceClosed(DirectoryFact, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """Nobody may do anything in a workspace any more; its logs stay."""

    TYPE: ClassVar[str] = "workspace:closed"
    workspace_id: str


class UserAdded(DirectoryFact, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """There is a new user: a person or, with ``service``, a program's account, which cannot sign in."""

    TYPE: ClassVar[str] = "user:added"
    user_id: str
    service: bool = False


class UserDisabled(DirectoryFact, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """A user may do nothing any more, with no key and no session."""

    TYPE: ClassVar[str] = "user:disabled"
    user_id: str


class UserEnabled(DirectoryFact, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """A disabled user may do again what they might."""

    TYPE: ClassVar[str] = "user:enabled"
    user_id: str


class MemberSet(DirectoryFact, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """A user is a member of a workspace with these roles, in place of earlier ones."""

    TYPE: ClassVar[str] = "member:set"
    workspace_id: str
    user_id: str
    roles: list[Role]


class MemberRemoved(DirectoryFact, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """A user is no member of a workspace any more, nor of its groups."""

    TYPE: ClassVar[str] = "member:removed"
    workspace_id: str
    user_id: str


class GroupSet(DirectoryFact, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """A group of a workspace, as it is from now on: its members have its roles besides their own."""

    TYPE: ClassVar[str] = "group:set"
    workspace_id: str
    group_id: str
    name: str
    roles: list[Role] = []
    user_ids: list[str] = []


class GroupRemoved(DirectoryFact, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """There is no such group any more."""

    TYPE: ClassVar[str] = "group:removed"
    workspace_id: str
    group_id: str


class KeyCreated(DirectoryFact, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """A new API key: of a user (it acts as them) or, with ``workspace_id`` alone, of a workspace.

    ``digest`` is the base64 of the SHA-256 of a key with 256 random bits: nobody finds the key by it.
    ``owner_id`` is the user who made a workspace's key. ``roles`` bound what the key may do; absent, a
    user's key may do all that the user may. ``workspace_id`` with ``user_id``: it acts nowhere else.
    """

    TYPE: ClassVar[str] = "key:created"
    key_id: str
    name: str
    digest: str
    workspace_id: str | None = None
    user_id: str | None = None
    owner_id: str | None = None
    roles: list[Role] | None = None
    expires_at: str | None = None


class KeyRotated(DirectoryFact, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """A key has a new secret; the one before is good until ``previous_until`` (UTC, ISO 8601)."""

    TYPE: ClassVar[str] = "key:rotated"
    key_id: str
    digest: str
    previous_until: str


class KeyRevoked(DirectoryFact, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """A key is good for nothing any more."""

    TYPE: ClassVar[str] = "key:revoked"
    key_id: str


class AbsenceSet(DirectoryFact, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """A member of a workspace is away from one moment to another: a delegate decides in their place.

    In place of an earlier absence of theirs. ``since`` and ``until`` are UTC, ISO 8601.
    """

    TYPE: ClassVar[str] = "absence:set"
    workspace_id: str
    user_id: str
    delegate_id: str
    since: str
    until: str


class AbsenceEnded(DirectoryFact, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """A member's absence is over, or never came."""

    TYPE: ClassVar[str] = "absence:ended"
    workspace_id: str
    user_id: str


class EnvironmentSet(DirectoryFact, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """A value of a workspace's environment was set. The value is kept elsewhere, encrypted."""

    TYPE: ClassVar[str] = "environment:set"
    workspace_id: str
    name: str


class EnvironmentRemoved(DirectoryFact, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """A value of a workspace's environment was removed."""

    TYPE: ClassVar[str] = "environment:removed"
    workspace_id: str
    name: str


class HookSet(DirectoryFact, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """An outgoing webhook of a workspace, as it is from now on. Its URL and its secret are kept elsewhere.

    ``types`` are those of the events that it is told of, ``workflow_ids`` those that it is told about; none
    means all.
    """

    TYPE: ClassVar[str] = "hook:set"
    workspace_id: str
    hook_id: str
    host: str
    types: list[str] = []
    workflow_ids: list[str] = []
    enabled: bool = True


class HookRemoved(DirectoryFact, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """There is no such outgoing webhook any more."""

    TYPE: ClassVar[str] = "hook:removed"
    workspace_id: str
    hook_id: str


class Unknown(EventData, frozen=True, kw_only=True):
    """An event of a type that this version does not know; its data, untouched."""

    topic: str
    raw: Raw


class Event(Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """The envelope: one entry of a log.

    ``run_id`` and ``correlation_id`` are ``None`` when equal to ``execution_id`` and
    ``causation_id``; ``log_id`` is set only where it differs from ``execution_id``. The logs of
    workflows have no ``execution_id``. ``timestamp`` is UTC, ISO 8601, microseconds.
    ``causation_id`` is the command's id; for what follows from the log itself (a block's end, a
    timer) it is the ``eventId``, in decimal, of the event that it follows from.
    ``prev`` is the base64 of the SHA-256 of the bytes of the event before.
    """

    type: str
    event_id: int
    execution_id: str | None = None
    log_id: str | None = None
    run_id: str | None = None
    workflow_id: str
    timestamp: str
    causation_id: str
    correlation_id: str | None = None
    attempt: int | None = None
    prev: str | None = None
    data: EventData


DIRECTORY_FACTS: Final = (
    WorkspaceCreated,
    WorkspaceRenamed,
    WorkspaceClosed,
    UserAdded,
    UserDisabled,
    UserEnabled,
    MemberSet,
    MemberRemoved,
    GroupSet,
    GroupRemoved,
    KeyCreated,
    KeyRotated,
    KeyRevoked,
    AbsenceSet,
    AbsenceEnded,
    EnvironmentSet,
    EnvironmentRemoved,
    HookSet,
    HookRemoved,
)
"""What may stand in the directory's log."""

EVENT_TYPES: Final[dict[str, type[EventData]]] = {
    kind.TYPE: kind
    for kind in (
        ExecutionStarted,
        ExecutionSeeded,
        ExecutionPaused,
        ExecutionResumed,
        ExecutionCompleted,
        ExecutionError,
        ExecutionCancelled,
        ExecutionReopened,
        BlockStarted,
        BlockCompleted,
        BlockError,
        BlockRetrying,
        ContainerOpened,
        LoopIteration,
        ParallelBranch,
        ChildCalled,
        ChildCancelled,
        StreamChunk,
        StreamDone,
        VariablesSet,
        TimerSet,
        TimerFired,
        PauseOpened,
        PauseAmended,
        PauseClaimed,
        PauseReleased,
        PauseDelegated,
        PauseReassigned,
        PauseReturned,
        PauseCommented,
        PauseReminded,
        PauseEscalated,
        PauseExpired,
        PauseClosed,
        PauseNotified,
        DecisionRecorded,
        DecisionHeld,
        DecisionExpired,
        ResumeQueued,
        ResumeFailed,
        WorkflowDeployed,
        WorkflowUndeployed,
        WorkflowActivated,
        ScheduleFired,
        ScheduleSwitched,
        *DIRECTORY_FACTS,
    )
}


# --- Commands ---------------------------------------------------------------------------------------


class CommandData(Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """Base of what a command asks for. ``TYPE`` is its name on the wire."""

    TYPE: ClassVar[str] = ""


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
    """Show something else at a pause point than what has ``seen_digest``."""

    TYPE: ClassVar[str] = "AmendPause"
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


class Command(Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """The envelope of a command on ``signoff.commands``, keyed by the log's UUID.

    ``execution_id`` is as callers know it; ``log_id`` is set only where it differs.
    ``not_after`` is the time (UTC, ISO 8601) after which an executor refuses it. ``reply_to`` is
    the partition of ``signoff.outcomes`` that the caller listens to.
    """

    command_id: str
    type: str
    execution_id: str
    log_id: str | None = None
    issued_at: str
    not_after: str | None = None
    actor: Actor
    correlation_id: str | None = None
    request_digest: str | None = None
    traceparent: str | None = None
    reply_to: int | None = None
    data: CommandData


COMMAND_TYPES: Final[dict[str, type[CommandData]]] = {
    kind.TYPE: kind
    for kind in (
        StartExecution,
        ResumeExecution,
        AmendPause,
        ClaimPause,
        ReleasePause,
        DelegatePause,
        ReassignPause,
        ReturnPause,
        CommentPause,
        CancelExecution,
        RetryExecution,
        ChildChanged,
        DeployWorkflow,
        UndeployWorkflow,
        ActivateVersion,
        SwitchSchedule,
        ChangeDirectory,
    )
}


# --- Outcomes ---------------------------------------------------------------------------------------


class FieldFault(Struct, frozen=True):
    """What is wrong with one field of a submitted form."""

    path: str
    message: str


class Refusal(Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """Why a command changed nothing. ``code`` is for programs, ``message`` for people."""

    code: str
    message: str
    winning_event_id: int | None = None
    details: list[FieldFault] = []


NO_EVENT: Final = Raw()
"""An outcome without its event: the field is left out."""


class Outcome(Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """What became of a command: a hint on ``signoff.outcomes``; the log knows for sure.

    ``event_id`` is the event that took the command up or, with ``ended``, that ended its run. ``event`` is
    the ending event as committed, where it is small: who hears of it need not read it from the log.
    """

    command_id: str
    execution_id: str
    outcome: Literal["accepted", "queued", "refused", "duplicate", "ended"]
    event_id: int | None = None
    resume_execution_id: str | None = None
    queue_position: int | None = None
    refusal: Refusal | None = None
    event: Raw = NO_EVENT
