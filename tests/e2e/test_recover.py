"""What docs/operations.md says to do when database or broker had to be restored, done to real ones."""

import asyncio
import json
import shutil
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.records_to_delete import RecordsToDelete
from local_services.kafka import Kafka
from local_services.signoff import Kind, SignoffService, run_signoff

from e2e.shell import SIGNOFF, Shell, eventually
from signoff.events.bus.base import Record
from signoff.events.bus.kafka import KafkaBus
from signoff.events.topics import COMMANDS, DEFAULT_WORKSPACE, chosen_log_id, partition_of
from support.point_in_time import ArchivedPostgres
from support.ports import unused_port
from support.processes import LocalRun

pytestmark = pytest.mark.timeout(180)

KEY: Final = "a-bootstrap-key-for-tests"
REFUND: Final = Path("examples/refund-approval")
SOON: Final = 30.0


class Restorable(Shell):
    """A gateway and an executor on a database and a broker of their own, both of which can be restored."""

    def __init__(self, folder: Path) -> None:
        self.postgres = ArchivedPostgres(folder, port=unused_port())
        port = unused_port()
        self.broker_data = folder / "kafka"
        self.kafka = Kafka(folder, port=port, controller_port=unused_port(taken={port}))
        self.ports = {"gateway": unused_port(), "executor": unused_port()}
        super().__init__(
            SIGNOFF_URL=f"http://127.0.0.1:{self.ports['gateway']}",
            SIGNOFF_API_KEY=KEY,
            SIGNOFF_BOOTSTRAP_API_KEY=KEY,
            SIGNOFF_DATABASE_URL=self.postgres.url("signoff"),
            SIGNOFF_KAFKA=self.kafka.bootstrap,
            SIGNOFF_DATA=str(folder / "data"),
            SIGNOFF_ACCESS_LOG="refusals",  # looking writes nothing to other partitions
        )
        self.gateway, self.executor = self._service(folder, "gateway"), self._service(folder, "executor")

    def _service(self, folder: Path, kind: Kind) -> SignoffService:
        return SignoffService(
            kind, 1, folder, port=self.ports[kind], program=SIGNOFF, environment=self.environment
        )

    def open(self) -> None:
        """Start everything, with one workflow."""
        self.kafka.launch()
        self.postgres.start()
        self.postgres.archive()
        self.postgres.create_database("signoff")
        self.kafka.await_ready()
        run_signoff(SIGNOFF, "migrate", environment=self.environment)
        run_signoff(SIGNOFF, "topics", "apply", environment=self.environment)
        self.start_services()
        self.executor.await_ready()
        deployed = self.signoff("deploy", str(REFUND / "workflow.yaml"))
        assert deployed.code == 0, deployed.err

    def start_services(self) -> None:
        """Start gateway and executor; the executor need not get ready."""
        self.gateway.launch()
        self.executor.launch()
        self.gateway.await_ready()

    def stop_services(self) -> None:
        """Stop gateway and executor."""
        self.gateway.stop()
        self.executor.stop()

    def close(self) -> None:
        """Stop everything."""
        for service in (self.gateway, self.executor, self.kafka, self.postgres):
            service.kill()

    def ask(
        self, path: str, body: object = None, *, of: str = "gateway", execution_id: str | None = None
    ) -> tuple[int, Any]:
        """Ask a service, or tell it something; gives status and JSON."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.ports[of]}{path}",
            data=None if body is None else json.dumps(body).encode(),
            headers={"X-API-Key": KEY, "Content-Type": "application/json"},
        )
        if execution_id is not None:
            request.add_header("X-Execution-Id", execution_id)
        try:
            with urllib.request.urlopen(request, timeout=10) as response:
                return response.status, json.load(response)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error)
        except urllib.error.URLError:  # it is starting
            return 0, {"checks": {}}

    def why_closed(self) -> dict[int, str]:
        """The partitions that the executor keeps closed, as its readiness tells."""
        checks = self.ask("/readyz", of="executor")[1]["checks"]
        return {
            int(name.removeprefix("partition ")): check["detail"]
            for name, check in checks.items()
            if name.startswith("partition ")
        }

    def ready(self) -> bool:
        """Whether the executor is ready."""
        return self.ask("/readyz", of="executor")[0] == 200

    def execute(self, execution_id: str, **given: Any) -> tuple[int, Any]:
        """Run an execution with an id, up to its pause or its end; gives status and answer."""
        path = "/api/workflows/refund-approval/execute"
        return self.ask(path, {"input": given}, execution_id=execution_id)

    def approve(self, execution_id: str) -> tuple[int, Any]:
        """Take the decision that an execution waits for, and wait for what follows."""
        path = f"/api/resume/refund-approval/{execution_id}"
        (point,) = self.ask(path)[1]["pausePoints"]
        return self.ask(f"{path}/{point['contextId']}", {"input": {"approved": True}})

    def status_of(self, execution_id: str) -> str:
        """The status of an execution, as lists show it."""
        return str(self.ask(f"/api/workflows/refund-approval/executions/{execution_id}")[1]["status"])


@pytest.fixture(scope="module")
def installation(local_run: LocalRun) -> Iterator[Restorable]:
    # Not under pytest's folders: PostgreSQL runs as another user, who may not enter those.
    installation = Restorable(local_run.folder / "restorable")
    try:
        installation.open()
        yield installation
    finally:
        installation.close()


def partition_of_id(execution_id: str) -> int:
    return partition_of(chosen_log_id(str(DEFAULT_WORKSPACE), execution_id))


def an_id_elsewhere(partitions: set[int], name: str = "other") -> str:
    """An id of an execution in none of these partitions."""
    names = (f"{name}-{number}" for number in range(1000))
    return next(each for each in names if partition_of_id(each) not in partitions)


async def lose_commands(bootstrap: str, partition: int) -> None:
    """Let commands expire unread: three are sent, and two of them are gone."""
    bus = KafkaBus(bootstrap)
    for _ in range(3):
        await bus.send(COMMANDS, partition, Record(b"key", b"a command that nobody read"))
    _, end = (await bus.bounds(COMMANDS, [partition]))[partition]
    await bus.close()
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    await admin.delete_records({TopicPartition(COMMANDS, partition): RecordsToDelete(end - 1)})
    await admin.close()


def test_events_that_a_restore_to_a_point_in_time_lost_come_back_from_the_topic(
    installation: Restorable,
) -> None:
    closed = partition_of_id("refund-1")
    status, paused = installation.execute("refund-1", amount=250, customer="Ada")
    assert (status, installation.status_of("refund-1")) == (200, "paused"), paused
    installation.postgres.back_up()
    installation.postgres.mark("before_the_decision")
    status, decided = installation.approve("refund-1")
    assert status == 200, decided
    eventually(lambda: installation.status_of("refund-1") == "completed")
    installation.stop_services()
    installation.postgres.restore("before_the_decision")
    installation.start_services()
    eventually(lambda: closed in installation.why_closed())

    assert "signoff recover" in installation.why_closed()[closed]
    assert list(installation.why_closed()) == [closed]
    assert installation.status_of("refund-1") == "paused"
    assert installation.execute(an_id_elsewhere({closed}), amount=1)[0] == 200
    doctor = installation.signoff("doctor")
    assert doctor.code == 1
    assert f"partition {closed}" in {line["subject"] for line in doctor.lines if not line["ok"]}

    listed = installation.signoff("recover")
    (facts,) = listed.lines
    assert (listed.code, facts["partition"], facts["logs"]) == (1, closed, 1)
    assert facts["eventsOnTopicOnly"] > 0
    assert "nothing is changed" in listed.err

    done = installation.signoff("recover", "--from-topic", "--yes")
    assert done.code == 0, done.err
    assert done.lines[0]["eventsRestored"] == facts["eventsOnTopicOnly"]
    eventually(installation.ready, limit=SOON)
    assert installation.status_of("refund-1") == "completed"
    eventually(lambda: installation.signoff("doctor", "--all").code == 0, limit=SOON)


def test_a_partition_whose_commands_expired_unread_stays_closed_until_somebody_decides(
    installation: Restorable,
) -> None:
    closed = 5
    installation.executor.stop()
    asyncio.run(lose_commands(installation.kafka.bootstrap, closed))
    installation.executor.launch()
    eventually(lambda: closed in installation.why_closed())

    (facts,) = installation.signoff("recover").lines
    assert (facts["partition"], facts["commandsExpired"] >= 2) == (closed, True)
    assert installation.execute(an_id_elsewhere({closed}, "later"), amount=1)[0] == 200

    dry = installation.signoff("recover", "--skip-to-end", "--partition", str(closed), "--dry-run", "--yes")
    assert (dry.code, list(installation.why_closed())) == (1, [closed])
    done = installation.signoff("recover", "--skip-to-end", "--partition", str(closed), "--yes")
    assert done.code == 0, done.err
    assert done.lines[0]["commandsSkipped"] == 1
    eventually(installation.ready, limit=SOON)


def test_a_broker_made_anew_is_read_from_its_beginning(installation: Restorable) -> None:
    installation.kafka.kill()
    shutil.rmtree(installation.broker_data)
    installation.kafka.start()
    run_signoff(SIGNOFF, "topics", "apply", environment=installation.environment)
    eventually(lambda: bool(installation.why_closed()), limit=SOON)

    listed = installation.signoff("recover")
    assert {line["partition"] for line in listed.lines} >= set(installation.why_closed())
    done = installation.signoff("recover", "--reread", "--yes")
    assert done.code == 0, done.err

    eventually(installation.ready, limit=SOON)
    eventually(lambda: installation.execute("after-all", amount=1)[0] == 200, limit=SOON)
