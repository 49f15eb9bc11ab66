"""What is removed twice with one ``Idempotency-Key`` is removed once, and both requests get one answer."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from signoff.access.secrets.environment import Environments
from signoff.access.secrets.sealing import Sealer
from signoff.events.times import iso
from signoff.events.topics import DEFAULT_WORKSPACE
from support.gateways import SECRET, Server
from support.identities import (
    DEFAULT,
    Caller,
    add_person,
    add_workspace,
    administrator,
    serving_people,
    sign_in,
    workspace_key,
)

_AGAIN = {"Idempotency-Key": "remove it"}


@pytest.fixture(scope="module")
async def server() -> AsyncIterator[Server]:
    with pytest.MonkeyPatch.context() as monkeypatch:
        async with serving_people(monkeypatch) as running:
            yield running


async def _key(server: Server) -> tuple[Caller, str]:
    admin = administrator(server)
    made = await admin.do("POST", "/api/keys", json={"name": "nightly", "roles": ["read"]})
    return admin, f"/api/keys/{made['id']}"


async def _personal_key(server: Server) -> tuple[Caller, str]:
    browser = await sign_in(server, (await add_person(server, "read"))[1])
    made = await browser.do("POST", "/api/users/me/keys", json={"name": "laptop"})
    return browser, f"/api/users/me/keys/{made['id']}"


async def _group(server: Server) -> tuple[Caller, str]:
    admin = administrator(server)
    made = await admin.do("POST", "/api/groups", json={"name": "passing", "roles": ["read"]})
    return admin, f"/api/groups/{made['id']}"


async def _member(server: Server) -> tuple[Caller, str]:
    user_id, _ = await add_person(server, "read")
    return administrator(server), f"/api/workspaces/{DEFAULT}/members/{user_id}"


async def _user(server: Server) -> tuple[Caller, str]:
    return administrator(server), f"/api/users/{(await add_person(server, 'read'))[0]}"


async def _user_with_nothing(server: Server) -> tuple[Caller, str]:
    admin, (user_id, _) = administrator(server), await add_person(server)
    await admin.do("PATCH", f"/api/users/{user_id}", json={"disabled": True})
    return admin, f"/api/users/{user_id}"


async def _absence(server: Server) -> tuple[Caller, str]:
    (_, address), (delegate_id, _) = await add_person(server, "read"), await add_person(server, "read")
    browser, path = await sign_in(server, address), "/api/users/me/absence"
    await browser.do("PUT", path, json={"delegateId": delegate_id, "until": iso(time.time() + 3600)})
    return browser, path


async def _hook(server: Server) -> tuple[Caller, str]:
    admin = administrator(server)
    made = await admin.do("POST", "/api/hooks", json={"url": "https://erp.example.org/in", "types": []})
    return admin, f"/api/hooks/{made['hookId']}"


async def _environment_value(server: Server) -> tuple[Caller, str]:
    admin, path = administrator(server), "/api/environment/PASSING"
    await admin.do("PUT", path, json={"value": "a value"})
    return admin, path


async def _workspace(server: Server) -> tuple[Caller, str]:
    return administrator(server), f"/api/workspaces/{await add_workspace(server)}"


async def _own_membership(server: Server) -> tuple[Caller, str]:
    workspace_id = await add_workspace(server)
    user_id, address = await add_person(server, "admin", workspace_id=workspace_id)
    await add_person(server, "admin", workspace_id=workspace_id)
    return await sign_in(server, address), f"/api/workspaces/{workspace_id}/members/{user_id}"


@pytest.mark.parametrize(
    "made",
    [
        _key, _personal_key, _group, _member, _user, _user_with_nothing, _absence, _hook, _environment_value,
        _workspace, _own_membership,
    ],
)  # fmt: skip
async def test_a_removal_that_is_sent_again_gets_the_first_answer(
    server: Server, made: Callable[[Server], Awaitable[tuple[Caller, str]]]
) -> None:
    caller, path = await made(server)

    first = await caller.call("DELETE", path, headers=_AGAIN)
    again = await caller.call("DELETE", path, headers=_AGAIN)

    assert (first, again) == ((204, None), (204, None))
    assert (await caller.call("DELETE", path, headers={"Idempotency-Key": "another"}))[0] in (403, 404)


async def test_a_removal_that_is_sent_again_leaves_what_was_set_since(server: Server) -> None:
    admin, path = await _environment_value(server)
    await admin.call("DELETE", path, headers=_AGAIN)
    await admin.do("PUT", path, json={"value": "the next value"})

    status, _ = await admin.call("DELETE", path, headers=_AGAIN)

    assert status == 204
    environments = Environments({}, server.directory, server.store.records, Sealer([SECRET]))
    assert await environments.values(DEFAULT_WORKSPACE) == {"PASSING": "the next value"}


async def test_the_key_of_anothers_removal_is_nobody_elses(server: Server) -> None:
    admin, path = await _group(server)
    other = await workspace_key(server, "admin")
    await admin.call("DELETE", path, headers=_AGAIN)

    assert (await other.call("DELETE", path, headers=_AGAIN))[0] == 404


async def test_a_closed_workspace_is_closed_to_those_who_did_not_close_it(server: Server) -> None:
    workspace_id = await add_workspace(server)
    member = await sign_in(server, (await add_person(server, "admin", workspace_id=workspace_id))[1])
    await administrator(server).call("DELETE", f"/api/workspaces/{workspace_id}", headers=_AGAIN)

    assert (await member.call("DELETE", f"/api/workspaces/{workspace_id}", headers=_AGAIN))[0] == 404
