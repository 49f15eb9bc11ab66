"""The access log has what pages show, whatever their status."""

from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio

from signoff.audit.accesses.gathering import Sight
from signoff.audit.accesses.recorder import AccessRecorder
from support.gateways import APPROVAL, Server, serving, settings
from support.identities import add_person, sign_in


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def server() -> Any:
    async with serving(settings(), executor=True) as running:
        yield running


@pytest.fixture
def sights(monkeypatch: pytest.MonkeyPatch) -> list[Sight]:
    """What goes to the access log."""
    seen: list[Sight] = []
    monkeypatch.setattr(AccessRecorder, "note", lambda _, sight: seen.append(sight))
    return seen


async def send(
    server: Server, method: str, path: str, *, roles: tuple[str, ...] = ("write",), **given: Any
) -> int:
    """The status of an answer to somebody new who is signed in."""
    _, address = await add_person(server, *roles)
    headers = {"Cookie": (await sign_in(server, address)).headers["Cookie"], "Connection": "close"}
    server.client.session.cookie_jar.clear()
    async with server.client.request(method, path, headers=headers, allow_redirects=False, **given) as answer:
        await answer.read()
        return answer.status


def shown(sights: list[Sight]) -> list[tuple[str, str | None]]:
    """Operation and execution of each that was no refusal, without those of the test's own calls."""
    return [
        (each.operation, dict(each.names).get("executionId"))
        for each in sights
        if each.refused is None and each.auth_method == "session"
    ]


async def paused(server: Server) -> tuple[str, str, str]:
    """A workflow, an execution of it that waits, and its pause point."""
    workflow = await server.deploy(APPROVAL)
    execution = str((await server.execute(workflow))["executionId"])
    _, listed = await server.get(f"/api/resume/{workflow}/{execution}")
    return workflow, execution, str(listed["pausePoints"][0]["contextId"])


async def test_both_executions_that_are_compared_are_found_in_the_log(
    server: Server, sights: list[Sight]
) -> None:
    _, first, _ = await paused(server)
    _, second, _ = await paused(server)

    assert await send(server, "GET", f"/executions/compare?left={first}&right={second}") == 200

    assert shown(sights) == [("compareTimelines", first), ("compareTimelines", second)]


@pytest.mark.parametrize("path", ["", "/comment", "/delegate"])
async def test_a_form_that_was_refused_shows_its_point_and_that_is_recorded(
    server: Server, sights: list[Sight], path: str
) -> None:
    workflow, execution, context = await paused(server)

    status = await send(
        server, "POST", f"/resume/{workflow}/{execution}/{context}{path}", data={"input": "{", "seen": "x"}
    )

    assert status in (412, 422)
    assert shown(sights) == [("getInboxPoint", execution)]


async def test_a_page_of_a_point_is_one_access(server: Server, sights: list[Sight]) -> None:
    workflow, execution, context = await paused(server)

    assert await send(server, "GET", f"/resume/{workflow}/{execution}?contextId={context}") == 200

    assert shown(sights) == [("getInboxPoint", execution)]


async def test_what_a_decision_causes_is_an_access(server: Server, sights: list[Sight]) -> None:
    workflow, execution, context = await paused(server)

    assert await send(server, "GET", f"/resume/{workflow}/{execution}/{context}/outcome") == 200

    assert shown(sights) == [("forkExecution", execution)]


async def test_a_definition_is_an_access_where_it_is_shown_to_be_run_or_rewritten(
    server: Server, sights: list[Sight]
) -> None:
    workflow = await server.deploy(APPROVAL)

    assert await send(server, "GET", f"/workflows/{workflow}/run") == 200
    assert await send(server, "GET", f"/workflows/+new?of={workflow}") == 200
    assert await send(server, "GET", f"/workflows/+new?of={uuid4()}") == 404
    assert await send(server, "GET", "/workflows/+new") == 200

    assert [(each.operation, each.names) for each in sights if each.auth_method == "session"] == [
        ("getWorkflow", (("workflowId", workflow),)),
        ("getWorkflow", (("workflowId", workflow),)),
    ]


async def test_what_somebody_decided_is_an_access(server: Server, sights: list[Sight]) -> None:
    assert await send(server, "GET", "/inbox/decided", roles=("approver",)) == 200

    assert shown(sights) == [("listInbox", None)]
