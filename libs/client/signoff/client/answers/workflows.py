"""Workflows and their versions."""

from msgspec import Struct

from signoff.client.errors import Detail, Json


class Deployed(Struct, frozen=True, kw_only=True, rename="camel"):
    """The version of a workflow that takes executions. ``warnings``: allowed, but probably not meant."""

    workflow_id: str
    version: int
    digest: str
    deployed_at: str
    warnings: list[Detail] = []


class WorkflowSummary(Struct, frozen=True, kw_only=True, rename="camel"):
    """A workflow in a list; ``version`` is the active one."""

    id: str
    name: str
    version: int
    is_deployed: bool
    deployed_at: str


class Workflow(WorkflowSummary, frozen=True, kw_only=True, rename="camel"):
    """One version of a workflow with its definition, in Sim's serialized form."""

    digest: str
    definition: Json


class WorkflowVersion(Struct, frozen=True, kw_only=True, rename="camel"):
    """A version of a workflow in a list. ``is_active``: it takes the executions."""

    version: int
    name: str
    digest: str
    is_active: bool
    created_at: str
    deployed_by: str | None = None


class WorkflowStatus(Struct, frozen=True, kw_only=True, rename="camel"):
    """Whether a workflow takes executions."""

    is_deployed: bool
    deployed_at: str | None = None
    needs_redeployment: bool = False


class Schedule(Struct, frozen=True, kw_only=True, rename="camel"):
    """A schedule of a workflow; one that is not enabled fires nothing."""

    workflow_id: str
    block_id: str
    enabled: bool
    cron: str | None = None
    timezone: str = "UTC"
    next_run_at: str | None = None
    last_run_at: str | None = None
