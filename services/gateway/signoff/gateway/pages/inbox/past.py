"""``/inbox/decided``: what the visitor has decided lately."""

from collections.abc import Mapping
from typing import Final, TypeAlias
from uuid import UUID

from aiohttp import web
from msgspec import Struct

from signoff.access.callers import Principal
from signoff.engine.definitions.definition import decode
from signoff.events.store.base import EventStore, ExecutionRow
from signoff.events.types import Verdict
from signoff.gateway.executions.deciding import maker
from signoff.gateway.gateway import GATEWAY, Gateway, find_definition, shown_id
from signoff.gateway.http.queries import read_query
from signoff.gateway.inbox.decided import PastDecision, decided_by
from signoff.gateway.inbox.scopes import desk_of
from signoff.gateway.pages.headings import Glance, glances, heading
from signoff.gateway.pages.inbox.points import resume_path
from signoff.gateway.pages.inbox.verdicts import verdict_of
from signoff.gateway.pages.inbox.views import PATH
from signoff.gateway.pages.site import render

PAST: Final = f"{PATH}/decided"


_Version: TypeAlias = tuple[UUID, str, int]
"""Of a workflow: its workspace, its id, its number."""

_Block: TypeAlias = tuple[_Version, str]


class PastQuery(Struct, frozen=True, kw_only=True):
    """Where to go on looking: before this position of the log; 0 is its end."""

    before: int = 0


class Row(Struct, frozen=True, kw_only=True):
    """A row of the list.

    Attributes:
        title: what the point is called.
        glance: the first values that it showed.
        verdict: what was said, where the form has a yes or no.
        at: when, ISO 8601.
        status: of the execution now.
    """

    title: str
    glance: list[Glance]
    workflow_id: str
    href: str
    verdict: Verdict | None
    at: str
    status: str


async def show(request: web.Request, caller: Principal) -> web.Response:
    """``GET /inbox/decided``."""
    query, store = read_query(request, PastQuery), request.app[GATEWAY].store
    person = desk_of(caller, maker(request, caller)).person
    last = await store.last_position()
    before = last + 1 if query.before <= 0 else min(query.before, last + 1)
    found = await decided_by(store, caller.workspace_id, person, before=before)
    names = await _workflow_names(store, caller.workspace_id, found.decisions)
    blocks = await _block_names(request.app[GATEWAY], found.decisions)
    shown = glances(each.asked.response for each in found.decisions)
    context = {
        "title": "Decided by you",
        "decisions": [
            _row(each, glance, names, blocks) for each, glance in zip(found.decisions, shown, strict=True)
        ],
        "first": PAST if query.before > 0 else None,
        "next": f"{PAST}?before={found.reached}" if found.reached > 1 else None,
        "inbox": PATH,
        "path": PATH,
    }
    return await render(request, "inbox/past.html", context)


async def _workflow_names(
    store: EventStore, workspace_id: UUID, decisions: list[PastDecision]
) -> Mapping[str, str]:
    """The names of workflows that have one."""
    names: dict[str, str] = {}
    for workflow_id in {each.execution.workflow_id for each in decisions}:
        row = await store.workflow(workspace_id, workflow_id)
        if row is not None and row.name:
            names[workflow_id] = row.name
    return names


async def _block_names(gateway: Gateway, decisions: list[PastDecision]) -> Mapping[_Block, str]:
    """The names of the blocks whose points have no title of their own."""
    versions = {_version(each.execution) for each in decisions if each.asked.title is None}
    names: dict[_Block, str] = {}
    for version in versions:
        document = await find_definition(gateway, *version)
        for block in decode(document).blocks if isinstance(document, dict) else ():
            names[version, block.id] = block.name
    return names


def _version(execution: ExecutionRow) -> _Version:
    return execution.workspace_id, execution.workflow_id, execution.workflow_version


def _row(
    decision: PastDecision, glance: list[Glance], names: Mapping[str, str], blocks: Mapping[_Block, str]
) -> Row:
    execution, asked = decision.execution, decision.asked
    workflow = names.get(execution.workflow_id, execution.workflow_id)
    block = blocks.get((_version(execution), asked.block_id), asked.block_id)
    return Row(
        title=heading(asked.title, workflow, block),
        glance=glance,
        workflow_id=execution.workflow_id,
        href=resume_path(execution.workflow_id, shown_id(execution), decision.context_id),
        verdict=decision.verdict or verdict_of(asked, decision.submission),
        at=decision.at,
        status=execution.status,
    )
