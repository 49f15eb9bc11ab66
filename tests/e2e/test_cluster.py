"""The main job on a real Kafka and a real PostgreSQL: two of each service behind one address, and faults."""

import asyncio
import json
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest

from e2e.shell import REPOSITORY, Shell, eventually
from signoff.events.bus import open_bus
from signoff.events.topics import EXECUTIONS, partition_of, record_key
from support.processes import LocalRun

pytestmark = pytest.mark.timeout(180)

REFUND = "@examples/refund-approval/input.json"
SLOW = """\
workflow: slow
blocks:
  first: {type: function, code: "return 1", then: rest}
  rest: {type: wait, for: 4s, then: last}
  last: {type: function, code: "return 2"}
"""
_UP_LIMIT = 120.0


class LocalCluster(Shell):
    """What `make cluster` starts, in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        super().__init__()
        self.cluster("up")
        lines = (folder / "env").read_text().splitlines()
        self.settings = dict(line.split("=", 1) for line in lines)
        super().__init__(**self.settings)

    def cluster(self, *arguments: str) -> str:
        """Run `deploy/local/cluster`; gives what it prints."""
        done = subprocess.run(
            [REPOSITORY / "deploy/local/cluster", "--folder", self.folder, *arguments],
            cwd=REPOSITORY,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=_UP_LIMIT,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def request(self, path: str, body: object = None, *, url: str | None = None) -> tuple[int, Any, Any]:
        """Send a request; gives status, headers and body."""
        request = urllib.request.Request(
            (url or self.settings["SIGNOFF_URL"]) + path,
            data=None if body is None else json.dumps(body).encode(),
            headers={"X-API-Key": self.settings["SIGNOFF_API_KEY"], "Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as response:
                return response.status, response.headers, response.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.headers, error.read()

    def gateway(self, number: int) -> str:
        """The address of one gateway, without the load balancer before it."""
        ports = json.loads((self.folder / "settings.json").read_text())["ports"]
        return f"http://127.0.0.1:{ports[f'gateway-{number}']}"

    def works(self) -> bool:
        """Whether a whole execution goes through."""
        return self.signoff("run", "refund-approval", "--input", '{"amount": 1}').code == 0


@pytest.fixture(scope="module")
def cluster(local_run: LocalRun) -> Iterator[LocalCluster]:
    """A running cluster with the examples and a slow workflow."""
    # Not under pytest's folders: PostgreSQL runs as another user, who may not enter those.
    cluster = LocalCluster(local_run.folder / "cluster")
    slow = cluster.folder / "slow.yaml"
    slow.write_text(SLOW)
    deployed = cluster.signoff("deploy", str(slow), "examples/refund-approval/workflow.yaml")
    assert deployed.code == 0, deployed.err
    yield cluster
    cluster.cluster("down", "--wipe")


def log_of(cluster: LocalCluster, log_id: UUID) -> list[bytes]:
    """The events of a log, read with nothing but SQL."""
    query = "SELECT state FROM stored_events WHERE originator_id = %s ORDER BY originator_version"
    with psycopg.connect(cluster.settings["SIGNOFF_DATABASE_URL"]) as connection:
        return [bytes(state) for (state,) in connection.execute(query, [log_id]).fetchall()]


async def topic_of(cluster: LocalCluster, log_id: UUID, count: int) -> list[bytes]:
    """The first records of a log on the topic, each once: a consumer drops what it has seen."""
    bus = await open_bus(cluster.settings["SIGNOFF_KAFKA"])
    seen: dict[int, bytes] = {}
    try:
        partition = partition_of(log_id)
        (first, _) = (await bus.bounds(EXECUTIONS, [partition]))[partition]
        reader = await bus.reader(EXECUTIONS)
        await reader.assign({partition: first})
        async with asyncio.timeout(20):
            while len(seen) < count:
                for message in await reader.poll(wait=1.0):
                    if message.key == record_key(log_id):
                        seen.setdefault(json.loads(message.value)["eventId"], message.value)
        await reader.close()
    finally:
        await bus.close()
    return [seen[event_id] for event_id in sorted(seen)]


def completed_blocks(events: list[dict[str, Any]]) -> list[str]:
    return [event["data"]["blockId"] for event in events if event["type"] == "block:completed"]


async def test_log_topic_and_stream_hold_the_very_same_bytes(cluster: LocalCluster) -> None:
    paused = await asyncio.to_thread(cluster.signoff, "run", "refund-approval", "--input", REFUND, "--watch")
    execution_id = paused.lines[0]["executionId"]
    done = await asyncio.to_thread(cluster.signoff, "resume", execution_id, "--input", '{"approved": true}')
    stream = await asyncio.to_thread(
        cluster.request, f"/api/workflows/refund-approval/executions/{execution_id}/stream"
    )

    log = await asyncio.to_thread(log_of, cluster, UUID(execution_id))
    topic = await topic_of(cluster, UUID(execution_id), len(log))

    assert (paused.code, done.code) == (4, 0)
    frames = [line.removeprefix(b"data: ") for line in stream[2].splitlines() if line.startswith(b"data: {")]
    assert frames == log
    assert topic == log


def test_another_executor_goes_on_when_one_is_killed(cluster: LocalCluster) -> None:
    started = [cluster.signoff("run", "slow", "--async").lines[0]["executionId"] for _ in range(4)]

    cluster.cluster("kill", "executor", "1")
    watched = [cluster.signoff("watch", execution_id) for execution_id in started]
    cluster.cluster("start", "executor", "1")

    assert [each.code for each in watched] == [0, 0, 0, 0]
    for each in watched:
        assert completed_blocks(each.lines) == ["start", "first", "rest", "last"]
        assert [event["eventId"] for event in each.lines] == list(range(1, len(each.lines) + 1))


def test_a_watcher_misses_nothing_when_the_streams_are_killed_one_after_the_other(
    cluster: LocalCluster, tmp_path: Path
) -> None:
    shown = tmp_path / "shown"
    execution_id = cluster.signoff("run", "slow", "--async").lines[0]["executionId"]
    watcher = cluster.start("watch", execution_id, "--workflow", "slow", into=shown)
    eventually(lambda: "execution:started" in shown.read_text())

    for number in ("1", "2"):
        cluster.cluster("kill", "stream", number)
        cluster.cluster("start", "stream", number)
    _, err = watcher.communicate(timeout=40)

    assert watcher.returncode == 0, err
    assert shown.read_text() == cluster.signoff("watch", execution_id).out


def test_callers_do_not_notice_a_gateway_that_was_killed(cluster: LocalCluster) -> None:
    cluster.cluster("kill", "gateway", "1")

    codes = [cluster.signoff("run", "refund-approval", "--input", '{"amount": 1}').code for _ in range(3)]
    cluster.cluster("start", "gateway", "1")

    assert codes == [0, 0, 0]


@pytest.mark.parametrize("dependency", ["kafka", "postgres"])
def test_a_dependency_that_is_away_gives_503_with_retry_after_and_all_recovers_by_itself(
    cluster: LocalCluster, dependency: str
) -> None:
    waiting = cluster.signoff("run", "refund-approval", "--input", REFUND).lines[0]["executionId"]
    execute = "/api/workflows/refund-approval/execute"
    gateway = cluster.gateway(1)

    cluster.cluster("kill", dependency)
    status, headers, body = cluster.request(execute, {"input": {"amount": 1}}, url=gateway)
    eventually(lambda: cluster.request("/readyz", url=gateway)[0] == 503)
    cluster.cluster("start", dependency)

    assert (status, headers["Retry-After"]) == (503, "1"), body
    eventually(cluster.works, limit=60)
    resumed = cluster.signoff("resume", waiting, "--input", '{"approved": true}')
    assert resumed.code == 0, resumed.err
    events = cluster.signoff("watch", waiting).lines
    assert len(completed_blocks(events)) == len(set(completed_blocks(events)))


def test_doctor_finds_the_cluster_well(cluster: LocalCluster) -> None:
    eventually(lambda: cluster.signoff("doctor").code == 0)

    subjects = {line["subject"] for line in cluster.signoff("doctor").lines}
    assert subjects == {"database", "leases", "broker"}
