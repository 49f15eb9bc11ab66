"""Two of each service on a broker and a database that can be taken away in every manner."""

import os
import secrets
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final, cast

from local_services.haproxy import HAProxy
from local_services.kafka import Kafka
from local_services.process import Identity
from local_services.service import LocalService
from local_services.signoff import Kind, SignoffService, run_signoff
from local_services.waiting import wait_until

from support.ports import unused_port
from support.proxies import Proxy
from support.replicas import Pair, Replica
from support.small_disks import SmallDisk, small_disk

TESTS: Final = Path(__file__).resolve().parents[1]
PROGRAM: Final = Path(sys.executable).with_name("signoff")
_SETTINGS: Final = {
    "PYTHONPATH": str(TESTS),
    "SIGNOFF_BLOCKS": "chaos.blocks",
    "SIGNOFF_ALLOW_PRIVATE_NETWORKS": "127.0.0.0/8",
    "SIGNOFF_NOTIFY_SCHEMES": "json",
    "SIGNOFF_LOG_FORMAT": "console",
}
"""So that blocks may tell the outside."""

_DATABASE: Final = "signoff"
_EACH: Final = (1, 2)
DISK: Final = 384
"""Mebibytes: room for a run of some minutes, and soon filled."""

_LIMIT: Final = 30.0


class Ports:
    """Free ports, none given away twice."""

    def __init__(self) -> None:
        self._taken: set[int] = set()

    def take(self) -> int:
        """One more."""
        port = unused_port(taken=self._taken)
        self._taken.add(port)
        return port


def settings() -> dict[str, str]:
    """Our environment without anything that somebody else's server was told, and what each service needs."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("SIGNOFF_")}
    return clean | _SETTINGS


class ChaosCluster:
    """A cluster of processes, each of which can be killed, frozen and started.

    Args:
        folder: for data and logs; PostgreSQL's user must be able to enter it.
        mebibytes: of each of the two disks that can be filled.

    Attributes:
        pair: the primary database, and a standby that does not run yet.
        kafka: the broker.
        database_disk: what the first primary writes to.
        kafka_disk: what the broker writes to.
        to_databases: the proxies before the two servers.
        to_kafka: the proxy before the broker.
        services: our own processes by name, such as ``executor-1``.
        url: the base URL.
        key: the API key.
    """

    def __init__(self, folder: Path, *, mebibytes: int = DISK) -> None:
        self._mebibytes = mebibytes
        ports = Ports()
        self.folder = folder
        self.database_disk = SmallDisk(folder / "database-disk")
        self.kafka_disk = SmallDisk(folder / "kafka-disk")
        self.key = f"sk-signoff-{secrets.token_urlsafe(24)}"
        self.pair = Pair(
            Replica(folder, name="postgres-a", port=ports.take(), data=self.database_disk.folder / "data"),
            Replica(folder, name="postgres-b", port=ports.take()),
        )
        servers = (self.pair.primary, self.pair.standby)
        self.to_databases = [Proxy(server.port, port=ports.take()) for server in servers]
        self.to_kafka = Proxy(ports.take(), port=ports.take())
        self.kafka = Kafka(
            folder,
            port=ports.take(),
            controller_port=ports.take(),
            detours={self.to_kafka.target: self.to_kafka.port},
            data=self.kafka_disk.folder / "data",
        )
        self.url = ""
        self._environment = self._settings()
        self.services: dict[str, LocalService] = {
            f"{kind}-{number}": self._service(kind, number, ports.take())
            for kind in ("executor", "gateway", "stream")
            for number in _EACH
        }
        self.haproxy = HAProxy(
            folder,
            port=ports.take(),
            gateways=[self.services[f"gateway-{number}"].port for number in _EACH],
            streams=[self.services[f"stream-{number}"].port for number in _EACH],
        )
        self.url = f"http://127.0.0.1:{self.haproxy.port}"

    def replace(self, name: str, **settings: str) -> LocalService:
        """Kill one of our own processes, and launch it anew with further variables in its environment."""
        self.services[name].kill()
        kind, number = cast("tuple[Kind, str]", name.split("-"))
        service = self._service(kind, int(number), self.services[name].port, **settings)
        self.services[name] = service
        service.launch()
        return service

    @property
    def database_url(self) -> str:
        """The primary itself, without a proxy."""
        return self.pair.primary.url(_DATABASE)

    def query(self, sql: str) -> str:
        """Ask the primary; gives rows by lines, columns parted by ``|``."""
        return self.pair.primary.query(sql, _DATABASE).strip()

    @contextmanager
    def running(self) -> Iterator["ChaosCluster"]:
        """Start everything, and end it afterwards."""
        with ExitStack() as stack:
            for proxy in (*self.to_databases, self.to_kafka):
                stack.enter_context(proxy)
            for disk in (self.database_disk, self.kafka_disk):
                stack.enter_context(small_disk(disk.folder, mebibytes=self._mebibytes))
            stack.callback(self._stop)
            self.pair.primary.launch()
            self.kafka.launch()
            self.pair.primary.await_ready()
            self.kafka.await_ready()
            self.pair.primary.configure(max_wal_size="64MB", min_wal_size="32MB")
            self.pair.primary.create_database(_DATABASE)
            run_signoff(PROGRAM, "migrate", environment=self._environment)
            run_signoff(PROGRAM, "topics", "apply", environment=self._environment)
            launch(*self.services.values(), self.haproxy)
            yield self

    def owners(self) -> set[str]:
        """Who holds partitions by a lease that has not run out."""
        return set(
            self.query("SELECT DISTINCT owner FROM partitions WHERE lease_until > clock_timestamp()").split()
        )

    def _stop(self) -> None:
        for service in (self.haproxy, *self.services.values(), self.kafka):
            service.kill()
        self.pair.stop()

    def _settings(self) -> dict[str, str]:
        database = self.pair.url(_DATABASE)
        for proxy in self.to_databases:
            database = database.replace(f":{proxy.target}", f":{proxy.port}")
        return {
            **settings(),
            "SIGNOFF_DATA": str(self.folder / "data"),
            "SIGNOFF_BOOTSTRAP_API_KEY": self.key,
            "SIGNOFF_DATABASE_URL": database,
            "SIGNOFF_KAFKA": self.to_kafka.address,
        }

    def _service(self, kind: Kind, number: int, port: int, **settings: str) -> SignoffService:
        environment = self._environment | settings
        return SignoffService(kind, number, self.folder, port=port, program=PROGRAM, environment=environment)


def launch(*services: LocalService) -> None:
    """Start processes, and wait until all are ready."""
    for service in services:
        service.launch()
    for service in services:
        service.await_ready()


@contextmanager
def frozen(*services: LocalService) -> Iterator[None]:
    """Stop processes where they are (SIGSTOP), and let them go on afterwards."""
    for service in services:
        service.process.send(signal.SIGSTOP)
    try:
        yield
    finally:
        for service in services:
            service.process.send(signal.SIGCONT)


@contextmanager
def frozen_process(identity: Identity) -> Iterator[None]:
    """The same for a process that is no service's own, such as a backend of PostgreSQL."""
    os.kill(identity.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        if Identity.of(identity.pid) == identity:
            os.kill(identity.pid, signal.SIGCONT)


def await_that(condition: str, holds: Callable[[], bool]) -> None:
    """Wait for something, for half a minute at most."""
    wait_until(holds, limit=_LIMIT, otherwise=f"it does not come to be that {condition}")
