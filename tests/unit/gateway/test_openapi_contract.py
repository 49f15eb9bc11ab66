"""A route that does not answer as it says fails its tests: no kind of drift gets by."""

from collections.abc import Callable
from typing import Any, Final

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from aiohttp.typedefs import Handler
from msgspec import Struct, structs

from signoff.gateway.executions.answers import BLOCK_HEADER
from signoff.gateway.http.responses import answer
from signoff.gateway.http.routing import Answer, Route
from signoff.gateway.openapi.document import build
from support.contract import Contract, checking

Change = Callable[[web.Response], web.StreamResponse]


class Thing(Struct):
    """What the route answers."""

    name: str
    size: int


async def show(_: web.Request) -> web.StreamResponse:
    return answer(Thing("a", 1), headers={"X-Thing": "a"})


ROUTE: Final = Route(
    method="GET",
    path="/things/{id}",
    handler=show,
    operation=None,
    name="getThing",
    summary="A thing.",
    tag="Things",
    answers={200: Answer(body=Thing, description="The thing.", headers={"X-Thing": "Its name."})},
)

CONTRACT: Final = Contract(build([ROUTE]))
PASSING: Final = Contract(build([structs.replace(ROUTE, answered_by_blocks=True)]))


async def faults(change: Change, *, method: str = "GET", contract: Contract = CONTRACT) -> list[str]:
    """What is found when the answers of the route are changed on their way."""
    found: list[str] = []

    @web.middleware
    async def mutate(request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await handler(request)
        assert isinstance(response, web.Response)
        return change(response)

    app = web.Application(middlewares=[checking(contract, found), mutate])
    app.router.add_get(ROUTE.path, show)
    async with TestClient(TestServer(app)) as client, client.request(method, "/things/1") as response:
        await response.read()
    return found


def body(**fields: Any) -> Change:
    return lambda response: answer(fields, status=response.status, headers={"X-Thing": "a"})


def status(code: int) -> Change:
    return lambda response: answer({"error": "no"}, status=code, headers={"X-Thing": "a"})


def without_header(response: web.Response) -> web.StreamResponse:
    del response.headers["X-Thing"]
    return response


def with_header(response: web.Response) -> web.StreamResponse:
    response.headers["X-Other"] = "a"
    return response


def as_text(response: web.Response) -> web.StreamResponse:
    response.content_type = "text/plain"
    return response


async def test_an_answer_as_the_document_says_is_not_complained_of() -> None:
    assert await faults(lambda response: response) == []
    assert await faults(lambda response: response, method="HEAD") == []


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (body(name="a"), '"size" is a required property'),
        (body(name="a", length=1), "'length' was unexpected"),
        (body(name="a", size=1, colour="red"), "'colour' was unexpected"),
        (body(name="a", size="1"), 'is not of type "integer"'),
        (status(202), "the status 202 is not in the document"),
        (status(409), "the status 409 is not in the document"),
        (without_header, "the header X-Thing is missing"),
        (with_header, "the header x-other is not in the document"),
        (as_text, "the media type text/plain is not in the document"),
    ],
    ids=[
        "drops a field", "renames a field", "adds a field", "another type", "another status", "an error",
        "drops a header", "adds a header", "another media type",
    ],
)  # fmt: skip
async def test_a_mutant_is_found(change: Change, fault: str) -> None:
    assert fault in " ".join(await faults(change))


async def test_only_a_route_that_blocks_may_answer_passes_on_what_they_say() -> None:
    def by_block(_: web.Response) -> web.StreamResponse:
        return answer({"any": "thing"}, status=418, headers={BLOCK_HEADER: "true", "X-Any": "a"})

    assert await faults(by_block, contract=PASSING) == []
    assert await faults(by_block) != []


async def test_an_unknown_path_may_only_be_refused() -> None:
    assert CONTRACT.violations("GET", "/others", 200, {}, b"{}") == ["the status 200 is not in the document"]
    json = {"Content-Type": "application/json"}
    assert CONTRACT.violations("GET", "/others", 404, json, b'{"error":"Not found"}') == []
    assert CONTRACT.violations("PUT", "/things/{id}", 405, json, b'{"error":"no"}') == [
        "the header Allow is missing"
    ]
