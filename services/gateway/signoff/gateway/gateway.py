"""What the routes share: the ports, and what stands on them."""

from typing import Final
from uuid import UUID

from aiohttp import web
from msgspec import Struct

from signoff.access.callers import Principal
from signoff.access.directory.live import LiveDirectory
from signoff.access.secrets.environment import Environments
from signoff.access.secrets.sealing import Sealer
from signoff.audit.life.what_if import WhatIf
from signoff.blocks import Registry
from signoff.events.blobs import BlobStore
from signoff.events.deployments import read_deployment
from signoff.events.files import Files
from signoff.events.ids import read_uuid
from signoff.events.store.base import EventStore, ExecutionRow, WorkflowRow
from signoff.events.topics import chosen_log_id, workflow_log_id
from signoff.events.types import Json
from signoff.gateway.commands import Commands
from signoff.gateway.errors import ApiError, execution_id_used
from signoff.gateway.executions.endings import Endings
from signoff.gateway.executions.form_inputs import FormInputs
from signoff.gateway.http.headers import IDENTIFIER
from signoff.gateway.http.limits import Limits
from signoff.gateway.links import Links
from signoff.gateway.waiting import Waiting
from signoff.runtime.clock import DatabaseClock
from signoff.runtime.settings import Settings
from signoff.sandbox.pool import Sandbox
from signoff.tail import Hub

END_GRACE: Final = 10.0
"""Seconds beyond a run's time limit that a caller waits for its end."""

_OWN_VERSIONS: Final = (5, 7)


class Gateway(Struct, frozen=True, kw_only=True):
    """Everything that a route may need.

    Attributes:
        clock: the time of day by the database's clock, for moments that executors judge.
    """

    settings: Settings
    clock: DatabaseClock
    store: EventStore
    blobs: BlobStore
    files: Files
    form_inputs: FormInputs
    registry: Registry
    sandbox: Sandbox
    hub: Hub
    directory: LiveDirectory
    sealer: Sealer
    environments: Environments
    limits: Limits
    links: Links
    waiting: Waiting
    commands: Commands
    endings: Endings
    what_if: WhatIf | None = None


GATEWAY: Final = web.AppKey("gateway", Gateway)


async def find_workflow(gateway: Gateway, caller: Principal, workflow_id: str) -> WorkflowRow:
    """A workflow that the caller may know of, deployed or not.

    Raises:
        ApiError: 404.
    """
    row = None
    if IDENTIFIER.fullmatch(workflow_id):
        row = await gateway.store.workflow(caller.workspace_id, workflow_id)
    if row is None:
        raise ApiError(404, "Workflow not found")
    return row


async def find_execution(
    gateway: Gateway, caller: Principal, execution_id: str, *, workflow_id: str | None = None, missing: str
) -> ExecutionRow:
    """An execution that the caller may know of, by its id or a run's.

    Args:
        gateway: the ports.
        caller: who asks.
        execution_id: as the caller has it: of the execution (chosen or not), or of one of its runs.
        workflow_id: the workflow that it must belong to.
        missing: the text of the 404.

    Raises:
        ApiError: 404, it never was, belongs to another workflow, or is not for the caller to know of.
    """
    ids = [chosen_log_id(str(caller.workspace_id), execution_id)]
    given = read_uuid(execution_id)
    row = await gateway.store.locate(ids if given is None else [*ids, given])
    hidden = row is not None and row.workspace_id != caller.workspace_id
    if row is None or hidden or workflow_id not in (None, row.workflow_id):
        raise ApiError(404, missing, hidden=hidden)
    return row


async def check_unused(gateway: Gateway, caller: Principal, execution_id: str) -> None:
    """Make sure that an id which a caller chose for an execution names none that has its id from here.

    That it was not chosen before is seen by the log that it names. Ids from here are UUIDs of versions 5
    and 7; for others nobody is asked.

    Raises:
        ApiError: 409, it names an execution of the workspace, or one of its runs.
    """
    named = read_uuid(execution_id)
    if named is None or named.version not in _OWN_VERSIONS:
        return
    row = await gateway.store.locate([named])
    if row is not None and row.workspace_id == caller.workspace_id:
        raise execution_id_used(execution_id)


async def find_definition(gateway: Gateway, workspace_id: UUID, workflow_id: str, version: int) -> Json:
    """A version's definition in Sim's serialized form.

    Raises:
        ApiError: 404, there is no such version.
    """
    found = await read_deployment(gateway.store, workflow_log_id(str(workspace_id), workflow_id), version)
    if found is None:
        raise ApiError(404, "Workflow version not found")
    return await gateway.blobs.resolve(found[1].definition, workspace_id=workspace_id)


def shown_id(row: ExecutionRow) -> str:
    """An execution's id as callers know it."""
    return row.execution_id or str(row.log_id)
