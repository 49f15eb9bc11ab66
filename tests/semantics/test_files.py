"""Files as callers give and get them."""

import base64
from typing import Any, Final

import aiohttp
import pytest

from semantics.server import PICTURE
from signoff.events.topics import DEFAULT_WORKSPACE
from signoff.gateway.executions.file_contents import with_base64
from signoff.gateway.executions.file_inputs import FileInputs
from support.engine_runs import Engine
from support.systems import System

CONTENT: Final = b"a,b\n1,2\n"
GIVEN: Final = {
    "docs": {
        "type": "file",
        "name": "rows.csv",
        "mime": "text/csv",
        "data": base64.b64encode(CONTENT).decode(),
    }
}
SHOWS: Final[dict[str, Any]] = {
    "input": {"docs": "files"},
    "blocks": {
        "show": {"type": "test.give", "with": {"value": ["<start.docs[0].name>", "<start.docs[0].size>"]}}
    },
}


def fetching(server: str) -> dict[str, Any]:
    """A workflow that gets a picture."""
    return {"blocks": {"call": {"type": "api", "url": f"{server}/picture.png"}}}


@pytest.mark.rule("A-3")
async def test_the_engine_has_a_value_in_place_of_contents(engine: Engine) -> None:
    run = engine.run(SHOWS)
    given = await FileInputs(engine.files, DEFAULT_WORKSPACE).keep(GIVEN, {"docs"}, within="input")

    await run.start(given)

    told = await run.tell()
    assert told.output == {"result": ["rows.csv", len(CONTENT)]}
    assert GIVEN["docs"]["data"].encode() not in b"".join(await run.log())


@pytest.mark.rule("A-3")
async def test_a_server_keeps_contents_that_come_with_the_input(system: System) -> None:
    run = await system.run(SHOWS)

    await run.start(GIVEN)

    told = await run.tell()
    assert told.output == {"result": ["rows.csv", len(CONTENT)]}
    assert GIVEN["docs"]["data"].encode() not in b"".join(await run.log())


@pytest.mark.rule("A-3")
async def test_a_server_takes_a_file_that_was_uploaded_before_as_it_really_is(system: System) -> None:
    form = aiohttp.FormData()
    form.add_field("file", CONTENT, filename="rows.csv", content_type="text/csv")
    status, uploaded = await system.call("POST", "/api/files", data=form)
    assert status == 201, uploaded
    run = await system.run(SHOWS)

    await run.start({"docs": [uploaded["files"][0] | {"size": 7_000, "name": "of-another.csv"}]})

    assert (await run.tell()).output == {"result": ["rows.csv", len(CONTENT)]}


@pytest.mark.rule("A-4")
async def test_contents_of_the_engine_are_with_the_value_for_who_wants_them(
    engine: Engine, server: str
) -> None:
    run = engine.run(fetching(server))
    await run.start(None)
    output = (await run.tell()).output

    filled, small = [
        await with_base64(engine.files, DEFAULT_WORKSPACE, output, most=most)
        for most in (len(PICTURE), len(PICTURE) - 1)
    ]

    assert filled["data"] == output["data"] | {"base64": base64.b64encode(PICTURE).decode()}
    assert small == output


@pytest.mark.rule("A-4")
async def test_a_server_gives_contents_with_the_answer_and_by_the_url(system: System, server: str) -> None:
    run = await system.run(fetching(server))

    _, answer = await run.execute()
    _, bare = await run.execute(includeFileBase64=False)
    content = await system.download(answer["output"]["data"]["url"])

    assert base64.b64decode(answer["output"]["data"]["base64"]) == PICTURE == content
    assert "base64" not in bare["output"]["data"]
    assert base64.b64encode(PICTURE) not in b"".join(await system.log(answer["executionId"]))
