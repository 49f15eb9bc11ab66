"""Decision links: whom they let in where, and that nothing but a decision uses them up."""

import time
from collections.abc import AsyncIterator
from typing import Any, Final

import pytest
import pytest_asyncio

from signoff.access.callers import Principal
from signoff.access.links.links import KIND, LIFETIME, DecisionLinks
from signoff.access.secrets.sealing import Sealer
from signoff.events.times import from_iso
from signoff.events.topics import DEFAULT_WORKSPACE
from signoff.events.types import SYSTEM, Actor
from signoff.gateway.routes import ALL
from support.gateways import SECRET, Server
from support.identities import (
    DEFAULT,
    Caller,
    add_person,
    add_workspace,
    administrator,
    nobody,
    serving_people,
    sign_in,
    workspace_key,
)
from support.linked import Decision, by_bearer, links_of, pause, paused, point

TWO: Final = {
    "both": {"type": "parallel", "count": 2, "blocks": {"ask": {"type": "human_in_the_loop"}}},
}
"""A workflow that stops at two points at once."""

LINKED_ROUTES: Final = [each for each in ALL if each.takes_link]
OTHER_ROUTES: Final = [each for each in ALL if not each.takes_link and each.operation is not None]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def server() -> AsyncIterator[Server]:
    """One server for all of these tests."""
    with pytest.MonkeyPatch.context() as patched:
        async with serving_people(patched, public_url="https://signoff.example.org") as running:
            yield running


async def record(decision: Decision) -> list[Any]:
    """Everything that is kept of links in the workspace."""
    return await decision.server.store.records.list(KIND, DEFAULT_WORKSPACE, limit=1000)


# Letting in -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("in_query", [True, False])
async def test_a_link_shows_its_point_and_decides_there_as_its_person(server: Server, in_query: bool) -> None:
    decision = await pause(server)
    token = (await decision.link()).token
    caller = nobody(server) if in_query else by_bearer(server, token)
    params = {"token": token} if in_query else {}

    status, shown, _ = await caller.send("GET", decision.path, params=params)
    decided, answer = await decision.decide(caller, params=params)

    assert (status, shown["pausePoint"]["contextId"]) == (200, decision.context)
    assert (decided, answer["status"]) == (200, "started")
    (resumed,) = [each for each in await decision.events() if each["type"] == "execution:resumed"]
    assert resumed["data"]["actor"] == {"type": "user", "id": decision.user_id}


async def test_a_token_counts_before_every_other_credential(server: Server) -> None:
    decision = await pause(server)
    browser = Caller(server, {**administrator(server).headers, **(await decision.caller()).headers})

    await decision.decide(browser)
    status, refused = await decision.decide(administrator(server))

    assert status == 409
    assert refused["resumedBy"]["id"] == decision.user_id


async def test_no_answer_to_a_link_is_kept_on_the_way(server: Server) -> None:
    decision = await pause(server)
    caller = await decision.caller()

    for method, path in (("GET", decision.path), ("HEAD", decision.path), ("GET", f"{decision.path}x")):
        _, _, headers = await caller.send(method, path)
        assert (headers["Cache-Control"], headers["Referrer-Policy"]) == ("no-store", "no-referrer")


async def test_looking_as_often_as_one_likes_changes_nothing_and_the_link_decides_after_it(
    server: Server,
) -> None:
    decision = await pause(server)
    caller = await decision.caller()
    before = (await record(decision), len(await decision.events()))

    for method in ("GET", "HEAD", "OPTIONS") * 10:
        await caller.send(method, decision.path)

    assert (await record(decision), len(await decision.events())) == before
    assert (await decision.decide(caller))[0] == 200


async def test_a_link_shows_its_point_alone(server: Server) -> None:
    workflow, answer = await paused(server, TWO)
    first, second = [each["data"]["_resume"]["contextId"] for each in answer["output"]["pausedBlocks"]]
    decision = await point(server, workflow, answer["executionId"], first)

    shown = await (await decision.caller()).do("GET", decision.path)

    assert [each["contextId"] for each in shown["execution"]["pausePoints"]] == [first]
    assert second not in str(shown)


# Keeping out ------------------------------------------------------------------------------------------


def test_every_route_that_takes_a_link_names_its_pause_point() -> None:
    assert {"getPausePoint", "resumeExecution", "sendDecisionCode"} <= {each.name for each in LINKED_ROUTES}
    for route in LINKED_ROUTES:
        assert {"execution", "context"} <= {*route.path_names}, route.name


async def test_a_link_is_no_credential_for_any_other_route(server: Server) -> None:
    decision = await pause(server, "admin")
    token = (await decision.link()).token
    names = {"execution": decision.execution, "context": decision.context, "id": decision.workflow}

    answers = {}
    for route in OTHER_ROUTES:
        path = "/".join(_filled(part, names) for part in route.path.split("/"))
        for caller, params in ((by_bearer(server, token), {}), (nobody(server), {"token": token})):
            answers[route.name], _ = await caller.call(route.method, path, params=params)
            assert answers[route.name] == 401, route.name

    assert len(answers) > 70


def _filled(part: str, names: dict[str, str]) -> str:
    return names.get(part[1:].partition(":")[0].rstrip("}"), DEFAULT) if part.startswith("{") else part


async def test_a_link_is_for_no_other_point(server: Server) -> None:
    decision, other = await pause(server), await pause(server)
    caller = await decision.caller()

    for execution, context in (
        (other.execution, other.context),
        (other.execution, decision.context),
        (decision.execution, "elsewhere"),
        ("never", "was"),
    ):
        for method, path in (
            ("GET", f"/api/resume/{decision.workflow}/{execution}/{context}"),
            ("POST", f"/api/resume/{decision.workflow}/{execution}/{context}"),
            ("POST", f"/api/inbox/{execution}/{context}/code"),
        ):
            assert await caller.call(method, path) == (403, {"error": "This link is for another decision"})


async def test_a_link_is_for_no_other_workflow_and_no_other_workspace(server: Server) -> None:
    decision, other = await pause(server), await pause(server)
    caller = await decision.caller()

    elsewhere = decision.path.replace(decision.workflow, other.workflow)
    assert (await caller.post(elsewhere, json={"approved": True}))[0] == 404
    there = caller.within(await add_workspace(server))
    assert await there.post(decision.path, json={"approved": True}) == (404, {"error": "Workspace not found"})


@pytest.mark.parametrize(
    "token", ["signofflink_", "signofflink_" + "A" * 300, "signofflink_%00", "x", "", "signoff_key"]
)
async def test_a_forged_token_lets_nobody_in(server: Server, token: str) -> None:
    decision = await pause(server)

    status, refused = await nobody(server).get(decision.path, params={"token": token})

    assert status == 401
    assert "ask for a new one or sign in" in refused["error"]
    assert token == "" or token not in refused["error"]


async def test_a_token_made_with_another_key_lets_nobody_in(server: Server) -> None:
    decision = await pause(server)
    forger = DecisionLinks(server.store.records, Sealer([b"another secret key of 32 characters"]))
    forged = await forger.make(decision.point, user_id=decision.user_id, made_by=SYSTEM)

    assert (await by_bearer(server, forged.token).get(decision.path))[0] == 401


async def test_an_expired_link_says_what_to_do(server: Server) -> None:
    decision = await pause(server)
    past = DecisionLinks(server.store.records, Sealer([SECRET]), clock=lambda: time.time() - LIFETIME - 1)
    made = await past.make(decision.point, user_id=decision.user_id, made_by=SYSTEM)

    status, refused = await by_bearer(server, made.token).get(decision.path)

    assert status == 401
    assert refused["error"] == "This link has expired; ask for a new one or sign in"


async def test_a_disabled_person_s_link_lets_nobody_in(server: Server) -> None:
    decision = await pause(server)
    caller = await decision.caller()
    user = f"/api/users/{decision.user_id}"

    await administrator(server).do("PATCH", user, json={"disabled": True})
    status, refused = await decision.decide(caller)
    await administrator(server).do("PATCH", user, json={"disabled": False})

    assert status == 401
    assert "may do nothing here any more" in refused["error"]
    assert (await decision.decide(caller))[0] == 200


async def test_a_removed_member_s_link_lets_nobody_in(server: Server) -> None:
    decision = await pause(server)
    caller = await decision.caller()

    await administrator(server).do("DELETE", f"/api/workspaces/{DEFAULT}/members/{decision.user_id}")

    assert (await caller.get(decision.path))[0] == 401
    assert (await decision.decide(caller))[0] == 401


async def test_a_link_gives_its_person_no_more_than_their_roles_do(server: Server) -> None:
    decision = await pause(server, "auditor")
    caller = await decision.caller()

    assert (await caller.get(decision.path))[0] == 200
    assert await decision.decide(caller) == (403, {"error": "Access denied"})


async def test_a_link_makes_and_revokes_no_links(server: Server) -> None:
    decision = await pause(server, "admin")
    made = await decision.link()
    caller = by_bearer(server, made.token)

    assert (await caller.post(f"{decision.inbox}/links", json={}))[0] == 401
    assert (await caller.get(f"{decision.inbox}/links"))[0] == 401
    assert (await caller.call("DELETE", f"{decision.inbox}/links/{made.link_id}"))[0] == 401


# One decision -----------------------------------------------------------------------------------------


async def test_a_link_decides_once_and_then_still_shows(server: Server) -> None:
    decision = await pause(server)
    caller = await decision.caller()
    assert (await decision.decide(caller))[0] == 200

    status, refused = await decision.decide(caller, approved=False)
    shown = await caller.do("GET", decision.path)

    assert status == 409
    assert refused["resumedBy"]["id"] == decision.user_id
    assert isinstance(refused["eventId"], int)
    assert shown["pausePoint"]["resumeStatus"] in ("resuming", "resumed")


async def test_a_used_link_does_nothing_more_even_where_the_point_would_be_open(server: Server) -> None:
    decision = await pause(server)
    made = await decision.link()
    caller = by_bearer(server, made.token)
    await _use(decision, made.token)

    for path in (decision.path, f"{decision.inbox}/code"):
        status, refused = await caller.post(path, json={"approved": True})
        assert (status, refused["code"], refused["eventId"]) == (409, "LINK_USED", 4)
        assert refused["resumedBy"]["id"] == decision.user_id
    assert (await caller.get(decision.path))[0] == 200


async def test_the_request_that_used_a_link_may_be_sent_again(server: Server) -> None:
    decision = await pause(server)
    caller = await decision.caller()

    first = await decision.decide(caller, Idempotency_Key="once")
    again = await decision.decide(caller, Idempotency_Key="once")
    other = await decision.decide(caller, Idempotency_Key="twice")

    assert again == first
    assert (first[0], other[0]) == (200, 409)


async def _use(decision: Decision, token: str) -> None:
    """Note that a link was used, as if a decision by it had been void since."""
    links = links_of(decision.server)
    ticket = links.read(token)
    principal = Principal(
        actor=Actor(type="user", id=ticket.user_id),
        workspace_id=ticket.workspace_id,
        roles=frozenset(),
        link_id=ticket.link_id,
    )
    await links.used(principal, event_id=4)


# Making, listing, revoking ----------------------------------------------------------------------------


async def test_a_link_is_a_page_of_the_public_address(server: Server) -> None:
    decision = await pause(server)

    made = await decision.lend(expiresInSeconds=3600)

    page = f"https://signoff.example.org/resume/{decision.workflow}/{decision.execution}"
    assert made["url"] == f"{page}?contextId={decision.context}&token={made['token']}"
    assert made["userId"] == decision.user_id
    assert 3500 < from_iso(made["expiresAt"]) - time.time() <= 3600


async def test_people_make_links_for_themselves_and_writers_for_others(server: Server) -> None:
    decision = await pause(server)
    _, own_address = await add_person(server, "approver")
    _, writers = await add_person(server, "write")
    person, writer = await sign_in(server, own_address), await sign_in(server, writers)
    links = f"{decision.inbox}/links"

    assert (await person.post(links, json={}))[0] == 201
    assert (await person.post(links, json={"userId": decision.user_id}))[0] == 403
    assert (await writer.post(links, json={"userId": decision.user_id}))[0] == 201
    reader = await workspace_key(server, "read")
    assert (await reader.post(links, json={}))[0] == 403


async def test_people_see_and_revoke_their_own_links_and_writers_all(server: Server) -> None:
    decision = await pause(server)
    user_id, address = await add_person(server, "approver")
    person, links = await sign_in(server, address), f"{decision.inbox}/links"
    others, own = await decision.lend(), await person.do("POST", links, json={})

    seen = await person.do("GET", links)
    everything = await administrator(server).do("GET", links, params={"limit": "1"})
    rest = await administrator(server).do("GET", links, params={"cursor": everything["nextCursor"]})

    assert [each["id"] for each in seen["links"]] == [own["id"]]
    assert seen["links"][0]["madeBy"] == {"type": "user", "id": user_id}
    assert {each["id"] for each in (*everything["links"], *rest["links"])} == {own["id"], others["id"]}
    assert "token" not in str(everything)
    assert (await person.call("DELETE", f"{links}/{others['id']}"))[0] == 404
    assert (await person.call("DELETE", f"{links}/{own['id']}"))[0] == 204
    assert (await administrator(server).call("DELETE", f"{links}/{others['id']}"))[0] == 204


async def test_a_revoked_link_lets_nobody_in_from_then_on(server: Server) -> None:
    decision = await pause(server)
    made = await decision.link()
    caller = by_bearer(server, made.token)
    assert (await caller.get(decision.path))[0] == 200

    path = f"{decision.inbox}/links/{made.link_id}"
    assert await administrator(server).call("DELETE", path) == (204, None)
    assert await administrator(server).call("DELETE", path) == (204, None)

    refusal = {"error": "This link was revoked; ask for a new one or sign in"}
    assert await caller.get(decision.path) == (401, refusal)
    assert await decision.decide(caller) == (401, refusal)
    (listed,) = (await administrator(server).do("GET", f"{decision.inbox}/links"))["links"]
    assert listed["revokedAt"] is not None


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"expiresInSeconds": 59}, "expiresInSeconds"),
        ({"expiresInSeconds": 7_776_001}, "expiresInSeconds"),
        ({"userId": DEFAULT}, "userId must be a member of this workspace"),
        ({"userId": None}, "userId must be given"),
        ({"more": 1}, "more"),
    ],
)
async def test_a_link_that_cannot_be_is_not_made(server: Server, asked: dict[str, Any], says: str) -> None:
    decision = await pause(server)

    status, refused = await administrator(server).post(f"{decision.inbox}/links", json=asked)

    assert status == 400
    assert says in refused["error"]


@pytest.mark.parametrize("cursor", ["\x00", "x", "0" * 64])
async def test_a_cursor_that_is_none_is_refused(server: Server, cursor: str) -> None:
    decision = await pause(server)

    status, refused = await administrator(server).get(f"{decision.inbox}/links", params={"cursor": cursor})

    assert (status, refused["details"][0]["path"]) == (400, "cursor")


async def test_a_service_account_has_no_links(server: Server) -> None:
    decision = await pause(server)
    admin = administrator(server)
    service = await admin.do("POST", "/api/users", json={"name": "crawler", "service": True})
    member = f"/api/workspaces/{DEFAULT}/members/{service['id']}"
    await admin.do("PUT", member, json={"roles": ["approver"]})

    status, refused = await admin.post(f"{decision.inbox}/links", json={"userId": service["id"]})

    assert status == 400
    assert "a service account has keys" in refused["error"]


async def test_a_point_that_is_not_there_has_no_links(server: Server) -> None:
    decision = await pause(server)
    admin = administrator(server)

    for path in (f"/api/inbox/{decision.execution}/elsewhere/links", f"/api/inbox/{DEFAULT}/approve/links"):
        assert (await admin.post(path, json={"userId": decision.user_id}))[0] == 404
        assert (await admin.get(path))[0] == 404
        assert (await admin.call("DELETE", f"{path}/{'a' * 64}"))[0] == 404
