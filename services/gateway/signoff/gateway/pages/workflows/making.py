"""``/workflows/+new``: a definition is checked, and deployed."""

import asyncio
from typing import Any, Final

from aiohttp import web
from aiohttp.web_request import FileField
from msgspec import Struct

from signoff.access.callers import Principal
from signoff.gateway.accesses.witness import request_shown
from signoff.gateway.errors import ApiError
from signoff.gateway.gateway import GATEWAY, find_workflow
from signoff.gateway.http.bodies import read_form
from signoff.gateway.http.headers import IDENTIFIER
from signoff.gateway.http.queries import read_query
from signoff.gateway.pages.graph.drawing import draw
from signoff.gateway.pages.messages import Message
from signoff.gateway.pages.once import take_key
from signoff.gateway.pages.problems import NONE, Problems, problems_of
from signoff.gateway.pages.site import render, see_other
from signoff.gateway.pages.workflows.linting import Linted, lint_text
from signoff.gateway.pages.workflows.source import as_yaml
from signoff.gateway.workflows.deploying import deploy_document
from signoff.gateway.workflows.versions import find_version

_LONGEST: Final = 1024 * 1024
"""Characters of a text in a form; larger definitions come by the API."""


class NewQuery(Struct, frozen=True, kw_only=True):
    """The workflow whose next version is written; empty for a new one."""

    of: str = ""


class _Written(Struct, frozen=True, kw_only=True):
    """What was sent."""

    workflow_id: str
    text: str
    deploys: bool


async def show(request: web.Request, caller: Principal) -> web.Response:
    """``GET /workflows/+new``, no workflow's id; ``?of=`` begins with the definition that a workflow has."""
    of, text = read_query(request, NewQuery).of, ""
    if of:
        gateway = request.app[GATEWAY]
        row = await find_workflow(gateway, caller, of)
        found = await find_version(gateway, row, row.version)
        request_shown(request, "getWorkflow", {"id": of})
        text = await asyncio.to_thread(as_yaml, found.definition)
    return await _form(request, _Written(workflow_id=of, text=text, deploys=False))


async def submit(request: web.Request, caller: Principal) -> web.Response:
    """``POST /workflows/+new``: what is wrong is shown, or it is deployed where that was wanted."""
    written = await _read(request)
    if len(written.text) > _LONGEST:
        raise ApiError(413, "A form takes 1 MiB; deploy a larger definition with signoff deploy")
    linted = await lint_text(request, caller, written.text, workflow_id=written.workflow_id or "workflow")
    workflow_id = written.workflow_id or _named(linted)
    problems = _problems(workflow_id, linted)
    if problems is NONE and written.deploys:
        try:
            deployed = await deploy_document(request, caller, linted.document, workflow_id=workflow_id)
        except ApiError as error:
            if error.status not in (409, 413, 422):
                raise
            problems = problems_of(error)
        else:
            text = f"Version {deployed.version} is deployed: new executions start with it."
            return see_other(request, f"/workflows/{workflow_id}", Message(text))
    shown = _Written(workflow_id=workflow_id, text=written.text, deploys=written.deploys)
    return await _form(request, shown, linted=linted, problems=problems)


async def _read(request: web.Request) -> _Written:
    sent = await read_form(request)
    take_key(request, sent)
    file, text = sent.get("file"), str(sent.get("definition", ""))
    if isinstance(file, FileField) and file.filename:
        text = (await asyncio.to_thread(file.file.read)).decode("utf-8", "replace")
    return _Written(
        workflow_id=str(sent.get("workflow", "")).strip(),
        text=text.replace("\r\n", "\n"),
        deploys=sent.get("action") == "deploy",
    )


def _named(linted: Linted) -> str:
    """The id that a definition gives itself, as `signoff deploy` reads it."""
    document: Any = linted.document
    named = document.get("workflow") if isinstance(document, dict) else None
    named = named.get("id") if isinstance(named, dict) else named
    return named if isinstance(named, str) else ""


def _problems(workflow_id: str, linted: Linted) -> Problems:
    faults = sum(each.is_fault for each in linted.remarks)
    if faults:
        many = "There is a fault" if faults == 1 else f"There are {faults} faults"
        text = f"{many} in the definition, listed below."
        return Problems(text, {"definition": "It cannot be deployed like this."})
    if not IDENTIFIER.fullmatch(workflow_id):
        text = "Give it 1 to 128 characters of A-Z a-z 0-9 . _ : -"
        return Problems("The workflow needs an id.", {"workflow": text})
    return NONE


async def _form(
    request: web.Request, written: _Written, *, linted: Linted | None = None, problems: Problems = NONE
) -> web.Response:
    definition = None if linted is None else linted.definition
    context = {
        "title": "New version" if request.query.get("of") else "New workflow",
        "written": written,
        "of": request.query.get("of", ""),
        "linted": linted,
        "problems": problems,
        "drawing": None if definition is None else await asyncio.to_thread(draw, definition),
    }
    return await render(request, "workflows/new.html", context, status=200 if problems is NONE else 422)
