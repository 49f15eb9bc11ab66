"""``/api/v2/workflows``: listed, looked at, deployed, rolled back."""

import asyncio
from typing import Annotated, Final

from aiohttp import web
from msgspec import UNSET, Meta, Struct

from signoff.access.callers import Principal
from signoff.events.store.base import WorkflowRow
from signoff.events.times import iso
from signoff.events.types import Json
from signoff.gateway.errors import ApiError
from signoff.gateway.executions.run_from_block import input_format
from signoff.gateway.gateway import GATEWAY, find_definition, find_workflow
from signoff.gateway.http.bodies import convert, read_bytes, read_object
from signoff.gateway.http.conditional import CACHEABLE, UNCHANGED, conditional
from signoff.gateway.http.headers import IDENTIFIER, CommandHeaders, ConditionalHeaders
from signoff.gateway.http.queries import read_query
from signoff.gateway.http.responses import answer
from signoff.gateway.http.routing import Answer, Route
from signoff.gateway.schemas import Deployed
from signoff.gateway.v2.cursors import Data, Page, bad_cursor
from signoff.gateway.v2.schemas import (
    Deployment,
    DeployRequest,
    InputField,
    RollbackRequest,
    VersionItem,
    WorkflowDetail,
    WorkflowItem,
)
from signoff.gateway.v2.versions import list_versions, newest_version, version_before
from signoff.gateway.workflows.definitions import decode_definition
from signoff.gateway.workflows.deploying import activate, check_workflow_id, deploy_document


class PageQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which page is wanted.

    Attributes:
        limit: Items on the page.
        cursor: The `nextCursor` of the page before.
    """

    limit: Annotated[int, Meta(ge=1, le=100)] = 50
    cursor: str = ""


async def list_workflows(request: web.Request, caller: Principal) -> web.Response:
    """``GET /api/v2/workflows``: by id, page by page."""
    gateway = request.app[GATEWAY]
    query = read_query(request, PageQuery)
    if query.cursor and not IDENTIFIER.fullmatch(query.cursor):
        raise bad_cursor()
    rows = await gateway.store.workflows(caller.workspace_id, after=query.cursor, limit=query.limit + 1)
    shown = rows[: query.limit]
    more = len(rows) > len(shown)
    return answer(Page([_item(row) for row in shown], shown[-1].workflow_id if more else None))


def _item(row: WorkflowRow) -> WorkflowItem:
    return WorkflowItem(
        id=row.workflow_id,
        name=row.name,
        workspace_id=str(row.workspace_id),
        version=row.version,
        is_deployed=row.is_deployed,
        deployed_at=iso(row.deployed_at) if row.is_deployed else None,
    )


async def view(request: web.Request, caller: Principal) -> web.Response:
    """``GET /api/v2/workflows/{id}``: a workflow with its input and its variables."""
    gateway = request.app[GATEWAY]
    row = await find_workflow(gateway, caller, request.match_info["id"])
    definition = await find_definition(gateway, row.workspace_id, row.workflow_id, row.version)
    fields = await asyncio.to_thread(input_format, definition, "api")
    item = _item(row)
    shown = WorkflowDetail(
        id=item.id,
        name=item.name,
        workspace_id=item.workspace_id,
        version=item.version,
        is_deployed=item.is_deployed,
        deployed_at=item.deployed_at,
        digest=row.digest,
        variables=definition["variables"],
        inputs=[_field(each) for each in fields or ()],
    )
    return conditional(request, answer(Data(shown)))


def _field(field: dict[str, Json]) -> InputField:
    return InputField(
        name=field["name"],
        type=field.get("type") or "string",
        description=field.get("description") or UNSET,
        required=field.get("required", UNSET),
    )


async def versions(request: web.Request, caller: Principal) -> web.Response:
    """``GET /api/v2/workflows/{id}/versions``: the newest first."""
    gateway = request.app[GATEWAY]
    query = read_query(request, PageQuery)
    row = await find_workflow(gateway, caller, request.match_info["id"])
    items, cursor = await list_versions(gateway.store, row, cursor=query.cursor, limit=query.limit)
    return answer(Page(items, cursor))


async def deploy(request: web.Request, caller: Principal) -> web.Response:
    """``POST /api/v2/workflows/{id}/deploy``: a definition as the next version, or the newest one again."""
    gateway = request.app[GATEWAY]
    workflow_id = request.match_info["id"]
    check_workflow_id(workflow_id)
    raw = await read_bytes(request)
    document = await asyncio.to_thread(decode_definition, raw, "application/json") if raw.strip() else {}
    asked = convert(document, DeployRequest)
    if asked.definition is not UNSET:
        return _deployment(await deploy_document(request, caller, asked.definition, workflow_id=workflow_id))
    row = await find_workflow(gateway, caller, workflow_id)
    return _deployment(await activate(request, caller, row, await newest_version(gateway.store, row)))


async def roll_back(request: web.Request, caller: Principal) -> web.Response:
    """``POST /api/v2/workflows/{id}/rollback``: an earlier version takes the executions again."""
    gateway = request.app[GATEWAY]
    asked = convert(await read_object(request), RollbackRequest)
    row = await find_workflow(gateway, caller, request.match_info["id"])
    version = await version_before(gateway.store, row) if asked.version is UNSET else asked.version
    if version is None:
        raise ApiError(404, "Workflow version not found")
    return _deployment(await activate(request, caller, row, version))


def _deployment(deployed: Deployed) -> web.Response:
    shown = Deployment(
        id=deployed.workflow_id,
        version=deployed.version,
        digest=deployed.digest,
        deployed_at=deployed.deployed_at,
        warnings=[f"{each.path}: {each.message}" for each in deployed.warnings],
    )
    return answer(Data(shown))


_TIME: Final = "2026-07-26T09:00:00.000000Z"
_ITEM: Final[dict[str, Json]] = {
    "id": "refund-approval",
    "name": "Refund approval",
    "workspaceId": "00000000-0000-0000-0000-000000000000",
    "version": 2,
    "isDeployed": True,
    "deployedAt": _TIME,
}
_DEPLOYMENT: Final[Json] = {
    "data": {
        "id": "refund-approval",
        "version": 2,
        "digest": "sha256:5f2d8c0a",
        "isDeployed": True,
        "deployedAt": _TIME,
        "warnings": [],
    }
}
VERSION_EXAMPLE: Final[Json] = {
    "id": "3f335ad3-185a-5c0f-aca7-0ad1aa24669d/2",
    "version": 2,
    "name": "Refund approval",
    "digest": "sha256:5f2d8c0a",
    "isActive": True,
    "createdAt": _TIME,
    "deployedBy": "bootstrap",
}

ROUTES: Final[tuple[Route, ...]] = (
    Route(
        method="GET",
        path="/api/v2/workflows",
        handler=list_workflows,
        operation="workflows:read",
        name="listWorkflowsV2",
        summary="The workflows, by id.",
        tag="v2",
        query=PageQuery,
        answers={
            200: Answer(
                body=Page[WorkflowItem],
                description="A page of workflows.",
                example={"data": [_ITEM], "nextCursor": None},
            )
        },
        style="v2",
    ),
    Route(
        method="GET",
        path="/api/v2/workflows/{id}",
        handler=view,
        operation="workflows:read",
        name="getWorkflowV2",
        summary="A workflow with its input and its variables.",
        tag="v2",
        headers=ConditionalHeaders,
        answers={
            200: Answer(
                body=Data[WorkflowDetail],
                description="The workflow.",
                headers=CACHEABLE,
                example={
                    "data": {
                        **_ITEM,
                        "digest": "sha256:5f2d8c0a",
                        "variables": {},
                        "inputs": [{"name": "amount", "type": "number"}],
                    }
                },
            ),
            304: UNCHANGED,
        },
        style="v2",
    ),
    Route(
        method="GET",
        path="/api/v2/workflows/{id}/versions",
        handler=versions,
        operation="workflows:read",
        name="listVersionsV2",
        summary="The versions of a workflow, the newest first.",
        tag="v2",
        query=PageQuery,
        answers={
            200: Answer(
                body=Page[VersionItem],
                description="A page of versions.",
                example={"data": [VERSION_EXAMPLE], "nextCursor": None},
            )
        },
        style="v2",
    ),
    Route(
        method="POST",
        path="/api/v2/workflows/{id}/deploy",
        handler=deploy,
        operation="workflows:write",
        name="deployWorkflowV2",
        summary="Deploy a definition, or activate the newest version again.",
        description="There are no drafts: a definition that is deployed is the next version.",
        tag="v2",
        headers=CommandHeaders,
        body=DeployRequest,
        body_example={"definition": {"blocks": {"done": {"type": "response", "data": "done"}}}},
        answers={200: Answer(body=Data[Deployment], description="It is active.", example=_DEPLOYMENT)},
        errors={422: "The definition has faults: `details` lists them all."},
        style="v2",
    ),
    Route(
        method="POST",
        path="/api/v2/workflows/{id}/rollback",
        handler=roll_back,
        operation="workflows:write",
        name="rollBackWorkflowV2",
        summary="Let an earlier version take the executions again.",
        tag="v2",
        headers=CommandHeaders,
        body=RollbackRequest,
        body_example={"version": 2},
        answers={200: Answer(body=Data[Deployment], description="It is active.", example=_DEPLOYMENT)},
        style="v2",
    ),
)
