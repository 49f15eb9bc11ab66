"""Checkpoints in folders and object stores."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from signoff.audit.checkpoints.checkpoint import (
    Checkpoint,
    CheckpointError,
    HeadRecord,
    Signed,
    decode_entry,
    encode_checkpoint,
)
from signoff.audit.checkpoints.files import CheckpointFiles, parse
from signoff.audit.checkpoints.signing import Keyring, Signer
from signoff.audit.verify.sources import FilesSource
from signoff.events.errors import BlobError
from signoff.events.objects import Objects

SIGNER = Signer([b"a seed of checkpoints, 32 bytes "])
NO_KEYS = Keyring([])
HEADS = [HeadRecord("00000000-0000-7000-8000-000000000001", 7, "hash", 1)]


def signed(number: int, *, day: str = "2026-11-23") -> Signed:
    raw = encode_checkpoint(
        Checkpoint(
            shard=0, number=number, after=0, position=9, heads=1, root="root", time=f"{day}T10:00:00.000000Z"
        )
    )
    return Signed(msgspec.json.decode(raw, type=Checkpoint), raw, SIGNER.sign(raw))


@pytest.mark.parametrize("kind", ["memory", "file"])
async def test_they_come_back_by_number_through_all_days(kind: str, tmp_path: Path) -> None:
    objects = Objects.open("memory:" if kind == "memory" else f"file://{tmp_path}/place")
    files = CheckpointFiles(objects, name=kind)
    for number, day in ((1, "2026-11-22"), (2, "2026-11-22"), (10, "2026-11-23")):
        await files.write(signed(number, day=day), HEADS)

    held = [each async for each in FilesSource(files, NO_KEYS, is_live=True).held()]

    assert [each.signed for each in held] == [
        signed(1, day="2026-11-22"), signed(2, day="2026-11-22"), signed(10),
    ]  # fmt: skip
    assert held[0].heads == HEADS
    assert await files.last(SIGNER.keys, after=None) == signed(10)
    assert await files.last(SIGNER.keys, after=signed(2, day="2026-11-22")) == signed(10)
    assert await files.last(SIGNER.keys, after=signed(10)) is None


async def test_a_place_without_any_is_empty(tmp_path: Path) -> None:
    files = CheckpointFiles.open(f"file://{tmp_path}/nothing")

    assert await files.paths() == []
    assert await files.last(SIGNER.keys, after=None) is None


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


class Locked(Objects):
    """A store that takes nothing in place of what is there."""

    async def write(self, path: str, content: Any, *, within: float = 1.0) -> None:
        raise BlobError("locked")


async def test_a_file_that_is_there_is_not_written_again() -> None:
    files = CheckpointFiles(Locked.open("memory:"), name="locked")

    for _ in range(2):  # who wrote it died before it could say so
        await files.write(signed(1), HEADS)

    assert len(await files.paths()) == 1


async def test_a_file_that_is_something_else_stays(tmp_path: Path) -> None:
    files = CheckpointFiles.open(f"file://{tmp_path}")
    await files.write(signed(1), HEADS)

    with pytest.raises(CheckpointError, match="something else than checkpoint 1"):
        await files.write(signed(1), [])

    (path,) = await files.paths()
    assert (await files.read(path))[1] == HEADS


async def test_a_file_that_a_power_failure_cut_off_is_written_whole(tmp_path: Path) -> None:
    files = CheckpointFiles.open(f"file://{tmp_path}")
    await files.write(signed(1), HEADS)
    (path,) = await files.paths()
    (tmp_path / path).write_bytes((tmp_path / path).read_bytes()[:20])

    await files.write(signed(1), HEADS)

    assert await files.read(path) == (signed(1), HEADS)


async def test_a_file_of_another_number_than_its_name_is_none(tmp_path: Path) -> None:
    files = CheckpointFiles.open(f"file://{tmp_path}")
    await files.write(signed(1), HEADS)
    (path,) = await files.paths()
    (tmp_path / path).rename((tmp_path / path).with_name("000000000007.jsonl"))
    source = FilesSource(files, NO_KEYS, is_live=False)

    assert [each async for each in source.held()] == []
    assert ["it holds checkpoint 1" in fault.meaning for fault in source.faults] == [True]


@pytest.mark.parametrize(
    "changes",
    [
        {"number": 0}, {"number": 2**63}, {"position": 99999999999999999999}, {"position": -1}, {"after": -1},
        {"heads": -1}, {"time": "9999-99-99T00:00:00.000000Z"}, {"time": "../.."}, {"shard": 1},
    ],
)  # fmt: skip
def test_a_checkpoint_with_numbers_or_times_that_are_none_is_none(changes: dict[str, Any]) -> None:
    raw = msgspec.json.encode(msgspec.json.decode(signed(1).raw) | changes)

    with pytest.raises(CheckpointError):
        decode_entry(b'{"checkpoint":%b,"signature":"%b"}' % (raw, SIGNER.sign(raw).encode()))


def test_a_head_that_no_log_can_have_is_none() -> None:
    with pytest.raises(CheckpointError):
        decode_entry(msgspec.json.encode(msgspec.structs.replace(HEADS[0], event_id=2**64)))
