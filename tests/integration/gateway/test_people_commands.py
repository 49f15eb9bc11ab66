"""``signoff users|groups|keys|workspaces`` against a running server."""

import asyncio
import io
import json
import sys
from collections.abc import AsyncIterator
from typing import Any

import pytest

from signoff.cli.exits import Exit
from signoff.cli.main import call
from support.gateways import KEY, Server
from support.identities import DEFAULT, new_address, serving_people, sign_in


class Shell:
    """Runs commands in a thread, as each has an event loop of its own."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    async def run(self, *arguments: str) -> tuple[Exit, str, str]:
        code = await asyncio.to_thread(call, list(arguments))
        said = self._capsys.readouterr()
        return code, said.out, said.err

    async def lines(self, *arguments: str) -> list[dict[str, Any]]:
        code, out, err = await self.run(*arguments)
        assert code == Exit.OK, err
        return [json.loads(line) for line in out.splitlines()]

    async def line(self, *arguments: str) -> dict[str, Any]:
        (only,) = await self.lines(*arguments)
        return only


@pytest.fixture
async def server(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Server]:
    async with serving_people(monkeypatch) as running:
        monkeypatch.setenv("SIGNOFF_URL", str(running.client.make_url("")))
        monkeypatch.setenv("SIGNOFF_API_KEY", KEY)
        yield running


@pytest.fixture
def shell(capsys: pytest.CaptureFixture[str]) -> Shell:
    return Shell(capsys)


async def test_people_are_added_disabled_enabled_and_erased(server: Server, shell: Shell) -> None:
    address = new_address()

    made = await shell.line("users", "add", "Ada", "--email", address)
    disabled = await shell.line("users", "disable", address)
    enabled = await shell.line("users", "enable", made["id"])
    found = await shell.line("users", "list", "--email", address)
    await shell.line("users", "remove", address)

    assert (made["email"], disabled["disabled"], enabled["disabled"]) == (address, True, False)
    assert found["id"] == made["id"]
    assert await shell.lines("users", "list") == []


async def test_a_password_comes_down_a_pipe_and_is_nobodys_argument(
    server: Server, shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = new_address()
    monkeypatch.setattr(sys, "stdin", io.StringIO("correct horse battery\nstaple of the horses\n"))

    await shell.line("users", "add", "Ada", "--email", address, "--password")
    await sign_in(server, address, "correct horse battery")
    await shell.line("users", "password", address)

    await sign_in(server, address, "staple of the horses")


async def test_members_and_groups_of_a_workspace(server: Server, shell: Shell) -> None:
    address = new_address()

    added = await shell.line("workspaces", "add-member", DEFAULT, address, "--roles", "read")
    await shell.line("groups", "create", "finance", "--roles", "approver", "--member", address)
    left = await shell.line("groups", "remove-member", "finance", address)
    back = await shell.line("groups", "add-member", "finance", address)
    members = await shell.lines("workspaces", "members", DEFAULT)
    await shell.line("groups", "remove", "finance")
    await shell.line("workspaces", "remove-member", DEFAULT, address)

    assert (left["userIds"], back["userIds"]) == ([], [added["id"]])
    assert [(each["email"], each["roles"]) for each in members] == [(address, ["read"])]
    assert await shell.lines("groups", "list") == []
    assert await shell.lines("workspaces", "members", DEFAULT) == []


async def test_a_workspace_is_made_renamed_and_closed(server: Server, shell: Shell) -> None:
    made = await shell.line("workspaces", "create", "Finance")
    renamed = await shell.line("workspaces", "rename", made["id"], "Accounting")
    listed = await shell.lines("workspaces", "list")
    await shell.line("workspaces", "close", made["id"])

    assert renamed["name"] == "Accounting"
    assert [each["name"] for each in listed] == ["default", "Accounting"]
    assert len(await shell.lines("workspaces", "list")) == 1


async def test_a_key_is_made_rotated_and_revoked(server: Server, shell: Shell) -> None:
    made = await shell.line("keys", "create", "import", "--roles", "write", "--expires-in-days", "30")
    rotated = await shell.line("keys", "rotate", made["id"], "--overlap-seconds", "60")
    listed = await shell.line("keys", "list")
    await shell.line("keys", "revoke", made["id"])

    assert rotated["key"] != made["key"]
    assert (listed["id"], listed["roles"]) == (made["id"], ["write"])
    assert "key" not in listed
    assert await shell.lines("keys", "list") == []


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["users", "add", "Ada"], "--email"),
        (["users", "disable", "nobody@example.org"], "nobody@example.org"),
        (["groups", "remove", "finance"], "finance"),
        (["keys", "revoke", "unknown"], "API key not found"),
        (["keys", "create", "x", "--roles", "owner"], "owner"),
    ],
)
async def test_what_cannot_be_done_is_told_in_a_sentence(
    server: Server, shell: Shell, arguments: list[str], says: str
) -> None:
    code, out, err = await shell.run(*arguments)

    assert code in (Exit.USAGE, Exit.REFUSED)
    assert says in err
    assert out == ""
