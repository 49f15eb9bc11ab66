"""What becomes of pause points: changed, decided many at once or early, by link or in somebody's place."""

from typing import Literal, TypeAlias

from msgspec import Struct

from signoff.client.answers.executions import Actor
from signoff.client.answers.inbox import Party, Person
from signoff.client.answers.pauses import QuorumProgress, Verdict
from signoff.client.errors import Detail, Json


class PointState(Struct, frozen=True, kw_only=True, rename="camel"):
    """A pause point after something was asked of it.

    Attributes:
        event_id: that recorded it.
        execution_id: the execution that waits.
        context_id: the point.
        assignees: who may decide; nobody: whoever may decide in the workspace.
        claimed_by: who keeps it to themselves for now.
        returned: changes are wanted before anybody decides.
        progress: how far they are, where several people decide together.
        content_digest: of what is shown now.
    """

    event_id: int
    execution_id: str
    context_id: str
    assignees: list[Party] = []
    claimed_by: Person | None = None
    returned: bool = False
    progress: QuorumProgress | None = None
    content_digest: str | None = None


class Decision(Struct, frozen=True, rename="camel", omit_defaults=True):
    """One decision of many.

    Attributes:
        execution_id: the execution that waits.
        context_id: the point.
        input: what fills its form.
        content_digest: what was seen: where another content is shown by now, nothing is decided.
        idempotency_key: the same key and input again give the first answer again.
    """

    execution_id: str
    context_id: str
    input: Json = None
    content_digest: str | None = None
    idempotency_key: str | None = None


DecisionStatus: TypeAlias = Literal["started", "queued", "recorded", "refused"]


class DecisionResult(Struct, frozen=True, kw_only=True, rename="camel"):
    """What became of one decision of many.

    Attributes:
        execution_id: the execution.
        context_id: the point.
        status: its run was ``started``, or is ``queued`` behind another one; ``recorded``: it counts among
            those of several people; ``refused``: ``error`` says why.
        http_status: what it would have been answered with alone.
        run_id: the run that it began, or will begin.
        queue_position: from 1, where it is queued.
        event_id: that recorded it or, where somebody was faster, that of the decision that won.
        verdict: what it was counted as, where it is recorded.
        approvals: what all of them count, where it is recorded.
        rejections: the same of those who said no.
        required: what the approvals must come to.
        error: why it was refused.
        code: the server's name for that.
        details: the fields that do not fit the form.
        resumed_by: who was faster.
        claimed_by: who keeps the point to themselves.
        content_digest: of what is shown by now, where that is another one.
    """

    execution_id: str
    context_id: str
    status: DecisionStatus
    http_status: int
    run_id: str | None = None
    queue_position: int | None = None
    event_id: int | None = None
    verdict: Verdict | None = None
    approvals: int | None = None
    rejections: int | None = None
    required: int | None = None
    error: str | None = None
    code: str | None = None
    details: list[Detail] = []
    resumed_by: Actor | None = None
    claimed_by: Person | None = None
    content_digest: str | None = None

    @property
    def is_refused(self) -> bool:
        """Whether nothing was decided."""
        return self.status == "refused"


class HeldDecision(Struct, frozen=True, kw_only=True, rename="camel"):
    """A decision that came before its pause point.

    Attributes:
        held_id: names it.
        context_id: the point that it is for.
        status: ``held``: it is kept; ``taken``: the point opened, and it was taken; ``expired``: it was not,
            and ``reason`` says why.
        by: who made it.
        held_at: when.
        expires_at: until when it is kept.
        input: what fills the form; secrets are hidden.
        event_id: that recorded it.
        reason: why it expired.
    """

    held_id: str
    context_id: str
    status: str
    expires_at: str
    held_at: str | None = None
    by: Person | None = None
    input: Json = None
    event_id: int | None = None
    reason: str | None = None


class NewDecisionLink(Struct, frozen=True, kw_only=True, rename="camel"):
    """A link to one decision, for one person. Its token is shown this once.

    Attributes:
        id: names it.
        url: the page of the decision, for its person.
        token: the same for programs, as a bearer token.
        expires_at: until when it is good.
        user_id: whom it is for.
    """

    id: str
    url: str
    token: str
    expires_at: str
    user_id: str

    def __repr__(self) -> str:
        return f"NewDecisionLink(id={self.id!r}, user_id={self.user_id!r}, expires_at={self.expires_at!r})"


class DecisionLink(Struct, frozen=True, kw_only=True, rename="camel"):
    """A link, without its token.

    Attributes:
        id: names it.
        user_id: whom it is for.
        made_at: when it was made.
        expires_at: until when it is good.
        made_by: who made it.
        lent: another than its person made it: changes need a code that they are mailed.
        revoked_at: since when it is not good any more.
        used_at: when a decision was made with it.
        event_id: that recorded that decision.
    """

    id: str
    user_id: str
    made_at: str
    expires_at: str
    made_by: Actor | None = None
    lent: bool = False
    revoked_at: str | None = None
    used_at: str | None = None
    event_id: int | None = None

    @property
    def state(self) -> Literal["good", "used", "revoked"]:
        """What it is good for; one that has expired is not listed."""
        if self.revoked_at is not None:
            return "revoked"
        return "good" if self.used_at is None else "used"


class Absence(Struct, frozen=True, kw_only=True, rename="camel"):
    """Somebody is away; times are UTC, ISO 8601.

    Attributes:
        user_id: who is away.
        delegate_id: the member who decides in their place.
        since: from when.
        until: when they are back.
    """

    user_id: str
    delegate_id: str
    since: str
    until: str
