"""A workflow's versions."""

from typing import Annotated

from msgspec import Meta, Struct

from signoff.events.deployments import read_deployment
from signoff.events.store.base import WorkflowRow
from signoff.gateway.errors import ApiError
from signoff.gateway.gateway import Gateway
from signoff.gateway.schemas import WorkflowVersion


class DefinitionQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which version of a workflow is wanted.

    Attributes:
        version: Its number; without it the active one.
    """

    version: Annotated[int, Meta(ge=1, le=2**31 - 1)] | None = None


async def find_version(gateway: Gateway, row: WorkflowRow, version: int) -> WorkflowVersion:
    """A version of a workflow.

    Raises:
        ApiError: 404, there is no such version.
        BlobError: its definition cannot be read.
    """
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


class VersionsQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which page of the versions is wanted.

    Attributes:
        limit: Versions on the page.
        cursor: The `nextCursor` of the page before.
    """

    limit: Annotated[int, Meta(ge=1, le=100)] = 50
    cursor: str = ""
