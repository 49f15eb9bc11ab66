"""`signoff doctor` and `signoff recover` as they are typed, on an embedded server's log."""

import json
from contextlib import redirect_stderr
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from signoff.cli.exits import Exit
from signoff.cli.main import call


@pytest.fixture(autouse=True)
def embedded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The settings of a server that stands still, its log new."""
    monkeypatch.setenv("SIGNOFF_DATA", str(tmp_path))
    assert call(["migrate"]) is Exit.OK
    capsys.readouterr()


def lines(capsys: pytest.CaptureFixture[str]) -> list[Any]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_doctor_tells_each_finding_in_a_line_of_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["doctor", "--all"]) is Exit.OK

    found = lines(capsys)
    assert [each["subject"] for each in found] == [
        *("configuration", "database", "leases", "clock", "secrets", "checkpoints", "logs"),
    ]
    assert all(each["ok"] for each in found)


CLUSTER = {
    "SIGNOFF_DATABASE_URL": "postgresql://127.0.0.1/signoff",
    "SIGNOFF_KAFKA": "127.0.0.1:9092",
}


@pytest.mark.parametrize(
    ("command", "given", "told"),
    [
        ("doctor", {}, "there is no log in"),
        ("doctor", CLUSTER, "set SIGNOFF_SECRET_KEY and SIGNOFF_BLOBS, or SIGNOFF_DATA"),
        ("recover", CLUSTER, "is not the data folder of these services"),
    ],
)
def test_what_only_looks_makes_nothing_where_no_server_was(
    command: str, given: dict[str, str], told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (given | {"SIGNOFF_DATA": str(tmp_path / "elsewhere")}).items():
        monkeypatch.setenv(name, value)
    with redirect_stderr(StringIO()) as said:
        assert call([command]) is Exit.USAGE

    assert told in said.getvalue()
    assert not (tmp_path / "elsewhere").exists()


def test_a_partition_that_does_not_exist_is_told(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIGNOFF_KAFKA", "127.0.0.1:9092")

    assert call(["recover", "--reread", "--partition", "12", "64"]) is Exit.USAGE

    assert "there is no partition 64" in capsys.readouterr().err


def test_doctor_fails_when_something_is_wrong(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIGNOFF_PUBLIC_ULR", "https://signoff.example.org")

    assert call(["doctor"]) is Exit.FAILED

    assert {"ok": False, "subject": "configuration"}.items() <= lines(capsys)[0].items()


def test_a_rebuild_ends_with_how_much_it_looked_at(capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["doctor", "--rebuild", "executions", "inbox"]) is Exit.OK

    assert lines(capsys) == [{"lookedAt": 0, "rebuilt": 0, "failed": 0, "partitions": []}]


@pytest.mark.parametrize(
    "arguments",
    [
        ["doctor", "--rebuild", "--retry-dead"],
        ["doctor", "--retry-dead"],
        ["doctor", "--discard-dead"],
        ["doctor", "--discard-dead", "no-such-command"],
        ["recover"],
        ["recover", "--reread", "--skip-to-end"],
    ],
)
def test_what_cannot_be_done_is_told_and_nothing_is_done(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(arguments) is Exit.USAGE

    assert capsys.readouterr().err.startswith("signoff: ")
