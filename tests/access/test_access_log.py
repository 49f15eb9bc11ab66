"""The access log of a cluster: every service writes to it, and no crash between makes a fact two or none."""

import asyncio
import contextlib
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest

from access.conftest import Site
from signoff.audit.accesses import gathering, recorder
from signoff.events.topics import PARTITIONS, partition_of
from signoff.gateway.accesses.witness import ACCESSES
from support.clusters import Service
from support.executors import until


@pytest.fixture(scope="module", autouse=True)
def _soon() -> Iterator[None]:
    """What was seen is sent sooner than it need be."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(gathering, "JOINED", 0.1)
        patched.setattr(recorder, "EVERY", 0.2)
        yield


async def _listed(service: Service, workspace_id: str, *types: str) -> list[dict[str, Any]]:
    """What is recorded in a workspace, but who asked for it."""
    params = {"workspaceId": workspace_id, "type": ",".join(types), "limit": "1000"}
    page = await service.do("GET", "/api/access-log", params=params)
    return [each for each in page["accesses"] if each.get("operation") != "listAccesses"]


async def test_what_each_service_showed_is_in_one_list(site: Site) -> None:
    workspace_id = await site.workspace()
    there = {"X-Workspace-Id": workspace_id}
    workflow_id, execution = await site.paused(workspace_id)
    path = f"/api/workflows/{workflow_id}/executions/{execution}"

    await site.a.do("GET", path, headers=there)
    await site.b.do("GET", f"/api/executions/{execution}/events", headers=there)
    async with site.stream.client.get(f"{path}/stream", headers={**there, "X-API-Key": _key(site)}) as read:
        assert (await read.text()).endswith("data: [DONE]\n\n")

    async def all_there() -> bool:
        found = await _listed(site.b, workspace_id, "access:read", "access:ended")
        return sorted((each["type"], each["operation"]) for each in found) == [
            ("access:ended", "streamExecution"),
            ("access:read", "getExecution"),
            ("access:read", "listEvents"),
            ("access:read", "streamExecution"),
        ]

    await until(all_there)


def _key(site: Site) -> str:
    return site.cluster.settings().bootstrap_api_key or ""


async def test_a_batch_that_arrived_unheard_is_recorded_once(site: Site) -> None:
    workspace_id = await site.workspace()
    waiting = site.a.client.app[ACCESSES]  # type: ignore[union-attr]
    await until(lambda: not len(waiting))
    site.a.line.unheard = True
    refused = {"headers": {"X-Workspace-Id": workspace_id}, "key": "nobody's"}
    assert (await site.a.call("GET", "/api/executions", **refused))[0] == 401  # type: ignore[arg-type]

    async def there() -> bool:
        return bool(await _listed(site.b, workspace_id, "access:refused"))

    await until(there)
    assert len(waiting) >= 1, "it was acknowledged"
    site.a.line.unheard = False
    assert (await site.a.call("GET", "/api/inbox", **refused))[0] == 401  # type: ignore[arg-type]

    async def later_one_too() -> bool:
        return len(await _listed(site.b, workspace_id, "access:refused")) >= 2

    await until(later_one_too)
    found = await _listed(site.b, workspace_id, "access:refused")
    assert sorted(each["operation"] for each in found) == ["listInbox", "searchExecutions"]


async def test_a_decision_whose_executor_ends_after_refusing_it_is_one_fact(site: Site) -> None:
    workspace_id = await site.workspace()
    there = {"headers": {"X-Workspace-Id": workspace_id}}
    workflow_id, execution = await site.paused(workspace_id)
    path = f"/api/resume/{workflow_id}/{execution}/approve"
    await site.a.do("POST", path, json={"approved": True}, **there)
    number = partition_of(UUID(execution), PARTITIONS)
    (worker,) = [each for each in site.workers if number in each.executor.owned]
    worker.log.freezes = True

    late = asyncio.create_task(site.a.call("POST", path, json={"approved": False}, **there))
    async with asyncio.timeout(10):
        await worker.log.frozen.wait()
    await site.replace(worker)
    late.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await late
    status, _ = await site.b.call("POST", path, json={"approved": False}, **there)

    assert status == 409
    found = await _listed(site.b, workspace_id, "decision:refused")
    assert [each["code"] for each in found] == 2 * ["ALREADY_RESUMED"]
