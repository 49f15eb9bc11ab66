"""Keys of a workspace over HTTP."""

from collections.abc import AsyncIterator

import pytest

from signoff.gateway.people.identity import IDENTITY
from support.gateways import Server
from support.identities import (
    DEFAULT,
    add_workspace,
    administrator,
    held_by,
    serving_people,
    with_key,
    workspace_key,
)

BODY = {"name": "import", "roles": ["write"]}


@pytest.fixture(scope="module")
async def server() -> AsyncIterator[Server]:
    with pytest.MonkeyPatch.context() as monkeypatch:
        async with serving_people(monkeypatch) as running:
            yield running


async def test_a_key_is_shown_once_and_acts_with_its_roles(server: Server) -> None:
    admin = administrator(server)

    status, made = await admin.post("/api/keys", json=BODY)
    acts, _ = await with_key(server, made["key"]).get("/api/workflows")
    listed = await admin.do("GET", "/api/keys")
    shown = await admin.do("GET", f"/api/keys/{made['id']}")

    assert (status, acts) == (201, 200)
    assert made["key"].startswith("signoff_")
    assert (made["roles"], made["workspaceId"], made["expiresAt"]) == (["write"], DEFAULT, None)
    assert made["key"] not in str(listed) + str(shown)
    assert made["id"] in [each["id"] for each in listed["keys"]]


async def test_a_retry_of_the_same_request_is_shown_the_same_key(server: Server) -> None:
    admin, again = administrator(server), {"Idempotency-Key": "make it once"}

    first = await admin.do("POST", "/api/keys", json=BODY, headers=again)
    second = await admin.do("POST", "/api/keys", json=BODY, headers=again)

    assert second == first


async def test_the_same_idempotency_key_for_another_key_is_a_conflict(server: Server) -> None:
    admin, again = administrator(server), {"Idempotency-Key": "make one or the other"}
    await admin.do("POST", "/api/keys", json=BODY, headers=again)

    status, _ = await admin.post("/api/keys", json={**BODY, "roles": ["read"]}, headers=again)

    assert status == 409


async def test_a_retry_key_of_one_workspace_tells_nothing_to_another(server: Server) -> None:
    other = administrator(server).within(await add_workspace(server))
    again = {"Idempotency-Key": "the same words"}

    ours = await administrator(server).do("POST", "/api/keys", json=BODY, headers=again)
    theirs = await other.do("POST", "/api/keys", json=BODY, headers=again)

    assert theirs["id"] != ours["id"]
    assert theirs["workspaceId"] != ours["workspaceId"]


async def test_a_secret_is_kept_sealed_for_its_retry_and_nowhere_else(server: Server) -> None:
    again = {"Idempotency-Key": "where is it"}

    made = await administrator(server).do("POST", "/api/keys", json=BODY, headers=again)

    for keeper in (server.store.records, server.store, server.bus):
        assert made["id"] in held_by(keeper)
        assert made["key"] not in held_by(keeper)


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({"name": "", "roles": ["read"]}, "name"),
        ({"name": "x"}, "roles"),
        ({"name": "x", "roles": []}, "roles"),
        ({"name": "x", "roles": ["owner"]}, "roles[0]"),
        ({"name": "x", "roles": ["read"], "workspaceId": DEFAULT}, "workspaceId"),
        ({"name": "x", "roles": ["read"], "expiresInSeconds": 0}, "expiresInSeconds"),
        ({"name": "x", "roles": ["read"], "expiresAt": "soon"}, "expiresAt"),
        ({"name": "x", "roles": ["read"], "expiresAt": "2020-01-01T00:00:00Z"}, "expiresAt"),
        (
            {"name": "x", "roles": ["read"], "expiresInSeconds": 9, "expiresAt": "2999-01-01T00:00:00Z"},
            "expiresAt",
        ),
    ],
)
async def test_a_body_that_makes_no_key_is_refused_by_its_field(
    server: Server, body: dict[str, object], place: str
) -> None:
    status, answer = await administrator(server).post("/api/keys", json=body)

    assert (status, answer["details"][0]["path"]) == (400, place)


async def test_nobody_grants_or_takes_roles_that_they_do_not_have(server: Server) -> None:
    admin = administrator(server)
    own = await workspace_key(server, "admin")
    more = await own.post("/api/keys", json={"name": "x", "roles": ["read", "approver"]})
    writer = await workspace_key(server, "write")

    refused = await writer.post("/api/keys", json={"name": "x", "roles": ["read"]})

    assert more == (403, {"error": "Nobody grants roles that they do not have: approver"})
    assert refused[0] == 403
    assert (await admin.get("/api/keys"))[0] == 200


async def test_a_rotated_key_has_another_secret_and_the_old_one_lasts_as_long_as_was_asked(
    server: Server,
) -> None:
    admin = administrator(server)
    made = await admin.do("POST", "/api/keys", json=BODY)

    overlapping = await admin.do("POST", f"/api/keys/{made['id']}/rotate", json={"overlapSeconds": 600})
    both = [(await with_key(server, each["key"]).get("/api/workflows"))[0] for each in (made, overlapping)]
    at_once = await admin.do("POST", f"/api/keys/{made['id']}/rotate")
    all_three = [
        (await with_key(server, each["key"]).get("/api/workflows"))[0]
        for each in (made, overlapping, at_once)
    ]

    assert both == [200, 200]
    assert all_three == [401, 401, 200]
    assert at_once["id"] == made["id"]


async def test_an_overlap_is_no_longer_than_thirty_days(server: Server) -> None:
    admin = administrator(server)
    made = await admin.do("POST", "/api/keys", json=BODY)

    status, _ = await admin.post(f"/api/keys/{made['id']}/rotate", json={"overlapSeconds": 30 * 86400 + 1})

    assert status == 400


async def test_a_revoked_key_is_good_for_nothing(server: Server) -> None:
    admin = administrator(server)
    made = await admin.do("POST", "/api/keys", json=BODY)

    revoked, _ = await admin.call("DELETE", f"/api/keys/{made['id']}")
    after, body = await with_key(server, made["key"]).get("/api/workflows")
    again, _ = await admin.call("DELETE", f"/api/keys/{made['id']}")

    assert (revoked, after, again) == (204, 401, 404)
    assert body == {"error": "Invalid API key"}


async def test_keys_of_another_workspace_cannot_be_told_from_unknown_ones(server: Server) -> None:
    made = await administrator(server).do("POST", "/api/keys", json=BODY)
    stranger = await workspace_key(server, "admin", workspace_id=await add_workspace(server))

    for method, tail in (("GET", ""), ("DELETE", ""), ("POST", "/rotate")):
        existing = await stranger.send(method, f"/api/keys/{made['id']}{tail}")
        unknown = await stranger.send(method, f"/api/keys/{made['id'][:-1]}x{tail}")
        assert existing[:2] == unknown[:2] == (404, {"error": "API key not found"})
        assert dict(existing[2]).keys() == dict(unknown[2]).keys()
    assert made["id"] not in str(await stranger.get("/api/keys"))


async def test_lists_come_in_pages_that_hold_each_key_once(server: Server) -> None:
    workspace_id = await add_workspace(server)
    admin = administrator(server).within(workspace_id)
    made = {(await admin.do("POST", "/api/keys", json=BODY))["id"] for _ in range(5)}

    seen, cursor, pages = [], "", 0
    while cursor is not None:
        page = await admin.do("GET", f"/api/keys?limit=2&cursor={cursor}")
        seen += [each["id"] for each in page["keys"]]
        cursor, pages = page["nextCursor"], pages + 1

    assert (len(seen), set(seen), pages) == (5, made, 3)


async def test_a_use_of_a_key_is_told(server: Server) -> None:
    admin = administrator(server)
    made = await admin.do("POST", "/api/keys", json=BODY)

    await with_key(server, made["key"]).do("GET", "/api/workflows")
    await server.client.server.app[IDENTITY].key_uses.write()
    shown = await admin.do("GET", f"/api/keys/{made['id']}")

    assert made["lastUsedAt"] is None
    assert shown["lastUsedAt"] > made["createdAt"]
