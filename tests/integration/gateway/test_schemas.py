"""The gateway serves the contracts of topics and events to anybody."""

import pytest

from signoff.events.schemas import documents
from signoff.gateway.openapi import topics
from support.gateways import Server

DOCUMENTS = {
    "/asyncapi.json": documents.encode(topics.build()),
    "/api/schemas/events": documents.encode(documents.events()),
    "/api/schemas/outcomes": documents.encode(documents.outcomes()),
    "/api/schemas/block:completed": documents.encode(documents.event("block:completed")),
    "/api/schemas/StartExecution": documents.encode(documents.command("StartExecution")),
}


@pytest.mark.parametrize("path", DOCUMENTS)
async def test_a_document_is_open_to_anybody_and_cacheable(server: Server, path: str) -> None:
    async with server.client.get(path) as response:
        first, tag = (response.status, await response.read()), response.headers["ETag"]
    async with server.client.get(path, headers={"If-None-Match": tag}) as response:
        again = (response.status, await response.read())

    assert first == (200, DOCUMENTS[path])
    assert again == (304, b"")


async def test_a_schema_that_is_none_is_not_found(server: Server) -> None:
    async with server.client.get("/api/schemas/block:invented") as response:
        assert response.status == 404
        assert "events, commands, outcomes" in (await response.json())["error"]
