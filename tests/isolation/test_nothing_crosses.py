"""The same names in two workspaces are two things, and what one workspace has turns up in no other."""

from typing import Any, Final

import pytest
import pytest_asyncio
from aiohttp.test_utils import TestClient

from signoff.gateway.routes import ALL
from signoff.runtime.settings import Rate
from support.gateways import Server
from support.identities import (
    Caller,
    add_person,
    add_workspace,
    nobody,
    serving_people,
    sign_in,
    workspace_key,
)
from support.kinds import personal_key
from support.route_requests import PREPARED
from support.worlds import DEFINITIONS, World, build

LISTS: Final = {
    each.name: each for each in ALL if each.method == "GET" and not each.path_names and each.operation
}

COMMON: Final = frozenset({*DEFINITIONS, "calls", "same", "tells"})
"""Names that both workspaces have."""


class Side:
    """A workspace, and somebody who belongs to it alone."""

    def __init__(self, world: World, caller: Caller) -> None:
        self.world = world
        self.caller = caller

    @classmethod
    async def of(cls, world: World) -> "Side":
        _, address = await add_person(world.server, "admin", workspace_id=world.workspace_id)
        return cls(world, await personal_key(await sign_in(world.server, address)))

    async def run(self, workflow: str, text: Any, **headers: str) -> dict[str, Any]:
        """Run a workflow whose input has a text; gives the answer."""
        path = f"/api/workflows/{workflow}/execute"
        answer = await self.caller.do("POST", path, json={"input": {"text": text}}, headers=headers)
        return dict(answer)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def ours(world: World) -> Side:
    return await Side.of(world)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def theirs(server: Server) -> Side:
    return await Side.of(await build(server, await add_workspace(server, "Other")))


async def test_an_execution_id_is_unique_in_its_workspace_alone(ours: Side, theirs: Side) -> None:
    ran = [
        await side.run("large", f"of {side.world.workspace_id}", **{"X-Execution-Id": "same"})
        for side in (ours, theirs)
    ]

    for side, answer in zip((ours, theirs), ran, strict=True):
        path = "/api/workflows/large/executions/same?includeOutput=true"
        shown = await side.caller.do("GET", path)
        assert answer["executionId"] == "same"
        assert shown["finalOutput"] == {"text": f"of {side.world.workspace_id}"}


async def test_an_idempotency_key_is_its_workspaces_own(ours: Side, theirs: Side) -> None:
    ran = [await side.run("large", "same", **{"Idempotency-Key": "same"}) for side in (ours, theirs)]
    made = [
        await side.caller.do(
            "POST", "/api/keys", json={"name": "a", "roles": ["read"]}, headers={"Idempotency-Key": "same"}
        )
        for side in (ours, theirs)
    ]

    assert ran[0]["executionId"] != ran[1]["executionId"]
    assert made[0]["key"] != made[1]["key"]
    assert [each["workspaceId"] for each in made] == [ours.world.workspace_id, theirs.world.workspace_id]


async def test_a_delivery_starts_an_execution_in_each_workspace(ours: Side, theirs: Side) -> None:
    begun = [
        await side.caller.do("POST", "/api/webhooks/pushed/hook", json={}, headers={"Webhook-Id": "same"})
        for side in (ours, theirs)
    ]

    assert begun[0]["executionId"] != begun[1]["executionId"]


@pytest.mark.parametrize("name", sorted(LISTS))
async def test_a_list_holds_nothing_of_another_workspace(name: str, ours: Side, theirs: Side) -> None:
    mine = await _everything(ours)
    ask = await PREPARED[name](theirs.world, theirs.caller)

    status, body = await theirs.caller.get(LISTS[name].path, **ask.given)

    assert status == (403 if LISTS[name].operation == "installation:manage" else 200)
    assert [each for each in mine if repr(each) in str(body)] == []


async def _everything(side: Side) -> list[str]:
    """The ids of one of each."""
    world = side.world
    made = (World.fresh_workflow, World.hook, World.key, World.group, World.member, World.file)
    return [world.workspace_id, (await world.paused()).execution, *[await make(world) for make in made]]


@pytest.mark.parametrize(
    ("path", "rows"),
    [
        ("/api/workflows", "workflows"),
        ("/api/executions", "executions"),
        ("/api/v2/workflows", "data"),
        ("/api/v2/workflows/approval/runs", "data"),
        ("/api/v2/logs", "data"),
        ("/api/v2/audit-logs", "data"),
        ("/api/keys", "keys"),
        ("/api/groups", "groups"),
    ],
)
async def test_a_cursor_of_another_workspace_opens_nothing_of_it(
    path: str, rows: str, ours: Side, theirs: Side
) -> None:
    for side in (ours, theirs):
        for _ in range(2):
            await _everything(side)
    first = await ours.caller.do("GET", path, params={"limit": "1"})
    assert first["nextCursor"]
    everything = await ours.caller.do("GET", path, params={"limit": "100"})
    known = {str(each.get("id", each.get("executionId", each.get("runId")))) for each in everything[rows]}

    status, body = await theirs.caller.get(path, params={"limit": "100", "cursor": first["nextCursor"]})

    assert status in (200, 400)
    assert [each for each in known - COMMON if repr(each) in str(body)] == []


async def test_a_file_named_in_another_workspaces_input_is_not_read(ours: Side, theirs: Side) -> None:
    content = b"what only our workspace may read"
    key = await ours.world.file(content)
    file = {
        "id": key,
        "name": "a.txt",
        "url": f"/api/files/{key}",
        "size": len(content),
        "type": "text/plain",
        "key": key,
    }

    own = await ours.run("large", file)
    stolen = await theirs.run("large", file)

    assert "base64" in own["output"]["text"]
    assert "base64" not in stolen["output"]["text"]


async def test_a_large_value_named_in_another_workspaces_input_is_not_read(ours: Side, theirs: Side) -> None:
    _, digest = await ours.world.large("y" * 300_000)
    reference = {"$blob": f"sha256:{digest}", "size": 300_002, "mediaType": "application/json"}

    stolen = await theirs.run("large", reference)

    assert stolen["output"]["text"] == reference


async def test_the_same_large_value_in_two_workspaces_is_kept_twice(ours: Side, theirs: Side) -> None:
    text = "z" * 300_000
    execution, digest = await ours.world.large(text)
    other, same = await theirs.world.large(text)

    assert digest == same
    assert (await theirs.caller.get(f"/api/executions/{execution}/blobs/{digest}"))[0] == 404
    assert (await theirs.caller.get(f"/api/executions/{other}/blobs/{digest}"))[0] == 200


async def test_environment_values_are_their_workspaces_alone(ours: Side, theirs: Side) -> None:
    blocks = {"tell": {"type": "variables", "set": {"told": "{{ONLY_OURS}}"}}}
    await ours.caller.do("PUT", "/api/environment/ONLY_OURS", json={"value": "our value"})
    for side in (ours, theirs):
        await side.caller.do("PUT", "/api/workflows/tells", json={"blocks": blocks})

    told = await theirs.caller.post("/api/workflows/tells/execute", json={})

    assert "our value" not in str(told)


async def test_a_workflow_of_another_workspace_cannot_be_called(ours: Side, theirs: Side) -> None:
    child = await ours.world.fresh_workflow()
    blocks = {"call": {"type": "workflow", "workflow": child}}
    await theirs.caller.call("PUT", "/api/workflows/calls", json={"blocks": blocks})

    status, body = await theirs.caller.post("/api/workflows/calls/execute", json={})

    assert status in (404, 500), body
    listed = await ours.caller.do("GET", "/api/executions", params={"workflowId": child})
    assert listed["executions"] == []


async def test_a_feed_has_no_event_of_another_workspace(
    ours: Side, theirs: Side, streams: TestClient[Any, Any]
) -> None:
    async with streams.get("/api/stream", headers=theirs.caller.headers) as response:
        await response.content.readuntil(b'{"type":"feed:opened"}\n\n')
        secret = await ours.run("large", "a text of ours")
        own = await theirs.run("large", "a text of theirs")
        seen = b""
        while own["executionId"].encode() not in seen or b"execution:completed" not in seen:
            seen += await response.content.readline()

    assert secret["executionId"].encode() not in seen
    assert b"a text of ours" not in seen


async def test_a_stream_token_opens_the_one_stream_it_is_for(
    ours: Side, theirs: Side, streams: TestClient[Any, Any]
) -> None:
    mine, other = (await ours.world.paused()).execution, (await theirs.world.paused()).execution
    made = await theirs.caller.do("POST", "/api/stream-tokens", json={"executionId": other})

    async def opened(execution: str) -> tuple[int, str]:
        path = f"/api/workflows/approval/executions/{execution}/stream"
        async with streams.get(path, params={"token": made["token"]}) as response:
            text = await response.text()
            return response.status, text if response.status >= 400 else ""

    assert await opened(other) == (200, "")
    assert await opened(mine) == await opened("00000000-0000-4000-8000-000000000000")
    assert (await opened(mine))[0] in (403, 404)


async def test_one_workspaces_requests_use_up_no_other_ones_rate() -> None:
    with pytest.MonkeyPatch.context() as patched:
        async with serving_people(patched, workspace_rate_reads=Rate(3, 3600.0)) as server:
            ours = await workspace_key(server, "read", workspace_id=await add_workspace(server))
            theirs = await workspace_key(server, "read", workspace_id=await add_workspace(server))

            # The making of its key was the first of three.
            spent = [(await ours.get("/api/workflows"))[0] for _ in range(3)]

            assert spent == [200, 200, 429]
            assert (await theirs.get("/api/workflows"))[0] == 200
            assert (await nobody(server).get("/api/workflows"))[0] == 401
