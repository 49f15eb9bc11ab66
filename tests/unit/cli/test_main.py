"""The command line itself: help, exit codes, one sentence for what went wrong."""

import subprocess
import sys

import pytest

from signoff.cli.exits import Exit
from signoff.cli.main import call

WORK = ("deploy", "rollback", "lint", "run", "watch", "resume", "retry", "cancel")
SERVERS = ("serve", "gateway", "executor", "stream")
UPKEEP = ("migrate", "doctor", "version")
COMMANDS = (*WORK, *SERVERS, *UPKEEP)


@pytest.mark.parametrize("command", [*([name] for name in COMMANDS), ["topics", "apply"], ["new", "block"]])
def test_every_command_explains_itself(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert call([*command, "--help"]) == Exit.OK

    shown = capsys.readouterr().out
    assert f"Usage: signoff {' '.join(command)}" in shown
    assert "Examples:" in shown or command == ["version"]


def test_help_lists_every_command_and_the_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["--help"]) == Exit.OK

    shown = capsys.readouterr().out
    assert all(f" {name} " in shown for name in COMMANDS)
    assert "4 paused" in shown


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["frobnicate"], "frobnicate"),
        (["run"], "workflow"),
        (["run", "refund", "--colour", "red"], "--colour"),
        (["run", "refund", "--input", "{"], "--input is not JSON"),
        (["deploy"], "name at least one file"),
        (["deploy", "a.yaml", "b.yaml", "--id", "w"], "--id names one workflow"),
        (["deploy", "nowhere.yaml"], "nowhere.yaml cannot be read"),
        (["serve", "--port", "many"], "many"),
    ],
)
def test_wrong_usage_is_told_in_a_sentence(
    arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(arguments) == Exit.USAGE

    told = capsys.readouterr()
    assert says.lower() in told.err.lower()
    assert told.out == ""


@pytest.mark.parametrize("service", ["gateway", "executor", "stream"])
def test_a_service_of_a_cluster_says_which_settings_it_lacks(
    service: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("SIGNOFF_DATABASE_URL", raising=False)
    monkeypatch.delenv("SIGNOFF_KAFKA", raising=False)

    assert call([service]) == Exit.USAGE
    assert "set SIGNOFF_DATABASE_URL and SIGNOFF_KAFKA" in capsys.readouterr().err


def test_topics_are_applied_to_brokers_that_are_named_only(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("SIGNOFF_KAFKA", raising=False)

    assert call(["topics", "apply"]) == Exit.USAGE
    assert "set SIGNOFF_KAFKA" in capsys.readouterr().err


def test_a_setting_that_cannot_be_used_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SIGNOFF_PORT", "eighty")

    assert call(["doctor"]) == Exit.USAGE
    assert "SIGNOFF_PORT must be" in capsys.readouterr().err


def test_without_a_server_a_command_says_how_to_get_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SIGNOFF_URL", "http://127.0.0.1:1")

    assert call(["run", "refund"]) == Exit.REFUSED
    told = capsys.readouterr().err
    assert told.startswith(
        "signoff: no server answers at http://127.0.0.1:1: start a server with `signoff serve`"
    )
    assert told.count("\n") == 1


def test_help_costs_no_driver_and_no_server() -> None:
    code = "import sys; from signoff.cli.main import call; call(['--help']); print(sorted(sys.modules))"
    shown = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=True
    )

    loaded = shown.stdout.splitlines()[-1]
    assert not [name for name in ("aiohttp", "aiokafka", "asyncpg", "yaml") if f"'{name}'" in loaded]
