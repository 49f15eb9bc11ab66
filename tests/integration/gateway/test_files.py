"""Files over HTTP: in by upload or as base64, through a run as a small value, out as they came."""

import asyncio
import base64
import io
from collections.abc import Awaitable
from typing import Any

import pytest
from aiohttp import FormData

from support.gateways import KEY, Server

HEADERS = {"X-API-Key": KEY}
TEXT = base64.b64encode(b"hello").decode()
TAKES_FILES: dict[str, Any] = {"say": {"type": "variables", "set": {"got": "<start.doc>"}}}
FORM: dict[str, Any] = {
    "ask": {"type": "human_in_the_loop", "form": {"proof": "files", "note": "string"}, "then": "done"},
    "done": {"type": "variables", "set": {"got": "<ask.proof>"}},
}


def form(*files: tuple[str, bytes, str]) -> FormData:
    data = FormData(quote_fields=False)  # as browsers do
    data.add_field("context", "execution")
    for name, content, media_type in files:
        data.add_field("file", io.BytesIO(content), filename=name, content_type=media_type)
    return data


async def uploaded(server: Server, content: bytes = b"hello", name: str = "a b.txt") -> dict[str, Any]:
    status, body = await server.post("/api/files", data=form((name, content, "text/plain")))
    assert status == 201, body
    (file,) = body["files"]
    return dict(file)


# Up and down --------------------------------------------------------------------------------------------


async def test_an_uploaded_file_comes_down_as_it_went_up(server: Server) -> None:
    file = await uploaded(server)

    async with server.client.get(file["url"], headers=HEADERS) as response:
        assert (response.status, await response.read()) == (200, b"hello")
        assert response.headers["Content-Type"] == "text/plain"
        assert response.headers["Content-Disposition"] == "attachment; filename*=UTF-8''a%20b.txt"
        assert response.headers["X-Content-Type-Options"] == "nosniff"

    assert set(file) == {"id", "name", "url", "size", "type", "key"}
    assert (file["name"], file["size"], file["url"]) == ("a b.txt", 5, f"/api/files/{file['key']}")


async def test_an_upload_with_the_same_key_again_gets_the_first_answer(server: Server) -> None:
    headers = {"Idempotency-Key": "upload-1"}

    async def upload(*files: tuple[str, bytes, str]) -> tuple[int, Any]:
        return await server.post("/api/files", headers=headers, data=form(*files))

    first = await upload(("a.txt", b"hello", "text/plain"), ("b.txt", b"", "text/plain"))

    assert first[0] == 201
    assert await upload(("a.txt", b"hello", "text/plain"), ("b.txt", b"", "text/plain")) == first
    for other in (
        ("a.txt", b"hell", "text/plain"),
        ("a.txt", b"hello", "text/html"),
        ("c.txt", b"hello", "text/plain"),
    ):
        status, body = await upload(other, ("b.txt", b"", "text/plain"))
        assert (status, body["error"]) == (409, "This Idempotency-Key was used with another request before")


async def test_of_two_uploads_at_once_with_one_key_both_get_the_same_answer(server: Server) -> None:
    def upload() -> Awaitable[tuple[int, Any]]:
        headers = {"Idempotency-Key": "upload-2"}
        return server.post("/api/files", headers=headers, data=form(("a.txt", b"hello", "text/plain")))

    one, other = await asyncio.gather(upload(), upload())

    assert one == other
    assert one[0] == 201


async def test_several_files_are_answered_in_their_order(server: Server) -> None:
    large = bytes(range(256)) * 8_000

    _, body = await server.post(
        "/api/files", data=form(("1.bin", large, "application/x"), ("2.csv", b"", "text/csv"))
    )

    assert [(file["name"], file["size"]) for file in body["files"]] == [("1.bin", len(large)), ("2.csv", 0)]
    async with server.client.get(body["files"][0]["url"], headers=HEADERS) as response:
        assert await response.read() == large


@pytest.mark.parametrize(
    ("wanted", "status", "content", "content_range"),
    [
        ("bytes=1-3", 206, b"ell", "bytes 1-3/5"),
        ("bytes=3-", 206, b"lo", "bytes 3-4/5"),
        ("bytes=-2", 206, b"lo", "bytes 3-4/5"),
        ("bytes=1-99", 206, b"ello", "bytes 1-4/5"),
        ("bytes=0-1,3-4", 200, b"hello", None),
        ("lines=1-2", 200, b"hello", None),
    ],
)
async def test_a_range_of_a_file_is_served(
    server: Server, wanted: str, status: int, content: bytes, content_range: str | None
) -> None:
    file = await uploaded(server)

    async with server.client.get(file["url"], headers=HEADERS | {"Range": wanted}) as response:
        assert (response.status, await response.read()) == (status, content)
        assert response.headers.get("Content-Range") == content_range


async def test_a_range_past_the_end_is_416(server: Server) -> None:
    file = await uploaded(server)

    async with server.client.get(file["url"], headers=HEADERS | {"Range": "bytes=5-"}) as response:
        assert (response.status, response.headers["Content-Range"]) == (416, "bytes */5")


async def test_a_file_that_the_caller_has_is_304(server: Server) -> None:
    file = await uploaded(server)
    tag = {"If-None-Match": f'"{file["key"]}"'}

    async with server.client.get(file["url"], headers=HEADERS | tag) as response:
        assert (response.status, await response.read()) == (304, b"")


async def test_the_head_of_a_file_has_no_body(server: Server) -> None:
    file = await uploaded(server)

    async with server.client.head(file["url"], headers=HEADERS) as response:
        assert (response.status, response.headers["Content-Length"]) == (200, "5")
        assert await response.read() == b""


async def test_a_file_that_is_not_there_is_404(server: Server) -> None:
    for key in ("nobody", "0198c1f0-7d3e-7c1a-9f7e-1f2e3d4c5b6a", "..%2F..%2Fetc"):
        assert await server.get(f"/api/files/{key}") == (404, {"error": "File not found"})
    assert (await server.client.get("/api/files/x")).status == 401


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/json", b"{}"),
        ("multipart/form-data", b"x"),
        ("multipart/form-data; boundary=b", b"no boundary at all"),
        (
            "multipart/form-data; boundary=b",
            b"--b\r\nContent-Disposition: form-data; name=f\r\n\r\nx\r\n--b--",
        ),
        ("multipart/form-data; boundary=b", b"--b\r\nno header\r\n\r\nx\r\n--b--\r\n"),
        ("multipart/form-data; boundary=b", b"--b--\r\n"),
        (
            "multipart/form-data; boundary=b",
            b'--b\r\nContent-Disposition: form-data; name="f"; filename="f"\r\n\r\nhalf',
        ),
        (
            "multipart/form-data; boundary=b",
            (
                b'--b\r\nContent-Disposition: form-data; filename="f"\r\n'
                b"Content-Transfer-Encoding: base64\r\n\r\naGk=\r\n--b--\r\n"
            ),
        ),
    ],
)
async def test_an_upload_that_is_none_is_400(server: Server, content_type: str, body: bytes) -> None:
    status, answer = await server.post("/api/files", data=body, headers={"Content-Type": content_type})

    assert (status, bool(answer["error"])) == (400, True)


# Through a run ------------------------------------------------------------------------------------------


async def test_base64_in_the_input_becomes_a_file_and_comes_out_with_its_contents(server: Server) -> None:
    workflow_id = await server.deploy(TAKES_FILES, input={"doc": "file[]"})
    given = {"type": "file", "data": f"data:text/plain;base64,{TEXT}", "name": "a.txt"}

    body = await server.execute(workflow_id, json={"doc": [given]})

    (file,) = body["output"]["got"]
    assert (file["name"], file["size"], file["base64"]) == ("a.txt", 5, TEXT)
    started = (await server.events(body["executionId"]))[0]["data"]
    assert started["input"]["doc"] == [{name: file[name] for name in file if name != "base64"}]
    async with server.client.get(file["url"], headers=HEADERS) as response:
        assert await response.read() == b"hello"


@pytest.mark.parametrize("asked", [{"includeFileBase64": False}, {"base64MaxBytes": 4}])
async def test_contents_are_left_out_where_they_are_not_wanted_or_too_large(
    server: Server, asked: dict[str, Any]
) -> None:
    workflow_id = await server.deploy(TAKES_FILES, input={"doc": "file[]"})
    file = await uploaded(server)

    body = await server.execute(workflow_id, json={"input": {"doc": file}, **asked})

    assert body["output"]["got"] == [file]


async def test_a_stream_ends_with_the_contents_too(server: Server) -> None:
    workflow_id = await server.deploy(TAKES_FILES, input={"doc": "file[]"})
    file = await uploaded(server)

    lines = await server.lines(
        f"/api/workflows/{workflow_id}/execute", json={"input": {"doc": file}, "stream": True}
    )

    assert f'"base64":"{TEXT}"' in lines[0]


async def test_a_bad_file_in_the_input_is_400_and_nothing_is_recorded(server: Server) -> None:
    workflow_id = await server.deploy(TAKES_FILES, input={"doc": "file[]"})
    before = await server.store.last_position()

    status, body = await server.post(
        f"/api/workflows/{workflow_id}/execute", json={"doc": {"data": "?", "name": "a"}}
    )

    assert (status, body["details"][0]["path"]) == (400, "input.doc[0]")
    assert await server.store.last_position() == before


async def test_files_fill_the_form_of_a_pause(server: Server) -> None:
    workflow_id = await server.deploy(FORM)
    execution_id = (await server.execute(workflow_id))["executionId"]

    _, body = await server.post(
        f"/api/resume/{workflow_id}/{execution_id}/ask",
        json={"submission": {"proof": [{"data": TEXT, "name": "a.txt"}]}},
    )

    assert [file["size"] for file in body["output"]["got"]] == [5]
