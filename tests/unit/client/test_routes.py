"""Every route of the API has a method of the client, or a reason to have none."""

import re
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from aiohttp import web

from signoff.client import AsyncClient, Decision, RefusedError
from signoff.gateway.http.routing import Endpoint
from signoff.gateway.openapi.elsewhere import ELSEWHERE
from signoff.gateway.routes import ALL
from unit.client.conftest import Serve
from unit.client.test_resources import CALLS, Call

ROUTES: Final[Mapping[str, Endpoint]] = {
    route.name: route for route in (*ALL, *ELSEWHERE) if not route.path.startswith("/api/v2/")
}
"""Without version 2, which is Sim's API, for the clients of that."""

WITHOUT: Final[Mapping[str, str]] = {
    **dict.fromkeys(
        ("signIn", "signOut", "getSignInMethods", "beginOidc", "endOidc"),
        "browsers sign in; a program has a key",
    ),
    "sendDecisionCode": "asked for by the page that a decision link opens, with the link's token",
    "deliverWebhook": "other systems call it as they can; a program starts executions",
    "getResumable": "Sim's other path of getPaused",
    "getKey": "the list has the same of each key",
    **dict.fromkeys(
        ("compareStates", "compareTimelines"),
        "for people, by `signoff audit diff` and the pages; a program has states and events",
    ),
    **dict.fromkeys(
        ("verifyExecution", "getCheckpointKeys"),
        "what a server says of itself proves little: `signoff audit verify` is for auditors",
    ),
    **dict.fromkeys(
        ("getOpenApi", "getReference", "getReferenceStyle", "getAsyncApi", "getSchema"),
        "documents: `signoff schema` prints them",
    ),
    **dict.fromkeys(("getHealth", "getReadiness", "getMetrics"), "for those who run the server"),
}
"""Routes that the client leaves out, and why."""

_NAME: Final = re.compile(r"\{[^{}]+\}")


def _execution(client: AsyncClient) -> Any:
    return client.executions.handle("e", workflow_id="w")


FURTHER: Final[Sequence[Call]] = [
    lambda c: c.workflows.list(),
    lambda c: c.workflows.deploy("w", "blocks: {}"),
    lambda c: c.workflows.get("w"),
    lambda c: c.workflows.status("w"),
    lambda c: c.executions.start("w"),
    lambda c: c.executions.search(),
    lambda c: c.executions.bulk("cancel"),
    lambda c: _execution(c).status(),
    lambda c: _execution(c).follow(),
    lambda c: _execution(c).events(),
    lambda c: _execution(c).blob("sha256:0"),
    lambda c: _execution(c).bundle(Path("nowhere")),
    lambda c: _execution(c).cancel(),
    lambda c: _execution(c).what_if(),
    lambda c: c.pauses.get("w", "e"),
    lambda c: c.pauses.point("w", "e", "c"),
    lambda c: c.pauses.resume("w", "e", "c"),
    lambda c: c.inbox.decide_many([Decision("e", "c")]),
    lambda c: c.files.upload(b"bill"),
    lambda c: c.files.read("f"),
    lambda c: c.accesses.list(),
    lambda c: c.feed(),
    lambda c: c.who_am_i(),
    lambda c: c.usage(),
]
"""Calls that `CALLS` has not: their answers are no plain JSON, or have tests of their own."""


async def test_every_route_has_a_method_or_a_reason_to_have_none(serve: Serve) -> None:
    asked = [tuple(request.split("?")[0].split(" ")) for _, _, request, _ in CALLS]

    async def refuse(request: web.Request) -> web.Response:
        asked.append((request.method, request.path))
        await request.read()
        return web.json_response({"error": "no"}, status=404)

    async with AsyncClient(await serve(refuse)) as client:
        for call in FURTHER:
            with suppress(RefusedError):
                await _done(call(client))

    reached = {_route_of(method, path) for method, path in asked}
    assert ROUTES.keys() - reached == WITHOUT.keys(), "give the route a method, or say in WITHOUT why not"


async def _done(asked_for: Any) -> None:
    if isinstance(asked_for, AsyncGenerator):
        async for _ in asked_for:
            pass
    else:
        await asked_for


def _route_of(method: str, path: str) -> str:
    """The route that a request is for: of those that fit, the one with the fewest placeholders."""
    fitting = [
        route
        for route in ROUTES.values()
        if route.method == method and re.fullmatch(_NAME.sub("[^/]+", route.path), path)
    ]
    return min(fitting, key=lambda route: len(_NAME.findall(route.path))).name
