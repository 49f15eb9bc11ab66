"""The servers that the tests and the local cluster run on."""

import asyncio
import os
import re
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from local_services.cluster import Cluster
from local_services.commands import main
from local_services.kafka import Kafka
from local_services.ports import lock
from local_services.process import Identity, Process
from local_services.settings import Settings
from local_services.waiting import LocalServicesError, wait_until

from support.ports import unused_port
from support.postgres import Postgres
from support.processes import LocalRun

_REPOSITORY = Path(__file__).resolve().parents[2]
_SLEEPER = (sys.executable, "-c", "import signal; signal.pause()")


def _note(url: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE notes (text text)")
        connection.execute("INSERT INTO notes VALUES ('kept')")


def _notes(url: str) -> list[tuple[str]]:
    with psycopg.connect(url) as connection:
        return connection.execute("SELECT text FROM notes").fetchall()


def test_postgres_writes_through_to_the_disk(postgres: Postgres) -> None:
    assert postgres.query("SHOW fsync").strip() == "on"


def test_postgres_listens_on_the_loopback_address_only(postgres: Postgres) -> None:
    assert postgres.query("SHOW listen_addresses").strip() == "127.0.0.1"


def test_postgres_keeps_data_over_a_stop(postgres: Postgres, empty_database: str) -> None:
    _note(empty_database)
    postgres.stop()
    postgres.start()
    assert _notes(empty_database) == [("kept",)]


def test_postgres_keeps_data_over_a_crash(postgres: Postgres, empty_database: str) -> None:
    _note(empty_database)
    postgres.kill()
    postgres.start()
    assert _notes(empty_database) == [("kept",)]


def test_a_killed_postgres_leaves_no_process_that_serves_on(postgres: Postgres, empty_database: str) -> None:
    with psycopg.connect(empty_database, autocommit=True) as connection:
        backend = Identity.of(connection.info.backend_pid)
        postgres.kill()
        assert backend is not None
        assert Identity.of(backend.pid) != backend
    postgres.start()


def test_each_fresh_database_is_a_copy_of_the_prepared_one(postgres: Postgres) -> None:
    first, second = postgres.fresh_database(_note), postgres.fresh_database(_note)
    assert first != second
    assert _notes(first) == _notes(second) == [("kept",)]
    postgres.drop(first)
    postgres.drop(second)


def test_a_database_is_prepared_once(postgres: Postgres) -> None:
    prepared: list[str] = []
    for _ in range(2):
        postgres.drop(postgres.fresh_database(prepared.append))
    # `prepared.append` is equal to itself each time, so the second database is a copy.
    assert len(prepared) == 1


def test_what_postgres_refuses_is_told_in_its_own_words(postgres: Postgres) -> None:
    with pytest.raises(LocalServicesError, match='database "postgres" already exists'):
        postgres.create_database("postgres")


async def _make_topic_with_a_record(kafka: Kafka, topic: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(topic, num_partitions=1, replication_factor=1)])
    finally:
        await admin.close()
    producer = AIOKafkaProducer(bootstrap_servers=kafka.bootstrap, acks="all", enable_idempotence=True)
    await producer.start()
    try:
        await producer.send_and_wait(topic, b"kept")
    finally:
        await producer.stop()


async def _first_record(kafka: Kafka, topic: str) -> object:
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka.bootstrap, enable_auto_commit=False)
    await consumer.start()
    try:
        partition = TopicPartition(topic, 0)
        consumer.assign([partition])
        consumer.seek(partition, 0)
        async with asyncio.timeout(10):
            return (await consumer.getone()).value
    finally:
        await consumer.stop()


async def test_kafka_keeps_records_over_a_stop(kafka: Kafka) -> None:
    await _make_topic_with_a_record(kafka, "stopped")
    await asyncio.to_thread(kafka.stop)
    await asyncio.to_thread(kafka.start)
    assert await _first_record(kafka, "stopped") == b"kept"


async def test_kafka_keeps_records_over_a_kill(kafka: Kafka) -> None:
    await _make_topic_with_a_record(kafka, "killed")
    await asyncio.to_thread(kafka.kill)
    await asyncio.to_thread(kafka.start)
    assert await _first_record(kafka, "killed") == b"kept"


def test_nothing_survives_a_killed_test_run() -> None:
    """A program that stands for pytest starts PostgreSQL, and a child of a child, and is killed."""
    program = """
import os, subprocess, sys
from support.postgres import Postgres
from support.processes import LocalRun
run = LocalRun()
server = Postgres(run)
server.start()
shell = subprocess.Popen(["sh", "-c", '"$@"; true', "sh", *sys.argv[1:]])
print(run.folder, server.process.identity.pid, shell.pid, flush=True)
sys.stdin.read()
"""
    paths = os.pathsep.join(str(_REPOSITORY / folder) for folder in ("tests", "deploy/local"))
    with subprocess.Popen(
        [sys.executable, "-c", program, *_SLEEPER],
        env={**os.environ, "PYTHONPATH": paths},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as parent:
        assert parent.stdout is not None
        folder, *pids = parent.stdout.readline().split()
        started = [Identity.of(int(pid)) for pid in pids]
        assert None not in started
        parent.kill()
    wait_until(
        lambda: not any(child is not None and Identity.of(child.pid) == child for child in started),
        limit=20,
        otherwise=f"some of {started} live on",
    )
    wait_until(lambda: not Path(folder).exists(), limit=20, otherwise=f"{folder} was left behind")


def test_a_process_is_found_again_by_a_later_program(tmp_path: Path) -> None:
    first = Process("sleeper", tmp_path)
    first.start(_SLEEPER, environment=os.environ, folder=tmp_path)
    assert Process("sleeper", tmp_path).identity == first.identity is not None
    first.kill()
    assert Process("sleeper", tmp_path).identity is None


def test_a_process_is_not_started_twice(tmp_path: Path) -> None:
    process = Process("sleeper", tmp_path)
    process.start(_SLEEPER, environment=os.environ, folder=tmp_path)
    with pytest.raises(LocalServicesError, match="sleeper is already running"):
        Process("sleeper", tmp_path).start(_SLEEPER, environment=os.environ, folder=tmp_path)
    process.kill()


def test_a_process_that_does_not_end_is_killed_and_that_is_told(tmp_path: Path) -> None:
    deaf = "from signal import *; signal(SIGTERM, SIG_IGN); print('deaf', flush=True); pause()"
    process = Process("stubborn", tmp_path)
    process.start((sys.executable, "-c", deaf), environment=os.environ, folder=tmp_path)
    wait_until(lambda: "deaf" in process.last_words(), limit=10, otherwise="it did not start")
    with pytest.raises(LocalServicesError, match="stubborn did not end within 0 s"):
        process.stop(limit=0.2)
    assert process.identity is None


def test_a_program_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(LocalServicesError, match=r"ghost cannot be started: .*/no/such/program"):
        Process("ghost", tmp_path).start(("/no/such/program",), environment=os.environ, folder=tmp_path)


def test_two_processes_are_never_given_one_port() -> None:
    own = {unused_port() for _ in range(50)}

    given = subprocess.run(
        [
            sys.executable,
            "-c",
            "from local_services.ports import unused_port\nfor _ in range(400): print(unused_port())",
        ],
        env={**os.environ, "PYTHONPATH": str(_REPOSITORY / "deploy" / "local")},
        capture_output=True,
        check=True,
        timeout=20,
    ).stdout

    assert own.isdisjoint(map(int, given.split()))


def test_ports_are_held_by_the_servers_that_a_process_leaves_behind(tmp_path: Path) -> None:
    program = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from local_services.ports import unused_port\n"
        "from local_services.process import Process\n"
        "print(unused_port())\n"
        f"Process('left', Path({str(tmp_path)!r})).start({_SLEEPER!r}, environment=os.environ, "
        f"folder=Path({str(tmp_path)!r}))"
    )
    first = int(
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONPATH": str(_REPOSITORY / "deploy" / "local")},
            capture_output=True,
            check=True,
            timeout=20,
        ).stdout
    )

    assert lock(first) is None

    Process("left", tmp_path).kill()
    descriptor = lock(first)
    assert descriptor is not None
    os.close(descriptor)


def test_unused_ports_lie_below_those_of_outgoing_connections() -> None:
    first = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    assert 1024 < unused_port() < first


def _cluster_with_settings(folder: Path) -> Cluster:
    cluster = Cluster(folder, Path("/no/signoff"))
    names = ("haproxy", "postgres", "kafka", "kafka-controller")
    numbered = (f"{kind}-{number}" for kind in ("executor", "gateway", "stream") for number in (1, 2))
    Settings.choose((*names, *numbered), api_key=None).save(folder / "settings.json")
    return cluster


@pytest.fixture
def fake_signoff(tmp_path: Path) -> Path:
    """A `signoff` whose services are ready at once and say who they are; other commands are only noted."""
    program = tmp_path / "signoff"
    program.write_text(_FAKE_SIGNOFF.format(python=sys.executable, notes=tmp_path / "notes"))
    program.chmod(0o755)
    return program


_FAKE_SIGNOFF = """#!{python}
import os, sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        body = (sys.argv[1] + " " + os.environ["SIGNOFF_PORT"]).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

if "SIGNOFF_PORT" in os.environ:
    address = os.environ["SIGNOFF_HOST"], int(os.environ["SIGNOFF_PORT"])
    ThreadingHTTPServer(address, Handler).serve_forever()
with open("{notes}", "a") as notes:
    print(*sys.argv[1:], file=notes)
"""


@pytest.fixture
def cluster(local_run: LocalRun, fake_signoff: Path) -> Iterator[Cluster]:
    """A cluster that runs, with real stores and a real HAProxy, and the fake services."""
    cluster = Cluster(local_run.folder / "cluster", fake_signoff)
    try:
        cluster.up()
        yield cluster
    finally:
        cluster.down(wipe=True)


def _get(cluster: Cluster, path: str) -> str:
    with urllib.request.urlopen(f"{cluster.url}{path}", timeout=10) as answer:
        return str(answer.read().decode())


def test_a_cluster_comes_up_once_and_survives_faults(cluster: Cluster, fake_signoff: Path) -> None:
    """One test, since a cluster takes seconds to start."""
    ports = cluster.settings.ports

    # The stores were prepared, in this order.
    assert fake_signoff.with_name("notes").read_text() == "migrate\ntopics apply\n"
    with psycopg.connect(f"postgresql://postgres@127.0.0.1:{ports['postgres']}/signoff") as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)

    # `up` again changes nothing.
    identities = [service.process.identity for service in cluster.services.values()]
    assert cluster.up() == []
    assert [service.process.identity for service in cluster.services.values()] == identities

    # What reads a stream goes to the streams, all else to the gateways.
    for path in ("/api/workflows/w/executions/e/stream?from=3", "/api/stream?types=a"):
        assert _get(cluster, path).startswith("stream ")
    for path in ("/", "/api/workflows/w/executions/e", "/api/workflows/w"):
        assert _get(cluster, path).startswith("gateway ")

    # A gateway that is gone is noticed by nobody.
    cluster.services["gateway-1"].kill()
    assert {_get(cluster, "/") for _ in range(8)} == {f"gateway {ports['gateway-2']}"}
    cluster.services["gateway-1"].start()

    # `env` is what a shell needs.
    shown = subprocess.run(
        [
            "sh",
            "-c",
            '. "$1"; echo "$SIGNOFF_URL $SIGNOFF_API_KEY $SIGNOFF_KAFKA $SIGNOFF_DATA"',
            "sh",
            cluster.env_file,
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    assert shown.stdout.split() == [
        *(cluster.url, cluster.settings.api_key, f"127.0.0.1:{ports['kafka']}", str(cluster.folder / "data")),
    ]


def test_down_leaves_a_process_alone_that_now_has_an_old_pid(tmp_path: Path) -> None:
    _cluster_with_settings(tmp_path)
    with subprocess.Popen(_SLEEPER) as bystander:
        identity = Identity.of(bystander.pid)
        assert identity is not None
        (tmp_path / "run").mkdir()
        (tmp_path / "run" / "kafka.pid").write_text(f"{identity.pid} {identity.started - 1}\n")
        assert main(["--folder", str(tmp_path), "down"]) == 0
        assert Identity.of(bystander.pid) == identity
        bystander.kill()


def test_down_stops_what_the_cluster_started(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _cluster_with_settings(tmp_path)
    process = Process("executor-2", tmp_path)
    process.start(_SLEEPER, environment=os.environ, folder=tmp_path)
    assert main(["--folder", str(tmp_path), "down"]) == 0
    assert process.identity is None
    assert capsys.readouterr().out == "Stopped executor-2.\n"


def test_down_keeps_the_data_unless_told_to_wipe(tmp_path: Path) -> None:
    _cluster_with_settings(tmp_path)
    assert main(["--folder", str(tmp_path), "down"]) == 0
    assert (tmp_path / "settings.json").exists()
    assert main(["--folder", str(tmp_path), "down", "--wipe"]) == 0
    assert not tmp_path.exists()


def test_down_without_a_cluster_changes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--folder", str(tmp_path / "none"), "down", "--wipe"]) == 0
    assert capsys.readouterr().out == "Nothing was running.\n"
    assert not (tmp_path / "none").exists()


def test_ports_and_key_are_remembered(tmp_path: Path) -> None:
    cluster = _cluster_with_settings(tmp_path)
    assert cluster.settings == Cluster(tmp_path, Path("/no/signoff")).settings


def test_only_the_owner_may_read_the_key(tmp_path: Path) -> None:
    _cluster_with_settings(tmp_path)
    assert (tmp_path / "settings.json").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["kill", "executor", "1"], "there is no cluster in .*: make one with `cluster up`"),
        (["status"], "there is no cluster in .*: make one with `cluster up`"),
    ],
)
def test_a_command_on_no_cluster_says_how_to_make_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], complaint: str
) -> None:
    assert main(["--folder", str(tmp_path), *arguments]) == 1
    assert _matches(complaint, capsys.readouterr().err)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["kill", "executor"], "there is no executor: choose one of .*executor 1, executor 2"),
        (["start", "executor", "3"], "there is no executor 3: choose one of "),
        (["stop", "kafka", "1"], "there is no kafka 1: choose one of "),
        (["kill", "gateway", "1"], "gateway-1 does not run, so there is nothing to kill"),
    ],
)
def test_a_process_that_is_not_there_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], complaint: str
) -> None:
    _cluster_with_settings(tmp_path)
    assert main(["--folder", str(tmp_path), *arguments]) == 1
    assert _matches(complaint, capsys.readouterr().err)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ([], "required: COMMAND"),
        (["explode"], "invalid choice: 'explode'"),
        (["kill"], "required: NAME"),
        (["kill", "database"], "invalid choice: 'database'"),
        (["kill", "executor", "one"], "invalid int value: 'one'"),
    ],
)
def test_a_wrong_command_line_is_refused_with_its_place(
    capsys: pytest.CaptureFixture[str], arguments: list[str], complaint: str
) -> None:
    with pytest.raises(SystemExit) as refusal:
        main(arguments)
    assert refusal.value.code == 2
    assert _matches(complaint, capsys.readouterr().err)


def test_a_damaged_settings_file_is_told_with_the_way_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "settings.json").write_text("{")
    assert main(["--folder", str(tmp_path), "status"]) == 1
    assert _matches("settings.json is damaged .*: mend it", capsys.readouterr().err)


def _matches(pattern: str, text: str) -> bool:
    return re.search(pattern, text) is not None
