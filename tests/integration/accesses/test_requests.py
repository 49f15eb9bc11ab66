"""What requests leave in the access log, from the request to the list that an auditor reads."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import ClientError, web

from signoff.audit.accesses import gathering, recorder
from signoff.gateway.http import sending
from support.executors import until
from support.gateways import APPROVAL, Server, serving, settings
from support.identities import Caller, add_workspace, workspace_key
from support.worlds import World

BOOTSTRAP = {"type": "apiKey", "id": "bootstrap"}


@pytest.fixture(scope="module", autouse=True)
def _soon() -> Iterator[None]:
    """What was seen is sent sooner than it need be."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(recorder, "EVERY", 0.1)
        patched.setattr(gathering, "JOINED", 0.1)
        yield


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def server() -> AsyncIterator[Server]:
    async with serving(settings(access_log_addresses=True)) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def world(server: Server) -> World:
    """A workspace of a test's own."""
    made = World(server, await add_workspace(server))
    await made.deploy("approval")
    return made


async def listed(world: World, *, at_least: int = 0, **params: str) -> list[dict[str, Any]]:
    """What was recorded, the oldest first, once there is so much; not that it was asked for."""
    found: list[dict[str, Any]] = []

    async def there() -> bool:
        page = await world.admin.do("GET", "/api/access-log", params=params)
        found[:] = [each for each in reversed(page["accesses"]) if each.get("operation") != "listAccesses"]
        return len(found) >= at_least

    await until(there)
    return found


async def somebody(world: World, *roles: str) -> Caller:
    return await workspace_key(world.server, *roles, workspace_id=world.workspace_id)


async def test_who_was_shown_what_is_listed_for_auditors(world: World) -> None:
    pause = await world.paused()
    await world.admin.do("GET", f"/api/executions/{pause.execution}/events", params={"from": "2"})
    await world.admin.do("GET", "/api/executions", params={"status": "paused", "text": "Ada", "limit": "7"})

    events, search = await listed(world, at_least=2, type="access:read")

    assert events["actor"] == BOOTSTRAP
    assert events["about"] == {
        "kind": "events", "names": {"executionId": pause.execution}, "filter": {"from": "2"},
    }  # fmt: skip
    assert (events["operation"], events["address"]) == ("listEvents", "127.0.0.1")
    assert search["about"] == {"kind": "executions", "filter": {"status": "paused", "text": "•••"}}


async def test_who_was_turned_away_is_listed_with_the_reason(world: World) -> None:
    approver = await somebody(world, "approver")
    path = "/api/workflows/approval"

    assert (await approver.call("PUT", path, json={"blocks": APPROVAL}))[0] == 403

    (refused,) = await listed(world, at_least=1, type="access:refused")
    assert refused["actor"]["type"] == "apiKey"
    assert refused["about"] == {"kind": "request", "names": {"workflowId": "approval"}}
    assert (refused["operation"], refused["permission"]) == ("deployWorkflow", "workflows:write")
    assert (refused["status"], refused["reason"]) == (403, "Access denied")


async def test_nobody_fills_the_log_with_names_of_their_own_making(world: World) -> None:
    headers = {"X-API-Key": "a wrong key", "X-Workspace-Id": world.workspace_id}
    for number in range(20):
        async with world.server.client.get(f"/api/jobs/invented-{number}", headers=headers) as response:
            assert response.status == 401

    async def all_counted() -> bool:
        return sum(each.get("count", 1) for each in await listed(world)) == 20

    await until(all_counted)
    for refused in await listed(world):
        assert "actor" not in refused
        assert (refused["about"], refused["status"]) == ({"kind": "execution"}, 401)


async def test_what_is_hidden_is_recorded_as_hidden_where_it_was_asked_for(
    world: World, server: Server
) -> None:
    there = World(server, await add_workspace(server))
    await there.deploy("approval")
    pause = await there.paused()

    for execution in (pause.execution, "never-was"):
        status, _ = await world.admin.call("GET", f"/api/executions/{execution}")
        assert status == 404

    (refused,) = await listed(world, at_least=1, type="access:refused")
    assert (refused["hidden"], refused["status"]) == (True, 404)
    assert refused["about"]["names"] == {"executionId": pause.execution}


async def test_a_request_for_a_workspace_that_is_not_the_callers_is_recorded_there(
    world: World, server: Server
) -> None:
    elsewhere = await add_workspace(server)
    stranger = await workspace_key(server, "read", workspace_id=elsewhere)

    status, _ = await stranger.within(world.workspace_id).call("GET", "/api/executions")

    assert status == 404
    (refused,) = await listed(world, at_least=1)
    assert (refused["type"], refused["reason"]) == ("access:refused", "Workspace not found")


async def test_a_refused_decision_is_one_fact_and_the_executors_own(world: World) -> None:
    pause = await world.paused()
    path = f"/api/resume/approval/{pause.execution}/{pause.context}"
    assert (await world.admin.call("POST", path, json={"approved": True}))[0] == 200

    assert (await world.admin.call("POST", path, json={"approved": False}))[0] == 409

    (refused,) = await listed(world, at_least=1)
    assert (refused["type"], refused["code"]) == ("decision:refused", "ALREADY_RESUMED")
    assert refused["reason"] == "Pause point already resumed or in progress"
    assert (refused["executionId"], refused["contextId"]) == (pause.execution, pause.context)


async def test_an_execution_is_found_by_each_of_its_ids(world: World) -> None:
    chosen = await world.paused(**{"X-Execution-Id": "chosen-1"})
    await world.admin.do(
        "POST", f"/api/resume/approval/chosen-1/{chosen.context}", json={"approved": True},
    )  # fmt: skip
    events = await world.admin.do("GET", "/api/executions/chosen-1/events", params={"limit": "100"})
    run = next(each["runId"] for each in events["events"] if each["type"] == "execution:resumed")
    await world.admin.do("GET", f"/api/jobs/{run}")

    found = await listed(world, at_least=2, executionId="chosen-1")

    assert [each["operation"] for each in found] == ["listEvents", "getJob"]


@pytest.mark.parametrize("mode", ["dry-run", "live"])
async def test_who_may_not_decide_in_a_fork_is_listed(world: World, mode: str) -> None:
    await world.admin.do(
        "PUT", "/api/workflows/asks-others",
        json={"blocks": {"ask": {"type": "human_in_the_loop", "selfApproval": False}}},
    )  # fmt: skip
    execution = await world.start("asks-others")
    await world.until(execution, "paused")
    body = {"mode": mode, "decision": {"contextId": "ask", "input": {}}}

    status, _ = await world.admin.call("POST", f"/api/executions/{execution}/forks", json=body)
    found = await listed(world, at_least=1, type="access:refused", executionId=execution)

    assert status == 403
    assert [each["operation"] for each in found] == ["forkExecution"]


@pytest.mark.parametrize("what", ["diff", "timelines"])
async def test_an_execution_is_found_where_another_one_was_compared_with_it(world: World, what: str) -> None:
    one, other = await world.paused(), await world.paused()
    await world.admin.do("GET", f"/api/executions/{one.execution}/{what}", params={"with": other.execution})

    found = await listed(world, at_least=1, executionId=other.execution)

    assert [each["about"]["filter"] for each in found] == [{"with": other.execution}]


async def test_who_breaks_off_in_the_middle_of_a_bundle_is_listed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    pause = await world.paused()
    write = web.StreamResponse.write

    async def lost(response: web.StreamResponse, piece: bytes) -> None:
        await write(response, piece)
        raise ConnectionError("Connection lost")  # as aiohttp has it where its buffer is full

    monkeypatch.setattr(web.StreamResponse, "write", lost)
    async with world.server.client.get(
        f"/api/executions/{pause.execution}/bundle", headers=world.admin.headers
    ) as answered:
        await answered.read()

    found = await listed(world, at_least=1, executionId=pause.execution)

    assert [(each["type"], each["operation"]) for each in found] == [("access:exported", "bundleExecution")]


async def test_who_reads_a_bundle_without_end_is_cut_off_and_listed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    pause = await world.paused()

    async def full(*_: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(sending, "_WRITE_LIMIT", 0.05)
    monkeypatch.setattr(web.StreamResponse, "write", full)
    path = f"/api/executions/{pause.execution}/bundle"
    async with world.server.client.get(path, headers=world.admin.headers) as answered:
        with pytest.raises(ClientError):
            await answered.read()

    assert len(await listed(world, at_least=1, executionId=pause.execution)) == 1


async def test_to_read_the_access_log_is_an_access_and_needs_permission(world: World) -> None:
    reader, auditor = await somebody(world, "read"), await somebody(world, "auditor")

    assert (await reader.call("GET", "/api/access-log"))[0] == 403

    async def recorded() -> bool:
        status, page = await auditor.call("GET", "/api/access-log")
        kinds = {(each["type"], each["operation"]) for each in page["accesses"]}
        return status == 200 and kinds >= {
            ("access:refused", "listAccesses"), ("access:read", "listAccesses"),
        }  # fmt: skip

    await until(recorded)


async def test_pages_follow_on_each_other(world: World) -> None:
    pause = await world.paused()
    for event in range(5):
        await world.admin.do("GET", f"/api/executions/{pause.execution}/events", params={"from": str(event)})
    whole = await listed(world, at_least=5, type="access:read")

    found: list[Any] = []
    params = {"limit": "2", "type": "access:read"}
    cursor: str | None = ""
    while cursor is not None:
        page = await world.admin.do("GET", "/api/access-log", params={**params, "cursor": cursor})
        found += [each for each in page["accesses"] if each["operation"] != "listAccesses"]
        cursor = page["nextCursor"]

    assert found == whole[::-1]


async def test_times_are_read_as_everywhere_else(world: World) -> None:
    await listed(world, **{"from": "2020-01-01", "to": "2099-12-31T00:00"})
    for name in ("from", "to"):
        status, answer = await world.admin.call("GET", "/api/access-log", params={name: "yesterday"})
        assert (status, answer["details"][0]["path"]) == (400, name)
        assert "must be a time such as 2026-05-01T12:00:00Z" in answer["details"][0]["message"]
    wrong_way_round = {"from": "2026-02-01", "to": "2026-01-01"}
    status, answer = await world.admin.call("GET", "/api/access-log", params=wrong_way_round)
    assert (status, answer["details"][0]["path"]) == (400, "from")


async def test_a_cursor_that_is_none_is_refused(world: World) -> None:
    for cursor in ("no cursor", "eyJkYXkiOiIwMDAxLTAxLTAxIn0", "eyJkYXkiOiJ4IiwiYmVmb3JlIjp7Ii0xIjoxfX0"):
        status, answer = await world.admin.call("GET", "/api/access-log", params={"cursor": cursor})
        assert (status, answer["details"][0]["path"]) == (400, "cursor")


async def test_reads_can_be_switched_off_and_refusals_stay() -> None:
    async with serving(settings(access_log="refusals")) as server:
        world = World(server, await add_workspace(server))
        await world.admin.do("GET", "/api/executions")
        headers = {"X-API-Key": "wrong", "X-Workspace-Id": world.workspace_id}
        async with server.client.get("/api/executions", headers=headers) as response:
            assert response.status == 401

        async with server.client.get("/api/executions", headers=world.admin.headers) as response:
            assert response.status == 200
        (refused,) = await listed(world, at_least=1)
        assert refused["type"] == "access:refused"
        assert "address" not in refused
