"""The API tells of itself, to programs and to people; and reads that repeat say so."""

import json
import re

from support.gateways import APPROVAL, KEY, Server


async def text(server: Server, path: str) -> str:
    async with server.client.get(path) as response:
        assert response.status == 200
        return await response.text()


async def test_the_document_is_open_to_anybody_and_cacheable(server: Server) -> None:
    async with server.client.get("/openapi.json") as response:
        document, tag = await response.json(), response.headers["ETag"]
    async with server.client.get("/openapi.json", headers={"If-None-Match": tag}) as response:
        again = (response.status, await response.read())

    assert (document["openapi"], document["servers"]) == ("3.1.0", [{"url": "/"}])
    assert again == (304, b"")


async def test_the_page_tells_of_every_operation_and_schema_and_its_links_lead_somewhere(
    server: Server,
) -> None:
    document = json.loads(await text(server, "/openapi.json"))
    page = await text(server, "/docs")

    anchors = set(re.findall(r'id="([^"]+)"', page))
    for methods in document["paths"].values():
        assert {operation["operationId"] for operation in methods.values()} <= anchors
    assert {f"schema-{name}" for name in document["components"]["schemas"]} <= anchors
    assert set(re.findall(r'href="#([^"]+)"', page)) <= anchors


async def test_the_page_asks_no_other_server_and_runs_nothing(server: Server) -> None:
    async with server.client.get("/docs") as response:
        page, policy = await response.text(), response.headers["Content-Security-Policy"]

    assert policy.startswith("default-src 'none'; style-src 'self'")
    assert re.findall(r'(?:src|href)="(?!#)([^"]+)"', page) == ["/docs/reference.css", "/openapi.json"]
    assert "<script" not in page
    assert " style=" not in page
    assert "color-scheme" in await text(server, "/docs/reference.css")


async def test_a_read_that_repeats_is_304_until_something_changes(server: Server) -> None:
    workflow_id = await server.deploy(APPROVAL)
    execution_id = (await server.execute(workflow_id))["executionId"]
    paths = [
        f"/api/workflows/{workflow_id}",
        f"/api/workflows/{workflow_id}?version=1",
        f"/api/workflows/{workflow_id}/executions/{execution_id}",
        f"/api/resume/{workflow_id}/{execution_id}",
    ]
    tags = [await tagged(server, path) for path in paths]

    assert [await tagged(server, path, tag) for path, (_, tag) in zip(paths, tags, strict=True)] == [
        (304, tag) for _, tag in tags
    ]
    await server.post(f"/api/resume/{workflow_id}/{execution_id}/approve", json={"approved": True})
    assert (await tagged(server, paths[2], tags[2][1]))[0] == 200
    assert (await tagged(server, paths[3], tags[3][1]))[0] == 200


async def tagged(server: Server, path: str, shown: str = "") -> tuple[int, str]:
    headers = {"X-API-Key": KEY, "If-None-Match": shown}
    async with server.client.get(path, headers=headers) as response:
        return response.status, response.headers["ETag"]
