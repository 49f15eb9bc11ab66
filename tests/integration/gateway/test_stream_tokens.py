"""``POST /api/stream-tokens``: what a token is asked for, and what it then holds."""

import time
from typing import Any
from uuid import UUID, uuid4

import pytest

from signoff.access.keys.tokens import StreamGrant, StreamTokens
from signoff.events.times import from_iso
from signoff.events.topics import DEFAULT_WORKSPACE
from signoff.gateway.gateway import GATEWAY
from support.gateways import Server

PATH = "/api/stream-tokens"


def _grant(server: Server, body: Any) -> StreamGrant:
    assert server.client.app is not None
    return StreamTokens(server.client.app[GATEWAY].sealer).read(body["token"])


async def test_a_token_for_an_execution_is_for_its_log_by_any_of_its_ids(server: Server) -> None:
    workflow_id = await server.deploy({"done": {"type": "variables", "set": {"ok": True}}})
    chosen = await server.execute(workflow_id, headers={"X-Execution-Id": "order-17"})
    plain = await server.execute(workflow_id)

    status, by_name = await server.post(PATH, json={"executionId": chosen["executionId"]})
    _, by_uuid = await server.post(PATH, json={"executionId": plain["executionId"]})

    assert status == 200
    assert _grant(server, by_name).workspace_id == DEFAULT_WORKSPACE
    assert _grant(server, by_uuid).log_id == UUID(plain["executionId"])
    assert _grant(server, by_name).log_id not in (None, _grant(server, by_uuid).log_id)
    assert 50 < from_iso(by_name["expiresAt"]) - time.time() < 61


async def test_a_token_for_a_feed_holds_its_filters(server: Server) -> None:
    filters = {"types": ["pause:*"], "workflowId": ["a", "b"], "status": ["failed"], "executionId": "x"}
    _, everything = await server.post(PATH, json={"feed": {}})
    status, refused = await server.post(PATH, json={"feed": filters})
    del filters["status"]
    _, some = await server.post(PATH, json={"feed": filters})

    assert (status, refused["error"]) == (
        400,
        "feed.types must be such as bring an execution into that status, and none of these does",
    )
    assert _grant(server, everything).feed == {}
    assert _grant(server, some).feed == {"types": ["pause:*"], "workflowId": ["a", "b"], "executionId": ["x"]}
    assert (_grant(server, some).actor_type, _grant(server, some).actor_id) == ("apiKey", "bootstrap")


async def test_a_workspace_that_the_request_names_bounds_the_feed(server: Server) -> None:
    named = {"X-Workspace-Id": str(DEFAULT_WORKSPACE)}
    _, body = await server.post(PATH, json={"feed": {}}, headers=named)

    assert _grant(server, body).feed == {"workspaceId": [str(DEFAULT_WORKSPACE)]}


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({}, "executionId or feed"),
        ({"executionId": "a", "feed": {}}, "executionId or feed"),
        ({"feed": {"types": ["nothing:known"]}}, "feed.types must be"),
        ({"feed": {"workspaceId": "mine"}}, "feed.workspaceId must be a UUID"),
        ({"feed": {"status": ["done"]}}, "feed.status"),
        ({"feed": {"more": 1}}, "more"),
        ({"feed": {"types": ["pause:*"] * 33}}, "feed.types"),
        ([], "JSON object"),
    ],
)
async def test_a_body_that_names_no_stream_is_refused(server: Server, body: Any, says: str) -> None:
    status, refused = await server.post(PATH, json=body)

    assert status == 400
    assert says in refused["error"]


async def test_an_execution_that_is_not_there_has_no_token(server: Server) -> None:
    assert await server.post(PATH, json={"executionId": str(uuid4())}) == (
        404,
        {"error": "Execution not found"},
    )
