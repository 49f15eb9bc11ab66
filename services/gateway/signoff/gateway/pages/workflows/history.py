"""``/workflows/{id}/versions`` and ``/compare``: what was deployed, what differs, and how to go back."""

import asyncio
from typing import Annotated, Final
from urllib.parse import urlencode

from aiohttp import web
from msgspec import Meta, Struct

from signoff.access.callers import Principal
from signoff.events.types import Actor
from signoff.gateway.errors import bad_field
from signoff.gateway.gateway import GATEWAY, find_workflow
from signoff.gateway.http.bodies import read_form
from signoff.gateway.http.queries import read_query
from signoff.gateway.pages.graph.drawing import Drawing, draw
from signoff.gateway.pages.kept import Kept
from signoff.gateway.pages.messages import Message
from signoff.gateway.pages.settings.people import names_of
from signoff.gateway.pages.site import render, see_other
from signoff.gateway.pages.workflows.comparing import (
    Change,
    Comparison,
    compare_blocks,
    compare_rest,
    compare_texts,
    merge,
)
from signoff.gateway.pages.workflows.source import as_yaml
from signoff.gateway.pages.workflows.versions import Shown, find_shown
from signoff.gateway.v2.versions import list_versions
from signoff.gateway.workflows.deploying import activate, withdraw
from signoff.gateway.workflows.versions import VersionsQuery


class CompareQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which versions are compared; without ``left`` with the one before."""

    left: Annotated[int, Meta(ge=1, le=2**31 - 1)] | None = None
    right: Annotated[int, Meta(ge=1, le=2**31 - 1)] | None = None


class Compared(Struct, frozen=True):
    """Two versions.

    Attributes:
        changes: which blocks differ, by id.
        rest: what else differs, in words.
        drawing: one graph of both.
        texts: line by line, where they are not too large.
    """

    changes: dict[str, Change]
    rest: list[str]
    drawing: Drawing
    texts: Comparison | None


COMPARED: Final = web.AppKey("compared versions", Kept[Compared])


async def show(request: web.Request, caller: Principal) -> web.Response:
    """``GET /workflows/{id}/versions``."""
    query = read_query(request, VersionsQuery)
    shown = await find_shown(request, caller)
    store = request.app[GATEWAY].store
    items, cursor = await list_versions(store, shown.row, cursor=query.cursor, limit=query.limit)
    deployers = {each.deployed_by for each in items}
    actors = [Actor(type="user", id=each) for each in deployers]
    actors += [Actor(type="apiKey", id=each) for each in deployers]
    path = f"/workflows/{shown.row.workflow_id}/versions"
    context = {
        "title": f"Versions of {shown.row.name}",
        "shown": shown,
        "items": items,
        "names": await names_of(request, actors),
        "numbers": [(str(each.version), f"{each.version}") for each in items],
        "first": path if query.cursor else None,
        "next": f"{path}?{urlencode({'cursor': cursor})}" if cursor else None,
    }
    return await render(request, "workflows/versions.html", context)


async def roll_back(request: web.Request, caller: Principal) -> web.Response:
    """``POST /workflows/{id}/rollback``: an earlier version takes the executions again."""
    number = str((await read_form(request)).get("version", ""))
    if not (number.isascii() and number.isdigit() and len(number) <= len(str(2**31))):
        raise bad_field("version", "must be the number of a version")
    workflow = await find_workflow(request.app[GATEWAY], caller, request.match_info["id"])
    deployed = await activate(request, caller, workflow, int(number))
    text = f"Version {deployed.version} is active: new executions start with it."
    return see_other(request, f"/workflows/{workflow.workflow_id}/versions", Message(text))


async def undeploy(request: web.Request, caller: Principal) -> web.Response:
    """``POST /workflows/{id}/undeploy``: it takes no new executions."""
    workflow = await find_workflow(request.app[GATEWAY], caller, request.match_info["id"])
    await withdraw(request, caller, workflow)
    text = "The workflow takes no new executions. Those that run go on."
    return see_other(request, f"/workflows/{workflow.workflow_id}/versions", Message(text, "note"))


async def compare(request: web.Request, caller: Principal) -> web.Response:
    """``GET /workflows/{id}/compare``: two versions side by side."""
    query = read_query(request, CompareQuery)
    right = await find_shown(request, caller, query.right)
    left_number = query.left or max(1, right.number - 1)
    left = await find_shown(request, caller, left_number)
    compared = await request.app[COMPARED].get(
        f"{left.digest} {right.digest}", lambda: asyncio.to_thread(_compared, left, right)
    )
    context = {
        "title": f"Versions {left.number} and {right.number} of {right.row.name}",
        "shown": right,
        "left": left,
        "right": right,
        "changes": compared.changes,
        "rest": compared.rest,
        "drawing": compared.drawing,
        "texts": compared.texts,
    }
    return await render(request, "workflows/compare.html", context)


def _compared(left: Shown, right: Shown) -> Compared:
    drawing = draw(merge(left.definition, right.definition))
    texts = compare_texts(as_yaml(left.document), as_yaml(right.document))
    before, after = left.definition, right.definition
    return Compared(compare_blocks(before, after), compare_rest(before, after), drawing, texts)
