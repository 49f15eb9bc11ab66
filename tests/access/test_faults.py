"""Changes of the directory while executors, outcomes and the broker come and go."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import pytest

from access.conftest import Site
from signoff.events.topics import directory_log_id
from signoff.gateway import commands
from support.clusters import Cluster, Service, Worker
from support.executors import until


@contextmanager
def _no_outcomes(*workers: Worker) -> Iterator[None]:
    for each in workers:
        each.line.mute = True
    yield
    for each in workers:
        each.line.mute = False


async def _events(site: Site) -> int:
    """How many changes the log has."""
    return (await site.a.log.heads([directory_log_id()])).get(directory_log_id(), 0)


def _key() -> dict[str, str]:
    return {"Idempotency-Key": str(uuid4())}


async def test_an_answer_comes_from_the_log_where_the_outcome_is_lost(site: Site) -> None:
    with _no_outcomes(*site.workers):
        status, body = await site.a.call("POST", "/api/groups", json={"name": "finance"})

    assert (status, body["name"]) == (201, "finance")
    await site.everywhere()
    assert await site.b.do("GET", f"/api/groups/{body['id']}") == body


async def test_the_log_tells_another_request_with_the_same_key_apart(site: Site) -> None:
    headers = _key()
    with _no_outcomes(*site.workers):
        status, _ = await site.a.call("POST", "/api/groups", json={"name": "treasury"}, headers=headers)
        again, _ = await site.a.call("POST", "/api/groups", json={"name": "tax"}, headers=headers)

    assert (status, again) == (201, 409)


async def test_a_change_whose_executor_ends_between_append_and_outcome_is_made_once(site: Site) -> None:
    asked: dict[str, Any] = {"json": {"name": "audit"}, "headers": _key()}
    before = await _events(site)
    worker = site.decider()
    worker.log.freezes = True

    answered = await site.a.call("POST", "/api/groups", **asked)
    assert worker.log.frozen.is_set()
    await site.replace(worker)
    again = await site.b.call("POST", "/api/groups", **asked)

    assert answered[0] == 201
    assert again == answered
    assert await _events(site) == before + 1


async def test_of_two_changes_that_contradict_each_other_one_wins(site: Site) -> None:
    workspace_id = await site.workspace()
    admins = [(await site.member(workspace_id, "admin"))[0] for _ in range(2)]
    path = f"/api/workspaces/{workspace_id}/members"

    answers = await asyncio.gather(
        *(
            each.call("DELETE", f"{path}/{user_id}")
            for each, user_id in zip((site.a, site.b), admins, strict=True)
        )
    )

    assert sorted(status for status, _ in answers) == [204, 409]
    refusal = next(body for status, body in answers if status == 409)
    assert refusal["error"] == "A workspace keeps one administrator: make somebody else one first"
    for each in (site.a, site.b):
        await until(lambda each=each: _members(each, workspace_id) == 1)
    assert site.a.directory.state == site.b.directory.state


def _members(service: Service, workspace_id: str) -> int:
    return len(service.directory.state.workspaces[workspace_id].members)


async def test_nothing_changes_while_the_broker_is_away(site: Site) -> None:
    before = await _events(site)
    site.a.line.cut = True

    status, body = await site.a.call("POST", "/api/groups", json={"name": "away"})

    site.a.line.cut = False
    assert (status, body["outcome"]) == (503, "unknown")
    assert await _events(site) == before
    assert (await site.a.call("POST", "/api/groups", json={"name": "away"}))[0] == 201


async def test_a_retry_finds_out_what_became_of_a_change_that_nobody_could_tell_of(
    site: Site, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commands, "GRACE", 0.2)
    asked: dict[str, Any] = {"json": {"name": "unknown"}, "headers": _key()}
    before = await _events(site)
    async with cluster.gateway(command_timeout=1.0) as gateway:
        gateway.log.blind = True
        with _no_outcomes(*site.workers):
            unknown = await gateway.call("POST", "/api/groups", **asked)
        gateway.log.blind = False
        known = await gateway.call("POST", "/api/groups", **asked)
        again = await site.a.call("POST", "/api/groups", **asked)

    assert (unknown[0], unknown[1]["outcome"]) == (503, "unknown")
    assert (known[0], known[1]["name"]) == (201, "unknown")
    assert again == known
    assert await _events(site) == before + 1


async def test_an_idempotency_key_that_was_used_for_another_change_is_refused(site: Site) -> None:
    headers = _key()
    await site.a.do("POST", "/api/groups", json={"name": "first"}, headers=headers)
    await site.everywhere()

    status, body = await site.b.call("POST", "/api/groups", json={"name": "second"}, headers=headers)

    assert status == 409
    assert "Idempotency-Key" in body["error"]
