"""The Python client against a server that is killed, and the page that tells of it."""

import asyncio
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest

from e2e.shell import REPOSITORY, Embedded
from signoff.client import AsyncClient, PermissionDeniedError, StreamEvent

PAGE = REPOSITORY / "docs" / "client.md"
RUNNER = Path(__file__).with_name("run_page.py")
LIMIT = 40.0
HELLO = """
input: {name: string}
blocks:
  say: {type: response, data: {said: "hello <start.name>"}}
"""
DAILY = """
blocks:
  mornings: {type: schedule, cron: "0 9 * * 1-5", then: say}
  say: {type: function, code: "return 1"}
"""

_SHOWN = re.compile(r"^```text\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_CHANGING = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@pytest.fixture
def served(embedded: Embedded) -> Iterator[Embedded]:
    """A server with the examples."""
    embedded.serve("--examples")
    yield embedded
    embedded.kill()


def connect(server: Embedded) -> AsyncClient:
    return AsyncClient(server.url, server.key, patience=LIMIT)


async def restart(server: Embedded) -> None:
    """Kill a server as a power failure would, and start it on the same data."""
    await asyncio.to_thread(server.kill)
    await asyncio.to_thread(server.serve)


async def test_a_follower_misses_and_repeats_nothing_when_the_server_is_killed(served: Embedded) -> None:
    seen: list[StreamEvent] = []
    paused = asyncio.Event()

    async def follow() -> None:
        async for event in execution.follow(through_pauses=True):
            seen.append(event)
            if event.type == "execution:paused":
                paused.set()

    async with asyncio.timeout(LIMIT), connect(served) as client:
        execution = await client.executions.start("refund-approval", {"amount": 250, "customer": "Ada"})
        following = asyncio.create_task(follow())
        await paused.wait()
        await restart(served)
        await execution.resume("approve", {"approved": True})
        await following
        recorded = [event async for event in execution.events()]

    assert [event.raw for event in seen] == [event.raw for event in recorded]
    assert [event.event_id for event in seen] == list(range(1, len(seen) + 1))
    assert seen[-1].type == "execution:completed"


async def test_a_feed_misses_and_repeats_nothing_when_the_server_is_killed(served: Embedded) -> None:
    seen: list[str] = []

    async with asyncio.timeout(LIMIT), connect(served) as client:
        cursor = await client.present()
        execution = await client.executions.start("refund-approval", {"amount": 250, "customer": "Ada"})
        feed = client.feed(types=["execution:*"], workflows=["refund-approval"], cursor=cursor)
        async for event in feed:
            seen.append(event.type)
            if event.type == "execution:paused":
                await restart(served)
                await execution.resume("approve", {"approved": True})
            if event.type == "execution:completed":
                break
        await feed.aclose()

    assert seen == ["execution:started", "execution:paused", "execution:resumed", "execution:completed"]


async def test_a_call_made_while_the_server_restarts_is_done_once(served: Embedded) -> None:
    async with asyncio.timeout(LIMIT), AsyncClient(served.url, served.key, max_retries=20) as client:
        await asyncio.to_thread(served.kill)
        starting = asyncio.create_task(
            client.executions.start("refund-approval", {"amount": 250}, execution_id="once")
        )
        await asyncio.to_thread(served.serve)
        execution = await starting
        await execution.wait_until("paused")
        found = [each.execution_id async for each in client.executions.search(workflows=["refund-approval"])]

    assert found == ["once"]


async def test_a_workspace_is_set_up_and_its_keys_act_in_it(server: Embedded) -> None:
    async with asyncio.timeout(LIMIT), connect(server) as admin:
        workspace = await admin.workspaces.create("Finance")
        member = await admin.workspaces.add_member(workspace.id, "ada@example.org", ["admin"], name="Ada")
        robot = await admin.users.create("robot", service=True)
        await admin.workspaces.set_member(workspace.id, robot.id, ["write"])
        key = await admin.users.keys(robot.id).create("nightly", roles=["write"])
        async with AsyncClient(server.url, key.key, workspace.id) as client:
            await client.workflows.deploy("hello", HELLO)
            answer = await client.executions.run("hello", {"name": "Ada"})
            own = [each.id async for each in client.own_keys.list()]
            seen = [each.id async for each in client.workspaces.list()]
            usage = await client.usage()
            with pytest.raises(PermissionDeniedError):
                await client.users.get(robot.id)
        members = {each.id: each.roles async for each in admin.workspaces.members(workspace.id)}

    assert answer.output == {"said": "hello Ada"}
    assert (own, seen) == ([key.id], [workspace.id])
    assert usage.rate_limit.sync.limit is None
    assert members == {member.id: ["admin"], robot.id: ["write"]}


async def test_the_keys_of_a_service_account_are_listed_rotated_and_revoked(server: Embedded) -> None:
    async with asyncio.timeout(LIMIT), connect(server) as admin:
        robot = await admin.users.create("robot", service=True)
        keys = admin.users.keys(robot.id)
        made = await keys.create("nightly", roles=["read"])
        rotated = await keys.rotate(made.id, overlap_seconds=60)
        (listed,) = [each async for each in keys.list()]
        await keys.revoke(made.id)
        left = [each async for each in keys.list()]

    assert (listed.id, listed.user_id, listed.roles) == (made.id, robot.id, ["read"])
    assert rotated.key != made.key
    assert left == []


async def test_an_execution_is_seen_as_it_was_and_a_run_by_itself(served: Embedded) -> None:
    async with asyncio.timeout(LIMIT), connect(served) as client:
        execution = await client.executions.start("refund-approval", {"amount": 250, "customer": "Ada"})
        await execution.wait_until("paused")
        waiting = await execution.state()
        await execution.resume("approve", {"approved": True})
        await execution.wait()
        over = await execution.state(include_output=True)
        before = await execution.state(as_of=waiting.event_id)
        run = client.executions.handle(execution.id, run_id=over.queue[0].run_id)
        first, second = await execution.job(), await run.job()

    assert before == waiting
    assert (waiting.status, waiting.pause_points[0].is_open, waiting.queue) == ("paused", True, [])
    assert (over.status, over.input) == ("completed", {"amount": 250, "customer": "Ada"})
    assert (over.queue[0].context_id, over.queue[0].status) == ("approve", "completed")
    assert (first.status, second.status, second.output) == ("completed", "completed", over.final_output)


async def test_a_token_opens_a_stream_and_a_feed_without_a_key(served: Embedded) -> None:
    async with asyncio.timeout(LIMIT), connect(served) as client, aiohttp.ClientSession() as browser:
        execution = await client.executions.start("refund-approval", {"amount": 5, "customer": "Ada"})
        await execution.wait()
        path = f"/api/workflows/refund-approval/executions/{execution.id}/stream"
        token, feed = await execution.stream_token(), await client.feed_token(types=["execution:*"])
        async with browser.get(served.url + path, params={"token": token.token}) as response:
            streamed = await response.text()
        async with browser.get(f"{served.url}/api/stream", params={"token": feed.token}) as response:
            status = response.status

    assert '"type":"execution:completed"' in streamed
    assert status == 200


async def test_the_settings_of_a_workspace_are_set_changed_and_removed(server: Embedded) -> None:
    async with asyncio.timeout(LIMIT), connect(server) as client:
        group = await client.groups.create("accounting", roles=["approver"])
        renamed = await client.groups.update(group.id, "money", roles=[], user_ids=[])
        hook = await client.hooks.create("https://example.com/in?token=s3cret", types=["pause:opened"])
        rotated = await client.hooks.rotate(hook.hook_id)
        switched = await client.hooks.update(hook.hook_id, enabled=False)
        dead = [each async for each in client.hooks.deliveries(hook.hook_id, state="dead")]
        key = await client.keys.create("ci", roles=["read"], idempotency_key="ci-1")
        again = await client.keys.create("ci", roles=["read"], idempotency_key="ci-1")
        await client.workflows.deploy("daily", DAILY)
        schedule = await client.schedules.switch("daily", "mornings", enabled=False)
        listed = [each async for each in client.schedules.list()]
        versions = [each.version async for each in client.workflows.versions("daily")]
        for removal in (client.groups.remove(group.id), client.hooks.remove(hook.hook_id)):
            await removal
        await client.keys.revoke(key.id)
        left = (
            [each.id async for each in client.groups.list() if each.id == group.id],
            [each.id async for each in client.keys.list() if each.id == key.id],
        )

    assert (renamed.name, switched.enabled, dead) == ("money", False, [])
    assert "s3cret" not in switched.url
    assert rotated.secret != hook.secret
    assert key.key == again.key
    assert (schedule.enabled, listed, versions) == (False, [schedule], [1])
    assert left == ([], [])


def test_the_programs_of_the_page_print_what_it_says(served: Embedded) -> None:
    done = subprocess.run(
        [sys.executable, RUNNER, PAGE],
        cwd=REPOSITORY,
        env=served.environment | {"SIGNOFF_API_KEY": served.key},
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert _CHANGING.sub("<id>", done.stdout) == "".join(_SHOWN.findall(PAGE.read_text()))
