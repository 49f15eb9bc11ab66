"""A private Apache Kafka broker in KRaft mode."""

import os
import secrets
import shlex
import shutil
import socket
import struct
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

from . import maven
from .process import run
from .service import LocalService
from .waiting import LocalServicesError

_LOCAL = Path(__file__).resolve().parents[1]
_REPOSITORY = _LOCAL.parents[1]
_POM = _LOCAL / "kafka" / "pom.xml"
_LOGGING = _LOCAL / "kafka" / "log4j2.properties"
_PROPERTIES = _LOCAL / "kafka" / "server.properties"
_FORMAT_LIMIT = 60.0
_METADATA = 3  # Kafka's number for the request that asks who the brokers are
_METADATA_VERSION = 4

JVM_OPTIONS: Final = "KAFKA_JVM_PERFORMANCE_OPTS"
"""The variable with more options of the virtual machine, as Kafka's own scripts read it."""


def fetch_kafka() -> Path:
    """The folder with Kafka's jars, fetched with Maven at the first call.

    Raises:
        LocalServicesError: Maven is missing or failed.
    """
    folder = _REPOSITORY / ".cache" / "kafka" / maven.read_property(_POM, "kafka.version")
    maven.fetch(_POM, folder)
    return folder


class Kafka(LocalService):
    """One broker that is its own controller, with its own data folder, on loopback ports.

    Args:
        folder: Its pid file and its log lie under it.
        port: Where clients reach it on 127.0.0.1.
        controller_port: Where the broker reaches its own controller.
        detours: More ports where it listens, each with the port that clients who came there are told to
            come back to: that of a proxy before it.
        data: The folder of its data, which may be on another disk; `kafka/` under `folder` when None.
        properties: More of its properties, by name.

    Attributes:
        detours: Those.
    """

    def __init__(
        self,
        folder: Path,
        *,
        port: int,
        controller_port: int,
        detours: Mapping[int, int] = MappingProxyType({}),
        data: Path | None = None,
        properties: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        super().__init__("kafka", folder, port=port)
        self._controller_port = controller_port
        self.detours = detours
        self._data = data or folder / "kafka"
        self._config = folder / "kafka.properties"
        self._properties = properties

    @property
    def bootstrap(self) -> str:
        """Where a client begins, as `host:port`."""
        return f"127.0.0.1:{self.port}"

    def answers(self) -> bool:
        """Whether the broker counts itself as alive, which it does once its controller let it in."""
        return live_brokers(self.port) > 0

    def _launch(self) -> None:
        java = _java()
        self._data.mkdir(parents=True, exist_ok=True)
        self._config.write_text(
            f"{_PROPERTIES.read_text()}\n"
            f"{self._listeners()}"
            f"controller.quorum.voters=1@127.0.0.1:{self._controller_port}\n"
            f"log.dirs={self._data}\n"
            + "".join(f"{name}={value}\n" for name, value in self._properties.items())
        )
        jars = fetch_kafka()
        virtual_machine = (
            *(java, "-Xms256m", "-Xmx512m", *shlex.split(os.environ.get(JVM_OPTIONS, ""))),
            *("-cp", f"{jars}/*"),
            f"-Dlog4j2.configurationFile={_LOGGING}",
        )
        if not (self._data / "meta.properties").exists():
            run(
                (
                    *(*virtual_machine, "kafka.tools.StorageTool", "format", "--ignore-formatted"),
                    *(f"--cluster-id={secrets.token_urlsafe(16)}", f"--config={self._config}"),
                ),
                limit=_FORMAT_LIMIT,
            )
        self.process.start(
            (*virtual_machine, "kafka.Kafka", self._config), environment=os.environ, folder=self._data
        )

    def _listeners(self) -> str:
        """The properties that say where to listen, and what to tell clients about it."""
        controller = f"CONTROLLER://127.0.0.1:{self._controller_port}"
        ports = {"CLIENTS": (self.port, self.port)}
        ports |= {f"DETOUR{number}": detour for number, detour in enumerate(self.detours.items(), 1)}
        listening = [f"{name}://127.0.0.1:{port}" for name, (port, _) in ports.items()]
        advertised = [f"{name}://127.0.0.1:{port}" for name, (_, port) in ports.items()]
        protocols = [f"{name}:PLAINTEXT" for name in (*ports, "CONTROLLER")]
        return (
            f"listeners={','.join((*listening, controller))}\n"
            f"advertised.listeners={','.join(advertised)}\n"
            f"listener.security.protocol.map={','.join(protocols)}\n"
        )


def live_brokers(port: int) -> int:
    """How many brokers the one on this loopback port counts as alive; 0 when it does not answer.

    Asks by Kafka's own protocol (https://kafka.apache.org/protocol, Metadata): a listening port only shows
    that the process has begun.
    """
    no_topics_and_make_none = struct.pack(">ib", 0, 0)
    header = struct.pack(">hhih", _METADATA, _METADATA_VERSION, 1, -1)
    request = header + no_topics_and_make_none
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=2.0) as connection:
            connection.sendall(struct.pack(">i", len(request)) + request)
            answer = connection.makefile("rb").read(16)  # size, correlation, throttle time, number of brokers
    except OSError:
        return 0
    return int(struct.unpack(">4i", answer)[3]) if len(answer) == 16 else 0


def _java() -> str:
    if (found := shutil.which("java")) is None:
        raise LocalServicesError("Kafka needs Java 17 or newer: `apt-get install default-jre-headless`")
    return found
