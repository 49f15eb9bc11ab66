"""The decision form: read, sent as any other decision, and answered with what became of it."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Final

from aiohttp import web
from multidict import MultiMapping

from signoff.access.callers import Principal
from signoff.engine.definitions.forms import check_form
from signoff.engine.points.pauses import form_of
from signoff.engine.points.standing import person_of
from signoff.events.escapes import escape
from signoff.events.types import Actor, Json
from signoff.gateway.errors import ApiError, Detail
from signoff.gateway.executions.answers import recorded_answer
from signoff.gateway.executions.deciding import Asking, Decided, decide
from signoff.gateway.executions.file_inputs import MAX_FILES
from signoff.gateway.gateway import GATEWAY
from signoff.gateway.http.bodies import decode_json, read_form
from signoff.gateway.pages.fields import PREFIX, Posted, file_names, posted_of, sent_values, widgets
from signoff.gateway.pages.messages import Message
from signoff.gateway.pages.moments import relative
from signoff.gateway.pages.once import key_of
from signoff.gateway.pages.problems import Problems, problems_of
from signoff.gateway.pages.resume import verdicts
from signoff.gateway.pages.resume.reading import Reading, read_here
from signoff.gateway.pages.resume.showing import Refused, shown
from signoff.gateway.pages.resume.view import Answered, page_of
from signoff.gateway.pages.site import FORM_HEADER, see_other

RAW: Final = "input"
"""The field with JSON, where a point has no form."""

_FORM_AGAIN: Final = frozenset({400, 412, 413, 422, 428})
_REFUSED: Final = frozenset({403, 404, 409})

Sent = MultiMapping[Any]


async def decide_form(request: web.Request, caller: Principal) -> web.StreamResponse:
    """``POST /resume/{id}/{execution}/{context}``."""
    sent = await read_form(request)
    posted = posted_of(sent)
    reading = await read_here(request, caller, request.match_info["context"])
    try:
        body = await _body(request, reading, posted, sent)
        asked = _asking(reading, posted)
        decided = await decide(request, caller, reading.read.row, asked, body=body)
    except ApiError as error:
        return await refused_decision(request, caller, error, posted)
    return see_other(request, reading.addresses.page(asked.context_id), _message(decided))


async def refused_decision(
    request: web.Request, caller: Principal, error: ApiError, posted: Posted
) -> web.StreamResponse:
    """The page after a decision was refused: the form again; or how the point stands now, and what was typed.

    Raises:
        ApiError: the refusal is not about the decision.
    """
    asks_code = error.status == 401 and "code" in error.fields
    if not asks_code and error.status not in _FORM_AGAIN | _REFUSED:
        raise error
    reading = await read_here(request, caller, request.match_info["context"])
    page = await page_of(request, caller, reading, posted=posted)
    if page.can_decide:
        refused = Refused(
            about="decide", status=422 if asks_code else error.status, posted=posted,
            problems=_problems(error, asks_code=asks_code),
        )  # fmt: skip
        return await shown(request, caller, reading, page=page, refused=refused)
    message, unsent = Message(_refusal(error, caller), "problem"), _unsent(reading, posted)
    if FORM_HEADER in request.headers or not unsent:  # a script keeps what was typed by itself
        return see_other(request, reading.addresses.page(reading.read.point.context_id), message)
    lost = Refused(about="decide", status=409, message=message, unsent=unsent)
    return await shown(request, caller, reading, page=page, refused=lost)


def _unsent(reading: Reading, posted: Posted) -> list[Answered]:
    """What was typed into a form that there is no more, but for secrets."""
    fields = form_of(reading.read.point.response)
    if not fields:
        return [Answered(label="Input", value=_text(posted, RAW))] if _text(posted, RAW).strip() else []
    begun = {each.name: each.values for each in widgets(fields)}
    return [
        Answered(label=each.label, value=", ".join(each.values))
        for each in widgets(fields, posted)
        if each.name in posted and any(each.values) and each.values != begun[each.name]
    ]


def _problems(error: ApiError, *, asks_code: bool) -> Problems:
    if asks_code:
        is_wrong = error.fields["code"] == "CODE_WRONG"
        told = str(error) if is_wrong else "A code is needed: have one mailed to you, and type it here"
        return Problems(f"{told}.", {"code": told})
    if error.status == 412:
        return Problems("Nothing was decided: what you decide on has changed. Look at it again, then decide.")
    if error.status == 422:
        return Problems("Nothing was decided yet: some fields do not fit.", problems_of(error).fields)
    return problems_of(error)


def _refusal(error: ApiError, caller: Principal) -> str:
    """Why a decision was not taken; who was first, where somebody was."""
    by = error.fields.get("resumedBy")
    if not isinstance(by, Actor):
        return f"Nothing was decided: {error}."
    at = error.fields.get("resumedAt")
    when = f" {relative(at)}" if isinstance(at, str) else ""
    if person_of(by) == person_of(caller.actor):
        return f"You have decided this already{when}."
    who = "The deadline" if by.type == "system" else by.name or by.id
    return f"{who} was first: this was decided{when}, and your decision was not taken."


def _asking(reading: Reading, posted: Posted) -> Asking:
    seen = _text(posted, "seen")
    if not seen and reading.read.point.content_digest is not None:
        raise ApiError(428, "The form is incomplete: load the page again, then decide")
    return Asking(context_id=reading.read.point.context_id, seen=seen or None, key=key_of(posted), wait=False)


async def _body(request: web.Request, reading: Reading, posted: Posted, sent: Sent) -> Json:
    """What the API would be sent.

    Raises:
        ApiError: 422, it is no JSON, or does not fit the form.
    """
    fields = form_of(reading.read.point.response)
    if not fields:
        return _raw(_text(posted, RAW))
    verdict = verdicts.verdict_field(reading.read.point, fields)
    values = sent_values(fields, posted, without=verdict)
    said = _text(posted, verdicts.FIELD)
    if verdict is not None and said in (verdicts.APPROVE, verdicts.REJECT):
        values[verdict] = said == verdicts.APPROVE
    files = _files(fields, sent)
    if files:
        _check(fields, values, files)
        values |= await _kept(request, reading, files)
    return {"input": {"submission": values}}


def _raw(text: str) -> Json:
    if not text.strip():
        return {}
    try:
        return {"input": decode_json(text.encode())}
    except ApiError as error:
        message = f"This is no JSON: {error}"
        raise ApiError(422, message, details=[Detail(RAW, message)]) from error


def _files(fields: Sequence[Mapping[str, Any]], sent: Sent) -> dict[str, list[web.FileField]]:
    """The files that were chosen, by the names of their fields."""
    found: dict[str, list[web.FileField]] = {}
    for name in file_names(fields):
        given = sent.getall(PREFIX + name, [])
        chosen = [each for each in given if isinstance(each, web.FileField) and each.filename]
        if chosen:
            found[name] = chosen
    many = sum(map(len, found.values()))
    if many > MAX_FILES:
        raise ApiError(422, f"Choose at most {MAX_FILES} files in all")
    return found


def _check(
    fields: Sequence[dict[str, Any]], values: dict[str, Json], files: dict[str, list[web.FileField]]
) -> None:
    """Make sure that a decision fits its form before its files are stored.

    Raises:
        ApiError: 422.
    """
    told = {
        name: [{"name": each.filename, "type": each.content_type} for each in chosen]
        for name, chosen in files.items()
    }
    _, faults = check_form(list(fields), escape(values | told))
    if faults:
        details = [Detail(fault.path, fault.message) for fault in faults]
        raise ApiError(422, "The input does not fit the form", details=details)


async def _kept(
    request: web.Request, reading: Reading, files: dict[str, list[web.FileField]]
) -> dict[str, Json]:
    store, workspace_id = request.app[GATEWAY].files, reading.read.row.workspace_id
    kept: dict[str, Json] = {}
    for name, chosen in files.items():
        values: list[Json] = []
        for each in chosen:
            content = await asyncio.to_thread(each.file.read)
            file = await store.keep(workspace_id, content, name=each.filename, media_type=each.content_type)
            values.append(file.value())
        kept[name] = values
    return kept


def _message(decided: Decided) -> Message:
    if decided.queue_position is not None:
        return Message(f"Your decision was taken. It waits for its turn: number {decided.queue_position}.")
    if decided.run_id is not None:
        return Message("Your decision was taken, and the execution goes on.")
    if decided.recorded is not None:
        told = recorded_answer(decided.recorded, decided.event_id or 0)
        said = "approval" if told.verdict == "approved" else "rejection"
        return Message(
            f"Your {said} counts: {told.approvals} of {told.required} are for it by now. It waits for others."
        )
    return Message("Your decision was taken.")


def _text(posted: Posted, name: str) -> str:
    return next(iter(posted.get(name, ())), "")
