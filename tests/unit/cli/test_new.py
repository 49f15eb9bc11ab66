"""``signoff new block``: what it writes is right from the first minute."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from signoff.cli.exits import Exit
from signoff.cli.main import call

LIMIT = 60


def check(folder: Path, *command: str) -> str:
    """Run a tool in a folder as a developer does; gives what it says."""
    ended = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=False,
    )
    assert ended.returncode == 0, f"{command}:\n{ended.stdout}{ended.stderr}"
    return ended.stdout


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("new") / "refund"
    assert call(["new", "block", "payments.refund", "--directory", str(folder)]) == Exit.OK
    return folder


def test_the_new_block_passes_its_own_test(written: Path) -> None:
    assert "2 passed" in check(written, "pytest", "-q", "-p", "no:cacheprovider")


def test_the_new_package_passes_ruff(written: Path) -> None:
    check(written, "ruff", "check", "--no-cache", ".")
    check(written, "ruff", "format", "--no-cache", "--check", ".")


def test_the_new_package_passes_strict_mypy(written: Path) -> None:
    check(written, "mypy", "--cache-dir", str(written.parent / "mypy"), "payments_refund_block", "tests")


def test_the_new_package_offers_its_block_by_entry_point(written: Path) -> None:
    project = tomllib.loads((written / "pyproject.toml").read_text())["project"]

    assert project["name"] == "payments-refund-block"
    assert project["entry-points"]["signoff.blocks"] == {"payments.refund": "payments_refund_block.block"}


def test_by_default_the_package_is_written_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)

    assert call(["new", "block", "Greet"]) == Exit.OK

    assert (tmp_path / "greet-block" / "greet_block" / "block.py").is_file()
    assert '"directory":"greet-block"' in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "says"),
    [("1st", "cannot name a block"), ("with space", "cannot name a block"), ("wait", "is a built-in block")],
)
def test_a_name_that_cannot_be_is_refused(
    name: str, says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(["new", "block", name, "--directory", str(tmp_path / "new")]) == Exit.USAGE

    assert says in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_written_over(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kept = tmp_path / "mine.txt"
    kept.write_text("mine")

    assert call(["new", "block", "greet", "--directory", str(tmp_path)]) == Exit.USAGE

    assert "not an empty folder" in capsys.readouterr().err
    assert [*tmp_path.iterdir()] == [kept]


def test_it_explains_itself(capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["new", "block", "--help"]) == Exit.OK

    shown = capsys.readouterr().out
    assert "Usage: signoff new block" in shown
    assert "signoff new block payments.refund" in shown
