"""Workflows: deployed, rolled back, undeployed, listed, looked at."""

import asyncio
from typing import Annotated, Final

from aiohttp import web
from msgspec import Meta, Struct

from signoff.access.callers import Principal
from signoff.events.deployments import read_deployment
from signoff.events.store.base import WorkflowRow
from signoff.events.times import iso
from signoff.events.types import Json, UndeployWorkflow
from signoff.gateway.errors import ApiError, bad_field
from signoff.gateway.gateway import GATEWAY, Gateway, find_workflow
from signoff.gateway.http.bodies import convert, read_bytes, read_object
from signoff.gateway.http.conditional import CACHEABLE, UNCHANGED, conditional
from signoff.gateway.http.headers import IDENTIFIER, CommandHeaders, ConditionalHeaders
from signoff.gateway.http.queries import read_query
from signoff.gateway.http.responses import answer
from signoff.gateway.http.routing import Answer, Route
from signoff.gateway.schemas import (
    Deployed,
    RollbackBody,
    WorkflowList,
    WorkflowStatus,
    WorkflowSummary,
    WorkflowVersion,
)
from signoff.gateway.workflows.definitions import content_type_of, decode_definition
from signoff.gateway.workflows.deploying import activate, check_workflow_id, deploy_document, send


async def deploy(request: web.Request, caller: Principal) -> web.Response:
    """``PUT /api/workflows/{id}``: a new immutable version."""
    check_workflow_id(request)
    raw = await read_bytes(request)
    document = await asyncio.to_thread(decode_definition, raw, content_type_of(request))
    deployed = await deploy_document(request, caller, document)
    return answer(deployed, status=201 if deployed.version == 1 else 200)


async def roll_back(request: web.Request, caller: Principal) -> web.Response:
    """``POST /api/workflows/{id}/rollback``: an earlier version takes the executions again."""
    body = convert(await read_object(request), RollbackBody)
    workflow = await find_workflow(request.app[GATEWAY], caller, request.match_info["id"])
    return answer(await activate(request, caller, workflow, body.version))


async def undeploy(request: web.Request, caller: Principal) -> web.Response:
    """``DELETE /api/workflows/{id}``: it takes no new executions; those that run go on."""
    workflow = await find_workflow(request.app[GATEWAY], caller, request.match_info["id"])
    if workflow.is_deployed:
        data = UndeployWorkflow(workspace_id=str(caller.workspace_id), workflow_id=workflow.workflow_id)
        await send(request, caller, data, body=None)
    return answer(WorkflowStatus(is_deployed=False, deployed_at=None))


class ListQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which page of the workflows is wanted.

    Attributes:
        limit: Workflows in the page.
        cursor: The `nextCursor` of the page before.
    """

    limit: Annotated[int, Meta(ge=1, le=1000)] = 100
    cursor: str = ""


async def list_workflows(request: web.Request, caller: Principal) -> web.Response:
    """``GET /api/workflows``: by id, page by page."""
    gateway = request.app[GATEWAY]
    query = read_query(request, ListQuery)
    if query.cursor and not IDENTIFIER.fullmatch(query.cursor):
        raise bad_field("cursor", "must be a nextCursor as it was given")
    rows = await gateway.store.workflows(caller.workspace_id, after=query.cursor, limit=query.limit + 1)
    shown = rows[: query.limit]
    more = len(rows) > query.limit
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


class DefinitionQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which version of a workflow is wanted.

    Attributes:
        version: Its number; without it the active one.
    """

    version: Annotated[int, Meta(ge=1, le=2**31 - 1)] | None = None


async def definition(request: web.Request, caller: Principal) -> web.Response:
    """``GET /api/workflows/{id}``: a version with its definition, the active one unless ``?version=n``."""
    gateway = request.app[GATEWAY]
    query = read_query(request, DefinitionQuery)
    row = await find_workflow(gateway, caller, request.match_info["id"])
    return conditional(request, answer(await _version(gateway, row, query.version or row.version)))


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


_TIME: Final = "2026-07-26T09:00:00.000000Z"
_DEPLOYED: Final[Json] = {
    "workflowId": "refund-approval",
    "version": 1,
    "digest": "sha256:5f2d8c0a",
    "deployedAt": _TIME,
    "warnings": [],
}
_DEFINITION: Final[Json] = {"blocks": {"done": {"type": "response", "data": "done"}}}

ROUTES: Final[tuple[Route, ...]] = (
    Route(
        method="GET",
        path="/api/workflows",
        handler=list_workflows,
        operation="workflows:read",
        name="listWorkflows",
        summary="The workflows, by id.",
        tag="Workflows",
        query=ListQuery,
        answers={200: Answer(body=WorkflowList, description="A page of workflows.")},
    ),
    Route(
        method="PUT",
        path="/api/workflows/{id}",
        handler=deploy,
        operation="workflows:write",
        name="deployWorkflow",
        summary="Deploy a definition as the next version of a workflow.",
        description="In Signoff's own spelling or in Sim's serialized form. A version never changes.",
        tag="Workflows",
        headers=CommandHeaders,
        body=Json,
        body_also="application/yaml",
        body_note="The definition, in JSON or YAML; `signoff schema definition` prints its JSON Schema.",
        body_required=True,
        body_example=_DEFINITION,
        answers={
            200: Answer(body=Deployed, description="A further version.", example=_DEPLOYED | {"version": 2}),
            201: Answer(body=Deployed, description="The first version.", example=_DEPLOYED),
        },
        errors={422: "The definition has faults: `details` lists them all."},
    ),
    Route(
        method="GET",
        path="/api/workflows/{id}",
        handler=definition,
        operation="workflows:read",
        name="getWorkflow",
        summary="A version of a workflow, with its definition in Sim's serialized form.",
        tag="Workflows",
        query=DefinitionQuery,
        headers=ConditionalHeaders,
        answers={
            200: Answer(body=WorkflowVersion, description="The version.", headers=CACHEABLE),
            304: UNCHANGED,
        },
    ),
    Route(
        method="DELETE",
        path="/api/workflows/{id}",
        handler=undeploy,
        operation="workflows:write",
        name="undeployWorkflow",
        summary="Let a workflow take no new executions; those that run go on.",
        tag="Workflows",
        headers=CommandHeaders,
        answers={200: Answer(body=WorkflowStatus, description="It takes none.")},
    ),
    Route(
        method="POST",
        path="/api/workflows/{id}/rollback",
        handler=roll_back,
        operation="workflows:write",
        name="rollBackWorkflow",
        summary="Let an earlier version take the executions again.",
        tag="Workflows",
        headers=CommandHeaders,
        body=RollbackBody,
        body_required=True,
        body_example={"version": 1},
        answers={200: Answer(body=Deployed, description="The version is active.", example=_DEPLOYED)},
    ),
    Route(
        method="GET",
        path="/api/workflows/{id}/status",
        handler=status,
        operation="workflows:read",
        name="getWorkflowStatus",
        summary="Whether a workflow takes executions.",
        tag="Workflows",
        answers={
            200: Answer(
                body=WorkflowStatus,
                description="It does, or not.",
                example={"isDeployed": True, "deployedAt": _TIME, "needsRedeployment": False},
            )
        },
    ),
)
