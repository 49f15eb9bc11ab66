"""Changes of the directory: proposed as the facts that they would become, and seen here before the answer."""

from collections.abc import Sequence
from uuid import UUID

import msgspec
from aiohttp import web

from signoff.access.callers import Principal
from signoff.access.directory.fold import Workspace
from signoff.events.codec import encode_json
from signoff.events.errors import StoreUnavailableError
from signoff.events.topics import directory_log_id, idempotent_command_id
from signoff.events.types import ChangeDirectory, DirectoryFact, Json, Proposal
from signoff.gateway.commands import Asked, request_digest
from signoff.gateway.errors import GatewayError, outcome_unknown, refused
from signoff.gateway.gateway import GATEWAY
from signoff.gateway.http.headers import idempotency_key, traceparent


async def change(
    request: web.Request,
    caller: Principal,
    facts: Sequence[DirectoryFact],
    *,
    body: Json = None,
    anew: bool = False,
) -> int:
    """Record facts in the directory, all or none, and wait until this gateway goes by them.

    Args:
        request: asks for it; with an ``Idempotency-Key`` its retry changes nothing again.
        caller: whose doing it is.
        facts: what is to stand in the log; their actor is the caller.
        body: what tells the request from others with the same key.
        anew: a retry is recorded again, since what the directory does not hold was set again.

    Returns:
        The last event that records them.

    Raises:
        ApiError: refused, or the outcome is unknown.
    """
    gateway = request.app[GATEWAY]
    key = None if anew else idempotency_key(request)
    route = _own_route(request, caller)
    asked = Asked(
        principal=caller,
        route=route,
        key=key,
        digest=None if key is None else request_digest(route, body),
        traceparent=traceparent(request.headers),
    )

    def before(command_id: str) -> int:
        taken = gateway.directory.latest.taken(command_id)
        return gateway.directory.version if taken is None else taken.event_id - 1

    data = ChangeDirectory(proposed=[_proposal(fact) for fact in facts])
    call = await gateway.commands.send(data, asked, log_id=directory_log_id(), before=before)
    with call:
        outcome = await call.outcome()
    if outcome.outcome == "refused":
        raise refused(outcome)
    if outcome.event_id is None:
        raise GatewayError(f"command {outcome.command_id} was accepted without an event")
    try:
        await gateway.directory.reached(outcome.event_id)
    except StoreUnavailableError as error:
        raise outcome_unknown(outcome.execution_id) from error  # it was recorded, and cannot be shown
    return outcome.event_id


def workspace_of(request: web.Request, caller: Principal) -> Workspace:
    """The caller's workspace, as this gateway knows it."""
    return request.app[GATEWAY].directory.state.workspaces[str(caller.workspace_id)]


def done_before(request: web.Request, caller: Principal) -> bool:
    """Whether a change that a request asks for was recorded under its ``Idempotency-Key``, and is seen here.

    What such a request removed is not there any more: it is not looked for, and the first answer given again.
    """
    command_id = keyed_command_id(request, caller)
    return command_id is not None and request.app[GATEWAY].directory.latest.taken(str(command_id)) is not None


def keyed_command_id(request: web.Request, caller: Principal) -> UUID | None:
    """The id of the command of a request with an ``Idempotency-Key``: of its retry, too."""
    key = idempotency_key(request)
    if key is None:
        return None
    return idempotent_command_id(directory_log_id(), _own_route(request, caller), key)


def _own_route(request: web.Request, caller: Principal) -> str:
    """What an ``Idempotency-Key`` belongs to: the directory is one log for all workspaces.

    Args:
        request: has the key.
        caller: sent it; another one's key, or one for another workspace, is another key.
    """
    return f"{request.method} {request.path} {caller.workspace_id} {caller.actor.type} {caller.actor.id}"


def _proposal(fact: DirectoryFact) -> Proposal:
    data: dict[str, Json] = msgspec.json.decode(encode_json(fact))
    del data["actor"]
    return Proposal(fact.TYPE, data)
