"""Files: kept whole or not at all, read in pieces, each workspace its own."""

from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import pytest

from signoff.events.errors import BlobError, BlobNotFoundError, FileTooLargeError
from signoff.events.files import File, Files, is_file
from signoff.events.objects import Objects

WORKSPACE = UUID(int=1)
OTHER_WORKSPACE = UUID(int=2)


@pytest.fixture(params=["memory", "file"])
def files(request: pytest.FixtureRequest, tmp_path: Path) -> Files:
    return Files(Objects.open("memory:" if request.param == "memory" else f"file://{tmp_path}/blobs"))


async def pieces(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


async def content(files: Files, file: File, *, start: int = 0, end: int | None = None) -> bytes:
    return b"".join([piece async for piece in files.read(WORKSPACE, file, start=start, end=end)])


async def test_a_file_is_read_back_as_it_came(files: Files) -> None:
    file = await files.keep(WORKSPACE, pieces(b"a,b\n", b"1,2\n"), name="t.csv", media_type="text/csv; a=b")

    assert (file.name, file.size, file.type) == ("t.csv", 8, "text/csv")
    assert (file.url, file.id) == (f"/api/files/{file.key}", file.key)
    assert await files.find(WORKSPACE, file.key) == file
    assert await content(files, file) == b"a,b\n1,2\n"


@pytest.mark.parametrize(("start", "end"), [(0, 3), (2, 8), (7, 8), (3, 3), (6, None)])
async def test_part_of_a_file_is_read(files: Files, start: int, end: int | None) -> None:
    file = await files.keep(WORKSPACE, b"01234567", name="n", media_type="text/plain")

    assert await content(files, file, start=start, end=end) == b"01234567"[start:end]


async def test_a_large_file_is_read_in_small_pieces(files: Files) -> None:
    whole = bytes(range(256)) * 12_000
    file = await files.keep(WORKSPACE, pieces(whole[:1_000_000], whole[1_000_000:]), name="n", media_type="")

    found = [piece async for piece in files.read(WORKSPACE, file)]

    assert b"".join(found) == whole
    assert max(map(len, found)) <= 256 * 1024


async def test_an_empty_file_is_a_file(files: Files) -> None:
    file = await files.keep(WORKSPACE, b"", name="empty", media_type="text/plain")

    assert (file.size, await content(files, file)) == (0, b"")


async def test_another_workspace_cannot_find_it(files: Files) -> None:
    file = await files.keep(WORKSPACE, b"ours", name="n", media_type="text/plain")

    with pytest.raises(BlobNotFoundError):
        await files.find(OTHER_WORKSPACE, file.key)


@pytest.mark.parametrize(
    "key", ["", "../../etc/passwd", "x" * 36, "0198c1f0-7d3e-7c1a-9f7e-1f2e3d4c5b6a.json"]
)
async def test_what_is_no_key_is_not_found(files: Files, key: str) -> None:
    with pytest.raises(BlobNotFoundError):
        await files.find(WORKSPACE, key)


def kept_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


async def test_a_file_over_its_limit_leaves_nothing(tmp_path: Path) -> None:
    files = Files(Objects.open(f"file://{tmp_path}"))

    with pytest.raises(FileTooLargeError, match="larger than 5 bytes"):
        await files.keep(WORKSPACE, pieces(b"123", b"456"), name="n", media_type="text/plain", most=5)

    assert kept_in(tmp_path) == []


async def test_an_upload_that_breaks_off_leaves_nothing_and_says_why(tmp_path: Path) -> None:
    files = Files(Objects.open(f"file://{tmp_path}"))

    async def broken() -> AsyncIterator[bytes]:
        yield b"half"
        raise LookupError("the caller went away")

    with pytest.raises(LookupError, match="went away"):
        await files.keep(WORKSPACE, broken(), name="n", media_type="text/plain")

    assert kept_in(tmp_path) == []


async def test_damaged_facts_are_noticed(tmp_path: Path) -> None:
    files = Files(Objects.open(f"file://{tmp_path}"))
    file = await files.keep(WORKSPACE, b"x", name="n", media_type="text/plain")
    next(path for path in kept_in(tmp_path) if path.suffix == ".json").write_bytes(b"{")

    with pytest.raises(BlobError, match="damaged"):
        await files.find(WORKSPACE, file.key)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\temp\\a b.txt", "a b.txt"),
        ("", "file"),
        ("..", "file"),
        ("a\r\nX-Header: b", "aX-Header: b"),
        ("naïve\ud800.txt", "naïve?.txt"),
        ("n" * 300 + ".txt", "n" * 251 + ".txt"),
    ],
)
async def test_a_name_is_a_name_and_no_path(files: Files, given: str, kept: str) -> None:
    assert (await files.keep(WORKSPACE, b"", name=given, media_type="text/plain")).name == kept


@pytest.mark.parametrize("given", ["", "text", "text/html\r\nX: y", "a/b/c", "Ω/Ω"])
async def test_a_type_that_is_none_is_any(files: Files, given: str) -> None:
    assert (await files.keep(WORKSPACE, b"", name="n", media_type=given)).type == "application/octet-stream"


async def test_the_value_of_a_file_is_known_by_its_fields(files: Files) -> None:
    file = await files.keep(WORKSPACE, b"", name="n", media_type="text/plain")

    assert is_file(file.value())
    assert not is_file({"name": "n", "url": "u"})
    assert not is_file([file.value()])
