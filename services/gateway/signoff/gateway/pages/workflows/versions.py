"""A version of a workflow as its pages need it."""

import asyncio
from typing import Any, Final

from aiohttp import web
from msgspec import Struct

from signoff.access.callers import Principal
from signoff.engine.definitions.definition import Definition, decode
from signoff.events.store.base import WorkflowRow
from signoff.gateway.gateway import GATEWAY, find_workflow
from signoff.gateway.pages.graph.drawing import Drawing
from signoff.gateway.pages.graph.kept import DRAWINGS
from signoff.gateway.pages.kept import Kept
from signoff.gateway.pages.workflows.linting import Remark, lint_text
from signoff.gateway.pages.workflows.source import as_yaml
from signoff.gateway.workflows.versions import find_version


class Text(Struct, frozen=True):
    """The text of a version, and what there is to say about it."""

    text: str
    remarks: list[Remark]


class Shown(Struct, frozen=True, kw_only=True):
    """A version.

    Attributes:
        row: the workflow, as it is now.
        number: of the version.
        name: that the workflow had then.
        deployed_at: ISO 8601.
        digest: of its definition.
        document: its definition, in Sim's serialized form.
        definition: the same, decoded.
    """

    row: WorkflowRow
    number: int
    name: str
    deployed_at: str
    digest: str
    document: dict[str, Any]
    definition: Definition

    @property
    def is_active(self) -> bool:
        """Whether executions start with it."""
        return self.row.is_deployed and self.row.version == self.number


TEXTS: Final = web.AppKey("workflow texts", Kept[Text])


async def find_shown(request: web.Request, caller: Principal, number: int | None = None) -> Shown:
    """A version of the path's workflow; the active one, if none is named.

    Raises:
        ApiError: 404, there is no such workflow or version.
    """
    gateway = request.app[GATEWAY]
    row = await find_workflow(gateway, caller, request.match_info["id"])
    found = await find_version(gateway, row, number or row.version)
    document: dict[str, Any] = found.definition
    return Shown(
        row=row,
        number=found.version,
        name=found.name,
        deployed_at=found.deployed_at,
        digest=found.digest,
        document=document,
        definition=await asyncio.to_thread(decode, document),
    )


async def drawing_of(request: web.Request, shown: Shown) -> Drawing:
    """A version's graph."""

    async def read() -> dict[str, Any]:
        return shown.document

    return await request.app[DRAWINGS].of(read, digest=shown.digest)


async def text_of(request: web.Request, caller: Principal, shown: Shown) -> Text:
    """A version's definition as YAML, checked as it would be if it were deployed now.

    Raises:
        ApiError: 503, its code cannot be checked now.
    """

    async def read() -> Text:
        text = await asyncio.to_thread(as_yaml, shown.document)
        linted = await lint_text(request, caller, text, workflow_id=shown.row.workflow_id)
        return Text(text, linted.remarks)

    return await request.app[TEXTS].get(shown.digest, read)
