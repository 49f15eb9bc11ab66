"""Outgoing webhooks over HTTP, delivered by a real executor to a receiver on loopback."""

import json
import time
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web
from standardwebhooks import Webhook

from signoff.access.hooks import DEAD, TARGET, Dead, HookRecords
from signoff.access.secrets.sealing import Sealer
from signoff.events.times import iso
from signoff.events.topics import DEFAULT_WORKSPACE
from signoff.gateway.gateway import GATEWAY
from support.gateways import APPROVAL, KEY, Server, serving, settings
from support.hooks import Receiver
from support.identities import workspace_key

ONE = {"one": {"type": "variables", "set": {"paid": True}}}
UNKNOWN = "00000000-0000-0000-0000-000000000000"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def server() -> AsyncIterator[Server]:
    async with serving(settings(allow_private_networks=("127.0.0.0/8",))) as server:
        # One server for all tests: no connection, and no task of one, outlives the test that opened it.
        server.client.session.headers["Connection"] = "close"
        yield server


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with Receiver().serving() as receiver:
        yield receiver


@pytest.fixture
async def hook(server: Server, receiver: Receiver) -> AsyncIterator[dict[str, Any]]:
    """A hook that is told of everything that executions of all workflows come to."""
    status, hook = await server.post("/api/hooks", json={"url": receiver.url("/hook?tenant=7")})
    assert status == 201, hook
    yield hook
    await delete(server, f"/api/hooks/{hook['hookId']}")


async def delete(server: Server, path: str) -> int:
    async with server.client.delete(path, headers={"X-API-Key": KEY}) as response:
        return response.status


def types(receiver: Receiver) -> list[str]:
    return [json.loads(each.body)["type"] for each in receiver.received]


async def test_a_hook_is_told_of_an_execution_from_its_start_to_its_end(
    server: Server, receiver: Receiver, hook: dict[str, Any]
) -> None:
    workflow_id = await server.deploy(APPROVAL)
    await server.execute(workflow_id, json={"input": {"amount": 5}})
    await receiver.until(lambda: len(receiver.received) >= 3)
    assert types(receiver)[:3] == ["execution:started", "pause:opened", "execution:paused"]


async def test_what_is_sent_is_signed_as_standard_webhooks_verifies_it(
    server: Server, receiver: Receiver, hook: dict[str, Any]
) -> None:
    execution = await server.execute(await server.deploy(ONE))
    await receiver.until(lambda: receiver.received)
    sent = receiver.received[0]
    event = Webhook(hook["secret"]).verify(sent.body, sent.headers)
    assert (event["executionId"], event["type"]) == (execution["executionId"], "execution:started")


async def test_after_a_rotation_both_secrets_verify(
    server: Server, receiver: Receiver, hook: dict[str, Any]
) -> None:
    status, rotated = await server.post(f"/api/hooks/{hook['hookId']}/rotate")
    assert status == 200
    assert rotated["secret"] != hook["secret"]
    assert rotated["previousSecretUntil"] > iso(time.time() + 23 * 3600)
    await server.execute(await server.deploy(ONE))
    await receiver.until(lambda: receiver.received)
    sent = receiver.received[0]
    for secret in (hook["secret"], rotated["secret"]):
        Webhook(secret).verify(sent.body, sent.headers)


async def test_a_rotation_with_the_same_key_again_gives_the_same_secret(
    server: Server, hook: dict[str, Any]
) -> None:
    path, headers = f"/api/hooks/{hook['hookId']}/rotate", {"Idempotency-Key": "rotate-1"}
    _, first = await server.post(path, headers=headers)
    _, second = await server.post(path, headers=headers)
    assert first["secret"] == second["secret"]


async def test_a_test_is_signed_and_its_answer_told(
    server: Server, receiver: Receiver, hook: dict[str, Any]
) -> None:
    receiver.answer = lambda _: web.Response(status=418)
    status, tested = await server.post(f"/api/hooks/{hook['hookId']}/test")
    assert (status, tested["delivered"], tested["status"]) == (200, False, 418)
    assert tested["error"] == "answered 418 I'm a Teapot"
    sent = receiver.received[0]
    body = Webhook(hook["secret"]).verify(sent.body, sent.headers)
    assert body["type"] == "hook:test"
    assert body["data"]["hookId"] == hook["hookId"]


async def test_a_test_with_the_same_key_again_sends_nothing_and_tells_the_first_answer(
    server: Server, receiver: Receiver, hook: dict[str, Any]
) -> None:
    path, headers = f"/api/hooks/{hook['hookId']}/test", {"Idempotency-Key": "test-1"}
    first = await server.post(path, headers=headers)
    assert await server.post(path, headers=headers) == first
    assert len(receiver.received) == 1


async def test_the_secret_is_shown_once_and_the_query_never(server: Server, hook: dict[str, Any]) -> None:
    assert hook["secret"].startswith("whsec_")
    _, shown = await server.get(f"/api/hooks/{hook['hookId']}")
    assert shown == {name: value for name, value in hook.items() if name != "secret"}
    assert shown["url"].endswith("/hook?•••")
    _, listed = await server.get("/api/hooks")
    assert shown in listed["hooks"]


async def test_the_same_key_again_makes_no_second_hook(server: Server, receiver: Receiver) -> None:
    given = {"json": {"url": receiver.url()}, "headers": {"Idempotency-Key": "hook-1"}}
    _, first = await server.post("/api/hooks", **given)
    status, second = await server.post("/api/hooks", **given)
    assert (status, second) == (201, first)
    await delete(server, f"/api/hooks/{first['hookId']}")


async def test_a_key_of_a_request_shows_no_secret_to_another_caller(
    server: Server, receiver: Receiver
) -> None:
    given = {"json": {"url": receiver.url()}, "headers": {"Idempotency-Key": "hook-2"}}
    _, first = await server.post("/api/hooks", **given)
    other = await workspace_key(server, "admin")

    second = await other.do("POST", "/api/hooks", **given)

    assert (second["hookId"] != first["hookId"], second["secret"] != first["secret"]) == (True, True)
    for each in (first, second):
        await delete(server, f"/api/hooks/{each['hookId']}")


async def test_a_hook_is_set_anew_without_its_url(server: Server, hook: dict[str, Any]) -> None:
    path = f"/api/hooks/{hook['hookId']}"
    status, changed = await server.call("PUT", path, json={"types": ["pause:opened"], "enabled": False})
    assert status == 200
    assert (changed["types"], changed["enabled"], changed["url"]) == (["pause:opened"], False, hook["url"])


async def test_a_hook_that_is_removed_is_gone(server: Server, receiver: Receiver) -> None:
    _, hook = await server.post("/api/hooks", json={"url": receiver.url()})
    assert await delete(server, f"/api/hooks/{hook['hookId']}") == 204
    status, body = await server.get(f"/api/hooks/{hook['hookId']}")
    assert (status, body) == (404, {"error": "Webhook not found"})


async def test_a_hook_that_is_being_removed_keeps_no_other_from_being_listed(
    server: Server, receiver: Receiver, hook: dict[str, Any]
) -> None:
    _, other = await server.post("/api/hooks", json={"url": receiver.url("/other")})
    await server.store.records.remove(TARGET, DEFAULT_WORKSPACE, other["hookId"])

    status, listed = await server.get("/api/hooks")

    assert status == 200, listed
    assert [each["hookId"] for each in listed["hooks"]] == [hook["hookId"]]
    assert await delete(server, f"/api/hooks/{other['hookId']}") == 204


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("ftp://example.org/", "must begin with https://"),
        ("example.org", "must begin with https://"),
        ("https://", "must begin with https://"),
        ("https://user:secret@example.org/", "must hold no user"),
        ("https://example.org/#part", "must have no part after #"),
        ("https://10.1.2.3/", "Address 10.1.2.3 is not public"),
        ("https://[::ffff:169.254.169.254]/", "is not public"),
        ("https://example.org/" + "x" * 2000, "must have at most 2000 characters"),
    ],
)
async def test_a_url_that_no_hook_may_have_is_refused(server: Server, url: str, reason: str) -> None:
    status, body = await server.post("/api/hooks", json={"url": url})
    assert status == 400
    assert reason in body["error"]
    assert body["details"][0]["path"] == "url"


@pytest.mark.parametrize("kind", ["execution:imagined", "workflow:deployed", "member:set"])
async def test_a_type_that_is_no_event_of_an_execution_is_refused(
    server: Server, receiver: Receiver, kind: str
) -> None:
    status, body = await server.post("/api/hooks", json={"url": receiver.url(), "types": [kind]})
    assert (status, body["details"][0]["path"]) == (400, "types")


async def test_what_fails_is_listed_as_pending(
    server: Server, receiver: Receiver, hook: dict[str, Any]
) -> None:
    receiver.answer = lambda _: web.Response(status=503, headers={"Retry-After": "3000"})
    execution = await server.execute(await server.deploy(ONE))
    await receiver.until(lambda: receiver.received)
    path = f"/api/hooks/{hook['hookId']}/deliveries"
    listed = await until_some(server, path)
    assert listed["nextCursor"] is None
    (pending,) = listed["deliveries"]
    assert pending["id"] == receiver.ids()[0]
    assert (pending["logId"], pending["attempts"]) == (execution["executionId"], 1)
    assert pending["lastError"] == "answered 503 Service Unavailable"
    assert pending["at"] > iso(time.time() + 2900)


async def test_a_dead_letter_is_listed_replayed_and_gone(
    server: Server, receiver: Receiver, hook: dict[str, Any]
) -> None:
    receiver.answer = lambda _: web.Response(status=410)
    await server.execute(await server.deploy(ONE))
    path = f"/api/hooks/{hook['hookId']}"
    await receiver.until(lambda: len(receiver.received) == 2)
    dead = (await until_some(server, f"{path}/deliveries?state=dead", count=2))["deliveries"]
    assert [each["type"] for each in dead] == ["execution:started", "execution:completed"]
    receiver.answer = lambda _: web.Response()
    ids = [dead[1]["id"], f"{hook['hookId']}/{UNKNOWN}/1"]
    status, replayed = await server.post(f"{path}/replay", json={"deliveries": ids})
    assert (status, replayed) == (202, {"replayed": 1, "missing": ids[1:], "nextCursor": None})
    await receiver.until(lambda: len(receiver.received) == 3)
    assert receiver.ids()[2] == dead[1]["id"]
    listed = await until_some(server, f"{path}/deliveries?state=dead", count=1)
    assert [each["id"] for each in listed["deliveries"]] == [dead[0]["id"]]


async def test_a_replay_with_the_same_key_again_is_told_the_first_answer(
    server: Server, hook: dict[str, Any]
) -> None:
    kept = HookRecords(server.store.records, Sealer([b"any"]))
    dead = Dead(type="execution:started", attempts=1, last_error="no", died_at=time.time())
    delivery = f"{hook['hookId']}/{UNKNOWN}/1"
    await kept.bury(DEFAULT_WORKSPACE, delivery, dead)
    path, headers = f"/api/hooks/{hook['hookId']}/replay", {"Idempotency-Key": "replay-1"}
    first = await server.post(path, headers=headers, json={"deliveries": [delivery]})
    assert first == (202, {"replayed": 1, "missing": [], "nextCursor": None})
    assert await server.post(path, headers=headers, json={"deliveries": [delivery]}) == first
    assert (await server.post(path, headers=headers, json={"deliveries": []}))[0] == 409


async def test_dead_letters_are_removed(server: Server, hook: dict[str, Any]) -> None:
    kept = HookRecords(server.store.records, Sealer([b"any"]))
    ids = [f"{hook['hookId']}/{UNKNOWN}/{number}" for number in range(1, 4)]
    for each in ids:
        dead = Dead(type="execution:started", attempts=1, last_error="no", died_at=time.time())
        await kept.bury(DEFAULT_WORKSPACE, each, dead)
    path = f"/api/hooks/{hook['hookId']}/deliveries"
    assert await server.call("DELETE", path, params={"id": ids[0]}) == (200, {"removed": 1, "more": False})
    assert await server.call("DELETE", path) == (200, {"removed": 2, "more": False})
    assert not await kept.of_hook(DEAD, DEFAULT_WORKSPACE, hook["hookId"], after="", limit=10)


async def test_everything_since_a_moment_comes_again_with_the_same_ids(
    server: Server, receiver: Receiver, hook: dict[str, Any]
) -> None:
    workflow_id = await server.deploy(ONE)
    await server.execute(workflow_id)
    await receiver.until(lambda: len(receiver.received) == 2)
    since = iso(time.time())
    await server.execute(workflow_id)
    await receiver.until(lambda: len(receiver.received) == 4)
    path = f"/api/hooks/{hook['hookId']}/replay"
    status, replayed = await server.post(path, json={"from": since})
    assert (status, replayed) == (202, {"replayed": 1, "missing": [], "nextCursor": None})
    await receiver.until(lambda: len(receiver.received) == 6)
    assert receiver.ids()[4:] == receiver.ids()[2:4]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"deliveries": [], "from": "2026-01-01"},
        {"from": "yesterday"},
        {"from": "2026-01-01", "cursor": "x"},
    ],
)
async def test_a_replay_that_says_not_what_is_refused(
    server: Server, hook: dict[str, Any], body: dict[str, Any]
) -> None:
    status, _ = await server.post(f"/api/hooks/{hook['hookId']}/replay", json=body)
    assert status == 400


async def until_some(server: Server, path: str, *, count: int = 1) -> dict[str, Any]:
    """A page of deliveries, once it has so many."""
    deadline = time.monotonic() + 10
    while True:
        status, listed = await server.get(path)
        assert status == 200, listed
        if len(listed["deliveries"]) == count:
            return dict(listed)
        assert time.monotonic() < deadline, listed


async def test_a_gateway_whose_clock_is_wrong_makes_a_hook_and_tests_it_by_the_databases(
    server: Server, receiver: Receiver
) -> None:
    gateway = server.client.app[GATEWAY]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("signoff.gateway.hooks.setting.time", SimpleNamespace(time=time.monotonic))  # in 1970
        await gateway.clock.ask()
        status, made = await server.post("/api/hooks", json={"url": receiver.url()})
        tested, told = await server.post(f"/api/hooks/{made['hookId']}/test")

    target = await HookRecords(server.store.records, gateway.sealer).target(DEFAULT_WORKSPACE, made["hookId"])
    assert (status, tested, told["delivered"]) == (201, 200, True)
    assert target is not None
    assert abs(target[0].created_at - await server.store.now()) < 60
