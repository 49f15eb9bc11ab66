"""``/workflows/{id}``: a version's graph, what it takes, what starts it, what there is to say about it."""

from typing import Any, Final

from aiohttp import web

from signoff.access.callers import Principal
from signoff.engine.definitions.catalog import find_entry
from signoff.engine.definitions.definition import Block
from signoff.engine.definitions.forms import form_fields
from signoff.events.store.search import Counts, Search
from signoff.gateway.gateway import GATEWAY
from signoff.gateway.http.bodies import read_form
from signoff.gateway.http.queries import read_query
from signoff.gateway.pages.messages import Message
from signoff.gateway.pages.site import render, see_other
from signoff.gateway.pages.workflows.triggers import triggers_of
from signoff.gateway.pages.workflows.versions import Shown, drawing_of, find_shown, text_of
from signoff.gateway.workflows.schedules import switch_schedule
from signoff.gateway.workflows.versions import DefinitionQuery

SHOWN_SOURCE: Final = 60_000
"""Characters of a source that a page shows."""


class BlockQuery(DefinitionQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which version is wanted, and which of its blocks is looked at."""

    block: str = ""


async def show(request: web.Request, caller: Principal) -> web.Response:
    """``GET /workflows/{id}``."""
    query = read_query(request, BlockQuery)
    shown = await find_shown(request, caller, query.version)
    block = next((each for each in shown.definition.blocks if each.id == query.block), None)
    context = {
        "title": shown.row.name,
        "shown": shown,
        "drawing": await drawing_of(request, shown),
        "block": None if block is None else _block(shown.document, block),
        "fields": input_fields(shown),
        "triggers": await triggers_of(request, shown),
        "remarks": (await text_of(request, caller, shown)).remarks,
        "counts": await _counts(request, caller, shown),
        "link": _link(shown),
    }
    return await render(request, "workflows/detail.html", context)


async def show_source(request: web.Request, caller: Principal) -> web.Response:
    """``GET /workflows/{id}/source``: the definition as text."""
    shown = await find_shown(request, caller, read_query(request, DefinitionQuery).version)
    text = (await text_of(request, caller, shown)).text
    context = {
        "title": f"Source of {shown.row.name}",
        "shown": shown,
        "text": text[:SHOWN_SOURCE],
        "length": len(text),
    }
    return await render(request, "workflows/source.html", context)


async def switch(request: web.Request, caller: Principal) -> web.Response:
    """``POST /workflows/{workflowId}/schedules/{block}``: a schedule goes on or off."""
    enabled = (await read_form(request)).get("enabled") == "true"
    item = await switch_schedule(request, caller, enabled=enabled)
    text = f"The schedule {item.block_id} is {'on' if item.enabled else 'off'}."
    return see_other(request, f"/workflows/{item.workflow_id}", Message(text))


def input_fields(shown: Shown) -> list[dict[str, Any]] | None:
    """The fields that a person fills in to start a run; ``None`` where nobody can start one."""
    entry = find_entry(shown.definition.blocks, "manual")
    return None if entry is None else form_fields(entry.params)


def _block(document: dict[str, Any], block: Block) -> dict[str, Any]:
    return next(each for each in document["blocks"] if each["id"] == block.id)


async def _counts(request: web.Request, caller: Principal, shown: Shown) -> Counts | None:
    if not caller.may("executions:read"):
        return None
    search = Search(workspace_id=caller.workspace_id, workflow_ids=(shown.row.workflow_id,))
    return await request.app[GATEWAY].store.count_executions(search)


def _link(shown: Shown) -> str:
    version = "" if shown.number == shown.row.version else f"version={shown.number}&"
    return f"/workflows/{shown.row.workflow_id}?{version}block="
