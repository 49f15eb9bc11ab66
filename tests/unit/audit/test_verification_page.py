"""docs/verification.md: what it shows for checking a checkpoint by hand works as it stands there."""

import re
import subprocess
from pathlib import Path
from typing import Final, get_args

import msgspec
import pytest

from signoff.audit.checkpoints.checkpoint import (
    Checkpoint,
    HeadRecord,
    Signed,
    encode_checkpoint,
    encode_entry,
    sha256_text,
)
from signoff.audit.checkpoints.signing import Signer
from signoff.audit.verify.faults import Kind

PAGE: Final = (Path(__file__).resolve().parents[3] / "docs" / "verification.md").read_text(encoding="utf-8")


def check_by_hand(folder: Path, signed: Signed) -> subprocess.CompletedProcess[str]:
    head = HeadRecord("00000000-0000-7000-8000-000000000001", 7, "hash", signed.number)
    (folder / "file").write_bytes(encode_entry(head) + b"\n" + encode_entry(signed) + b"\n")
    (block,) = re.findall(r"^```bash\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    return subprocess.run(
        ["bash", "-uo", "pipefail", "-c", block],
        cwd=folder, capture_output=True, text=True, timeout=20, check=False,
    )  # fmt: skip


@pytest.fixture
def signed(tmp_path: Path) -> Signed:
    signer = Signer([b"n" * 32, b"o" * 32])
    (tmp_path / "keys.json").write_bytes(msgspec.json.encode(signer.keys.jwks()))
    raw = encode_checkpoint(
        Checkpoint(
            shard=0, number=2, after=19, position=27, heads=1, root="root",
            time="2026-11-23T13:34:37.892068Z", previous="previous",
        )
    )  # fmt: skip
    return Signed(msgspec.json.decode(raw, type=Checkpoint), raw, signer.sign(raw))


def test_the_commands_check_a_checkpoint(tmp_path: Path, signed: Signed) -> None:
    done = check_by_hand(tmp_path, signed)

    assert done.stdout.split("\n")[:2] == ["Signature Verified Successfully", sha256_text(signed.raw)]


def test_the_commands_refuse_another_one(tmp_path: Path, signed: Signed) -> None:
    forged = msgspec.structs.replace(signed, raw=signed.raw.replace(b'"position":27', b'"position":28'))

    assert "Signature Verification Failure" in check_by_hand(tmp_path, forged).stdout


def test_every_kind_of_fault_is_told_of() -> None:
    table = "\n".join(line for line in PAGE.splitlines() if line.startswith("| `"))

    assert [kind for kind in get_args(Kind) if f"`{kind}`" not in table] == []
