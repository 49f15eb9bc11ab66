"""docs/audit.md works to the letter: each of its blocks is run as it stands, and shows what the page says."""

import json
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psycopg
import pytest

from e2e.cluster.local_cluster import LocalCluster
from e2e.shell import Embedded, Shell
from signoff.access.directory.fold import Directory, evolve_directory
from signoff.engine.deciding.workflow import WorkflowState, evolve_workflow
from signoff.engine.evolve import evolve
from signoff.engine.state import State
from signoff.events.audit import SignoffLog
from signoff.events.topics import DEFAULT_WORKSPACE, chosen_log_id
from signoff.events.types import DirectoryFact, ExecutionStarted, Unknown, WorkflowDeployed
from support import kafka_tools as kafka_jars
from support.audit_page import READER_ROLE, Block, exports, section

_LIMIT = 50.0
_PROGRAMS = {"sh": ["bash", "-euo", "pipefail"], "python": [sys.executable, "-W", "error", "-"]}
WHERE, ON_POSTGRES, ON_SQLITE = exports()

pytestmark = pytest.mark.timeout(180)


class Auditor:
    """Who follows the page, in a folder of their own.

    Attributes:
        environment: where things are, in place of what the page has for it.
        server: lets them see executions that happen.
        folder: where they are.
    """

    def __init__(self, environment: Mapping[str, str], server: Shell, folder: Path) -> None:
        self.environment = {**server.environment, **environment}
        self.server = server
        self.folder = folder

    def run(self, block: Block, *, given: str = "") -> str:
        """Run a block, which must end well, and give what it prints.

        Args:
            block: of the page.
            given: a block of the page that sets the environment.
        """
        done = self.attempt(block, given=given)
        assert done.returncode == 0, (block.text, done.stdout, done.stderr)
        return done.stdout

    def attempt(self, block: Block, *, given: str = "") -> "subprocess.CompletedProcess[str]":
        """The same for a block that may fail."""
        program = " ".join(_PROGRAMS[block.language])
        return subprocess.run(
            ["bash", "-euo", "pipefail", "-c", f"{given}\nexec {program}"],
            cwd=self.folder,
            env=self.environment,
            input=block.text,
            capture_output=True,
            text=True,
            timeout=_LIMIT,
            check=False,
        )

    def follow(self, heading: str, *, given: str = "") -> None:
        """Run all blocks of a section; each must show what the page says."""
        for block in section(heading):
            out = self.run(block, given=given)
            assert out if block.shown is None else out == block.shown, (block.text, out)


@pytest.fixture(scope="module")
def large_input(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The input of a refund with a reason that is too large for an event."""
    file = tmp_path_factory.mktemp("input") / "input.json"
    file.write_text(json.dumps({"amount": 250, "customer": "Ada", "reason": "broken \u2026 " * 30_000}))
    return f"@{file}"


def refund(server: Shell, given: str, *options: str) -> str:
    """An execution that was decided and has ended; gives its id."""
    paused = server.signoff("run", "refund-approval", "--input", given, *options)
    assert paused.code == 4, paused.err
    execution: str = paused.lines[0]["executionId"]
    done = server.signoff("resume", execution, "--input", '{"approved": true}')
    assert done.code == 0, done.err
    return execution


@pytest.fixture(scope="module")
def on_cluster(cluster: LocalCluster, large_input: str, tmp_path_factory: pytest.TempPathFactory) -> Auditor:
    """Who may only read the cluster's PostgreSQL, and has Kafka's own tools."""
    folder = tmp_path_factory.mktemp("auditor")
    with psycopg.connect(cluster.settings["SIGNOFF_DATABASE_URL"], autocommit=True) as owner:
        where = owner.info
        owner.execute("CREATE ROLE signoff")
        for block in section(READER_ROLE):
            owner.execute(block.text.encode())
        database = {"PGHOST": where.host, "PGPORT": str(where.port), "PGDATABASE": where.dbname}
    return Auditor(
        {
            **database,
            "PGUSER": "auditor",
            "PGPASSWORD": "choose-one",
            "PGCLIENTENCODING": "UTF8",
            "BLOBS": str(cluster.folder / "data" / "blobs"),
            "KAFKA": cluster.settings["SIGNOFF_KAFKA"],
            "EXECUTION": refund(cluster, large_input),
            "PATH": f"{kafka_tools(folder / 'kafka')}:{cluster.environment['PATH']}",
        },
        cluster,
        folder,
    )


def kafka_tools(folder: Path) -> Path:
    """A folder with `kafka-console-consumer.sh`, as Kafka's own archive has it."""
    folder.mkdir()
    program = folder / "kafka-console-consumer.sh"
    program.write_text(
        "#!/bin/sh\n"
        f"exec '{shutil.which('java')}' -cp '{kafka_jars.fetch()}/*' {kafka_jars.CONSOLE_CONSUMER} \"$@\"\n"
    )
    program.chmod(0o755)
    return folder


@pytest.fixture(scope="module")
def on_file(server: Embedded, large_input: str, tmp_path_factory: pytest.TempPathFactory) -> Auditor:
    """Who may read the data folder of an embedded server that runs; the execution has an id of a caller's."""
    execution = refund(server, large_input, "--id", "refund-1")
    return Auditor(
        {
            "LOG": str(server.data / "signoff.db"),
            "BLOBS": str(server.data / "blobs"),
            "SIGNOFF_API_KEY": server.key,
            "EXECUTION": str(chosen_log_id(str(DEFAULT_WORKSPACE), execution)),
        },
        server,
        tmp_path_factory.mktemp("auditor"),
    )


def test_the_page_says_where_everything_is(on_cluster: Auditor, on_file: Auditor) -> None:
    named = set(re.findall(r"(\w+)=", WHERE))

    assert named <= {*on_cluster.environment, *on_file.environment}


def test_psql_jq_and_openssl_read_and_check_a_postgres_log(on_cluster: Auditor) -> None:
    assert "signoff:ExecutionStarted|" in on_cluster.run(section("What there is")[0])
    on_cluster.follow("psql and jq")
    on_cluster.follow("The chain")
    on_cluster.follow("Large values")


def test_kafkas_own_consumer_and_jq_read_the_topic(on_cluster: Auditor) -> None:
    on_cluster.run(section("psql and jq")[0])

    on_cluster.follow("The topic")


def test_sqlite3_jq_and_openssl_read_and_check_an_sqlite_log_while_the_server_writes(
    on_file: Auditor,
) -> None:
    assert "signoff:ExecutionStarted|" in on_file.run(section("What there is")[1])
    assert on_file.run(section("sqlite3 and jq")[0]) == section("psql and jq")[0].shown
    openssl, python, _ = section("The chain")
    assert (on_file.run(openssl), on_file.run(python)) == (openssl.shown, python.shown)
    on_file.follow("Large values")


@pytest.mark.parametrize("way", [0, 1], ids=["openssl", "python"])
def test_a_changed_event_is_named(on_file: Auditor, way: int) -> None:
    on_file.run(section("sqlite3 and jq")[0])
    events = on_file.folder / "events.jsonl"
    events.write_bytes(events.read_bytes().replace(b'"amount":250', b'"amount":205'))

    done = on_file.attempt(section("The chain")[way])

    assert done.returncode == 1
    assert "event 2 does not follow" in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("auditor", "given"),
    [("on_cluster", ON_POSTGRES), ("on_file", ON_SQLITE)],
    ids=["postgres", "sqlite"],
)
def test_the_stock_library_reads_folds_and_follows_either_log(
    auditor: str, given: str, request: pytest.FixtureRequest
) -> None:
    reader: Auditor = request.getfixturevalue(auditor)

    reader.follow("The eventsourcing library", given=given)
    reader.follow("Typed events and states", given=given)
    following, followers = section("Following")
    with executions_on(reader.server):
        told = reader.run(following, given=given)

    assert told.splitlines()[-1].endswith(" execution:completed")
    assert reader.run(followers, given=given) == followers.shown
    assert reader.run(followers, given=given) == followers.shown, "it goes on where it left off"


def test_every_kind_of_log_is_read_typed_and_folded_as_the_page_says(on_file: Auditor) -> None:
    where = f"file:{on_file.environment['LOG']}?mode=ro"
    with SignoffLog({"PERSISTENCE_MODULE": "eventsourcing.sqlite", "SQLITE_DBNAME": where}) as log:
        rows = log.recorder.select_notifications(None, 10_000)
        entries: list[Any] = [log.mapper.to_domain_event(row) for row in rows]
        states = [
            log.repository.get(entry.originator_id, projector_func=folding(*fold))
            for entry in entries
            if entry.originator_version == 1 and (fold := fold_of(entry.event.data)) is not None
        ]

    first = {row.topic for row in rows if row.originator_version == 1}
    assert {"signoff:ExecutionStarted", "signoff:WorkflowDeployed", "signoff:UserAdded"} <= first
    assert not any(isinstance(entry.event.data, Unknown) for entry in entries)
    assert {type(state) for state in states} == {State, WorkflowState, Directory}


def fold_of(first: object) -> tuple[Any, Any] | None:
    """What a log with this first event is folded into, and by what."""
    if isinstance(first, ExecutionStarted):
        return State, evolve
    if isinstance(first, WorkflowDeployed):
        return WorkflowState, evolve_workflow
    return (Directory, evolve_directory) if isinstance(first, DirectoryFact) else None


def folding(kind: Any, evolve_one: Any) -> Any:
    def fold(state: Any, entries: Any) -> Any:
        for entry in entries:
            state = state or kind()
            evolve_one(state, entry.event)
        return state

    return fold


class executions_on:  # noqa: N801 - reads as a statement
    """Runs one execution after the other while something else happens."""

    def __init__(self, server: Shell) -> None:
        self._server = server
        self._enough = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._enough.set()
        self._thread.join(_LIMIT)

    def _run(self) -> None:
        while not self._enough.is_set():
            self._server.signoff("run", "refund-approval", "--input", '{"amount": 1}')
