"""``/inbox/decided``: what the visitor has decided lately."""

from typing import Final

from aiohttp import web
from msgspec import Struct

from signoff.access.callers import Principal
from signoff.events.types import Verdict
from signoff.gateway.executions.deciding import maker
from signoff.gateway.gateway import GATEWAY, shown_id
from signoff.gateway.http.queries import read_query
from signoff.gateway.inbox.decided import PastDecision, decided_by
from signoff.gateway.inbox.scopes import desk_of
from signoff.gateway.pages.inbox.points import resume_path
from signoff.gateway.pages.inbox.verdicts import verdict_of
from signoff.gateway.pages.inbox.views import PATH
from signoff.gateway.pages.site import render

PAST: Final = f"{PATH}/decided"


class PastQuery(Struct, frozen=True, kw_only=True):
    """Where to go on looking: before this position of the log; 0 is its end."""

    before: int = 0


class Row(Struct, frozen=True, kw_only=True):
    """A row of the list.

    Attributes:
        title: of the point.
        verdict: what was said, where the form has a yes or no.
        at: when, ISO 8601.
        status: of the execution now.
    """

    title: str
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
    context = {
        "title": "Decided by you",
        "decisions": [_row(each) for each in found.decisions],
        "first": PAST if query.before > 0 else None,
        "next": f"{PAST}?before={found.reached}" if found.reached > 1 else None,
        "inbox": PATH,
        "path": PATH,
    }
    return await render(request, "inbox/past.html", context)


def _row(decision: PastDecision) -> Row:
    execution, asked = decision.execution, decision.asked
    return Row(
        title=asked.title,
        workflow_id=execution.workflow_id,
        href=resume_path(execution.workflow_id, shown_id(execution), decision.context_id),
        verdict=decision.verdict or verdict_of(asked, decision.submission),
        at=decision.at,
        status=execution.status,
    )
