"""What events and commands are made of: who, whose, where, and how a decision is to be made."""

from typing import Any, Final, Literal, TypeAlias

from msgspec import Struct

Json: TypeAlias = Any
"""A value as JSON knows it. Its shape is the workflow author's, not ours."""

Mode: TypeAlias = Literal["sync", "stream", "async"]
"""How the caller waits: for the answer, on a stream, or not at all."""

PauseKind: TypeAlias = Literal["human", "time", "child"]
"""What an execution waits for: a person, a moment, another execution."""

Edit: TypeAlias = Literal["input", "decision", "workflowVersion"]
"""What a fork has otherwise than its source."""

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


ActorType: TypeAlias = Literal["user", "apiKey", "system", "link"]
"""What somebody who does something is."""


class Actor(Struct, frozen=True, omit_defaults=True):
    """Who did it, as the gateway authenticated them. ``owner``: the user who has or made a key."""

    type: ActorType
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
    """The execution that another one takes its past from, as of an event.

    A run from a block takes outputs from it, a fork the events themselves. ``log_id`` stands only where a
    client chose the source's id. ``started_by``: the people who started the source, and whatever that was
    forked from; what they may not decide there they may not decide in a fork.
    """

    execution_id: str
    log_id: str | None = None
    event_id: int
    kind: Literal["run-from-block", "fork"] = "run-from-block"
    started_by: list[str] = []


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
