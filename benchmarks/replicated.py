"""A cluster whose database has a synchronous standby, and whose executors can be on hosts of their own."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, LiteralString

import psycopg
from benchmarks.clustered import Clustered
from benchmarks.systems import PROGRAM
from local_services.cluster import Cluster
from local_services.ports import unused_port
from local_services.postgres import Postgres
from local_services.service import LocalService
from local_services.signoff import SignoffService
from local_services.waiting import LocalServicesError, wait_until

from support.replicas import Pair, Replica

_DATABASE: Final = "signoff"
_CONNECTING: Final = 10
_SHARED_LIMIT: Final = 60.0
_SHARES: Final = "SELECT count(*) FROM partitions WHERE lease_until > clock_timestamp() GROUP BY owner"

_OTHER_HOST: Final = ("unshare", "--pid", "--fork", "--kill-child", "--mount-proc")
"""Process ids of its own, as in a container: nobody outside can know by them that the process is gone."""

_AS_A_USER: Final = ("--user", "--map-root-user")


class ExecutorService(SignoffService):
    """An executor. Launched ``apart`` it is on another host, for all that anybody can see of its process."""

    apart = False

    def _launch(self) -> None:
        command: tuple[str | Path, ...] = self._command
        if self.apart:
            command = (*_OTHER_HOST, *(() if os.geteuid() == 0 else _AS_A_USER), *command)
        self.process.start(command, environment=self._environment, folder=self.folder)


class _ReplicatedCluster(Cluster):
    """Names both servers of a pair to the services."""

    pair: Pair

    def _make_services(self) -> list[LocalService]:
        ports = self.settings.ports
        self.pair = Pair(
            Replica(self.folder, name="postgres", port=ports["postgres"]),
            Replica(self.folder, name="standby", port=unused_port(taken=ports.values())),
        )
        return [self._replaced(service) for service in super()._make_services()]

    def _replaced(self, service: LocalService) -> LocalService:
        if isinstance(service, Postgres):
            return self.pair.primary
        kind, _, number = service.name.partition("-")
        if kind != "executor":
            return service
        return ExecutorService(
            "executor",
            int(number),
            self.folder,
            port=service.port,
            program=PROGRAM,
            environment=self._environment(),
        )

    def _wiring(self) -> Mapping[str, str]:
        return {**super()._wiring(), "SIGNOFF_DATABASE_URL": self.pair.url(_DATABASE)}


class Replicated(Clustered):
    """A cluster of its own whose database may fail over. The standby follows from `Pair.rejoin` on."""

    name = "recovery"
    _cluster: _ReplicatedCluster

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._cluster = _ReplicatedCluster(folder, PROGRAM)

    @property
    def pair(self) -> Pair:
        """The two databases."""
        return self._cluster.pair

    @property
    def executors(self) -> tuple[ExecutorService, ExecutorService]:
        """Both executors."""
        first, second = (each for each in self.ours if isinstance(each, ExecutorService))
        return first, second

    def start(self) -> None:
        """Start everything; the database notes when each transaction was committed."""
        super().start()
        # A standby whose primary was restarted follows it again soon, and no commit waits for it long.
        self.pair.primary.configure(track_commit_timestamp="on", wal_retrieve_retry_interval="100ms")
        self.restart_database()
        self.await_shared()

    def stop(self) -> None:
        """Stop everything, the databases last."""
        self.kill_ours()
        self.pair.stop()
        super().stop()

    def restart_database(self) -> None:
        """Restart the primary in place; gives back when it answers again."""
        self.pair.primary.stop("fast")
        self.pair.primary.start()

    def roll(self) -> None:
        """Restart our processes one after the other, each when the one before is ready."""
        self._cluster.roll()

    def owned_apart_from(self, executor: ExecutorService) -> set[int]:
        """The partitions that somebody else than an executor of this host holds."""
        identity = executor.process.identity
        if identity is None:
            raise LocalServicesError(f"{executor.name} does not run; its log: {executor.process.log}")
        held = self.rows("SELECT partition, owner FROM partitions WHERE lease_until > clock_timestamp()")
        return {partition for partition, owner in held if owner.split("/")[1] != str(identity.pid)}

    def await_shared(self) -> None:
        """Wait until each of two executors has half of the partitions."""

        def shared() -> bool:
            counts = [count for (count,) in self.rows(_SHARES)]
            return len(counts) == len(self.executors) and max(counts) - min(counts) <= 1

        wait_until(shared, limit=_SHARED_LIMIT, otherwise="two executors do not come to share the partitions")

    def rows(self, sql: LiteralString, **given: Any) -> list[tuple[Any, ...]]:
        """Ask the primary."""
        url = self.pair.primary.url(_DATABASE)
        with psycopg.connect(url, autocommit=True, connect_timeout=_CONNECTING) as connection:
            return connection.execute(sql, given).fetchall()

    def _query(self, sql: str) -> str:
        return self.pair.primary.query(sql, _DATABASE)
