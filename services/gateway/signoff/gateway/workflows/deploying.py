"""Commands to a workflow's own log: what it runs, and whether it runs."""

import asyncio
from uuid import UUID

from aiohttp import web

from signoff.access.callers import Principal
from signoff.engine.definitions.definition import digest, encode
from signoff.events.deployments import read_deployment
from signoff.events.store.base import WorkflowRow
from signoff.events.times import iso
from signoff.events.topics import workflow_log_id
from signoff.events.types import (
    ActivateVersion,
    DeployWorkflow,
    Json,
    Outcome,
    UndeployWorkflow,
    WorkflowActivated,
    WorkflowCommand,
    WorkflowDeployed,
)
from signoff.gateway.commands import Asked, request_digest
from signoff.gateway.errors import ApiError, GatewayError, bad_field, refused
from signoff.gateway.executions.history import read_event
from signoff.gateway.gateway import GATEWAY
from signoff.gateway.http.headers import IDENTIFIER, idempotency_key, traceparent
from signoff.gateway.schemas import Deployed
from signoff.gateway.workflows.definitions import Checking, accept_definition, details


def check_workflow_id(workflow_id: str) -> None:
    """Make sure that a workflow can be called so.

    Raises:
        ApiError: 400.
    """
    if not IDENTIFIER.fullmatch(workflow_id):
        raise bad_field("id", "must have 1 to 128 characters of A-Z a-z 0-9 . _ : -")


async def deploy_document(
    request: web.Request, caller: Principal, document: Json, *, workflow_id: str
) -> Deployed:
    """Deploy a definition, decoded, as the next version of a workflow.

    Raises:
        ApiError: it has faults, or the outcome is unknown.
    """
    gateway = request.app[GATEWAY]
    workspace_id = str(caller.workspace_id)
    definition, warnings = await accept_definition(
        document,
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
    event_id = await send(request, caller, data, body=data.digest)
    event, _ = await read_event(gateway.store, _log_id(caller, workflow_id), event_id)
    if not isinstance(event.data, WorkflowDeployed):
        raise GatewayError(f"event {event_id} of workflow {workflow_id} deploys nothing")
    if event.data.digest != data.digest:
        raise other_request()
    return Deployed(
        workflow_id=workflow_id,
        version=event.data.version,
        digest=event.data.digest,
        deployed_at=event.timestamp,
        warnings=details(warnings),
    )


async def activate(request: web.Request, caller: Principal, workflow: WorkflowRow, version: int) -> Deployed:
    """Let a version of a workflow take the executions; one that does already goes on.

    Raises:
        ApiError: 404, there is no such version; or the outcome is unknown.
    """
    gateway = request.app[GATEWAY]
    found = await read_deployment(gateway.store, workflow.log_id, version)
    if found is None:
        raise ApiError(404, "Workflow version not found")
    deployed_at = iso(workflow.deployed_at)
    if not (workflow.is_deployed and workflow.version == version):
        data = ActivateVersion(
            workspace_id=str(caller.workspace_id), workflow_id=workflow.workflow_id, version=version
        )
        event_id = await send(request, caller, data, body=version)
        event, _ = await read_event(gateway.store, workflow.log_id, event_id)
        if not isinstance(event.data, WorkflowActivated | WorkflowDeployed):
            raise GatewayError(f"event {event_id} of workflow {workflow.workflow_id} activates nothing")
        if event.data.version != version:
            raise other_request()
        deployed_at = event.timestamp
    return Deployed(
        workflow_id=workflow.workflow_id,
        version=version,
        digest=found[1].digest,
        deployed_at=deployed_at,
        warnings=[],
    )


async def withdraw(request: web.Request, caller: Principal, workflow: WorkflowRow) -> None:
    """Let a workflow take no new executions; those that run go on.

    Raises:
        ApiError: the outcome is unknown.
    """
    if workflow.is_deployed:
        data = UndeployWorkflow(workspace_id=str(caller.workspace_id), workflow_id=workflow.workflow_id)
        await send(request, caller, data, body=None)


def other_request() -> ApiError:
    """The event that took a command with this key up came of another one."""
    return ApiError(409, "This Idempotency-Key was used with another request before")


async def send(request: web.Request, caller: Principal, data: WorkflowCommand, *, body: Json) -> int:
    """Send a command to the workflow's own log; gives the event that took it up.

    Args:
        request: asks for it.
        caller: whose doing it is.
        data: what is asked for.
        body: what tells the request from others with the same ``Idempotency-Key``.

    Raises:
        ApiError: refused, or the outcome is unknown.
    """
    gateway = request.app[GATEWAY]
    key = idempotency_key(request)
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
