"""Decisions that somebody is asked for: in a list, and one with everything that it takes."""

from typing import Literal, TypeAlias

from msgspec import Struct

from signoff.client.answers.pauses import PausePoint, Priority, QuorumProgress, ResumeLinks, Verdict
from signoff.client.errors import Json

Scope: TypeAlias = Literal["open", "mine", "groups", "all"]
"""``open``: what the caller may decide now; ``mine``: what is assigned to them, or claimed by them;
``groups``: what is their groups', their roles' or anybody's, and free; ``all``: every open point."""

Claimed: TypeAlias = Literal["me", "nobody"]
"""Whose open points are meant: those that the caller has claimed, or that nobody has."""

InboxOrder: TypeAlias = Literal["opened", "-opened", "due", "-due", "priority", "-priority"]
"""What points are sorted by; with ``-`` the latest, or highest, come first."""


class Party(Struct, frozen=True, kw_only=True):
    """One who may decide: a user, a group, or everybody with a role, whose id is its name."""

    kind: str
    id: str
    name: str


class Person(Struct, frozen=True, kw_only=True):
    """Somebody who did something: a user by their id, another caller as ``apiKey:<id>``."""

    id: str
    name: str


class InboxItem(Struct, frozen=True, kw_only=True, rename="camel"):
    """An open pause point.

    Attributes:
        execution_id: the execution that waits.
        workflow_id: its workflow.
        workflow_name: what that is called.
        context_id: names the point within its execution.
        block_id: the block that waits.
        title: what is decided, in a line.
        priority: how much it matters.
        opened_at: when it began to wait.
        due_at: when the last step of its deadline strikes.
        overdue: whether that was before now.
        assignees: who may decide; nobody: whoever may decide in the workspace.
        claimed_by: who keeps it to themselves for now.
        returned: changes are wanted before anybody decides.
        approvals: what those who approved count, where several people decide.
        required: what the approvals must come to.
        content_digest: of what is shown: decide on it, and a change in between is refused.
        may_decide: whether the caller may decide it now.
        resume_links: where it is decided.
        event_id: its last change.
    """

    execution_id: str
    workflow_id: str
    context_id: str
    block_id: str
    title: str
    opened_at: str
    resume_links: ResumeLinks
    workflow_name: str | None = None
    priority: Priority = "normal"
    due_at: str | None = None
    overdue: bool = False
    assignees: list[Party] = []
    claimed_by: Person | None = None
    returned: bool = False
    approvals: int = 0
    required: int = 1
    content_digest: str | None = None
    may_decide: bool = False
    event_id: int = 0


class ScopeTotal(Struct, frozen=True, kw_only=True):
    """How many points one scope has; not ``exact``: at least so many."""

    total: int
    exact: bool = True


class InboxCounts(Struct, frozen=True, kw_only=True, rename="camel"):
    """How many points a filter finds in its own scope, and in two others; not ``exact``: at least so many."""

    total: int
    exact: bool
    overdue: int
    by_priority: dict[Priority, int]
    mine: ScopeTotal
    groups: ScopeTotal


class Step(Struct, frozen=True, kw_only=True):
    """A step of a deadline.

    Attributes:
        at: when it strikes if nobody has decided.
        action: what it does then: ``remind``, ``escalate``, ``decide`` or ``fail``.
        to: whom it reminds, or asks as well; nobody: those who may decide.
        input: the decision that it takes.
        struck: it has.
    """

    at: str
    action: str
    to: list[Party] = []
    input: Json = None
    struck: bool = False


class Weight(Struct, frozen=True, kw_only=True):
    """What somebody's decision counts."""

    who: Party
    weight: int


class QuorumPolicy(Struct, frozen=True, kw_only=True):
    """How several people decide together.

    Attributes:
        required: what their approvals must come to.
        rejections: what their rejections must come to.
        field: the form's field that says yes or no; without one every decision is a yes.
        weights: what some people count; 1 for everybody else.
        veto: those whose no alone decides.
    """

    required: int
    rejections: int
    field: str | None = None
    weights: list[Weight] = []
    veto: list[Party] = []


class Policy(Struct, frozen=True, kw_only=True, rename="camel"):
    """Who may decide, and how.

    Attributes:
        assignees: nobody: whoever may decide in the workspace.
        quorum: where several people decide together.
        self_approval: whether who started the execution may decide.
        deadline: its steps, the earliest first.
        step_up: a decision by link needs a code.
    """

    assignees: list[Party] = []
    quorum: QuorumPolicy | None = None
    self_approval: bool = True
    deadline: list[Step] = []
    step_up: bool = False


class Vote(Struct, frozen=True, kw_only=True, rename="camel"):
    """What one of several people said, as far as it still counts."""

    event_id: int
    at: str
    by: Person
    verdict: Verdict
    weight: int = 1
    on_behalf_of: Person | None = None


class Delegate(Struct, frozen=True, kw_only=True, rename="camel"):
    """A user who was asked to decide, and in whose place."""

    user: Person
    on_behalf_of: Person | None = None


class NotAllowed(Struct, frozen=True, kw_only=True):
    """Why the caller may not decide now: ``code`` is for programs, ``message`` for people."""

    code: str
    message: str


class PointEvent(Struct, frozen=True, kw_only=True, rename="camel"):
    """Something that happened at a pause point; what an event does not have is ``None``.

    Attributes:
        event_id: its place in the execution's log.
        type: such as ``pause:commented``; ``execution:resumed`` is the decision.
        at: when.
        actor: who did it, if somebody did.
        on_behalf_of: in whose place.
        text: of a comment.
        reason: why.
        to: who was asked, told or assigned by it.
        verdict: what one of several people said.
        weight: what that counts.
        step: of the deadline, from 1.
        channel: by what somebody was told.
        success: whether that was sent.
        retry: whether the point's run had failed, and the point is tried again.
    """

    event_id: int
    type: str
    at: str
    actor: Person | None = None
    on_behalf_of: Person | None = None
    text: str | None = None
    reason: str | None = None
    to: list[Party] | None = None
    verdict: Verdict | None = None
    weight: int | None = None
    step: int | None = None
    channel: str | None = None
    success: bool | None = None
    retry: bool | None = None


class PointDetail(Struct, frozen=True, kw_only=True, rename="camel"):
    """One pause point with everything that it takes to decide it.

    Attributes:
        execution_id: the execution that waits.
        workflow_id: its workflow.
        workflow_version: the version of the definition that it runs.
        context_id: names the point within its execution.
        title: what is decided, in a line.
        point: what is shown, the form and the links.
        policy: who may decide, and how.
        progress: how far they are, where several people decide together.
        decisions: what each of them said.
        claimed_by: who keeps it to themselves for now.
        delegates: users who were asked to decide in the place of others.
        history: what happened to it, comments too: the newest 1,000 events, in their order.
        may_decide: whether the caller may decide it now.
        refusal: why not.
        content_digest: of what is shown: decide on it, and a change in between is refused.
        event_id: its last change.
    """

    execution_id: str
    workflow_id: str
    context_id: str
    title: str
    point: PausePoint
    policy: Policy
    workflow_version: int | None = None
    progress: QuorumProgress | None = None
    decisions: list[Vote] = []
    claimed_by: Person | None = None
    delegates: list[Delegate] = []
    history: list[PointEvent] = []
    may_decide: bool = False
    refusal: NotAllowed | None = None
    content_digest: str | None = None
    event_id: int = 0
