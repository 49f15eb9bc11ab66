"""`signoff mcp` as agents use it: the official client over standard input and output, and over HTTP."""

import asyncio
import json
import select
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import httpx2
import pytest
import pytest_asyncio
from mcp import Client, MCPError
from mcp.client.streamable_http import streamable_http_client

from e2e.shell import REPOSITORY, SIGNOFF, Embedded
from support.mcp_agents import LIMIT, Agent, Session, over_stdio, said

PATIENT = {
    "blocks": {
        "rest": {"type": "wait", "for": "200s", "then": "done"},
        "done": {"type": "variables", "set": {"rested": True}},
    }
}
VERBOSE = {
    "blocks": {
        "talk": {"type": "function", "code": "return Array.from({length: 500}, () => 'x'.repeat(1000));"}
    }
}
ALICE, BOB = "alice", "bob"
DEFAULT_WORKSPACE = "00000000-0000-0000-0000-000000000000"


def call(server: Embedded, method: str, path: str, body: object = None, *, key: str | None = None) -> Any:
    """Call a route of the server; gives its JSON."""
    request = Request(
        server.url + path,
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={"X-API-Key": key or server.key, "Content-Type": "application/json"},
    )
    with urlopen(request, timeout=20) as response:
        return json.loads(response.read() or b"null")


def key_of_a_new_user(server: Embedded, name: str) -> str:
    """The personal key of a service account that may read and decide."""
    user = call(server, "POST", "/api/users", {"name": name, "service": True})
    members = f"/api/workspaces/{DEFAULT_WORKSPACE}/members"
    call(server, "PUT", f"{members}/{user['id']}", {"roles": ["write", "approver"]})
    key: str = call(server, "POST", f"/api/users/{user['id']}/keys", {"name": name})["key"]
    return key


@pytest.fixture(scope="module")
def deployed(server: Embedded) -> Embedded:
    """The server with a workflow that rests for minutes, and one that says too much."""
    call(server, "PUT", "/api/workflows/patient", PATIENT)
    call(server, "PUT", "/api/workflows/verbose", VERBOSE)
    return server


@pytest.fixture(scope="module")
def keys(server: Embedded) -> dict[str, str]:
    """Keys of two users."""
    return {name: key_of_a_new_user(server, name) for name in (ALICE, BOB)}


@pytest_asyncio.fixture(scope="module")
async def agent(deployed: Embedded, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Agent]:
    """An agent with the server's own key, to whom workflows are tools."""
    session = Session(
        "--workflow-tools",
        errors=tmp_path_factory.mktemp("mcp") / "errors",
        SIGNOFF_URL=deployed.url,
        SIGNOFF_API_KEY=deployed.key,
    )
    yield await session.open()
    await session.close()


async def paused(agent: Agent) -> dict[str, Any]:
    """An execution that waits for a decision."""
    answer = await agent.ask(
        "start_workflow", workflow_id="refund-approval", input={"amount": 250, "customer": "Ada"}
    )
    assert answer["status"] == "paused", answer
    return answer


async def resting(agent: Agent) -> str:
    """An execution that rests."""
    answer = await agent.ask("start_workflow", workflow_id="patient", wait_seconds=0)
    execution_id: str = answer["execution_id"]
    return execution_id


async def test_workflows_are_listed_with_what_they_take(agent: Agent) -> None:
    listed = await agent.ask("list_workflows")
    shown = await agent.ask("get_workflow", workflow_id="refund-approval")

    assert "refund-approval" in [each["id"] for each in listed["workflows"]]
    assert shown["input_schema"] == {
        "type": "object",
        "properties": {
            "amount": {"type": "number"},
            "customer": {"type": "string", "default": "unknown"},
            "reason": {"type": "string"},
        },
        "required": ["amount"],
    }
    assert shown["decisions"] == ["approve"]


async def test_an_execution_that_completes_at_once_is_answered_with_its_output_and_its_progress(
    agent: Agent,
) -> None:
    told: list[str] = []

    async def hear(_at: float, _total: float | None, message: str | None) -> None:
        told.append(message or "")

    given = {"workflow_id": "refund-approval", "input": {"amount": 80, "customer": "Ada"}}
    result = await agent.client.call_tool("start_workflow", given, LIMIT, hear)

    answer = result.structured_content
    assert answer["status"] == "completed", answer
    assert answer["output"]["data"]["receipt"] == "R-ADA-80"
    assert json.loads(said(result)) == answer
    assert told[0] == f"started execution {answer['execution_id']}"
    assert "block pay completed" in told


async def test_clients_of_the_protocol_with_a_handshake_are_served_too(
    server: Embedded, tmp_path: Path
) -> None:
    told: list[float] = []

    async def hear(at: float, _total: float | None, _message: str | None) -> None:
        told.append(at)

    async with over_stdio(
        errors=tmp_path / "errors", mode="legacy", SIGNOFF_URL=server.url, SIGNOFF_API_KEY=server.key
    ) as agent:
        given = {"workflow_id": "refund-approval", "input": {"amount": 80}}
        answer = (await agent.client.call_tool("start_workflow", given, LIMIT, hear)).structured_content

    assert answer["status"] == "completed"
    assert told == sorted(told)
    assert told[-1] == answer["last_event_id"]


async def test_an_execution_that_needs_a_person_is_answered_with_what_they_are_asked(agent: Agent) -> None:
    answer = await paused(agent)

    [pending] = answer["waits_for"]
    assert pending["shown"]["Amount"] == 250
    assert pending["form"]["required"] == ["approved"]
    assert pending["form"]["properties"]["approved"]["type"] == "boolean"
    assert pending["context_id"] in pending["link"]
    assert "show them the `link`" in answer["next"]


async def test_a_call_again_with_an_execution_id_of_its_own_starts_nothing_twice(agent: Agent) -> None:
    given = {"workflow_id": "refund-approval", "execution_id": "once"}

    first = await agent.ask("start_workflow", **given, input={"amount": 1})
    again = await agent.ask("start_workflow", **given, input={"amount": 1})
    other = await agent.refusal("start_workflow", **given, input={"amount": 2})

    assert first["execution_id"] == again["execution_id"] == "once"
    assert first["started_at"] == again["started_at"]
    assert "the server refused" in other


async def test_an_execution_that_goes_on_is_answered_as_running_when_the_time_is_over(agent: Agent) -> None:
    answer = await agent.ask("start_workflow", workflow_id="patient", wait_seconds=0.5)

    assert answer["status"] not in ("completed", "failed"), answer
    assert (await agent.ask("get_execution", execution_id=answer["execution_id"]))["status"] == answer[
        "status"
    ]


async def test_following_goes_on_after_the_last_event_that_is_known(agent: Agent) -> None:
    execution_id = (await paused(agent))["execution_id"]

    whole = await agent.ask("follow_execution", execution_id=execution_id)
    rest = await agent.ask("follow_execution", execution_id=execution_id, after_event_id=2)

    assert whole["events"][0]["event_id"] == 1
    assert rest["events"] == [each for each in whole["events"] if each["event_id"] > 2]
    assert rest["last_event_id"] == whole["last_event_id"]


async def test_executions_are_found_by_status(agent: Agent) -> None:
    execution_id = (await paused(agent))["execution_id"]

    found = await agent.ask("search_executions", workflow_ids=["refund-approval"], statuses=["paused"])
    fewer = await agent.ask("search_executions", limit=1)
    forks = await agent.ask("search_executions", forked_from=execution_id)

    assert execution_id in [each["execution_id"] for each in found["executions"]]
    assert {each["status"] for each in found["executions"]} == {"paused"}
    assert len(fewer["executions"]) == 1
    assert "there are more" in fewer["note"]
    assert forks["executions"] == []


async def test_an_execution_is_cancelled_for_good(agent: Agent) -> None:
    execution_id = await resting(agent)

    first = await agent.ask("cancel_execution", execution_id=execution_id)
    again = await agent.ask("cancel_execution", execution_id=execution_id)

    assert (first["already"], again["already"]) == (False, True)
    assert (await agent.ask("get_execution", execution_id=execution_id))["status"] == "cancelled"


async def test_giving_up_on_a_call_cancels_the_waiting_and_not_the_execution(agent: Agent) -> None:
    started = asyncio.Event()
    ids: list[str] = []

    async def hear(_at: float, _total: float | None, message: str | None) -> None:
        ids.append((message or "").removeprefix("started execution "))
        started.set()

    given = {"workflow_id": "patient", "wait_seconds": 120}
    waiting = asyncio.create_task(agent.client.call_tool("start_workflow", given, 150, hear))
    async with asyncio.timeout(LIMIT):
        await started.wait()
    waiting.cancel()
    await asyncio.wait([waiting])

    answer = await agent.ask("get_execution", execution_id=ids[0])
    assert answer["status"] not in ("cancelled", "failed"), answer


async def test_calls_have_a_limit_and_those_that_are_given_up_make_room(agent: Agent) -> None:
    given = {"execution_id": await resting(agent), "wait_seconds": 120}
    all_wait = asyncio.Event()
    waiting = dict.fromkeys(range(32), False)

    def follow(number: int) -> "asyncio.Task[Any]":
        async def hear(_at: float, _total: float | None, _message: str | None) -> None:
            waiting[number] = True
            if all(waiting.values()):
                all_wait.set()

        return asyncio.create_task(agent.client.call_tool("follow_execution", given, 150, hear))

    calls = [follow(number) for number in waiting]
    async with asyncio.timeout(LIMIT):
        await all_wait.wait()
    too_many = await agent.refusal("list_workflows")
    for call in calls:
        call.cancel()
    await asyncio.wait(calls)

    assert "32 calls wait already" in too_many
    async with asyncio.timeout(LIMIT):
        while (await agent.client.call_tool("list_workflows", {}, LIMIT)).is_error:
            pass  # each answer is a moment for the calls to end in


async def test_what_waits_for_people_is_listed_and_not_decided(agent: Agent) -> None:
    execution_id = (await paused(agent))["execution_id"]

    of_all = await agent.ask("list_pauses", workflow_id="refund-approval", limit=50)
    of_one = await agent.ask("list_pauses", execution_id=execution_id)

    assert execution_id in [each["execution_id"] for each in of_all["pauses"]]
    assert [each["execution_id"] for each in of_one["pauses"]] == [execution_id]
    assert of_one["pauses"][0]["content_digest"]
    assert "decide" not in await agent.tools()


async def test_a_workflow_is_a_tool_with_the_schema_of_its_input(agent: Agent) -> None:
    tools = {tool.name: tool for tool in (await agent.client.list_tools()).tools}
    answer = await agent.ask("run_refund-approval", amount=3, customer="Ada")

    assert tools["run_refund-approval"].input_schema["required"] == ["amount"]
    assert answer["status"] == "completed"
    assert answer["output"]["data"]["amount"] == 3


async def test_an_answer_that_is_too_large_is_cut_and_says_so(agent: Agent) -> None:
    answer = await agent.ask("start_workflow", workflow_id="verbose")

    assert answer["status"] == "completed"
    assert len(json.dumps(answer)) < 100_000
    assert f"the whole: signoff://executions/{answer['execution_id']}" in answer["note"]


async def test_definitions_executions_and_events_are_resources(agent: Agent) -> None:
    execution_id = (await paused(agent))["execution_id"]

    async def read(uri: str) -> Any:
        [contents] = (await agent.client.read_resource(uri)).contents
        return json.loads(contents.text)

    listed = [str(each.uri) for each in (await agent.client.list_resources()).resources]
    definition = await read("signoff://workflows/refund-approval")
    execution = await read(f"signoff://executions/{execution_id}")
    events = await read(f"signoff://executions/{execution_id}/events?after=1")

    assert "signoff://workflows/refund-approval" in listed
    assert "approve" in [each["id"] for each in definition["definition"]["blocks"]]
    assert execution["status"] == "paused"
    assert [each["eventId"] for each in events["events"]][:2] == [2, 3]


async def test_arguments_that_do_not_fit_are_named(agent: Agent) -> None:
    assert "wait_seconds" in await agent.refusal(
        "follow_execution", execution_id="any", wait_seconds="a while"
    )
    assert "`workflow`" in await agent.refusal("get_workflow", workflow="refund-approval")


async def test_what_does_not_exist_is_said_so(agent: Agent) -> None:
    assert "Workflow not found" in await agent.refusal("start_workflow", workflow_id="nope")
    with pytest.raises(MCPError, match="there is no tool run_nope"):
        await agent.client.call_tool("run_nope", {}, LIMIT)
    with pytest.raises(MCPError, match="there is no resource signoff://nope"):
        await agent.client.read_resource("signoff://nope")


async def test_a_wrong_key_is_answered_with_what_to_set(server: Embedded, tmp_path: Path) -> None:
    async with over_stdio(
        errors=tmp_path / "errors", SIGNOFF_URL=server.url, SIGNOFF_API_KEY="nobodys"
    ) as stranger:
        assert "set SIGNOFF_API_KEY" in await stranger.refusal("list_workflows")
        with pytest.raises(MCPError, match="set SIGNOFF_API_KEY"):
            await stranger.client.read_resource("signoff://workflows/refund-approval")


async def test_a_server_that_is_away_is_named(embedded: Embedded, tmp_path: Path) -> None:
    async with over_stdio(
        errors=tmp_path / "errors", SIGNOFF_URL=embedded.url, SIGNOFF_API_KEY="any"
    ) as agent:
        assert f"no server answers at {embedded.url}" in await agent.refusal("list_workflows")


async def test_an_approver_decides_with_a_key_of_their_own_on_what_was_shown(
    deployed: Embedded, keys: dict[str, str], tmp_path: Path
) -> None:
    async with over_stdio(
        "--decide-with-key-env", "APPROVER_KEY", errors=tmp_path / "errors",
        SIGNOFF_URL=deployed.url, SIGNOFF_API_KEY=keys[ALICE], APPROVER_KEY=keys[BOB],
    ) as agent:  # fmt: skip
        assert "decide" in await agent.tools()
        [pending] = (await paused(agent))["waits_for"]
        place = {name: pending[name] for name in ("execution_id", "context_id")}
        decision = {**place, "content_digest": pending["content_digest"], "input": {"approved": True}}

        unseen = await agent.refusal("decide", **{**decision, "content_digest": "another"})
        misfit = await agent.refusal("decide", **{**decision, "input": {"approved": "perhaps"}})
        decided = await agent.ask("decide", **decision)
        late = await agent.refusal("decide", **decision)

    assert "not what you saw" in unseen
    assert "approved" in misfit
    assert decided["status"] == "completed"
    assert decided["output"]["data"]["refunded"] is True
    assert decided_by(deployed, pending["execution_id"]) == keys_of(deployed, keys[BOB])
    assert "waits for no decision any more" in late


def decided_by(server: Embedded, execution_id: str) -> list[str]:
    """The ids of the keys that decided, as the log has them."""
    events = call(server, "GET", f"/api/executions/{execution_id}/events?limit=1000")["events"]
    return [each["data"]["actor"]["id"] for each in events if each["type"] == "execution:resumed"]


def keys_of(server: Embedded, key: str) -> list[str]:
    """The ids of a user's keys."""
    return [each["id"] for each in call(server, "GET", "/api/users/me/keys", key=key)["keys"]]


@pytest.mark.parametrize("agent_key", ["the very same key", "another key of the same user"])
async def test_an_agent_and_an_approver_who_are_one_are_refused_at_the_start(
    agent_key: str, server: Embedded, keys: dict[str, str]
) -> None:
    if agent_key == "the very same key":
        acts_with, refusal = keys[BOB], "holds the agent's own key"
    else:
        user = call(server, "GET", "/api/users/me", key=keys[BOB])["id"]
        acts_with = call(server, "POST", f"/api/users/{user}/keys", {"name": "second"})["key"]
        refusal = "are of the same user"

    done = await mcp_command(
        "--decide-with-key-env", "APPROVER_KEY",
        SIGNOFF_URL=server.url, SIGNOFF_API_KEY=acts_with, APPROVER_KEY=keys[BOB],
    )  # fmt: skip

    assert done.returncode == 2
    assert refusal in done.stderr
    assert done.stdout == ""


async def test_a_key_that_is_nobodys_own_decides_nothing(server: Embedded, keys: dict[str, str]) -> None:
    done = await mcp_command(
        "--decide-with-key-env", "APPROVER_KEY",
        SIGNOFF_URL=server.url, SIGNOFF_API_KEY=keys[ALICE], APPROVER_KEY=server.key,
    )  # fmt: skip

    assert done.returncode == 2
    assert "is no user's own" in done.stderr


async def test_over_http_each_request_acts_with_its_own_key(deployed: Embedded) -> None:
    with http_server(deployed) as url:
        async with with_key(url, deployed.key) as agent:
            execution = await paused(agent)
        async with with_key(url, "nobodys") as stranger:
            refused = await stranger.refusal("get_execution", execution_id=execution["execution_id"])
        async with httpx2.AsyncClient() as client:
            without = await client.post(url, json={})
            rebound = await client.post(
                url, json={}, headers={"Host": "elsewhere.example", "Authorization": "Bearer any"}
            )

    assert "does not know this key" in refused
    assert (without.status_code, without.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert rebound.status_code == 421


async def test_http_is_served_on_this_machine_alone() -> None:
    done = await mcp_command("--http", "0.0.0.0:8765")

    assert done.returncode == 2
    assert "0.0.0.0:8765 is no address of this machine alone" in done.stderr


async def mcp_command(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Run `signoff mcp`, which ends by itself."""
    return await asyncio.to_thread(
        subprocess.run,
        [SIGNOFF, "mcp", *arguments],
        env=environment,
        cwd=REPOSITORY,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=False,
    )


@contextmanager
def http_server(server: Embedded) -> Iterator[str]:
    """A `signoff mcp` over HTTP; gives its URL."""
    process = subprocess.Popen(
        [SIGNOFF, "mcp", "--http", "127.0.0.1:0"],
        env={"SIGNOFF_URL": server.url},
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    try:
        assert select.select([process.stderr], [], [], LIMIT)[0], "it does not start"
        yield process.stderr.readline().split()[-1]
    finally:
        process.terminate()
        process.communicate(timeout=LIMIT)


@asynccontextmanager
async def with_key(url: str, key: str) -> AsyncIterator[Agent]:
    """An agent over HTTP."""
    http = httpx2.AsyncClient(headers={"Authorization": f"Bearer {key}"}, timeout=LIMIT)
    async with http, Client(streamable_http_client(url, http_client=http)) as client:
        yield Agent(client)
