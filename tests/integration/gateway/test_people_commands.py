"""``signoff users|groups|keys|workspaces`` against a running server."""

import asyncio
import io
import json
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from signoff.cli.exits import Exit
from signoff.cli.main import call
from support.gateways import KEY, Server
from support.identities import (
    DEFAULT,
    PASSWORD,
    Caller,
    add_person,
    new_address,
    serving_people,
    sign_in,
    with_key,
)


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


async def act_as_person(server: Server, monkeypatch: pytest.MonkeyPatch) -> Caller:
    """Let commands act with a person's own key from now on; gives the browser in which it was made."""
    _, address = await add_person(server, "read")
    browser = await sign_in(server, address)
    key = await browser.do("POST", "/api/users/me/keys", json={"name": "laptop"})
    monkeypatch.setenv("SIGNOFF_API_KEY", key["key"])
    return browser


async def _address(shell: Shell) -> str:
    return str((await shell.line("whoami"))["user"]["email"])


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


async def test_the_keys_of_a_service_account(server: Server, shell: Shell) -> None:
    robot = await shell.line("users", "add", "robot", "--service")
    await shell.line("workspaces", "add-member", DEFAULT, robot["id"], "--roles", "write")
    of_it = ("--user", robot["id"])

    made = await shell.line("keys", "create", "nightly", *of_it, "--workspace", DEFAULT)
    rotated = await shell.line("keys", "rotate", made["id"], *of_it)
    listed = await shell.line("keys", "list", *of_it)
    await shell.line("keys", "revoke", made["id"], *of_it)

    assert (made["userId"], made["workspaceId"], made["roles"]) == (robot["id"], DEFAULT, None)
    assert rotated["key"] != made["key"]
    assert listed["id"] == made["id"]
    assert await shell.lines("keys", "list", *of_it) == []
    assert (await with_key(server, rotated["key"]).get("/api/workflows"))[0] == 401


async def test_where_somebody_is_signed_in_is_listed_and_ended(
    server: Server, shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = await act_as_person(server, monkeypatch)

    first = await shell.line("account", "sessions")
    ended = await shell.line("account", "sign-out", first["id"])
    after = await browser.get("/api/auth/session")
    for _ in range(2):
        await sign_in(server, await _address(shell))
    both = await shell.lines("account", "sessions")
    await shell.line("account", "sign-out", "--everywhere")

    assert (first["method"], ended, after[0]) == ("password", {"ended": first["id"]}, 401)
    assert len(both) == 2
    assert await shell.lines("account", "sessions") == []


async def test_somebody_changes_their_own_name_and_password(
    server: Server, shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    await act_as_person(server, monkeypatch)
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{PASSWORD}\nstaple of the horses\n"))

    renamed = await shell.line("account", "rename", "Countess")
    await shell.line("account", "password")

    assert renamed["name"] == "Countess"
    await sign_in(server, await _address(shell), "staple of the horses")


async def test_users_and_groups_are_shown_and_changed(server: Server, shell: Shell) -> None:
    address = new_address()
    member = await shell.line("workspaces", "add-member", DEFAULT, address, "--roles", "read")
    await shell.line("groups", "create", "finance", "--member", address)

    renamed = await shell.line("users", "rename", address, "Ada")
    await shell.line("groups", "rename", "finance", "accounting")
    given = await shell.line("groups", "set-roles", "accounting", "--roles", "read", "--roles", "approver")
    taken = await shell.line("groups", "set-roles", "accounting", "--none")

    assert await shell.line("users", "show", member["id"]) == renamed
    assert await shell.line("groups", "show", "accounting") == taken
    assert (given["name"], given["roles"]) == ("accounting", ["read", "approver"])
    assert (taken["roles"], taken["userIds"]) == ([], [member["id"]])


async def test_an_administrator_says_who_decides_for_a_member(server: Server, shell: Shell) -> None:
    away, delegate = new_address(), new_address()
    for address in (away, delegate):
        await shell.line("workspaces", "add-member", DEFAULT, address, "--roles", "approver")

    until = (datetime.now(UTC) + timedelta(days=9)).isoformat()
    absence = await shell.line("workspaces", "set-absence", DEFAULT, away, delegate, "--until", until)
    shown = {each["id"]: each["absence"] for each in await shell.lines("workspaces", "members", DEFAULT)}
    await shell.line("workspaces", "end-absence", DEFAULT, away)

    assert shown == {absence["userId"]: absence, absence["delegateId"]: None}
    assert [each["absence"] for each in await shell.lines("workspaces", "members", DEFAULT)] == [None, None]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["users", "add", "Ada"], "--email"),
        (["users", "show", "nobody"], "User not found"),
        (["keys", "list", "--user", "nobody"], "User not found"),
        (["account", "sessions"], "it has no user"),
        (["account", "rename", "Ada"], "it has no user"),
        (["workspaces", "end-absence", DEFAULT, "nobody"], "not found"),
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
