"""The main job on a real Kafka and a real PostgreSQL: two of each service behind one address, and faults."""

import asyncio
import json
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest

from e2e.cluster.local_cluster import LocalCluster
from e2e.shell import eventually
from signoff.events.bus import open_bus
from signoff.events.topics import EXECUTIONS, partition_of, record_key

pytestmark = pytest.mark.timeout(180)

REFUND = "@examples/refund-approval/input.json"


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
    assert subjects == {
        "configuration", "database", "leases", "clock", "secrets", "checkpoints", "broker", "logs",
    }  # fmt: skip
