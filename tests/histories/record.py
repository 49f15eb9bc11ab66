"""Records what a version leaves behind, for all later ones to read: run at each release.

    PYTHONPATH=tests:deploy/local .venv/bin/python -m histories.record CHECKOUT VERSION

The plays (plays.py) run on the checkout's own code, embedded and on a PostgreSQL and a Kafka, and what then
lies in its files, its database and its topics goes into ``tests/histories/VERSION``. A recording is never
made again.
"""

import asyncio
import importlib.metadata
import json
import lzma
import os
import shutil
import sqlite3
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import msgspec
from aiokafka import AIOKafkaConsumer
from local_services.kafka import Kafka
from local_services.postgres import Postgres, binaries
from local_services.service import LocalService
from local_services.waiting import answers_ok, wait_until

from histories.past import (
    DATABASE,
    EMBEDDED,
    KEY,
    MANIFEST,
    POSTGRES,
    SETTINGS,
    TOPICS,
    Left,
    Manifest,
    order_of,
)
from histories.player import Player
from histories.plays import PEOPLE, PLAYS, Play
from support.ports import unused_port
from support.system_people import add_cast

_HERE: Final = Path(__file__).resolve().parent
_REPOSITORY: Final = _HERE.parents[1]
_TOPICS: Final = ("signoff.commands", "signoff.executions", "signoff.outcomes")
_LIBRARIES: Final = ("msgspec", "eventsourcing", "asyncpg", "aiokafka", "aiohttp")
_COMMAND_LIMIT: Final = 60.0


class Server(LocalService):
    """``signoff serve`` of a checkout."""

    def __init__(self, checkout: Path, folder: Path, settings: Mapping[str, str]) -> None:
        super().__init__("server", folder, port=unused_port())
        code = sorted(str(path) for part in ("libs", "services") for path in (checkout / part).iterdir())
        clean = {name: value for name, value in os.environ.items() if not name.startswith("SIGNOFF_")}
        self.environment = {
            **clean,
            **SETTINGS,
            **settings,
            "PYTHONPATH": os.pathsep.join([*code, str(_REPOSITORY / "tests")]),
            "SIGNOFF_DATA": str(folder / "data"),
            "SIGNOFF_LOG_LEVEL": "warning",
        }

    def answers(self) -> bool:
        """Whether it is ready."""
        return answers_ok(self.port, "/readyz")

    def command(self, *arguments: str) -> tuple[str, ...]:
        """A command of the checkout's ``signoff``."""
        return (sys.executable, "-c", "from signoff.cli.main import main; main()", *arguments)

    def run(self, *arguments: str) -> None:
        """Run a command to its end."""
        subprocess.run(
            self.command(*arguments),
            env=self.environment,
            check=True,
            timeout=_COMMAND_LIMIT,
            cwd=self.folder,
        )

    def _launch(self) -> None:
        command = self.command("serve", "--port", str(self.port))
        self.process.start(command, environment=self.environment, folder=self.folder)


async def _play(server: Server, plays: Sequence[Play], *, people: bool) -> list[Left]:
    """Run plays, one after the other; gives what they left."""
    url = f"http://127.0.0.1:{server.port}"
    left: list[Left] = []
    async with Player(url, KEY, await add_cast(url, KEY) if people else {}) as player:
        for play in plays:
            for name, definition in {**play.others, play.name: play.definition}.items():
                await player.deploy(name, definition)
            left += [await _run(player, play, ended=ended) for ended in (True, False)]
            if play.snapshot:
                await asyncio.to_thread(_await_snapshot, server.folder / "data" / DATABASE)
    return left


async def _run(player: Player, play: Play, *, ended: bool) -> Left:
    execution_id = await player.start(play.name, play.input)
    await player.perform(play.name, execution_id, play.before)
    if ended:
        await player.perform(play.name, execution_id, play.after)
        end = await player.ended(execution_id)
        return Left(play=play.name, execution_id=execution_id, ended=True, after=(), end=end)
    if play.after and play.after[0].do == "decide" and play.after[0].child is None:
        await player.until(execution_id, {"execution:paused"})
    return Left(play=play.name, execution_id=execution_id, ended=False, after=play.after, end={})


def _await_snapshot(path: Path) -> None:
    def kept() -> bool:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
            (count,) = connection.execute("SELECT count(*) FROM fold_snapshots").fetchone()
            return int(count) > 0

    wait_until(kept, limit=_COMMAND_LIMIT, otherwise="no snapshot is kept: make the long play longer")


def _with_ends(left: list[Left]) -> list[Left]:
    """Those that were left have the end that their twins had."""
    ends = {each.play: each.end for each in left if each.ended}
    return [each if each.ended else msgspec.structs.replace(each, end=ends[each.play]) for each in left]


class Recorder:
    """Records one version.

    Args:
        checkout: a folder with its sources.
        version: what it is called.
        target: the folder of the recording.
    """

    def __init__(self, checkout: Path, version: str, target: Path) -> None:
        self._checkout = checkout
        self._target = target
        self._plays = [play for play in PLAYS if order_of(play.since) <= order_of(version)]
        self._people = order_of(PEOPLE) <= order_of(version)

    def embedded(self, folder: Path) -> list[Left]:
        """Record an embedded server; gives the executions in it."""
        server = Server(self._checkout, folder, {})
        with _running(server):
            left = asyncio.run(_play(server, self._plays, people=self._people))
        data = folder / "data"
        packed = folder / DATABASE
        with closing(sqlite3.connect(data / DATABASE)) as connection:
            connection.execute("VACUUM INTO ?", (str(packed),))
        with tarfile.open(self._target / EMBEDDED, "w:xz", preset=9) as tar:
            tar.add(packed, DATABASE)
            tar.add(data / "blobs", "blobs")
        return _with_ends(left)

    def cluster(self, folder: Path) -> list[Left]:
        """Record a server on PostgreSQL and Kafka; gives the executions in it."""
        postgres = Postgres(folder, port=unused_port())
        kafka = Kafka(folder, port=(port := unused_port()), controller_port=unused_port(taken={port}))
        with _running(postgres), _running(kafka):
            url = postgres.create_database("recorded")
            wiring = {"SIGNOFF_DATABASE_URL": url, "SIGNOFF_KAFKA": kafka.bootstrap}
            server = Server(self._checkout, folder, wiring)
            server.run("migrate")
            server.run("topics", "apply")
            with _running(server):
                plays = [play for play in self._plays if not play.snapshot]
                left = asyncio.run(_play(server, plays, people=self._people))
            _write(self._target / POSTGRES, _dump(url))
            _write(self._target / TOPICS, asyncio.run(_records(kafka.bootstrap)))
        return _with_ends(left)


@contextmanager
def _running(service: LocalService) -> Iterator[None]:
    service.start()
    try:
        yield
    finally:
        service.stop()


def _dump(url: str) -> str:
    """The database as SQL that any client can run."""
    program = (
        binaries() / "pg_dump",
        "--no-owner",
        "--no-privileges",
        "--inserts",
        "--rows-per-insert=200",
        url,
    )
    script = subprocess.run(
        program, capture_output=True, text=True, check=True, timeout=_COMMAND_LIMIT
    ).stdout
    lines = (line for line in script.splitlines() if not line.startswith(("--", "\\")))
    return "\n".join(line for line in lines if line) + "\n"


async def _records(bootstrap: str) -> str:
    """Every record of our topics, one JSON a line; keys and values as text."""
    async with AIOKafkaConsumer(
        *_TOPICS, bootstrap_servers=bootstrap, auto_offset_reset="earliest"
    ) as consumer:
        ends = await consumer.end_offsets(consumer.assignment())
        records: list[Any] = []
        while len(records) < sum(ends.values()):
            for page in (await consumer.getmany(timeout_ms=1000)).values():
                records += page
    lines = (
        _line(each) for each in sorted(records, key=lambda each: (each.topic, each.partition, each.offset))
    )
    return "".join(f"{line}\n" for line in lines)


def _line(record: Any) -> str:
    headers = [[name, value.decode()] for name, value in record.headers]
    key = None if record.key is None else record.key.decode()
    value = record.value.decode()
    return json.dumps(
        [record.topic, record.partition, record.offset, key, headers, value], ensure_ascii=False
    )


def _write(path: Path, text: str) -> None:
    path.write_bytes(lzma.compress(text.encode(), preset=9))


def _migrations(checkout: Path) -> dict[str, dict[str, str]]:
    """The digest of each step of the schema, by dialect and name: a released step never changes."""
    folder = checkout / "libs" / "events" / "signoff" / "events" / "store" / "migrations"
    return {
        dialect.name: {
            path.stem: sha256(path.read_bytes()).hexdigest() for path in sorted(dialect.glob("*.sql"))
        }
        for dialect in sorted(folder.iterdir())
        if dialect.is_dir()
    }


def main(checkout: Path, version: str) -> None:
    """Record a version.

    Args:
        checkout: a folder with its sources.
        version: what it is called.
    """
    if (_HERE / version).exists():
        raise SystemExit(
            f"{version} is recorded already, and a recording stays as it is: name another version"
        )
    with tempfile.TemporaryDirectory(prefix="signoff-record-") as temporary:
        folder = Path(temporary)
        folder.chmod(0o755)  # PostgreSQL runs as another user when we are root
        target = folder / "recorded"
        for each in ("embedded", "cluster", "recorded"):
            (folder / each).mkdir()
        recorder = Recorder(checkout, version, target)
        manifest = Manifest(
            version=version,
            python=".".join(map(str, sys.version_info[:3])),
            libraries={name: importlib.metadata.version(name) for name in _LIBRARIES},
            migrations=_migrations(checkout),
            embedded=recorder.embedded(folder / "embedded"),
            cluster=recorder.cluster(folder / "cluster"),
        )
        text = msgspec.json.format(msgspec.json.encode(manifest), indent=1)
        (target / MANIFEST).write_bytes(text + b"\n")
        shutil.copytree(target, _HERE / version)


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), sys.argv[2])
