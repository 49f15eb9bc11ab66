"""Executions are searched for, page by page."""

from typing import Any

import pytest

from support.gateways import KEY, Server

BLOCKS: dict[str, Any] = {
    "know": {
        "type": "variables",
        "set": {"customer": "<start.customer>", "amount": {"type": "number", "value": "<start.amount>"}},
        "then": "check",
    },
    "check": {
        "type": "condition",
        "cases": [{"when": "<start.amount> > 100", "then": "ask"}, {"else": "work"}],
    },
    "ask": {"type": "human_in_the_loop", "form": {"approved": "boolean"}, "then": "work"},
    "work": {"type": "fussy", "with": {"name": "<start.gate>"}},
}
FIELDS = {"customer": "string", "amount": "number", "gate": "string"}


async def deploy(server: Server, **more: Any) -> str:
    server.gate.open("open")
    return await server.deploy(
        BLOCKS,
        input=FIELDS,
        attributes=["customer", "amount"],
        variables={"customer": "", "amount": 0},
        **more,
    )


async def run(server: Server, workflow_id: str, customer: str, amount: int, gate: str = "open") -> str:
    _, body = await server.post(
        f"/api/workflows/{workflow_id}/execute",
        json={"input": {"customer": customer, "amount": amount, "gate": gate}},
    )
    return str(body["executionId"])


async def found(server: Server, query: str) -> list[Any]:
    status, body = await server.get(f"/api/executions?{query}")
    assert status == 200, body
    return list(body["executions"])


async def ids(server: Server, query: str) -> list[str]:
    return [each["executionId"] for each in await found(server, query)]


async def test_an_execution_is_shown_with_what_it_is_found_by(server: Server) -> None:
    workflow_id = await deploy(server)
    execution_id = await run(server, workflow_id, "ACME", 7, gate="shut")

    (shown,) = await found(server, "")

    assert shown.pop("startedAt") < shown.pop("updatedAt") == shown.pop("endedAt")
    assert shown.pop("durationMs") >= 0
    assert "not yet" in shown.pop("error")
    assert shown == {
        "executionId": execution_id,
        "workflowId": workflow_id,
        "workflowVersion": 1,
        "status": "failed",
        "pauseStatus": None,
        "trigger": "api",
        "actor": {"type": "apiKey", "id": "bootstrap"},
        "errorCode": "BLOCK_FAILED",
        "attributes": {"customer": "ACME", "amount": 7},
        "forkedFrom": None,
    }


async def test_every_filter_finds_its_executions(server: Server) -> None:
    one, two = await deploy(server), await deploy(server)
    failed = await run(server, one, "ACME", 7, gate="shut")
    paused = await run(server, one, "ACME", 500)
    done = await run(server, two, "Bolt", 50)

    assert await ids(server, "") == [done, paused, failed]
    assert await ids(server, f"workflowId={two}") == [done]
    assert await ids(server, f"workflowId={one},{two}&workflowId=none&sort=startedAt") == [
        failed,
        paused,
        done,
    ]
    assert await ids(server, "status=paused,completed") == [done, paused]
    assert await ids(server, "trigger=api&actor=apiKey:bootstrap") == [done, paused, failed]
    assert await ids(server, "actor=nobody") == []
    assert await ids(server, "error=NOT+YET") == [failed]
    assert await ids(server, "attribute=customer:ACME") == [paused, failed]
    assert await ids(server, "attribute=customer:ACME&attribute=amount>=100") == [paused]
    assert await ids(server, "attribute=amount:50") == [done]
    assert await ids(server, "text=bolt") == [done]
    assert await ids(server, "startedBefore=2020-01-01") == []
    assert await ids(server, "startedAfter=2020-01-01T00:00:00Z&sort=duration&status=completed") == [done]


async def test_attributes_are_those_of_the_version_and_of_now(server: Server) -> None:
    workflow_id = await server.deploy(
        {"ask": {"type": "human_in_the_loop", "form": {"who": "string"}, "then": "keep"},
         "keep": {"type": "variables", "set": {"customer": "<ask.who>"}}},
        variables={"customer": "nobody"}, attributes=["customer"],
    )  # fmt: skip
    body = await server.execute(workflow_id)
    (waiting,) = await found(server, "attribute=customer:nobody")
    resume = body["output"]["data"]["_resume"]
    path = f"/api/resume/{workflow_id}/{resume['executionId']}/{resume['contextId']}"
    assert (await server.post(path, json={"who": "ACME"}))[0] == 200

    (ended,) = await found(server, "attribute=customer:ACME")

    assert (waiting["status"], ended["status"]) == ("paused", "completed")
    assert waiting["executionId"] == ended["executionId"]
    assert await found(server, "attribute=customer:nobody") == []


async def test_pages_follow_one_another_whatever_starts_meanwhile(server: Server) -> None:
    workflow_id = await deploy(server)
    started = [await run(server, workflow_id, "ACME", n) for n in range(5)]

    _, first = await server.get("/api/executions?limit=2")
    await run(server, workflow_id, "ACME", 9)
    _, second = await server.get(f"/api/executions?limit=2&cursor={first['nextCursor']}")
    _, last = await server.get(f"/api/executions?limit=2&cursor={second['nextCursor']}")

    pages = [each["executionId"] for page in (first, second, last) for each in page["executions"]]
    assert pages == started[::-1]
    assert last["nextCursor"] is None


async def test_counts_are_by_status_whatever_status_is_listed(server: Server) -> None:
    workflow_id = await deploy(server)
    for gate in ("open", "open", "shut"):
        await run(server, workflow_id, "ACME", 1, gate=gate)

    _, body = await server.get("/api/executions?counts=true&status=failed&limit=1")

    assert len(body["executions"]) == 1
    assert body["counts"] == {"total": 3, "exact": True, "byStatus": {"completed": 2, "failed": 1}}
    assert "counts" not in (await server.get("/api/executions"))[1]


async def test_a_list_that_did_not_change_is_304(server: Server) -> None:
    workflow_id = await deploy(server)
    await run(server, workflow_id, "ACME", 1)
    headers = {"X-API-Key": KEY}
    async with server.client.get("/api/executions", headers=headers) as response:
        headers["If-None-Match"] = response.headers["ETag"]

    async with server.client.get("/api/executions", headers=headers) as response:
        assert (response.status, await response.read()) == (304, b"")
    await run(server, workflow_id, "ACME", 1)
    async with server.client.get("/api/executions", headers=headers) as response:
        assert response.status == 200


async def test_what_cannot_be_searched_for_is_400_and_named(server: Server) -> None:
    for query, named in {
        "status=done": "status",
        "sort=name": "sort",
        "limit=0": "limit",
        "cursor=x": "cursor",
        "startedAfter=soon": "startedAfter",
        "attribute=amount": "attribute",
        "counts=perhaps": "counts",
        "error=": "error",
        "&".join(["attribute=a:b"] * 6): "attribute",
    }.items():
        status, body = await server.get(f"/api/executions?{query}")
        assert (status, body["error"].startswith(named)) == (400, True), (query, body)


@pytest.mark.parametrize(
    "path", ["executions?statuz=failed", "environment?nam=A", "hooks?urls=x", "keys?limits=1"]
)
async def test_an_unknown_parameter_is_refused_by_its_name(server: Server, path: str) -> None:
    status, body = await server.get(f"/api/{path}")

    assert (status, body["details"][0]["path"]) == (400, path.partition("?")[2].partition("=")[0])
