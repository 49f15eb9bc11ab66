"""What people do on the page beside deciding: each a small form, answered with the page."""

from collections.abc import Awaitable, Callable
from typing import Final, TypeAlias

from aiohttp import web
from msgspec import Struct

from signoff.access.callers import Principal
from signoff.access.permissions import Operation
from signoff.events.types import (
    ClaimPause,
    CommentPause,
    DelegatePause,
    Json,
    PauseCommand,
    ReleasePause,
    ReturnPause,
)
from signoff.gateway.errors import ApiError
from signoff.gateway.executions.deciding import Asking, decide, maker
from signoff.gateway.http.bodies import convert, read_form
from signoff.gateway.inbox.asking import asking, recorded
from signoff.gateway.inbox.bodies import CommentBody, DelegateBody, ReturnBody
from signoff.gateway.inbox.people import decider
from signoff.gateway.pages.fields import posted_of
from signoff.gateway.pages.messages import Message
from signoff.gateway.pages.once import key_of, take_key
from signoff.gateway.pages.problems import Problems, problems_of
from signoff.gateway.pages.resume.reading import read_here
from signoff.gateway.pages.resume.showing import Refused, shown
from signoff.gateway.pages.site import see_other

_FORM_AGAIN: Final = frozenset({400, 409, 422})
_EMPTY: Final = "Write something first"

Make: TypeAlias = Callable[[web.Request, Principal, str, dict[str, Json]], Awaitable[PauseCommand]]


class Verb(Struct, frozen=True, kw_only=True):
    """Something that people do with a pause point.

    Attributes:
        name: in the address, and what the API calls it.
        operation: what they must be allowed to do.
        fields: of its form.
        make: the command, from the point's id and the fields.
        told: to who did it.
    """

    name: str
    operation: Operation = "pauses:decide"
    fields: tuple[str, ...] = ()
    make: Make
    told: str

    async def handler(self, request: web.Request, caller: Principal) -> web.StreamResponse:
        """``POST /resume/{id}/{execution}/{context}/{verb}``."""
        sent = posted_of(await read_form(request))
        take_key(request, sent)
        posted = {name: ["".join(sent.get(name, ())[:1]).strip()] for name in self.fields}
        context_id = request.match_info["context"]
        reading = await read_here(request, caller, context_id)
        try:
            given: dict[str, Json] = {name: texts[0] for name, texts in posted.items() if texts[0]}
            ask = await asking(request, caller, self.name, body=given)
            await recorded(request, ask, await self.make(request, caller, context_id, given))
        except ApiError as error:
            if error.status not in _FORM_AGAIN:
                raise
            again = await read_here(request, caller, context_id)
            refused = Refused(about=self.name, status=422, posted=posted, problems=_problems(error, posted))
            return await shown(request, caller, again, refused=refused)
        return see_other(request, reading.addresses.page(context_id), Message(self.told))


def _problems(error: ApiError, posted: dict[str, list[str]]) -> Problems:
    """What is wrong; of a field that was left empty, what to do."""
    fields = dict(problems_of(error).fields)
    fields |= {name: _EMPTY for name in fields if not posted.get(name, [""])[0]}
    empty = any(each == _EMPTY for each in fields.values())
    return Problems(f"{_EMPTY}." if empty else f"{str(error).rstrip('.')}.", fields)


async def _claim(
    request: web.Request, caller: Principal, context_id: str, _: dict[str, Json]
) -> PauseCommand:
    return ClaimPause(context_id=context_id, maker=maker(request, caller))


async def _release(
    request: web.Request, caller: Principal, context_id: str, _: dict[str, Json]
) -> PauseCommand:
    return ReleasePause(context_id=context_id, maker=maker(request, caller))


async def _comment(
    request: web.Request, caller: Principal, context_id: str, given: dict[str, Json]
) -> PauseCommand:
    body = convert(given, CommentBody)
    return CommentPause(context_id=context_id, maker=maker(request, caller), text=body.text)


async def _delegate(
    request: web.Request, caller: Principal, context_id: str, given: dict[str, Json]
) -> PauseCommand:
    body = convert(given, DelegateBody)
    to = await decider(request, caller, body.to)
    return DelegatePause(context_id=context_id, maker=maker(request, caller), to=to, reason=body.reason)


async def _return(
    request: web.Request, caller: Principal, context_id: str, given: dict[str, Json]
) -> PauseCommand:
    body = convert(given, ReturnBody)
    return ReturnPause(context_id=context_id, maker=maker(request, caller), reason=body.reason)


VERBS: Final = (
    Verb(name="claim", make=_claim, told="It is yours to decide until you release it."),
    Verb(name="release", make=_release, told="It is released: others may decide it again."),
    Verb(name="delegate", fields=("to", "reason"), make=_delegate, told="It is handed on."),
    Verb(
        name="return", fields=("reason",), make=_return,
        told="It was sent back: nobody decides until its content was changed.",
    ),
    Verb(
        name="comment", operation="pauses:comment", fields=("text",), make=_comment,
        told="Your comment is added.",
    ),
)  # fmt: skip


async def retry(request: web.Request, caller: Principal) -> web.StreamResponse:
    """``POST …/retry``: what was decided is tried again, after its run failed."""
    reading = await read_here(request, caller, request.match_info["context"])
    context_id = reading.read.point.context_id
    page = reading.addresses.page(context_id)
    key = key_of(posted_of(await read_form(request)))
    asked = Asking(context_id=context_id, retry=True, key=key, wait=False)
    try:
        await decide(request, caller, reading.read.row, asked, body={})
    except ApiError as error:
        if error.status not in _FORM_AGAIN:
            raise
        return see_other(request, page, Message(f"It was not tried again: {error}.", "problem"))
    return see_other(request, page, Message("It is tried again with what was decided."))
