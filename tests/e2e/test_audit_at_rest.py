"""Commands that only look, on what a server left behind: no byte changes, and large values are looked at."""

import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import pytest

from e2e.shell import SIGNOFF, Embedded, eventually

LARGE: Final = 300_000
"""Characters of a value that is kept outside of the log."""

LOOKING: Final = ("audit verify", "audit replay refund", "audit export ../exported", "doctor --all")


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a server left that was killed: an execution, a large input, a large definition; all in the WAL."""
    folder = tmp_path_factory.mktemp("killed")
    server = Embedded(folder / "data")
    server.serve("--examples", SIGNOFF_CHECKPOINT_EVERY="1")
    given, definition = folder / "given.json", folder / "long.yaml"
    given.write_text(json.dumps({"amount": 250, "customer": "A" * LARGE}))
    code = f"return 1 /*{'x' * LARGE}*/"
    definition.write_text(f"workflow: long\nblocks:\n  a: {{type: function, code: '{code}'}}\n")
    try:
        for command in (
            ("run", "refund-approval", "--id", "refund", "--input", f"@{given}"),
            ("deploy", str(definition)),
            ("run", "long", "--id", "long", "--input", "{}"),
        ):
            assert server.signoff(*command).code in {0, 4}
        eventually(lambda: any((server.data / "checkpoints").rglob("*.jsonl")))
    finally:
        server.kill()
    return server.data


@pytest.fixture
def left(killed: Path, tmp_path: Path) -> Iterator[Embedded]:
    """A copy of that, where commands look for it."""
    shutil.copytree(killed, tmp_path / "data")
    yield Embedded(tmp_path / "data")
    for path in (tmp_path / "data", *(tmp_path / "data").rglob("*")):  # so that it can be removed
        path.chmod(0o700)


def everything(folder: Path) -> dict[str, tuple[str, int]]:
    """All files below a folder: their digests, and when they were written."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {
        str(path.relative_to(folder)): (
            hashlib.sha256(path.read_bytes()).hexdigest(),
            path.stat().st_mtime_ns,
        )
        for path in files
    }


def values_of(left: Embedded) -> list[Path]:
    return sorted(path for path in (left.data / "blobs").rglob("*") if path.stat().st_size > LARGE)


def looked(left: Embedded, *options: str) -> tuple[int, list[dict[str, Any]], dict[str, Any]]:
    """Exit code, faults and summary."""
    done = left.signoff("audit", "verify", *options)
    assert done.lines, done.err
    *faults, summary = done.lines
    return done.code, faults, summary


@pytest.mark.parametrize("is_writable", [True, False], ids=["writable", "read-only"])
def test_what_a_killed_server_left_is_looked_at_and_stays_as_it_was(
    left: Embedded, is_writable: bool
) -> None:
    assert (left.data / "signoff.db-wal").stat().st_size
    (left.data / "signoff.db-shm").unlink()  # an auditor's copy may lack it
    if not is_writable:
        for path in (left.data, *left.data.rglob("*")):
            path.chmod(0o555 if path.is_dir() else 0o444)
    before = everything(left.data)
    # Permissions bind root, too, without the capability to pass over them.
    bound = ["setpriv", "--bounding-set=-dac_override"] if os.geteuid() == 0 and not is_writable else []

    for command in LOOKING:
        done = subprocess.run(
            [*bound, SIGNOFF, *command.split()], cwd=left.data, env=left.environment, capture_output=True,
            timeout=50, check=False,
        )  # fmt: skip

        assert done.returncode == 0, (command, done.stdout, done.stderr)
        assert everything(left.data) == before, command


def test_large_values_are_looked_at(left: Embedded) -> None:
    code, faults, summary = looked(left)

    assert (code, faults) == (0, [])
    assert "large values: 2" in summary["checked"]
    assert not any("--values" in each for each in summary["notShown"])
    assert any("--values" in each for each in looked(left, "--fold")[2]["notShown"])
    assert "large values: 2" in looked(left, "--values")[2]["checked"]


@pytest.mark.parametrize("damage", ["taken away", "changed", "cut off"])
def test_a_large_value_that_is_not_what_it_was_is_named(left: Embedded, damage: str) -> None:
    values = values_of(left)
    for path in values:
        content = path.read_bytes()
        path.unlink()
        if damage != "taken away":
            path.write_bytes(content[:-1] if damage == "cut off" else b"y" + content[1:])

    code, faults, _ = looked(left)

    named = [each["place"] for each in faults if each["kind"] == "value"]
    assert code == 1
    assert {each["value"] for each in named} == {f"sha256:{path.name}" for path in values}
    assert len(values) == 2
    assert all(each["logId"] and each["eventId"] for each in named)
    assert looked(left, "--chain")[0] == 0


def test_a_selection_of_what_nobody_has_is_refused(left: Embedded) -> None:
    nobody = "0192f3a1-7c1e-7a52-9d33-5b7f0f4e2a10"
    for command, says in (
        ("audit verify --workflow nope", "there is no workflow nope"),
        ("audit export exported --workflow nope", "there is no workflow nope"),
        (f"audit export exported --workspace {nobody}", f"there is no workspace {nobody}"),
    ):
        done = left.signoff(*command.split())

        assert done.code == 3, done.out
        assert says in done.err
    assert not Path("exported").exists()


def test_what_was_not_looked_at_is_not_told_as_checked(left: Embedded) -> None:
    code, _, summary = looked(left, "--since", "2099-01-01")

    assert (code, summary["logs"]) == (0, 0)
    assert not any("chain" in each or "large values" in each for each in summary["checked"])
    assert any("none is of what was asked for" in each for each in summary["notShown"])


def test_an_export_says_what_is_wrong_with_its_target(left: Embedded, tmp_path: Path) -> None:
    (tmp_path / "plain").write_text("")
    assert left.signoff("audit", "export", str(tmp_path / "exported")).code == 0
    for target, option, says in (
        ("plain", (), "plain cannot be written: "),
        ("plain/below", (), "plain/below cannot be written: "),
        (
            "exported",
            ("--workflow", "long"),
            "exported was begun without --workflow: say so, or give another",
        ),
    ):
        done = left.signoff("audit", "export", str(tmp_path / target), *option)

        assert done.code == 2, done.out
        assert says in done.err


def test_several_processes_look_at_a_log_at_once(left: Embedded, tmp_path: Path) -> None:
    kept = tmp_path / "verified.json"
    _, _, by_one = looked(left, "--resume", str(kept))
    state = json.loads(kept.read_bytes())
    (unit,) = state["units"]
    edges = [
        unit["after"],
        *(f"{digit}0000000-0000-0000-0000-000000000000" for digit in "48c"),
        unit["until"],
    ]
    state["units"] = [{"after": one, "until": two} for one, two in pairwise(edges)]
    state["done"] = {}
    kept.write_text(json.dumps(state))
    before = everything(left.data)

    code, faults, by_two = looked(left, "--resume", str(kept), "--processes", "2")

    assert (code, faults) == (0, [])
    assert by_two == by_one
    assert everything(left.data) == before
