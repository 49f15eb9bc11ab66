"""The command line itself: help, exit codes, one sentence for what went wrong."""

import re
import shlex
import subprocess
import sys

import pytest

from signoff.cli.catalog import Command, Family
from signoff.cli.exits import Exit
from signoff.cli.main import CHAPTERS, build, call

ENTRIES = [entry for chapter in CHAPTERS.values() for entry in chapter]
COMMANDS = {
    **{(entry.name,): entry for entry in ENTRIES if isinstance(entry, Command)},
    **{
        (entry.name, command.name): command
        for entry in ENTRIES
        if isinstance(entry, Family)
        for command in entry.commands
    },
}
EXAMPLES = [example for command in COMMANDS.values() for example in command.examples]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_explains_itself(command: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert call([*command, "--help"]) == Exit.OK

    shown = capsys.readouterr().out
    assert f"Usage: signoff {' '.join(command)}" in shown
    assert "Examples:" in shown or command == ("version",)


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_is_a_command_that_is_understood(example: str) -> None:
    typed = re.split(r" [|>] |\)$", example[example.index("signoff ") :])[0]
    words = shlex.split(typed)

    function, bound, _ = build().parse_args(words[1:], exit_on_error=False)

    assert function.__module__.startswith("signoff.cli.commands.")
    assert bound is not None


def test_the_help_of_a_command_tells_all_that_is_known_of_it(capsys: pytest.CaptureFixture[str]) -> None:
    call(["executions", "cancel", "--help"])

    assert "Without --yes" in capsys.readouterr().out


def test_a_shell_completes_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["completion", "bash"]) == Exit.OK

    script = capsys.readouterr().out
    assert all(f" {name[-1]} " in script for name in COMMANDS)


def test_help_lists_every_command_and_the_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["--help"]) == Exit.OK

    shown = capsys.readouterr().out
    assert all(f" {entry.name} " in shown for entry in ENTRIES)
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
        (["executions", "cancel", "--yes"], "say which executions are meant"),
        (["executions", "list", "--limit", "0"], "--limit"),
        (["executions", "list", "--status", "done"], "done"),
        (["keys", "create", "ci"], "--roles read"),
        (["keys", "create", "ci", "--own", "--user", "u-1"], "either --own or --user"),
        (["keys", "create", "ci", "--roles", "read", "--workspace", "w-1"], "--workspace bounds a user"),
        (["account", "sign-out"], "either a session"),
        (["account", "sign-out", "s-1", "--everywhere"], "either a session"),
        (["groups", "set-roles", "finance"], "--none"),
        (["hooks", "replay", "hook-1"], "say what to send again"),
        (["env", "set", "TOKEN", "--from-file", "nowhere.pem"], "nowhere.pem cannot be read"),
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
