"""What is measured: Signoff in one of its sizes, with its data in a folder that goes away afterwards."""

import http.client
import signal
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.load import Job, Post
from benchmarks.processes import Usage, usage
from local_services.service import LocalService
from msgspec import Struct

REPOSITORY = Path(__file__).resolve().parents[1]
PROGRAM = REPOSITORY / ".venv" / "bin" / "signoff"
ENVIRONMENT = {
    "PYTHONPATH": str(REPOSITORY),
    "SIGNOFF_BLOCKS": "benchmarks.blocks",
    "SIGNOFF_LOG_LEVEL": "warning",
}
"""Lets Signoff's processes find the measured blocks."""

QUERY_LIMIT = 60.0
"""Seconds that a database may take to answer."""

_KILL_LIMIT = 10.0
_REQUEST_LIMIT = 15.0


class Disk(Struct, frozen=True, kw_only=True):
    """Bytes on the disk after a checkpoint.

    Attributes:
        log: tables, indexes and object store.
        wal: what was ever written to the log's WAL, where that can be known.
        topics: what Kafka keeps.
    """

    log: int
    wal: int = 0
    topics: int = 0


class System(ABC):
    """Signoff in one of its sizes.

    Attributes:
        name: of the size.
        folder: where its data and logs lie.
        port: where its HTTP is, on 127.0.0.1.
        api_key: what callers show.
    """

    name: str
    folder: Path
    port: int
    api_key: str

    @property
    @abstractmethod
    def services(self) -> Sequence[LocalService]:
        """All processes."""

    @property
    @abstractmethod
    def ours(self) -> Sequence[LocalService]:
        """Those of Signoff itself."""

    @abstractmethod
    def start(self) -> None:
        """Start everything and wait until it is ready."""

    @abstractmethod
    def stop(self) -> None:
        """Stop everything."""

    @abstractmethod
    def in_flight(self) -> int:
        """How many executions are neither ended nor parked."""

    @abstractmethod
    def going_on(self, execution_ids: Sequence[str]) -> int:
        """How many of some executions, named by UUIDs, have not ended."""

    @abstractmethod
    def last_end(self) -> float:
        """When the last execution ended, seconds since the epoch, by the log's projections."""

    @abstractmethod
    def disk(self) -> Disk:
        """What lies on the disk, after a checkpoint."""

    def request(
        self, method: str, path: str, body: bytes, headers: Mapping[str, str] | None = None
    ) -> tuple[int, bytes]:
        """Ask for one thing, over a connection of its own; gives status and body.

        Raises:
            OSError: nobody answers.
            http.client.HTTPException: the answer was cut off.
        """
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=_REQUEST_LIMIT)
        try:
            connection.request(method, path, body, {"X-API-Key": self.api_key, **(headers or {})})
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def job(self, posts: list[Post], *, clients: int) -> Job:
        """Requests to this system, for the load generator."""
        return Job(host="127.0.0.1", port=self.port, api_key=self.api_key, posts=posts, clients=clients)

    @staticmethod
    def usages(services: Sequence[LocalService]) -> dict[str, Usage]:
        """What processes have used, their children included, by name."""
        found = {service.name: service.process.identity for service in services}
        return {name: usage(identity.pid) for name, identity in found.items() if identity is not None}

    def kill_ours(self) -> None:
        """End Signoff's own processes as a crash would, all of them."""
        for service in self.ours:
            service.process.send(signal.SIGKILL)
        for service in self.ours:
            service.process.wait_for_end(_KILL_LIMIT)

    def launch_ours(self) -> None:
        """Start them again, without waiting until they are ready."""
        for service in self.ours:
            service.launch()


def size_below(folder: Path) -> int:
    """The bytes that the files of a folder take on the disk."""
    return sum(path.stat().st_blocks * 512 for path in folder.rglob("*") if path.is_file())
