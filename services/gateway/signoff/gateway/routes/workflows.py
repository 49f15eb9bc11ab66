"""Workflows: deployed, rolled back, undeployed, listed, looked at."""

import asyncio
from uuid import UUID

from aiohttp import web

from signoff.access.keys import Principal
from signoff.engine.definition import digest, encode
from signoff.events.deployments import read_deployment
from signoff.events.store.base import WorkflowRow
from signoff.events.times import iso
from signoff.events.topics import workflow_log_id
from signoff.events.types import (
    ActivateVersion,
    DeployWorkflow,
    Outcome,
    UndeployWorkflow,
    WorkflowActivated,
    WorkflowCommand,
    WorkflowDeployed,
)
from signoff.gateway.bodies import convert, read_bytes, read_object
from signoff.gateway.commands import Asked, request_digest
from signoff.gateway.definitions import Checking, content_type_of, details, read_definition
from signoff.gateway.errors import ApiError, GatewayError, bad_field, refused
from signoff.gateway.gateway import GATEWAY, Gateway, find_workflow
from signoff.gateway.headers import IDENTIFIER, idempotency_key, traceparent, whole_number
from signoff.gateway.history import read_event
from signoff.gateway.responses import answer
from signoff.gateway.schemas import (
    Deployed,
    RollbackBody,
    WorkflowList,
    WorkflowStatus,
    WorkflowSummary,
    WorkflowVersion,
)


async def deploy(request: web.Request, caller: Principal) -> web.Response:
    """``PUT /api/workflows/{id}``: a new immutable version."""
    gateway = request.app[GATEWAY]
    workflow_id = request.match_info["id"]
    if not IDENTIFIER.fullmatch(workflow_id):
        raise bad_field("id", "must have 1 to 128 characters of A-Z a-z 0-9 . _ : -")
    workspace_id = str(caller.workspace_id)
    definition, warnings = await read_definition(
        await read_bytes(request),
        content_type_of(request),
        workflow_id=workflow_id,
        checking=Checking(gateway.registry, gateway.sandbox, workspace_id),
    )
    data = DeployWorkflow(
        workspace_id=workspace_id,
        workflow_id=workflow_id,
        name=definition.name,
        definition=await asyncio.to_thread(encode, definition),
        digest=await asyncio.to_thread(digest, definition),
    )
    event_id = await _send(request, caller, data, body=data.digest)
    event, _ = await read_event(gateway.store, _log_id(caller, workflow_id), event_id)
    if not isinstance(event.data, WorkflowDeployed):
        raise GatewayError(f"event {event_id} of workflow {workflow_id} deploys nothing")
    if event.data.digest != data.digest:
        raise _other_request()
    deployed = Deployed(
        workflow_id=workflow_id,
        version=event.data.version,
        digest=event.data.digest,
        deployed_at=event.timestamp,
        warnings=details(warnings),
    )
    return answer(deployed, status=201 if deployed.version == 1 else 200)


async def roll_back(request: web.Request, caller: Principal) -> web.Response:
    """``POST /api/workflows/{id}/rollback``: an earlier version takes the executions again."""
    gateway = request.app[GATEWAY]
    body = convert(await read_object(request), RollbackBody)
    workflow = await find_workflow(gateway, caller, request.match_info["id"])
    found = await read_deployment(gateway.store, workflow.log_id, body.version)
    if found is None:
        raise ApiError(404, "Workflow version not found")
    deployed_at = iso(workflow.deployed_at)
    if not (workflow.is_deployed and workflow.version == body.version):
        data = ActivateVersion(
            workspace_id=str(caller.workspace_id), workflow_id=workflow.workflow_id, version=body.version
        )
        event_id = await _send(request, caller, data, body=body.version)
        event, _ = await read_event(gateway.store, workflow.log_id, event_id)
        if not isinstance(event.data, WorkflowActivated | WorkflowDeployed):
            raise GatewayError(f"event {event_id} of workflow {workflow.workflow_id} activates nothing")
        if event.data.version != body.version:
            raise _other_request()
        deployed_at = event.timestamp
    deployed = Deployed(
        workflow_id=workflow.workflow_id,
        version=body.version,
        digest=found[1].digest,
        deployed_at=deployed_at,
        warnings=[],
    )
    return answer(deployed)


def _other_request() -> ApiError:
    """The event that took a command with this key up came of another one."""
    return ApiError(409, "This Idempotency-Key was used with another request before")


async def undeploy(request: web.Request, caller: Principal) -> web.Response:
    """``DELETE /api/workflows/{id}``: it takes no new executions; those that run go on."""
    workflow = await find_workflow(request.app[GATEWAY], caller, request.match_info["id"])
    if workflow.is_deployed:
        data = UndeployWorkflow(workspace_id=str(caller.workspace_id), workflow_id=workflow.workflow_id)
        await _send(request, caller, data, body=None)
    return answer(WorkflowStatus(is_deployed=False, deployed_at=None))


async def _send(
    request: web.Request, caller: Principal, data: WorkflowCommand, *, body: str | int | None
) -> int:
    """Send a command to the workflow's own log; gives the event that took it up."""
    gateway = request.app[GATEWAY]
    key = idempotency_key(request.headers)
    asked = Asked(
        principal=caller,
        route=data.TYPE,
        key=key,
        digest=None if key is None else request_digest(data.TYPE, body),
        traceparent=traceparent(request.headers),
    )
    known = await gateway.store.workflow(caller.workspace_id, data.workflow_id)
    call = await gateway.commands.send(
        data,
        asked,
        log_id=_log_id(caller, data.workflow_id),
        after=0 if known is None else known.version,  # each version is an event
    )
    with call:
        return _event_id(await call.outcome())


def _event_id(outcome: Outcome) -> int:
    if outcome.outcome == "refused":
        raise refused(outcome)
    if outcome.event_id is None:
        raise GatewayError(f"command {outcome.command_id} was accepted without an event")
    return outcome.event_id


def _log_id(caller: Principal, workflow_id: str) -> UUID:
    return workflow_log_id(str(caller.workspace_id), workflow_id)


async def list_workflows(request: web.Request, caller: Principal) -> web.Response:
    """``GET /api/workflows``: by id, page by page."""
    gateway = request.app[GATEWAY]
    limit = whole_number(request, "limit", 100, least=1, most=1000)
    cursor = request.query.get("cursor", "")
    if cursor and not IDENTIFIER.fullmatch(cursor):
        raise bad_field("cursor", "must be a nextCursor as it was given")
    rows = await gateway.store.workflows(caller.workspace_id, after=cursor, limit=limit + 1)
    shown = rows[:limit]
    more = len(rows) > limit
    return answer(
        WorkflowList(
            workflows=[_summary(row) for row in shown], next_cursor=shown[-1].workflow_id if more else None
        )
    )


def _summary(row: WorkflowRow) -> WorkflowSummary:
    return WorkflowSummary(
        id=row.workflow_id,
        name=row.name,
        version=row.version,
        is_deployed=row.is_deployed,
        deployed_at=iso(row.deployed_at),
    )


async def definition(request: web.Request, caller: Principal) -> web.Response:
    """``GET /api/workflows/{id}``: a version with its definition, the active one unless ``?version=n``."""
    gateway = request.app[GATEWAY]
    row = await find_workflow(gateway, caller, request.match_info["id"])
    version = whole_number(request, "version", row.version, least=1)
    return answer(await _version(gateway, row, version))


async def _version(gateway: Gateway, row: WorkflowRow, version: int) -> WorkflowVersion:
    found = await read_deployment(gateway.store, row.log_id, version)
    if found is None:
        raise ApiError(404, "Workflow version not found")
    event, data = found
    return WorkflowVersion(
        id=row.workflow_id,
        name=data.name,
        version=data.version,
        digest=data.digest,
        is_deployed=row.is_deployed and version == row.version,
        deployed_at=event.timestamp,
        definition=await gateway.blobs.resolve(data.definition, workspace_id=row.workspace_id),
    )


async def status(request: web.Request, caller: Principal) -> web.Response:
    """``GET /api/workflows/{id}/status``."""
    row = await find_workflow(request.app[GATEWAY], caller, request.match_info["id"])
    return answer(
        WorkflowStatus(
            is_deployed=row.is_deployed, deployed_at=iso(row.deployed_at) if row.is_deployed else None
        )
    )
