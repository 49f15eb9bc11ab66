"""Two gateways, two executors and a stream service on a real PostgreSQL and a real Kafka."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio
from local_services.kafka import Kafka
from msgspec import Struct

from integration.executor.conftest import new_topics
from signoff.events.blobs import BlobStore
from signoff.events.topics import PARTITIONS, directory_log_id, partition_of
from signoff.executor.app import open_tools
from signoff.runtime.settings import Settings
from support.clusters import Cluster, Service, Worker
from support.executors import until
from support.gateways import APPROVAL
from support.logs import logs_of_a_service
from support.postgres import Postgres, migrate
from support.stores import without_files

__all__ = ["logs_of_a_service"]


class Site(Struct, frozen=True):
    """What runs.

    Attributes:
        cluster: opens more services on the same log and broker.
        a: a gateway.
        b: another one.
        stream: the stream service.
        workers: the executors.
    """

    cluster: Cluster
    a: Service
    b: Service
    stream: Service
    workers: list[Worker]

    async def workspace(self) -> str:
        """A new workspace; gives its id."""
        made = await self.a.do("POST", "/api/workspaces", json={"name": "A workspace"})
        await self.everywhere()
        return str(made["id"])

    async def member(self, workspace_id: str, *roles: str) -> tuple[str, str]:
        """A new service account with these roles and a key; gives the user's id and the key."""
        user = await self.a.do("POST", "/api/users", json={"name": "Ada's robot", "service": True})
        path = f"/api/workspaces/{workspace_id}/members/{user['id']}"
        await self.a.do("PUT", path, json={"roles": roles})
        key = await self.a.do("POST", f"/api/users/{user['id']}/keys", json={"name": "laptop"})
        await self.everywhere()
        return user["id"], key["key"]

    async def paused(self, workspace_id: str) -> tuple[str, str]:
        """A workflow and an execution of it that waits for a decision."""
        there = {"X-Workspace-Id": workspace_id}
        workflow_id = f"approval-{uuid4()}"
        path = f"/api/workflows/{workflow_id}"
        await self.a.do("PUT", path, json={"blocks": APPROVAL}, headers=there)
        answer = await self.a.do("POST", f"{path}/execute", json={"input": {"amount": 1}}, headers=there)
        return workflow_id, answer["executionId"]

    def decider(self) -> Worker:
        """The executor that decides on the directory's changes."""
        number = partition_of(directory_log_id(), PARTITIONS)
        (found,) = [each for each in self.workers if number in each.executor.owned]
        return found

    async def replace(self, worker: Worker, **settings: Any) -> None:
        """End an executor and start another one, which has taken over when this returns."""
        await worker.end()
        number = self.workers.index(worker)
        self.workers[number] = await self.cluster.executor(**settings)
        await until(lambda: owned(*self.workers) == PARTITIONS)

    async def everywhere(self) -> None:
        """Wait until every service has folded what gateway ``a`` has."""
        version = self.a.directory.version
        for each in (self.b, self.stream, *self.workers):
            await each.directory.reached(version)


@pytest.fixture(autouse=True)
def _no_task_is_left() -> None:
    """Services are shared and begin tasks as they go: `no_service_leaves_a_task` looks at the end."""


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def no_service_leaves_a_task() -> AsyncIterator[None]:
    before = asyncio.all_tasks()
    yield
    left = asyncio.all_tasks() - before - {asyncio.current_task()}
    if left:
        _, left = await asyncio.wait(left, timeout=1.0)  # a cancelled task may have a last step to do
    assert not left


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def log_url(postgres: Postgres) -> AsyncIterator[str]:
    """A migrated log with as many partitions as the services expect."""
    url = await asyncio.to_thread(postgres.fresh_database, migrate)
    yield without_files(url)
    await asyncio.to_thread(postgres.drop, url)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def cluster(
    log_url: str, kafka: Kafka, tmp_path_factory: pytest.TempPathFactory, no_service_leaves_a_task: None
) -> AsyncIterator[Cluster]:
    if not kafka.running:
        await asyncio.to_thread(kafka.start)
    await new_topics(kafka)
    folder: Path = tmp_path_factory.mktemp("blobs")
    blobs = BlobStore.open(f"file://{folder}")
    async with open_tools(Settings(), blobs) as tools:
        yield Cluster(log_url, kafka.bootstrap, tools, blobs)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def site(cluster: Cluster) -> AsyncIterator[Site]:
    async with AsyncExitStack() as stack:
        workers = [await cluster.executor() for _ in range(2)]
        a, b = [await stack.enter_async_context(cluster.gateway()) for _ in range(2)]
        stream = await stack.enter_async_context(cluster.stream())
        await until(lambda: owned(*workers) == PARTITIONS)
        yield Site(cluster, a, b, stream, workers)
        await asyncio.gather(*(each.end() for each in workers))


def owned(*workers: Worker) -> int:
    return sum(len(each.executor.owned) for each in workers)
