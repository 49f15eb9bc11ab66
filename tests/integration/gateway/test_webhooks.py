"""Webhooks: a signed delivery starts one execution; anything else starts none."""

import asyncio
import hmac
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from signoff.access.secrets.environment import KIND, context_of
from signoff.access.secrets.sealing import Sealer
from signoff.events.store.search import Search
from signoff.events.topics import DEFAULT_WORKSPACE
from support.gateways import KEY, LIMIT, Server, serving, settings

SECRET = "a secret of both sides"
EVENT = {"action": "opened", "number": 7}


def hook(**fields: Any) -> dict[str, Any]:
    """Blocks with a webhook beside the start, and one block after it."""
    return {
        "pushed": {"type": "webhook", **fields, "then": "note"},
        "note": {"type": "variables", "set": {"action": "<pushed.action>"}},
    }


SIGNED = hook(secret="{{HOOK_SECRET}}")


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    """A server that knows the secret."""
    async with serving(settings(environment={"HOOK_SECRET": SECRET})) as running:
        yield running


def signature(body: bytes, secret: str = SECRET) -> str:
    return f"sha256={hmac.new(secret.encode(), body, 'sha256').hexdigest()}"


def body_of(event: Any) -> bytes:
    return json.dumps(event).encode()


async def send(
    server: Server, path: str, body: bytes = body_of(EVENT), **headers: str
) -> tuple[int, dict[str, Any]]:
    """Send as another system does: no key but what is in the headers. ``_`` in names stands for ``-``."""
    given = {"Content-Type": "application/json"}
    given |= {name.replace("_", "-"): value for name, value in headers.items()}
    async with (
        asyncio.timeout(LIMIT),
        server.client.post(f"/api/webhooks/{path}", data=body, headers=given) as response,
    ):
        return response.status, await response.json()


async def deliver(
    server: Server, path: str, event: Any = EVENT, **headers: str
) -> tuple[int, dict[str, Any]]:
    """Send with a good signature."""
    body = body_of(event)
    return await send(server, path, body, X_Signoff_Signature=signature(body), **headers)


async def executions(server: Server) -> int:
    return len(await server.store.executions(Search(workspace_id=DEFAULT_WORKSPACE)))


async def ended(server: Server, execution_id: str) -> list[Any]:
    """The events of an execution, once it has completed."""
    async with asyncio.timeout(LIMIT):
        while True:
            events = await server.events(execution_id)
            if events[-1]["type"] == "execution:completed":
                return events
            await asyncio.sleep(0.01)


# Starting -----------------------------------------------------------------------------------------------


async def test_a_signed_delivery_starts_an_execution_with_what_was_sent(server: Server) -> None:
    workflow_id = await server.deploy(SIGNED)

    status, body = await deliver(server, f"{workflow_id}/pushed")
    events = await ended(server, body["executionId"])

    assert status == 202
    assert body["statusUrl"].endswith(f"/api/jobs/{body['executionId']}")
    started = events[0]["data"]
    assert (started["trigger"], started["triggerBlockId"], started["mode"]) == ("webhook", "pushed", "async")
    assert started["input"] == EVENT
    assert started["actor"] == {"type": "system", "id": "webhook"}
    assert events[-1]["data"]["output"]["action"] == "opened"


async def test_only_what_follows_the_webhook_runs(server: Server) -> None:
    aside = {"type": "variables", "set": {"here": True}}
    blocks = {**SIGNED, "other": {"type": "webhook", "then": "aside"}, "aside": aside}
    workflow_id = await server.deploy(blocks)

    _, body = await deliver(server, f"{workflow_id}/pushed")
    events = await ended(server, body["executionId"])

    assert [event["data"]["blockId"] for event in events if event["type"] == "block:completed"] == [
        "pushed",
        "note",
    ]


async def test_a_githubs_signature_is_taken(server: Server) -> None:
    workflow_id = await server.deploy(SIGNED)
    body = body_of(EVENT)

    status, _ = await send(server, f"{workflow_id}/pushed", body, X_Hub_Signature_256=signature(body))

    assert status == 202


async def test_a_form_is_the_input_too(server: Server) -> None:
    workflow_id = await server.deploy(SIGNED)
    body = b"action=closed&label=a&label=b"

    status, answer = await send(
        server,
        f"{workflow_id}/pushed",
        body,
        X_Signoff_Signature=signature(body),
        Content_Type="application/x-www-form-urlencoded",
    )
    events = await ended(server, answer["executionId"])

    assert status == 202
    assert events[0]["data"]["input"] == {"action": "closed", "label": ["a", "b"]}


async def test_without_a_secret_an_api_key_starts_it(server: Server) -> None:
    workflow_id = await server.deploy(hook())

    status, body = await send(server, f"{workflow_id}/pushed", X_API_Key=KEY)
    events = await ended(server, body["executionId"])

    assert status == 202
    assert events[0]["data"]["actor"]["type"] == "apiKey"


# Refusals -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X_API_Key": KEY},
        {"X_Signoff_Signature": signature(body_of(EVENT), "another secret")},
        {"X_Signoff_Signature": signature(b"another body")},
        {"X_Signoff_Signature": "sha256="},
    ],
)
async def test_without_a_good_signature_nothing_is_started(server: Server, headers: dict[str, str]) -> None:
    workflow_id = await server.deploy(SIGNED)

    answer = await send(server, f"{workflow_id}/pushed", **headers)

    assert answer == (401, {"error": "Invalid signature"})
    assert await executions(server) == 0


async def test_where_the_secret_is_not_set_no_signature_is_good(server: Server) -> None:
    workflow_id = await server.deploy(hook(secret="{{NOT_SET}}"))
    body = body_of(EVENT)

    status, _ = await send(server, f"{workflow_id}/pushed", body, X_Signoff_Signature=signature(body, ""))

    assert status == 401


async def test_where_the_secret_does_not_open_no_signature_is_good(server: Server) -> None:
    workflow_id = await server.deploy(SIGNED)
    await server.call("PUT", "/api/environment/HOOK_SECRET", json={"value": SECRET})
    lost = Sealer([b"a key that nobody has any more ..."])
    sealed = lost.seal(SECRET.encode(), context=context_of(DEFAULT_WORKSPACE, "HOOK_SECRET"))
    await server.store.records.put(KIND, DEFAULT_WORKSPACE, "HOOK_SECRET", sealed)

    assert await deliver(server, f"{workflow_id}/pushed") == (401, {"error": "Invalid signature"})
    assert await executions(server) == 0


@pytest.mark.parametrize("headers", [{}, {"X_API_Key": "nobody's"}])
async def test_without_a_secret_and_without_a_key_nothing_is_started(
    server: Server, headers: dict[str, str]
) -> None:
    workflow_id = await server.deploy(hook())

    status, _ = await send(server, f"{workflow_id}/pushed", **headers)

    assert (status, await executions(server)) == (401, 0)


async def test_what_is_no_webhook_of_the_active_version_is_not_found(server: Server) -> None:
    workflow_id = await server.deploy({**SIGNED, "off": {"type": "webhook", "enabled": False}})
    missing = (404, {"error": "Webhook not found"})

    for path in (f"{workflow_id}/off", f"{workflow_id}/note", f"{workflow_id}/nothing", "nobody/pushed"):
        assert await send(server, path, X_API_Key=KEY) == missing


async def test_a_stranger_cannot_tell_a_webhook_from_none(server: Server) -> None:
    workflow_id = await server.deploy(SIGNED)
    headers = {"X_Signoff_Signature": signature(body_of(EVENT), "another secret")}
    paths = (f"{workflow_id}/pushed", f"{workflow_id}/nothing", "nobody/pushed")

    answers = [await send(server, path, **headers) for path in paths]

    assert answers == [(401, {"error": "Invalid signature"})] * 3


async def test_a_new_version_without_the_webhook_takes_it_away(server: Server) -> None:
    workflow_id = await server.deploy(SIGNED)
    assert (await deliver(server, f"{workflow_id}/pushed"))[0] == 202

    await server.call("PUT", f"/api/workflows/{workflow_id}", json={"blocks": {"note": SIGNED["note"]}})

    assert (await deliver(server, f"{workflow_id}/pushed"))[0] == 401


async def test_an_undeployed_workflow_has_no_webhook(server: Server) -> None:
    workflow_id = await server.deploy(SIGNED)
    await server.call("DELETE", f"/api/workflows/{workflow_id}")

    assert (await deliver(server, f"{workflow_id}/pushed"))[0] == 401


async def test_a_body_that_is_no_json_is_refused_and_starts_nothing(server: Server) -> None:
    workflow_id = await server.deploy(SIGNED)

    status, body = await send(
        server, f"{workflow_id}/pushed", b'{"a": ', X_Signoff_Signature=signature(b'{"a": ')
    )

    assert status == 400
    assert body["error"].startswith("The body is not JSON")
    assert await executions(server) == 0


async def test_a_body_over_the_limit_is_refused() -> None:
    given = settings(environment={"HOOK_SECRET": SECRET}, max_body=1000)
    async with serving(given) as server:
        workflow_id = await server.deploy(SIGNED)

        status, _ = await deliver(server, f"{workflow_id}/pushed", {"a": "x" * 1000})

        assert (status, await executions(server)) == (413, 0)


async def test_over_the_limit_of_requests_a_delivery_is_to_be_sent_again() -> None:
    given = settings(environment={"HOOK_SECRET": SECRET}, max_requests=1)
    async with serving(given) as server:
        blocks = {**SIGNED, "hold": {"type": "hold", "with": {"name": "held"}}}
        workflow_id = await server.deploy(blocks, start="hold")
        waiting = asyncio.create_task(server.execute(workflow_id, json={}))
        await server.gate.reached("held")

        status, _ = await deliver(server, f"{workflow_id}/pushed")
        server.gate.open("held")
        await waiting

        assert status == 503


# Deliveries ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("header", ["X_GitHub_Delivery", "Webhook_Id", "Idempotency_Key"])
async def test_a_delivery_that_is_sent_again_starts_nothing(server: Server, header: str) -> None:
    workflow_id = await server.deploy(SIGNED)

    first = await deliver(server, f"{workflow_id}/pushed", **{header: "d-1"})
    again = await deliver(server, f"{workflow_id}/pushed", **{header: "d-1"})
    other = await deliver(server, f"{workflow_id}/pushed", **{header: "d-2"})

    assert (first[0], again[0], other[0]) == (202, 200, 202)
    assert again[1]["executionId"] == first[1]["executionId"]
    assert await executions(server) == 2


async def test_deliveries_without_a_name_are_each_one_of_their_own(server: Server) -> None:
    workflow_id = await server.deploy(SIGNED)

    answers = [await deliver(server, f"{workflow_id}/pushed") for _ in range(2)]

    assert [status for status, _ in answers] == [202, 202]
    assert await executions(server) == 2


async def test_the_authors_header_names_deliveries_in_place_of_the_usual_ones(server: Server) -> None:
    workflow_id = await server.deploy(hook(secret="{{HOOK_SECRET}}", deduplicateBy="X-Order"))

    first = await deliver(server, f"{workflow_id}/pushed", X_Order="1", Webhook_Id="a")
    again = await deliver(server, f"{workflow_id}/pushed", X_Order="1", Webhook_Id="b")
    other = await deliver(server, f"{workflow_id}/pushed", X_Order="2", Webhook_Id="a")

    assert (first[0], again[0], other[0]) == (202, 200, 202)


async def test_the_same_name_at_another_webhook_is_another_delivery(server: Server) -> None:
    one, two = await server.deploy(SIGNED), await server.deploy(SIGNED)

    answers = [await deliver(server, f"{each}/pushed", Webhook_Id="d-1") for each in (one, two)]

    assert [status for status, _ in answers] == [202, 202]


async def test_duplicates_that_come_at_once_start_one_execution(server: Server) -> None:
    workflow_id = await server.deploy(SIGNED)

    answers = await asyncio.gather(
        *(deliver(server, f"{workflow_id}/pushed", Webhook_Id="d-1") for _ in range(10))
    )

    assert {status for status, _ in answers} <= {200, 202}
    assert len({body["executionId"] for _, body in answers}) == 1
    assert await executions(server) == 1


@pytest.mark.parametrize("name", ["", "x" * 256])
async def test_a_delivery_whose_name_cannot_be_kept_is_refused(server: Server, name: str) -> None:
    workflow_id = await server.deploy(SIGNED)

    status, body = await deliver(server, f"{workflow_id}/pushed", Webhook_Id=name)

    assert (status, body["details"][0]["path"]) == (400, "Webhook-Id")
    assert await executions(server) == 0


async def test_deliveries_before_and_after_a_new_version_are_told_apart_by_name_only(server: Server) -> None:
    workflow_id = await server.deploy(SIGNED)
    first = await deliver(server, f"{workflow_id}/pushed", Webhook_Id="d-1")
    await server.call("PUT", f"/api/workflows/{workflow_id}", json={"blocks": SIGNED})

    again = await deliver(server, f"{workflow_id}/pushed", Webhook_Id="d-1")

    assert (again[0], again[1]["executionId"]) == (200, first[1]["executionId"])
