"""The recordings of released versions: where they lie, and how they are put back (see docs/upgrades.md)."""

import lzma
import tarfile
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import Struct

from histories.plays import Step

FOLDER: Final = Path(__file__).resolve().parent
MANIFEST: Final = "version.json"
EMBEDDED: Final = "embedded.tar.xz"
"""The data folder of an embedded server: the log as one file, and large values."""
POSTGRES: Final = "postgres.sql.xz"
TOPICS: Final = "topics.jsonl.xz"
DATABASE: Final = "signoff.db"

KEY: Final = "recorded-key-0123456789abcdef0123456789"
SETTINGS: Final = {
    "SIGNOFF_BOOTSTRAP_API_KEY": KEY,
    "SIGNOFF_SECRET_KEY": "recorded-secret-0123456789abcdef0123456789",
    "SIGNOFF_BLOCKS": "histories.blocks",
    "SIGNOFF_ENV_TOKEN": "1234",
    "SIGNOFF_ALLOW_PRIVATE_NETWORKS": "127.0.0.0/8",
}
"""What the recorded servers ran with, and what goes on with their data runs with."""


class Left(Struct, frozen=True, kw_only=True):
    """An execution of a recording.

    Attributes:
        play: its workflow.
        execution_id: as callers know it.
        ended: whether the recorded version brought it to its end.
        after: what is still to be done with it.
        end: how it ends: the type of the event, and the output.
    """

    play: str
    execution_id: str
    ended: bool
    after: tuple[Step, ...]
    end: dict[str, Any]


class Manifest(Struct, frozen=True, kw_only=True):
    """What a recording is of.

    Attributes:
        version: its name.
        python: the interpreter's version.
        libraries: versions of the libraries whose formats are in it.
        migrations: the digest of each step of the schema, by dialect and name.
        embedded: executions of the embedded server.
        cluster: those on PostgreSQL and Kafka.
    """

    version: str
    python: str
    libraries: dict[str, str]
    migrations: dict[str, dict[str, str]]
    embedded: list[Left]
    cluster: list[Left]


class TopicRecord(Struct, frozen=True, array_like=True):
    """A record of a topic."""

    topic: str
    partition: int
    offset: int
    key: str | None
    headers: list[tuple[str, str]]
    value: str


class Past:
    """The recording of one version.

    Attributes:
        manifest: what it is of.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.manifest = msgspec.json.decode((folder / MANIFEST).read_bytes(), type=Manifest)

    def __str__(self) -> str:
        return self.manifest.version

    def unpack(self, data: Path) -> Path:
        """Put the data folder of the embedded server back; gives the log's file."""
        with tarfile.open(self._folder / EMBEDDED) as packed:
            packed.extractall(data, filter="data")
        return data / DATABASE

    def postgres_script(self) -> str:
        """The SQL that makes its PostgreSQL database in an empty one."""
        return lzma.decompress((self._folder / POSTGRES).read_bytes()).decode()

    def records(self, topic: str) -> list[TopicRecord]:
        """What one of its topics held, by partition and offset."""
        decoder = msgspec.json.Decoder(TopicRecord)
        with lzma.open(self._folder / TOPICS) as lines:
            return [record for line in lines if (record := decoder.decode(line)).topic == topic]


def recorded() -> list[Past]:
    """Every recorded version, the oldest first."""
    found = [Past(path.parent) for path in FOLDER.glob(f"*/{MANIFEST}")]
    return sorted(found, key=lambda past: order_of(past.manifest.version))


def order_of(version: str) -> list[int]:
    """What versions are ordered by."""
    return [int(part) for part in version.split(".")]
