"""One pause point with everything that a decider needs, from one read of its log."""

from typing import Final

from aiohttp import web
from msgspec import Struct
from msgspec.structs import replace

from signoff.access.callers import Principal
from signoff.audit.life.hiding import hide_secrets
from signoff.engine.points.decisions import refusal_of
from signoff.engine.state import PausePoint, State
from signoff.events.store.base import ExecutionRow
from signoff.events.times import iso
from signoff.events.types import DeadlineAction, Json, Refusal, ResumeExecution, Verdict
from signoff.gateway.errors import ApiError
from signoff.gateway.executions.deciding import maker
from signoff.gateway.executions.history import fold
from signoff.gateway.executions.views import pause_point, quorum_progress
from signoff.gateway.gateway import GATEWAY, Gateway, find_execution
from signoff.gateway.inbox.history import History, HistoryEntry, history_of
from signoff.gateway.inbox.people import Names, Party, Person, names_of
from signoff.gateway.schemas import PausePointView, QuorumProgress

MISSING: Final = "Pause context not found"


class ReadPoint(Struct, frozen=True):
    """A pause point as its log tells it, its large values in their places."""

    row: ExecutionRow
    state: State
    point: PausePoint
    history: History


class Step(Struct, frozen=True, kw_only=True):
    """A step of a deadline.

    Attributes:
        at: When it strikes if nobody has decided.
        action: What it does then.
        to: Whom it reminds or asks as well; nobody: those who may decide.
        input: The decision that it takes.
        struck: It has.
    """

    at: str
    action: DeadlineAction
    to: list[Party]
    input: Json
    struck: bool


class Weight(Struct, frozen=True, kw_only=True):
    """What somebody's decision counts; 1 for everybody else."""

    who: Party
    weight: int


class QuorumPolicy(Struct, frozen=True, kw_only=True):
    """How several people decide together.

    Attributes:
        required: What their approvals must come to.
        rejections: What their rejections must come to.
        field: The form's field that says yes or no; without one every decision is a yes.
        weights: What some people count.
        veto: Those whose no alone decides.
    """

    required: int
    rejections: int
    field: str | None
    weights: list[Weight]
    veto: list[Party]


class PolicyView(Struct, frozen=True, kw_only=True, rename="camel"):
    """Who may decide, and how.

    Attributes:
        assignees: Nobody: whoever may decide in the workspace.
        quorum: Where several people decide together.
        self_approval: Whether who started the execution may decide.
        deadline: Its steps, the earliest first.
        step_up: A decision by link needs a code.
    """

    assignees: list[Party]
    quorum: QuorumPolicy | None
    self_approval: bool
    deadline: list[Step]
    step_up: bool


class Vote(Struct, frozen=True, kw_only=True, rename="camel"):
    """What one of several people said, as far as it counts still."""

    event_id: int
    at: str
    by: Person
    on_behalf_of: Person | None
    verdict: Verdict
    weight: int


class Delegate(Struct, frozen=True, kw_only=True, rename="camel"):
    """A user who was asked to decide, and in whose place."""

    user: Person
    on_behalf_of: Person | None


class RefusalView(Struct, frozen=True, kw_only=True):
    """Why the caller may not decide now: `code` is for programs, `message` for people."""

    code: str
    message: str


class PointDetail(Struct, frozen=True, kw_only=True, rename="camel"):
    """One pause point with everything that it takes to decide it.

    Attributes:
        workflow_name: `null` for one that is not there any more.
        title: What is decided; without a title of its own the block's name.
        point: The point with what it shows, its form and its links.
        policy: Who may decide, and how.
        progress: How far they are, where several people decide together.
        decisions: What each of them said.
        claimed_by: Who keeps it to themselves for now.
        delegates: Users who were asked to decide in the place of others.
        history: What happened to it, comments too: the newest 1,000 events, in their order.
        may_decide: Whether the caller may decide it now.
        refusal: Why not.
        content_digest: Of what it shows; a decision sends it as `If-Match`.
        event_id: Its last change.
    """

    execution_id: str
    workflow_id: str
    workflow_name: str | None
    workflow_version: int
    context_id: str
    title: str
    point: PausePointView
    policy: PolicyView
    progress: QuorumProgress | None
    decisions: list[Vote]
    claimed_by: Person | None
    delegates: list[Delegate]
    history: list[HistoryEntry]
    may_decide: bool
    refusal: RefusalView | None
    content_digest: str | None
    event_id: int


async def read_point(request: web.Request, caller: Principal) -> ReadPoint:
    """The pause point of a request's path.

    Raises:
        ApiError: 404, there is none that the caller may know of.
        BlobError: what it shows cannot be read.
    """
    named = request.match_info
    return await find_point(request.app[GATEWAY], caller, named["execution"], named["context"])


async def find_point(gateway: Gateway, caller: Principal, execution_id: str, context_id: str) -> ReadPoint:
    """A pause point by its ids.

    Raises:
        ApiError: 404, there is none that the caller may know of.
        BlobError: what it shows cannot be read.
    """
    row = await find_execution(gateway, caller, execution_id, missing=MISSING)
    folded = await fold(gateway.store, row.log_id)
    point = folded.state.points.get(context_id)
    if point is None:
        raise ApiError(404, MISSING)
    history = await history_of(gateway.store, row.log_id, point, upto=folded.state.version)
    if folded.large:
        await resolve_point(gateway, row, folded.state, point)
    return ReadPoint(row, folded.state, point, history)


async def resolve_point(gateway: Gateway, row: ExecutionRow, state: State, point: PausePoint) -> None:
    """Put large values in their places, in a state that nobody else has."""
    blobs, workspace_id = gateway.blobs, row.workspace_id
    point.response = await blobs.resolve(point.response, workspace_id=workspace_id)
    point.deadlines = [
        replace(each, input=await blobs.resolve(each.input, workspace_id=workspace_id))
        for each in point.deadlines
    ]
    if point.entry_id is not None:
        entry = state.entries[point.entry_id]
        entry.input = await blobs.resolve(entry.input, workspace_id=workspace_id)


async def detail_of(request: web.Request, caller: Principal, read: ReadPoint) -> PointDetail:
    """A pause point as somebody is shown it."""
    state, point = read.state, read.point
    names = await names_of(
        request.app,
        read.row.workspace_id,
        keys={*_keys(point), *read.history.keys()},
        people={*_people(point), *read.history.people()},
    )
    workflow = await request.app[GATEWAY].store.workflow(read.row.workspace_id, state.workflow_id)
    refusal = _refusal(request, caller, read)
    return PointDetail(
        execution_id=state.execution_id,
        workflow_id=state.workflow_id,
        workflow_name=None if workflow is None else workflow.name,
        workflow_version=state.workflow_version,
        context_id=point.context_id,
        title=point.title or read.history.block_names.get(point.block_id, point.block_id),
        point=pause_point(state, point, request.app[GATEWAY].links),
        policy=_policy(point, names),
        progress=quorum_progress(point),
        decisions=_votes(point, names),
        claimed_by=None if point.claimed_by is None else names.person(point.claimed_by),
        delegates=[
            Delegate(user=names.person(user_id), on_behalf_of=_person(names, absent))
            for user_id, absent in point.delegates.items()
        ],
        history=read.history.entries(names),
        may_decide=refusal is None,
        refusal=None if refusal is None else RefusalView(code=refusal.code, message=refusal.message),
        content_digest=point.content_digest,
        event_id=point.version,
    )


def _refusal(request: web.Request, caller: Principal, read: ReadPoint) -> Refusal | None:
    """Why the caller may not decide the point now, as the engine would judge it."""
    if not caller.may("pauses:decide"):
        return Refusal(code="NOT_ELIGIBLE", message="Your roles in this workspace decide nothing")
    data = ResumeExecution(context_id=read.point.context_id, maker=maker(request, caller))
    return refusal_of(read.state, data, caller.actor)


def _policy(point: PausePoint, names: Names) -> PolicyView:
    return PolicyView(
        assignees=names.parties(point.assignees),
        quorum=_quorum(point, names),
        self_approval=point.self_approval,
        deadline=[
            Step(
                at=each.at,
                action=each.action,
                to=names.parties(each.to),
                input=hide_secrets(point.response, each.input),
                struck=step <= point.step,
            )
            for step, each in enumerate(point.deadlines, start=1)
        ],
        step_up=point.step_up,
    )


def _quorum(point: PausePoint, names: Names) -> QuorumPolicy | None:
    quorum = point.quorum
    if quorum is None:
        return None
    return QuorumPolicy(
        required=quorum.required,
        rejections=quorum.rejections,
        field=quorum.field,
        weights=[
            Weight(who=who, weight=weight)
            for key, weight in quorum.weights.items()
            for who in names.parties([key])
        ],
        veto=names.parties(quorum.veto),
    )


def _votes(point: PausePoint, names: Names) -> list[Vote]:
    return [
        Vote(
            event_id=each.event_id,
            at=iso(each.at),
            by=names.person(each.person),
            on_behalf_of=_person(names, each.on_behalf_of),
            verdict=each.verdict,
            weight=each.weight,
        )
        for each in point.decisions
    ]


def _person(names: Names, person: str | None) -> Person | None:
    return None if person is None else names.person(person)


def _keys(point: PausePoint) -> set[str]:
    """Everybody whom a point's policy names."""
    named = {*point.assignees, *(key for each in point.deadlines for key in each.to)}
    return named if point.quorum is None else named | {*point.quorum.weights, *point.quorum.veto}


def _people(point: PausePoint) -> set[str]:
    """Everybody who has to do with a point by now."""
    found = {point.claimed_by, *point.delegates, *point.delegates.values()}
    for each in point.decisions:
        found |= {each.person, each.on_behalf_of}
    return {each for each in found if each is not None}
