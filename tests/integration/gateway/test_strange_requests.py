"""Requests that the fuzzer found an answer of 500 to, or one that the document does not allow."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, Final

import pytest
import pytest_asyncio

from support.gateways import KEY, Server, serving, settings

BLOCKS: Final = {"one": {"type": "variables", "set": {"paid": True}}}
_BAD_KEY: Final = {"Idempotency-Key": "clé"}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def server() -> AsyncIterator[Server]:
    async with serving(settings(allow_private_networks=("127.0.0.0/8",))) as server:
        # One server for all tests: no connection, and no task of one, outlives the test that opened it.
        server.client.session.headers["Connection"] = "close"
        yield server


async def test_a_version_that_no_workflow_can_have_is_refused(server: Server) -> None:
    workflow_id = await server.deploy(BLOCKS)

    status, body = await server.post(f"/api/workflows/{workflow_id}/rollback", json={"version": 2**64 - 1})

    assert (status, body["details"][0]["path"]) == (400, "version")


@pytest.mark.parametrize("api", ["/api", "/api/v2"])
async def test_a_rollback_to_the_same_version_refuses_a_bad_idempotency_key(server: Server, api: str) -> None:
    workflow_id = await server.deploy(BLOCKS)

    status, _ = await server.post(
        f"{api}/workflows/{workflow_id}/rollback", json={"version": 1}, headers=_BAD_KEY
    )

    assert status == 400


async def test_undeploying_again_refuses_a_bad_idempotency_key(server: Server) -> None:
    path = f"/api/workflows/{await server.deploy(BLOCKS)}"
    assert (await server.call("DELETE", path))[0] == 200

    assert (await server.call("DELETE", path, headers=_BAD_KEY))[0] == 400


async def test_an_origin_that_is_none_is_no_page_of_ours(server: Server) -> None:
    headers = {"X-API-Key": KEY, "Origin": "http://[::1"}
    async with server.client.post("/api/auth/logout", headers=headers) as response:
        assert response.status == 403


async def test_a_filter_by_time_takes_what_the_document_says(server: Server) -> None:
    for moment in ("2026-05-01", "2026-05-01T12:00:00Z", "2026-05-01T12:00:00.5+02:00"):
        status, body = await server.get("/api/executions", params={"startedAfter": moment})
        assert status == 200, body


async def test_a_webhook_is_not_made_without_an_address(server: Server) -> None:
    status, body = await server.post("/api/hooks", json={"types": []})

    assert (status, "url" in body["error"]) == (400, True)


async def test_a_test_of_a_webhook_that_is_removed_meanwhile_is_not_waited_for(server: Server) -> None:
    hook: Any = (await server.post("/api/hooks", json={"url": "http://127.0.0.1:9/"}))[1]
    path = f"/api/hooks/{hook['hookId']}"

    testing = asyncio.create_task(server.post(f"{path}/test"))
    async with server.client.delete(path, headers={"X-API-Key": KEY}) as response:
        assert response.status == 204

    status, _ = await testing
    assert status in (200, 404)  # an executor may just have sent it
