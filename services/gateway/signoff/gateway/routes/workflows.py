"""Workflows: deployed, rolled back, undeployed, listed, looked at."""

import asyncio
from typing import Final

from aiohttp import web

from signoff.access.callers import Principal
from signoff.events.store.base import WorkflowRow
from signoff.events.times import iso
from signoff.events.types import Json
from signoff.gateway.gateway import GATEWAY, find_workflow
from signoff.gateway.http.bodies import convert, read_bytes, read_object
from signoff.gateway.http.conditional import CACHEABLE, UNCHANGED, conditional
from signoff.gateway.http.headers import CommandHeaders, ConditionalHeaders
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
from signoff.gateway.workflows.deploying import activate, check_workflow_id, deploy_document, withdraw
from signoff.gateway.workflows.listing import ListQuery, find_workflows
from signoff.gateway.workflows.versions import DefinitionQuery, find_version


async def deploy(request: web.Request, caller: Principal) -> web.Response:
    """``PUT /api/workflows/{id}``: a new immutable version."""
    workflow_id = request.match_info["id"]
    check_workflow_id(workflow_id)
    raw = await read_bytes(request)
    document = await asyncio.to_thread(decode_definition, raw, content_type_of(request))
    deployed = await deploy_document(request, caller, document, workflow_id=workflow_id)
    return answer(deployed, status=201 if deployed.version == 1 else 200)


async def roll_back(request: web.Request, caller: Principal) -> web.Response:
    """``POST /api/workflows/{id}/rollback``: an earlier version takes the executions again."""
    body = convert(await read_object(request), RollbackBody)
    workflow = await find_workflow(request.app[GATEWAY], caller, request.match_info["id"])
    return answer(await activate(request, caller, workflow, body.version))


async def undeploy(request: web.Request, caller: Principal) -> web.Response:
    """``DELETE /api/workflows/{id}``: it takes no new executions; those that run go on."""
    workflow = await find_workflow(request.app[GATEWAY], caller, request.match_info["id"])
    await withdraw(request, caller, workflow)
    return answer(WorkflowStatus(is_deployed=False, deployed_at=None))


async def list_workflows(request: web.Request, caller: Principal) -> web.Response:
    """``GET /api/workflows``: by id, page by page."""
    rows, cursor = await find_workflows(request.app[GATEWAY], caller, read_query(request, ListQuery))
    return answer(WorkflowList(workflows=[_summary(row) for row in rows], next_cursor=cursor))


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
    query = read_query(request, DefinitionQuery)
    row = await find_workflow(gateway, caller, request.match_info["id"])
    return conditional(request, answer(await find_version(gateway, row, query.version or row.version)))


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
