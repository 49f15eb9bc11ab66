"""The local cluster: Kafka, PostgreSQL, two of each Signoff service, and HAProxy in front."""

import os
import shlex
import shutil
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import get_args

from .haproxy import HAProxy, haproxy_program
from .kafka import Kafka, fetch_kafka
from .lock import locked
from .postgres import Postgres
from .service import LocalService
from .settings import Settings, write_private
from .signoff import Kind, SignoffService, run_signoff
from .waiting import LocalServicesError

KINDS: tuple[Kind, ...] = get_args(Kind)
_EACH = 2
_DATABASE = "signoff"
_LOCK_LIMIT = 180.0
_PORT_NAMES = (
    *("haproxy", "postgres", "kafka", "kafka-controller"),
    *(f"{kind}-{number}" for kind in KINDS for number in range(1, _EACH + 1)),
)


class Cluster:
    """All processes of one cluster folder.

    Args:
        folder: Data, logs, pid files and settings lie under it.
        program: The `signoff` command that the services run.
    """

    def __init__(self, folder: Path, program: Path) -> None:
        self.folder = folder
        self.env_file = folder / "env"
        self._program = program
        self._settings_file = folder / "settings.json"
        self._services: dict[str, LocalService] | None = None

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep other `cluster` commands out while this one changes something.

        Raises:
            LocalServicesError: Another one works on this cluster for too long.
        """
        with locked(
            self.folder / "lock",
            limit=_LOCK_LIMIT,
            otherwise=f"another `cluster` command works on {self.folder} for {_LOCK_LIMIT:.0f} s: end it",
        ):
            yield

    @property
    def exists(self) -> bool:
        """Whether the cluster has ever been started and not been wiped since."""
        return self._settings_file.exists()

    @property
    def settings(self) -> Settings:
        """Ports and key.

        Raises:
            LocalServicesError: The cluster has never been started.
        """
        settings = Settings.load(self._settings_file)
        if settings is None:
            raise LocalServicesError(f"there is no cluster in {self.folder}: make one with `cluster up`")
        return settings

    @property
    def url(self) -> str:
        """The one base URL."""
        return f"http://127.0.0.1:{self.settings.ports['haproxy']}"

    @property
    def services(self) -> Mapping[str, LocalService]:
        """All processes by name, in the order in which they start.

        Raises:
            LocalServicesError: The cluster has never been started, or PostgreSQL is not installed.
        """
        if self._services is None:
            self._services = {service.name: service for service in self._make_services()}
        return self._services

    def up(self) -> list[str]:
        """Start what does not run, wait until all of it answers, and write `env`.

        Returns:
            The names of what had to be started.

        Raises:
            LocalServicesError: A program is missing, or something does not start.
        """
        self._check_programs()
        self._choose_settings()
        (self.folder / "data").mkdir(exist_ok=True)
        services = self.services.values()
        stopped = [service for service in services if not service.running]
        _start_together([service for service in stopped if isinstance(service, Postgres | Kafka)])
        if stopped:
            self._prepare_stores()
        _start_together([service for service in stopped if isinstance(service, SignoffService)])
        _start_together([service for service in stopped if isinstance(service, HAProxy)])
        for service in services:
            service.await_ready()
        self._write_env()
        return [service.name for service in stopped]

    def roll(self) -> list[str]:
        """Restart the Signoff services one after the other, each when the one before is ready again.

        First one of each kind, then the other: HAProxy has long seen the first when the second stops.

        Returns:
            The names of what was restarted.

        Raises:
            LocalServicesError: Not all of it runs, or something does not end or start.
        """
        stopped = [service.name for service in self.services.values() if not service.running]
        if stopped:
            raise LocalServicesError(f"{', '.join(stopped)} must run before others can stop: `cluster up`")
        services = [self.services[f"{kind}-{number}"] for number in range(1, _EACH + 1) for kind in KINDS]
        for service in services:
            service.stop()
            service.start()
        return [service.name for service in services]

    def down(self, *, wipe: bool) -> list[str]:
        """Stop what runs of this cluster, and nothing else, the last started first.

        Args:
            wipe: Remove the folder as well, with all data.

        Returns:
            The names of what had to be stopped.

        Raises:
            LocalServicesError: Something did not stop in time, and was killed; all the rest is stopped.
        """
        running = [service for service in self.services.values() if service.running] if self.exists else []
        failures = [
            failure
            for kinds in (HAProxy, SignoffService, Postgres | Kafka)
            for failure in _stop_together([service for service in running if isinstance(service, kinds)])
        ]
        self.env_file.unlink(missing_ok=True)
        if wipe:
            shutil.rmtree(self.folder)
        if failures:
            raise LocalServicesError("\n".join(failures))
        return [service.name for service in running]

    def _make_services(self) -> list[LocalService]:
        ports = self.settings.ports
        environment = self._environment()
        services: list[LocalService] = [
            Postgres(self.folder, port=ports["postgres"]),
            Kafka(self.folder, port=ports["kafka"], controller_port=ports["kafka-controller"]),
        ]
        services += (
            SignoffService(
                kind,
                number,
                self.folder,
                port=ports[f"{kind}-{number}"],
                program=self._program,
                environment=environment,
            )
            for kind in KINDS
            for number in range(1, _EACH + 1)
        )
        services.append(
            HAProxy(
                self.folder,
                port=ports["haproxy"],
                gateways=[ports[f"gateway-{number}"] for number in range(1, _EACH + 1)],
                streams=[ports[f"stream-{number}"] for number in range(1, _EACH + 1)],
            )
        )
        return services

    def _choose_settings(self) -> None:
        settings = Settings.load(self._settings_file)
        if settings is None:
            settings = Settings.choose(_PORT_NAMES, api_key=os.environ.get("SIGNOFF_BOOTSTRAP_API_KEY"))
        elif any(service.running for service in self.services.values()):
            return
        else:
            settings = settings.without_taken_ports()
        settings.save(self._settings_file)
        self._services = None

    def _check_programs(self) -> None:
        haproxy_program()
        if not self._program.exists():
            raise LocalServicesError(f"{self._program} is missing: `make .venv/runtime` installs it")
        fetch_kafka()

    def _prepare_stores(self) -> None:
        postgres = Postgres(self.folder, port=self.settings.ports["postgres"])
        if _DATABASE not in postgres.databases():
            postgres.create_database(_DATABASE)
        environment = self._environment()
        run_signoff(self._program, "migrate", environment=environment)
        run_signoff(self._program, "topics", "apply", environment=environment)

    def _environment(self) -> dict[str, str]:
        """The caller's environment, with its SIGNOFF_* settings, but wired to this cluster."""
        return {**os.environ, **self._wiring()}

    def _wiring(self) -> Mapping[str, str]:
        settings = self.settings
        return {
            "SIGNOFF_BOOTSTRAP_API_KEY": settings.api_key,
            "SIGNOFF_KAFKA": f"127.0.0.1:{settings.ports['kafka']}",
            "SIGNOFF_DATABASE_URL": f"postgresql://postgres@127.0.0.1:{settings.ports['postgres']}/{_DATABASE}",
            "SIGNOFF_DATA": str(self.folder / "data"),
            "SIGNOFF_PUBLIC_URL": self.url,
            "SIGNOFF_TRUSTED_PROXIES": "127.0.0.1/32",
        }

    def _write_env(self) -> None:
        shown = {"SIGNOFF_URL": self.url, "SIGNOFF_API_KEY": self.settings.api_key, **self._wiring()}
        write_private(
            self.env_file, "".join(f"{name}={shlex.quote(value)}\n" for name, value in shown.items())
        )


def _start_together(services: Sequence[LocalService]) -> None:
    for service in services:
        service.launch()
    for service in services:
        service.await_ready()


def _stop_together(services: Sequence[LocalService]) -> list[str]:
    """Stop them all at once, and tell what went wrong."""

    def failure_of(service: LocalService) -> str | None:
        try:
            service.stop()
        except LocalServicesError as error:
            return str(error)
        return None

    with ThreadPoolExecutor(max_workers=len(_PORT_NAMES)) as threads:
        return [failure for failure in threads.map(failure_of, services) if failure is not None]
