"""What is asked of a pause point beside deciding it: sent, and answered with how the point is then."""

from aiohttp import web
from msgspec import Struct

from signoff.access.callers import Principal
from signoff.engine.state import PausePoint
from signoff.events.store.base import ExecutionRow
from signoff.events.types import Json, PauseCommand
from signoff.gateway.commands import Asked, command_id_of, request_digest
from signoff.gateway.errors import ApiError, GatewayError
from signoff.gateway.executions.history import fold
from signoff.gateway.executions.views import quorum_progress
from signoff.gateway.gateway import GATEWAY, find_execution, shown_id
from signoff.gateway.http.headers import idempotency_key, traceparent
from signoff.gateway.inbox.people import Party, Person, names_of
from signoff.gateway.inbox.point import MISSING
from signoff.gateway.inbox.refusals import point_refused
from signoff.gateway.schemas import QuorumProgress


class PointState(Struct, frozen=True, kw_only=True, rename="camel"):
    """A pause point after something was asked of it.

    Attributes:
        event_id: The event that records it.
        claimed_by: Who keeps the point to themselves for now.
        returned: Changes are wanted before anybody decides.
        assignees: Who may decide, also those whom somebody asked to; nobody: whoever may decide in the
            workspace.
        progress: How far they are, where several people decide together.
        content_digest: Of what it shows; a decision sends it as `If-Match`.
    """

    event_id: int
    execution_id: str
    context_id: str
    claimed_by: Person | None
    returned: bool
    assignees: list[Party]
    progress: QuorumProgress | None
    content_digest: str | None


class Ask(Struct, frozen=True):
    """Something asked of a pause point.

    Attributes:
        row: of the execution.
        asked: by whom, and how its retry is known.
        context_id: of the point.
    """

    row: ExecutionRow
    asked: Asked
    context_id: str

    @property
    def command_id(self) -> str:
        """The id of its command; without an ``Idempotency-Key`` another one each time."""
        return str(command_id_of(self.row.log_id, self.asked.route, self.asked.key))


async def asking(request: web.Request, caller: Principal, what: str, *, body: Json) -> Ask:
    """Somebody asks something of the pause point of a request's path.

    Args:
        request: that it came with.
        caller: who asks.
        what: names it.
        body: tells the request from others with the same ``Idempotency-Key``.

    Raises:
        ApiError: 404, there is no such execution that they may know of.
    """
    row = await find_execution(request.app[GATEWAY], caller, request.match_info["execution"], missing=MISSING)
    return asking_of(request, caller, row, request.match_info["context"], what, body=body)


def asking_of(
    request: web.Request, caller: Principal, row: ExecutionRow, context_id: str, what: str, *, body: Json
) -> Ask:
    """The same of a pause point of an execution that is known."""
    key, actor = idempotency_key(request), caller.actor
    route = f"{what}/{context_id}/{actor.type}/{actor.id}"
    asked = Asked(
        principal=caller,
        route=route,
        key=key,
        digest=None if key is None else request_digest(route, body),
        traceparent=traceparent(request.headers),
    )
    return Ask(row, asked, context_id)


async def done(request: web.Request, ask: Ask, data: PauseCommand) -> PointState:
    """Ask it, and tell how the point is then.

    Raises:
        ApiError: it was refused, or its outcome is unknown.
    """
    event_id = await recorded(request, ask, data)
    point = (await fold(request.app[GATEWAY].store, ask.row.log_id)).state.points[ask.context_id]
    return await _state(request.app, ask.row, point, event_id=event_id)


async def recorded(request: web.Request, ask: Ask, data: PauseCommand) -> int:
    """Ask it; gives the event that records it.

    Raises:
        ApiError: it was refused, or its outcome is unknown.
    """
    gateway, row = request.app[GATEWAY], ask.row
    call = await gateway.commands.send(
        data, ask.asked, log_id=row.log_id, execution_id=row.execution_id, after=row.version
    )
    with call:
        outcome = await call.outcome()
    if outcome.outcome == "refused":
        raise _missing(await point_refused(request.app, row, outcome, context_id=ask.context_id))
    if outcome.event_id is None:
        raise GatewayError(f"{data.TYPE} {outcome.command_id} was accepted without an event")
    return outcome.event_id


def _missing(error: ApiError) -> ApiError:
    """A point that is not there is told of as in a look at it."""
    return ApiError(404, MISSING) if error.status == 404 else error


async def _state(app: web.Application, row: ExecutionRow, point: PausePoint, *, event_id: int) -> PointState:
    keys = list(dict.fromkeys([*point.assignees, *(f"user:{each}" for each in point.delegates)]))
    people = [] if point.claimed_by is None else [point.claimed_by]
    names = await names_of(app, row.workspace_id, keys=keys, people=people)
    return PointState(
        event_id=event_id,
        execution_id=shown_id(row),
        context_id=point.context_id,
        claimed_by=None if point.claimed_by is None else names.person(point.claimed_by),
        returned=point.returned,
        assignees=names.parties(keys),
        progress=quorum_progress(point),
        content_digest=point.content_digest,
    )
