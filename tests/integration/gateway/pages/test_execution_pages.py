"""The pages of executions as HTTP has them: who sees which, what is refused, where forms lead."""

import asyncio
import json
import re
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio

from signoff.audit.life.folding import state_as_of
from signoff.gateway.accesses.witness import ACCESSES
from signoff.gateway.pages.executions import looks
from signoff.gateway.pages.routes import ALL
from support.gateways import APPROVAL, KEY, Server, serving, settings
from support.identities import DEFAULT, add_person, add_workspace, sign_in


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def server() -> Any:
    async with serving(settings(), executor=True) as running:
        yield running


async def fetch(
    server: Server, method: str, path: str, *, roles: tuple[str, ...] = ("write",), **given: Any
) -> tuple[int, str, Any]:
    """Status, text and headers of an answer to somebody who is signed in; redirects are not followed.

    It closes its connection: a test that ends with this leaves none open.
    """
    _, address = await add_person(server, *roles, workspace_id=given.pop("workspace_id", DEFAULT))
    headers = {"Cookie": (await sign_in(server, address)).headers["Cookie"], "Connection": "close"}
    headers |= given.pop("headers", {})
    server.client.session.cookie_jar.clear()
    async with server.client.request(method, path, headers=headers, allow_redirects=False, **given) as answer:
        return answer.status, await answer.text(), answer.headers


async def paused(server: Server) -> str:
    workflow = await server.deploy(APPROVAL)
    return str((await server.execute(workflow))["executionId"])


def following_of(text: str) -> str:
    """Where the link to the next page of a list leads."""
    return text.split('rel="next"', maxsplit=1)[0].rpartition('href="')[2].split('"')[0].replace("&amp;", "&")


def test_every_page_that_shows_an_execution_is_in_the_access_log() -> None:
    shown = {
        page.name: page.shows for page in ALL if page.path.startswith("/executions") and page.method == "GET"
    }

    assert None not in shown.values()


async def test_who_may_only_look_is_offered_nothing_else(server: Server) -> None:
    execution = await paused(server)

    status, text, _ = await fetch(server, "GET", f"/executions/{execution}", roles=("auditor",))

    assert status == 200
    assert "Cancel…" not in text
    assert "Fork…" not in text
    assert "Bundle" in text


async def test_who_may_only_look_changes_nothing(server: Server) -> None:
    execution = await paused(server)

    for form in ("cancel", "retry", "forks"):
        status, _, _ = await fetch(server, "POST", f"/executions/{execution}/{form}", roles=("read",))
        assert status == 403, form
    _, view, _ = await fetch(server, "GET", f"/api/executions/{execution}")
    assert json.loads(view)["status"] == "paused"


async def test_another_workspaces_execution_is_as_if_it_never_was(server: Server) -> None:
    other = await add_workspace(server)
    workflow = await server.deploy(APPROVAL)
    execution = (await server.execute(workflow))["executionId"]

    for path in ("", "/events", "/events/1", "/verification"):
        status, _, _ = await fetch(server, "GET", f"/executions/{execution}{path}", workspace_id=other)
        assert status == 404, path


async def test_what_is_not_there_is_told_in_a_page(server: Server) -> None:
    execution = await paused(server)

    for path, expected in (
        (f"/executions/{uuid4()}", 404),
        (f"/executions/{execution}?asOf=99999", 422),
        (f"/executions/{execution}?asof=1", 400),
        (f"/executions/{execution}/events/99999", 404),
        (f"/executions/{execution}/events/first", 404),
        (f"/executions/{execution}/events?type=nothing", 400),
        (f"/executions/compare?left={execution}&right={uuid4()}", 404),
        (f"/executions/compare?left={execution}&right=", 422),
        ("/executions?status=lost", 400),
        ("/executions?cursor=none", 400),
    ):
        status, text, _ = await fetch(server, "GET", path)
        assert (status, text.startswith("<!doctype html>")) == (expected, True), path


async def test_a_block_that_is_not_there_shows_the_executions_own_values(server: Server) -> None:
    execution = await paused(server)

    status, text, _ = await fetch(server, "GET", f"/executions/{execution}?block=nowhere")

    assert (status, "The execution</h2>" in text) == (200, True)


async def test_a_form_leads_back_to_its_execution(server: Server) -> None:
    execution = await paused(server)

    status, _, headers = await fetch(server, "POST", f"/executions/{execution}/cancel")

    assert (status, headers["Location"]) == (303, f"/executions/{execution}")


async def test_an_execution_lists_its_forks_also_as_it_was_before_them(server: Server) -> None:
    execution = await paused(server)
    _, fork = await server.post(f"/api/executions/{execution}/forks", json={"mode": "live"})

    _, now, _ = await fetch(server, "GET", f"/executions/{execution}", roles=("read",))
    _, then, _ = await fetch(server, "GET", f"/executions/{execution}?asOf=1", roles=("read",))
    _, own, _ = await fetch(server, "GET", f"/executions/{fork['executionId']}", roles=("read",))

    for text in (now, then):
        assert f'href="/executions/{fork["executionId"]}"' in text
        assert "All forks" not in text
    assert "<dt>Forks</dt>" not in own


async def test_a_run_again_has_the_same_input_and_leads_to_itself(server: Server) -> None:
    workflow = await server.deploy(APPROVAL)
    execution = (await server.execute(workflow, json={"input": {"amount": 7}}))["executionId"]

    status, _, headers = await fetch(server, "POST", f"/executions/{execution}/runs")

    _, again, _ = await fetch(server, "GET", f"/api{headers['Location']}")
    assert status == 303
    assert json.loads(again)["executionId"] != execution
    assert json.loads(again)["input"] == {"amount": 7}


@pytest.mark.parametrize(
    ("form", "more"), [("runs", {}), ("runs", {"block": "approve"}), ("forks", {"eventId": "2"})]
)
async def test_a_form_that_is_sent_twice_begins_one_execution(
    server: Server, form: str, more: dict[str, str]
) -> None:
    execution = await paused(server)
    sent = {"key": str(uuid4()), **more}

    first = await fetch(server, "POST", f"/executions/{execution}/{form}", roles=("write",), data=sent)
    again = await fetch(server, "POST", f"/executions/{execution}/{form}", roles=("write",), data=sent)

    assert (first[0], again[0]) == (303, 303)
    assert first[2]["Location"] == again[2]["Location"] != f"/executions/{execution}"


async def test_each_form_that_acts_has_a_key_of_its_own(server: Server) -> None:
    execution = await paused(server)

    _, text, _ = await fetch(server, "GET", f"/executions/{execution}")

    keys = re.findall('name="key" value="([^"]+)"', text)
    assert len(keys) == len(set(keys)) == text.count('class="ask-form"') > 1


async def test_a_large_input_is_run_again_whole(server: Server) -> None:
    workflow = await server.deploy(APPROVAL)
    given = {"text": "large " * 100_000, "$own": 1}
    execution = (await server.execute(workflow, json={"input": given}))["executionId"]

    _, _, headers = await fetch(server, "POST", f"/executions/{execution}/runs")

    _, again, _ = await fetch(server, "GET", f"/api{headers['Location']}")
    assert json.loads(again)["input"] == given


async def test_a_large_value_is_told_of_and_not_fetched(server: Server) -> None:
    workflow = await server.deploy(APPROVAL)
    large = "large " * 100_000
    execution = (await server.execute(workflow, json={"input": {"text": large}}))["executionId"]

    status, text, _ = await fetch(server, "GET", f"/executions/{execution}?show=input")

    assert status == 200
    assert "kept apart" in text
    assert "large large" not in text


async def test_both_executions_that_are_compared_are_in_the_access_log(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    noted: list[Any] = []
    monkeypatch.setattr(server.client.app[ACCESSES], "note", noted.append)
    left, right = await paused(server), await paused(server)

    await fetch(server, "GET", f"/executions/compare?left={left}&right={right}")

    shown = [dict(each.names) for each in noted if each.operation == "compareTimelines"]
    assert [names.get("executionId") for names in shown] == [left, right]


async def test_who_looks_again_sees_what_came_meanwhile(server: Server) -> None:
    workflow = await server.deploy(APPROVAL)
    execution = (await server.execute(workflow))["executionId"]

    _, before, _ = await fetch(server, "GET", f"/executions/{execution}")
    await fetch(server, "POST", f"/executions/{execution}/cancel")
    _, after, _ = await fetch(server, "GET", f"/executions/{execution}")
    _, past, _ = await fetch(server, "GET", f"/executions/{execution}?asOf=2")

    assert "Cancel…" in before
    assert "Cancelled" in after
    assert "This is how it was" in past


async def test_an_execution_that_completed_is_not_retried(server: Server) -> None:
    execution = await paused(server)

    status, text, _ = await fetch(server, "POST", f"/executions/{execution}/retry", data={"reason": "why"})

    assert (status, text.startswith("<!doctype html>")) == (409, True)


async def test_a_list_goes_on_behind_its_last_execution(server: Server) -> None:
    workflow = await server.deploy({"only": {"type": "variables", "set": {"a": 1}}})
    for _ in range(51):
        await server.execute(workflow)

    _, text, _ = await fetch(server, "GET", f"/executions?workflowId={workflow}")
    _, rest, _ = await fetch(server, "GET", following_of(text))

    assert text.count("id-link") == 50
    assert rest.count("id-link") == 1
    assert KEY not in text


async def test_an_execution_whose_id_is_searched_for_comes_before_all_that_only_begin_so(
    server: Server,
) -> None:
    workflow = await server.deploy({"only": {"type": "variables", "set": {"a": 1}}})
    name = f"lone-{uuid4().hex[:6]}"
    for execution in (name, f"{name}-2", f"{name}-3"):
        await server.execute(workflow, headers={"X-Execution-Id": execution})

    for more in ("", f"&workflowId={workflow}"):
        _, text, _ = await fetch(server, "GET", f"/executions?text={name}{more}")
        assert re.findall(r'<tr data-key="([^"]+)"', text) == [name, f"{name}-3", f"{name}-2"]
    _, text, _ = await fetch(server, "GET", f"/executions?text={name}&status=failed")
    assert "No execution is like that" in text
    assert "<code>attributes</code>" in text


async def test_the_first_event_says_who_and_has_its_digest_in_short(server: Server) -> None:
    execution = await paused(server)

    _, text, _ = await fetch(server, "GET", f"/executions/{execution}/events")

    assert re.search(r"Started version \d+ by api<", text)
    assert "by <bdi>bootstrap key</bdi>" in text
    assert re.search(r'<code title="sha256:[0-9a-f]{64}">sha256:[0-9a-f]…', text)


async def test_a_list_of_events_that_ends_with_one_ends_so_on_its_last_page(server: Server) -> None:
    inner = {"at": {"type": "variables", "set": {"at": "<loop.index>"}}}
    workflow = await server.deploy({"turns": {"type": "loop", "for": 30, "blocks": inner}})
    execution = (await server.execute(workflow))["executionId"]

    _, text, _ = await fetch(server, "GET", f"/executions/{execution}/events?to=60")
    _, rest, _ = await fetch(server, "GET", following_of(text))

    assert text.count('class="event-number"') == 50
    assert rest.count('class="event-number"') == 10
    assert 'rel="next"' not in rest
    assert f'href="/executions/{execution}/events?to=60"' in rest


async def test_the_past_is_drawn_on_the_scale_of_what_came_since(server: Server) -> None:
    execution = await paused(server)
    _, events, _ = await fetch(server, "GET", f"/api/executions/{execution}/events")
    head = len(json.loads(events)["events"])
    path = f"/executions/{execution}?asOf={head}"

    _, before, _ = await fetch(server, "GET", path)
    await fetch(server, "POST", f"/executions/{execution}/cancel")
    _, after, _ = await fetch(server, "GET", path)

    assert ("stretch-later" in before, "Since then there were" in before) == (False, False)
    assert ("stretch-later" in after, "Since then there were" in after) == (True, True)


async def test_who_looks_into_the_past_keeps_nobody_from_the_present(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    execution = await paused(server)
    folding, may_fold = asyncio.Event(), asyncio.Event()

    async def slow(*args: Any, **kwargs: Any) -> Any:
        folding.set()
        await may_fold.wait()
        return await state_as_of(*args, **kwargs)

    monkeypatch.setattr(looks, "state_as_of", slow)
    past = asyncio.create_task(fetch(server, "GET", f"/executions/{execution}?asOf=2"))
    await folding.wait()

    status, _, _ = await fetch(server, "GET", f"/executions/{execution}")

    assert (status, past.done()) == (200, False)
    may_fold.set()
    assert (await past)[0] == 200


async def test_executions_of_two_versions_share_one_graph_and_those_of_two_workflows_none(
    server: Server,
) -> None:
    workflow = await server.deploy(APPROVAL)
    first = (await server.execute(workflow))["executionId"]
    blocks = {**APPROVAL, "extra": {"type": "response", "data": 1}}
    await server.call("PUT", f"/api/workflows/{workflow}", json={"blocks": blocks})
    second = (await server.execute(workflow))["executionId"]
    other = await paused(server)

    _, versions, _ = await fetch(server, "GET", f"/executions/compare?left={first}&right={second}")
    status, apart, _ = await fetch(server, "GET", f"/executions/compare?left={first}&right={other}")

    assert ">extra</text>" in versions
    assert (status, "<sf-graph" in apart) == (200, False)


async def test_the_jobs_of_a_live_fork_end_after_they_began(server: Server) -> None:
    execution = await paused(server)
    _, forked = await server.post(f"/api/executions/{execution}/forks", json={"mode": "live"})

    _, job = await server.get(f"/api/jobs/{forked['executionId']}", headers={"Connection": "close"})

    times = job["metadata"]
    assert times["createdAt"] <= times["startedAt"] <= times["completedAt"]
    assert times["duration"] >= 0
