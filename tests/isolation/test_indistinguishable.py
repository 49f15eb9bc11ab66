"""Who is no member of a workspace cannot tell what is in it from what never was."""

import re
import secrets
from collections.abc import Awaitable, Callable, Mapping
from string import ascii_lowercase
from typing import Any, Final
from uuid import UUID

import pytest
import pytest_asyncio
from aiohttp.test_utils import TestClient
from msgspec import Struct

from signoff.events.ids import new_id
from signoff.gateway.http.routing import Endpoint
from signoff.gateway.openapi.elsewhere import ELSEWHERE
from signoff.gateway.routes import ALL
from support.gateways import APPROVAL, Server
from support.identities import Caller, add_person, nobody, sign_in
from support.kinds import KINDS, personal_key
from support.route_requests import PREPARED, Ask
from support.store_calls import StoreCalls
from support.worlds import CLOSED_PORT, World

PUBLIC: Final = frozenset({"getSchema"})
"""Routes whose paths name what is the same for everybody."""

ROUTES: Final = {
    each.name: each for each in (*ALL, *ELSEWHERE) if each.path_names and each.name not in PUBLIC
}
STRANGERS: Final = tuple(
    kind
    for kind in KINDS
    if kind.name
    in ("a member of another workspace", "another workspace's key", "an administrator of the installation")
)
UNTOLD: Final = frozenset({"Date", "Server-Timing"})
_CHANGING: Final = re.compile(
    r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|\d{4}-\d\d-\d\dT[\d:.]+Z|[0-9a-f]{64}"
    r'|"(token|secret|key)":"[^"]+"'
)


class Answered(Struct, frozen=True):
    """What a stranger sees of an answer, but for the ids that they sent and what is new each time."""

    status: int
    headers: Mapping[str, str]
    body: str
    calls: tuple[str, ...]


class Stranger:
    """Asks for what is another workspace's.

    Args:
        caller: a stranger's credential.
        client: of the service.
        calls: notes what it costs.
    """

    def __init__(self, caller: Caller, client: TestClient[Any, Any], calls: StoreCalls) -> None:
        self._caller = caller
        self._client = client
        self._calls = calls

    async def ask(self, method: str, path: str, sent: Mapping[str, str], **given: Any) -> Answered:
        """Send a request; ``sent`` are the ids in it."""
        headers = {"Connection": "close", **self._caller.headers, **given.pop("headers", {})}
        self._client.session.cookie_jar.clear()
        with self._calls.of_requests() as calls:
            async with self._client.request(method, path, headers=headers, **given) as response:
                is_stream = response.content_type == "text/event-stream" and response.status == 200
                body = "" if is_stream else await response.text()
        for name, value in sent.items():
            body = body.replace(f'"{value}"', f"<{name}>")
        told = {name: value for name, value in response.headers.items() if name not in UNTOLD}
        told.pop("ETag", None) if response.status < 400 else None
        return Answered(response.status, told, _CHANGING.sub("…", body), tuple(calls))


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def strangers(server: Server, world: World) -> dict[str, Caller]:
    """One of each kind, and nobody."""
    made = {kind.name: await kind.make(server, world.workspace_id) for kind in STRANGERS}
    return {**made, "nobody": nobody(server)}


async def insider(world: World) -> Caller:
    """A member, who may have things of their own."""
    _, address = await add_person(world.server, "admin", workspace_id=world.workspace_id)
    return await personal_key(await sign_in(world.server, address))


@pytest.fixture
def clients(world: World, streams: TestClient[Any, Any]) -> Callable[[str], TestClient[Any, Any]]:
    """The client for a route, by its name."""
    return lambda name: streams if name == "streamExecution" else world.server.client


@pytest.fixture
def calls(server: Server, monkeypatch: pytest.MonkeyPatch) -> StoreCalls:
    noted = StoreCalls()
    noted.watch(monkeypatch, server)
    return noted


def unlike(value: str) -> str:
    """An id of the same form and length that is nobody's."""
    if re.fullmatch(r"[0-9a-f]{64}", value):
        return secrets.token_hex(32)
    try:
        given = UUID(value)
    except ValueError:
        return "".join(secrets.choice(ascii_lowercase) for _ in value)
    return str(new_id()) if given.version == 7 else str(UUID(bytes=secrets.token_bytes(16), version=4))


def variants(names: Mapping[str, str]) -> list[dict[str, str]]:
    """The same ids with one of them, or all, being nobody's."""
    each = [{**names, name: unlike(value)} for name, value in names.items()]
    return [*each, {name: unlike(value) for name, value in names.items()}] if len(each) > 1 else each


@pytest.mark.parametrize("name", sorted(ROUTES))
async def test_ids_of_another_workspace_are_answered_as_ids_that_never_were(
    name: str,
    world: World,
    strangers: dict[str, Caller],
    clients: Callable[[str], TestClient[Any, Any]],
    calls: StoreCalls,
) -> None:
    route = ROUTES[name]
    existing = await PREPARED[name](world, await insider(world))

    different = {}
    for who, caller in strangers.items():
        if route.operation == "installation:manage" and who == "an administrator of the installation":
            continue  # users are theirs to see
        stranger = Stranger(caller, clients(name), calls)
        there = await _ask(stranger, route, existing)
        for names in variants(existing.names):
            never = await _ask(stranger, route, Ask(names, existing.given))
            if never != there:
                different[who, *(key for key in names if names[key] != existing.names[key])] = (there, never)
    assert different == {}


async def _ask(stranger: Stranger, route: Endpoint, ask: Ask) -> Answered:
    return await stranger.ask(route.method, ask.path(route), ask.names, **ask.given)


# Ids elsewhere than in the path -------------------------------------------------------------------------


async def _execution(world: World) -> str:
    return (await world.paused()).execution


async def _workspace(world: World) -> str:
    return world.workspace_id


async def _workflow(world: World) -> str:
    return await world.fresh_workflow()


class Named(Struct, frozen=True):
    """A place other than the path that an id may stand in.

    Attributes:
        method: of the request.
        path: of it.
        make: what is named: an id of another workspace's.
        say: the request that names it.
    """

    method: str
    path: str
    make: Callable[[World], Awaitable[str]]
    say: Callable[[str], dict[str, Any]]


def _as_json(make: Callable[[str], dict[str, Any]]) -> Callable[[str], dict[str, Any]]:
    return lambda value: {"json": make(value)}


def _as_query(name: str) -> Callable[[str], dict[str, Any]]:
    return lambda value: {"params": {name: value}}


def _bulk(workflow_id: str) -> dict[str, Any]:
    return {"action": "cancel", "filter": {"workflowId": [workflow_id]}}


def _bulk_decision(execution: str) -> dict[str, Any]:
    return {"decisions": [{"executionId": execution, "contextId": "approve", "input": {"approved": True}}]}


def _run_from(execution: str) -> dict[str, Any]:
    return {"runFromBlock": {"startBlockId": "approve", "executionId": execution}}


def _hook(workflow_id: str) -> dict[str, Any]:
    return {"url": CLOSED_PORT, "enabled": False, "workflowIds": [workflow_id]}


def _absence(user_id: str) -> dict[str, Any]:
    return {"delegateId": user_id, "since": "2026-05-04T09:00:00Z", "until": "2026-05-05T09:00:00Z"}


_TOKENS: Final = "/api/stream-tokens"
_RUN: Final = "/api/workflows/own/execute"
PLACES: Final[Mapping[str, Named]] = {
    "a header": Named("GET", "/api/workflows", _workspace, lambda it: {"headers": {"X-Workspace-Id": it}}),
    "the query": Named("GET", "/api/executions", _workspace, _as_query("workspaceId")),
    "a key's workspace": Named(
        "POST", "/api/users/me/keys", _workspace, _as_json(lambda it: {"name": "a", "workspaceId": it})
    ),
    "a feed token's workspace": Named(
        "POST", _TOKENS, _workspace, _as_json(lambda it: {"feed": {"workspaceId": it}})
    ),
    "a feed token's execution": Named(
        "POST", _TOKENS, _execution, _as_json(lambda it: {"feed": {"executionId": it}})
    ),
    "a stream token's execution": Named(
        "POST", _TOKENS, _execution, _as_json(lambda it: {"executionId": it})
    ),
    "a search's workflow": Named("GET", "/api/executions?counts=true", _workflow, _as_query("workflowId")),
    "a list of logs' workflow": Named("GET", "/api/v2/logs", _workflow, _as_query("workflowIds")),
    "a bulk action's workflow": Named("POST", "/api/executions/bulk", _workflow, _as_json(_bulk)),
    "a group's user": Named(
        "POST", "/api/groups", World.member, _as_json(lambda it: {"name": "g", "userIds": [it]})
    ),
    "a delegate": Named("PUT", "/api/users/me/absence", World.member, _as_json(_absence)),
    "an inbox's workflow": Named(
        "GET", "/api/inbox?scope=all&counts=true", _workflow, _as_query("workflowId")
    ),
    "a decision's execution": Named("POST", "/api/inbox/decisions", _execution, _as_json(_bulk_decision)),
    "the execution that a run begins from": Named("POST", _RUN, _execution, _as_json(_run_from)),
    "a webhook's workflow": Named("POST", "/api/hooks", _workflow, _as_json(_hook)),
}


@pytest.mark.parametrize("place", PLACES)
async def test_ids_anywhere_in_a_request_are_answered_as_ids_that_never_were(
    place: str, world: World, strangers: dict[str, Caller], calls: StoreCalls
) -> None:
    named = PLACES[place]
    existing = await named.make(world)
    never = unlike(existing)

    different = {}
    for who, caller in strangers.items():
        if caller.headers:
            await caller.do("PUT", "/api/workflows/own", json={"blocks": APPROVAL})
        stranger = Stranger(caller, world.server.client, calls)
        there, got = [
            await stranger.ask(named.method, named.path, {"id": each}, **named.say(each))
            for each in (existing, never)
        ]
        if got != there:
            different[who] = (there, got)
    assert different == {}


@pytest.mark.parametrize("parameter", ["workspaceId", "executionId", "workflowId"])
async def test_a_feed_tells_nothing_of_what_another_workspace_has(
    parameter: str,
    world: World,
    strangers: dict[str, Caller],
    streams: TestClient[Any, Any],
    calls: StoreCalls,
) -> None:
    pause = await world.paused()
    existing = {"workspaceId": world.workspace_id, "executionId": pause.execution, "workflowId": "approval"}[
        parameter
    ]
    never = unlike(existing)

    different = {}
    for who, caller in strangers.items():
        stranger = Stranger(caller, streams, calls)
        there, got = [
            await stranger.ask("GET", "/api/stream", {}, params={parameter: value})
            for value in (existing, never)
        ]
        if there != got:
            different[who] = (there, got)
    assert different == {}


@pytest.mark.parametrize("block", ["hook", "signed"])
async def test_nobody_can_find_out_by_deliveries_which_webhooks_a_workspace_has(
    block: str, world: World, calls: StoreCalls
) -> None:
    stranger = Stranger(nobody(world.server), world.server.client, calls)

    async def deliver(workflow_id: str, block_id: str, workspace_id: str) -> Answered:
        given: dict[str, Any] = {"json": {"a": 1}, "params": {"workspaceId": workspace_id}}
        return await stranger.ask("POST", f"/api/webhooks/{workflow_id}/{block_id}", {}, **given)

    there = await deliver("pushed", block, world.workspace_id)
    never = [
        await deliver("pushed", unlike(block), world.workspace_id),
        await deliver(unlike("pushed"), block, world.workspace_id),
        await deliver("pushed", block, unlike(world.workspace_id)),
    ]

    assert there.status == 401
    assert [(each.status, each.headers, each.body) for each in never] == 3 * [
        (there.status, there.headers, there.body)
    ]
