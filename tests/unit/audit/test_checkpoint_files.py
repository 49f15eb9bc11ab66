"""Checkpoints in folders and object stores."""

from pathlib import Path

import msgspec
import pytest

from signoff.audit.checkpoints.checkpoint import (
    Checkpoint,
    CheckpointError,
    HeadRecord,
    Signed,
    encode_checkpoint,
)
from signoff.audit.checkpoints.files import CheckpointFiles, parse, path_of
from signoff.audit.verify.sources import FilesSource, SingleFileSource
from signoff.events.errors import BlobError
from signoff.events.objects import Objects

HEADS = [HeadRecord("00000000-0000-7000-8000-000000000001", 7, "hash", 1)]


def signed(number: int, *, day: str = "2026-11-23") -> Signed:
    raw = encode_checkpoint(
        Checkpoint(
            shard=0, number=number, after=0, position=9, heads=1, root="root", time=f"{day}T10:00:00.000000Z"
        )
    )
    return Signed(msgspec.json.decode(raw, type=Checkpoint), raw, "signature")


@pytest.mark.parametrize("kind", ["memory", "file"])
async def test_they_come_back_by_number_through_all_days(kind: str, tmp_path: Path) -> None:
    objects = Objects.open("memory:" if kind == "memory" else f"file://{tmp_path}/place")
    files = CheckpointFiles(objects, name=kind)
    for number, day in ((1, "2026-11-22"), (2, "2026-11-22"), (10, "2026-11-23")):
        await files.write(signed(number, day=day), HEADS)

    held = [each async for each in FilesSource(files, is_live=True).held()]

    assert [each.signed for each in held] == [
        signed(1, day="2026-11-22"), signed(2, day="2026-11-22"), signed(10),
    ]  # fmt: skip
    assert held[0].heads == HEADS
    assert await files.last(after=None) == signed(10)
    assert await files.last(after=signed(2, day="2026-11-22")) == signed(10)
    assert await files.last(after=signed(10)) is None


async def test_a_place_without_any_is_empty(tmp_path: Path) -> None:
    files = CheckpointFiles.open(f"file://{tmp_path}/nothing")

    assert await files.paths() == []
    assert await files.last(after=None) is None


async def test_a_place_that_went_away_is_told(tmp_path: Path) -> None:
    (tmp_path / "place").mkdir()
    files = CheckpointFiles.open(f"file://{tmp_path}/place")
    (tmp_path / "place").rmdir()
    (tmp_path / "place").write_text("a file")

    with pytest.raises(BlobError):
        await files.write(signed(1), HEADS)


@pytest.mark.parametrize(
    "content", [b"", b"\n", b"nonsense\n", b'{"logId":"x","eventId":1,"hash":"h","checkpoint":1}\n']
)
def test_what_is_no_file_of_a_checkpoint_is_refused(content: bytes) -> None:
    with pytest.raises(CheckpointError):
        parse(content)


async def test_one_file_may_hold_many(tmp_path: Path) -> None:
    files = CheckpointFiles.open(f"file://{tmp_path}/place")
    for number in (1, 2):
        await files.write(signed(number), HEADS)
    every = tmp_path / "all.jsonl"
    every.write_bytes(b"".join((tmp_path / "place" / path_of(signed(each))).read_bytes() for each in (1, 2)))

    source = SingleFileSource(every)

    assert [each.signed.number async for each in source.held()] == [1, 2]
    assert source.faults == []


async def test_one_file_that_is_cut_off_is_named(tmp_path: Path) -> None:
    files = CheckpointFiles.open(f"file://{tmp_path}/place")
    await files.write(signed(1), HEADS)
    whole = (tmp_path / "place" / path_of(signed(1))).read_bytes()
    every = tmp_path / "all.jsonl"
    every.write_bytes(whole + whole.splitlines(keepends=True)[0])
    source = SingleFileSource(every)

    assert [each.signed.number async for each in source.held()] == [1]
    assert ["cut off" in fault.meaning for fault in source.faults] == [True]
