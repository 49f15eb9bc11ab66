"""``/workflows/{id}/run``: a form made of the start block's fields, or JSON; leads to the execution."""

import asyncio
from typing import Any, Final
from urllib.parse import quote

import msgspec
from aiohttp import web
from multidict import MultiMapping

from signoff.access.callers import Principal
from signoff.engine.definitions.forms import check_form
from signoff.events.types import Json
from signoff.gateway.accesses.witness import request_shown
from signoff.gateway.errors import ApiError, Detail
from signoff.gateway.executions.starting import begin, read_wanted
from signoff.gateway.gateway import GATEWAY
from signoff.gateway.http.bodies import decode_json, read_form
from signoff.gateway.http.headers import run_headers
from signoff.gateway.pages.fields import PREFIX, Posted, file_names, sent_values, widgets
from signoff.gateway.pages.messages import Message
from signoff.gateway.pages.once import take_key
from signoff.gateway.pages.problems import NONE, Problems, problems_of
from signoff.gateway.pages.site import render, see_other
from signoff.gateway.pages.workflows.detail import input_fields
from signoff.gateway.pages.workflows.versions import Shown, find_shown
from signoff.gateway.schemas import ExecuteBody

RAW: Final = "input"
"""The field with JSON, in place of the workflow's own fields."""

_SHOWN_AGAIN: Final = (400, 409, 413, 422, 429)
"""Refusals that are told at the form."""


async def show(request: web.Request, caller: Principal) -> web.Response:
    """``GET /workflows/{id}/run``."""
    return await _form(request, await find_shown(request, caller))


async def submit(request: web.Request, caller: Principal) -> web.Response:
    """``POST /workflows/{id}/run``: a run begins, and its execution is shown."""
    shown = await find_shown(request, caller)
    if not shown.is_active:
        raise ApiError(403, "Workflow is not deployed")
    sent = await read_form(request)
    take_key(request, sent)
    posted: Posted = {name: [each for each in sent.getall(name) if isinstance(each, str)] for name in sent}
    fields = input_fields(shown) or []
    try:
        run_input = await _input(request, shown, fields, sent, posted)
        execution_id = await _begin(request, caller, shown, run_input, _given(sent))
    except ApiError as error:
        if error.status not in _SHOWN_AGAIN:
            raise
        return await _form(request, shown, posted=posted, problems=problems_of(error), status=error.status)
    path = f"/executions/{quote(execution_id, safe='')}"
    return see_other(request, path, Message("The run has begun."))


async def _input(
    request: web.Request, shown: Shown, fields: list[dict[str, Any]], sent: MultiMapping[Any], posted: Posted
) -> Json:
    """The input; a person's is checked, other than a program's: nobody leaves out a field on purpose.

    Raises:
        ApiError: 400, it is no JSON; 422, it does not fit the fields.
    """
    if RAW in posted:
        return _decoded("".join(posted[RAW]))
    given = sent_values(fields, posted)
    chosen = {name: _files(sent, name) for name in file_names(fields)}
    named = {name: [{"name": each.filename} for each in files] for name, files in chosen.items() if files}
    values, faults = check_form(fields, given | named)
    if faults:
        details = [Detail(each.path, each.message) for each in faults]
        raise ApiError(422, "Something is missing, or does not fit", details=details)
    for name in named:
        values[name] = [await _kept(request, shown, each) for each in chosen[name]]
    return values


def _files(sent: MultiMapping[Any], name: str) -> list[web.FileField]:
    return [
        each for each in sent.getall(PREFIX + name, []) if isinstance(each, web.FileField) and each.filename
    ]


async def _kept(request: web.Request, shown: Shown, file: web.FileField) -> Json:
    content = await asyncio.to_thread(file.file.read)
    kept = await request.app[GATEWAY].files.keep(
        shown.row.workspace_id, content, name=file.filename, media_type=file.content_type
    )
    return kept.value()


def _decoded(raw: str) -> Json:
    try:
        return decode_json(raw.encode("utf-8", "replace")) if raw.strip() else {}
    except ApiError as error:
        raise ApiError(400, "The input is not JSON", details=[Detail(RAW, str(error))]) from error


def _given(sent: MultiMapping[Any]) -> dict[str, Json]:
    """What was filled in: by it the form is known that is sent again, whose files were kept anew."""
    return {
        name: [each.filename if isinstance(each, web.FileField) else each for each in sent.getall(name)]
        for name in sent
    }


async def _begin(
    request: web.Request, caller: Principal, shown: Shown, run_input: Json, given: dict[str, Json]
) -> str:
    body = ExecuteBody(input=run_input, trigger_type="manual")
    headers = run_headers(request.headers, mode="async", timeout=None)
    gateway = request.app[GATEWAY]
    await gateway.limits.count(request, caller, headers.rate)
    wanted = await read_wanted(
        request, caller, shown.row, headers, body=body, given=given, run_input=run_input
    )
    await begin(gateway, shown.row, wanted)
    return wanted.shown_id


async def _form(
    request: web.Request,
    shown: Shown,
    *,
    posted: Posted | None = None,
    problems: Problems = NONE,
    status: int = 200,
) -> web.Response:
    request_shown(request, "getWorkflow")  # also to who sends a form that is refused
    fields = input_fields(shown)
    controls = widgets(fields or [], posted)
    raw = None if posted is None else next(iter(posted.get(RAW, ())), None)
    context = {
        "title": f"Run {shown.row.name}",
        "shown": shown,
        "can_start": fields is not None,
        "fields": controls,
        "has_files": any(each.control == "files" for each in controls),
        "raw": _example(fields or []) if raw is None else raw,
        "is_raw": raw is not None or not controls,
        "problems": problems,
    }
    return await render(request, "workflows/run.html", context, status=status)


def _example(fields: list[dict[str, Any]]) -> str:
    """An input to begin with: each field with its default."""
    example = {field["name"]: field.get("value") for field in fields}
    return msgspec.json.format(msgspec.json.encode(example), indent=2).decode()
