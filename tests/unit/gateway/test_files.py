"""Files in inputs and in outputs: base64 in, a small value between, base64 out where it is asked for."""

import base64
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import pytest

from signoff.events.files import Files
from signoff.events.objects import Objects
from signoff.gateway.errors import ApiError
from signoff.gateway.executions import file_contents
from signoff.gateway.executions.file_contents import with_base64
from signoff.gateway.executions.file_inputs import MAX_FILES, FileInputs, file_fields, may_hold_files

WORKSPACE = UUID(int=1)
TEXT = base64.b64encode(b"hello").decode()
UPLOAD = {"type": "file", "data": f"data:text/plain;base64,{TEXT}", "name": "a.txt"}


@pytest.fixture
def files() -> Files:
    return Files(Objects.open("memory:"))


async def keep(files: Files, given: Mapping[str, Any], *fields: str) -> dict[str, Any]:
    return await FileInputs(files, WORKSPACE).keep(given, set(fields), within="input")


async def content(files: Files, key: str) -> bytes:
    file = await files.find(WORKSPACE, key)
    return b"".join([piece async for piece in files.read(WORKSPACE, file)])


# In ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "media_type"),
    [
        (UPLOAD, "text/plain"),
        ({"data": TEXT, "name": "a.txt", "mime": "text/csv"}, "text/csv"),
        ({"data": TEXT, "name": "a.txt", "type": "image/png"}, "image/png"),
        ({"data": TEXT, "name": "a.txt"}, "application/octet-stream"),
        ({"data": f"data:;base64,{TEXT}", "name": "a.txt", "mime": "text/csv"}, "text/csv"),
    ],
)
async def test_base64_becomes_a_stored_file(files: Files, given: Any, media_type: str) -> None:
    kept = await keep(files, {"doc": given, "n": 1}, "doc")

    (file,) = kept["doc"]
    assert (file["name"], file["size"], file["type"], kept["n"]) == ("a.txt", 5, media_type, 1)
    assert await content(files, file["key"]) == b"hello"


async def test_a_field_within_the_inner_input_is_one_too(files: Files) -> None:
    kept = await keep(files, {"input": {"doc": [UPLOAD, UPLOAD]}}, "doc")

    assert [file["size"] for file in kept["input"]["doc"]] == [5, 5]


async def test_a_field_of_another_type_stays_as_it_is(files: Files) -> None:
    assert await keep(files, {"doc": UPLOAD}, "other") == {"doc": UPLOAD}


async def test_an_uploaded_file_is_taken_as_it_really_is(files: Files) -> None:
    file = (await files.keep(WORKSPACE, b"12", name="n", media_type="text/plain")).value()

    kept = await keep(files, {"doc": file | {"name": "forged", "size": 9}}, "doc")

    assert kept["doc"] == [file]


async def test_a_file_that_is_not_there_is_refused_by_its_place(files: Files) -> None:
    file = (await files.keep(UUID(int=2), b"theirs", name="n", media_type="text/plain")).value()

    with pytest.raises(ApiError, match=r"input\.doc\[1\]: there is no such file"):
        await keep(files, {"doc": [UPLOAD, file]}, "doc")


async def test_a_file_elsewhere_is_named_by_its_url_and_not_fetched(files: Files) -> None:
    given = {"type": "url", "data": "https://example.org/a.pdf", "name": "a.pdf", "mime": "application/pdf"}

    (file,) = (await keep(files, {"doc": given}, "doc"))["doc"]

    assert (file["url"], file["key"], file["size"]) == ("https://example.org/a.pdf", "url/a.pdf", 0)
    assert (await keep(files, {"doc": file}, "doc"))["doc"] == [file]


@pytest.mark.parametrize(
    "given",
    [
        {"data": "no base64!", "name": "a"},
        {"data": "data:text/plain,hello", "name": "a"},
        {"data": "data:text/plain;base64", "name": "a"},
        {"data": "aGk", "name": "a"},
        {"type": "url", "data": "file:///etc/passwd", "name": "a"},
    ],
)
async def test_what_is_no_file_is_refused_by_its_place(files: Files, given: Any) -> None:
    with pytest.raises(ApiError) as caught:
        await keep(files, {"doc": [given]}, "doc")

    assert (caught.value.status, caught.value.details[0].path) == (400, "input.doc[0]")


async def test_too_many_files_are_refused(files: Files) -> None:
    with pytest.raises(ApiError, match=f"{MAX_FILES} files"):
        await keep(files, {"doc": [UPLOAD] * (MAX_FILES + 1)}, "doc")


def test_only_what_looks_like_a_file_makes_the_definition_be_read() -> None:
    assert may_hold_files({"input": {"doc": [UPLOAD]}}, within="input")
    assert may_hold_files({"doc": UPLOAD}, within="input")
    assert not may_hold_files({"data": "text", "list": [{"data": 1}]}, within="input")
    assert not may_hold_files([UPLOAD], within="input")


def test_fields_of_files_are_found_in_a_format() -> None:
    fields = [{"name": " doc ", "type": "file[]"}, {"name": "n", "type": "number"}, 5, {"type": "files"}]

    assert file_fields(fields) == {"doc"}
    assert file_fields(None) == set()


# Out -----------------------------------------------------------------------------------------------------


async def test_files_in_an_output_get_their_contents(files: Files) -> None:
    file = (await files.keep(WORKSPACE, b"hello", name="n", media_type="text/plain")).value()

    output = await with_base64(files, WORKSPACE, {"a": [file, {"b": file}], "n": 1}, most=5)

    full = file | {"base64": TEXT}
    assert output == {"a": [full, {"b": full}], "n": 1}


async def test_a_file_over_the_limit_and_a_forged_one_stay_as_they_are(files: Files) -> None:
    file = (await files.keep(WORKSPACE, b"hello", name="n", media_type="text/plain")).value()
    theirs = (await files.keep(UUID(int=2), b"x", name="n", media_type="text/plain")).value()

    output = {"large": file, "theirs": theirs, "odd": file | {"key": "../x"}}

    assert await with_base64(files, WORKSPACE, output, most=4) == output


async def test_all_contents_of_one_answer_are_bounded(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_contents, "MAX_TOTAL", 7)
    pair = [
        (await files.keep(WORKSPACE, b"hello", name="n", media_type="text/plain")).value() for _ in range(2)
    ]

    first, second = await with_base64(files, WORKSPACE, pair, most=5)

    assert (first["base64"], "base64" in second) == (TEXT, False)
