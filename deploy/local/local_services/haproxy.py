"""HAProxy in front of the gateways and streams: one base URL."""

import os
import resource
import shutil
import signal
from collections.abc import Sequence
from pathlib import Path
from string import Template

from .service import LocalService
from .waiting import LocalServicesError, answers_ok

_TEMPLATE = Path(__file__).resolve().parents[1] / "haproxy.cfg"
_CONNECTIONS = 20_000
_OTHER_FILES = 200


def haproxy_program() -> str:
    """Where HAProxy is.

    Raises:
        LocalServicesError: It is missing.
    """
    # Debian puts it into /usr/sbin, which is not on everybody's PATH.
    found = shutil.which("haproxy", path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/usr/local/sbin")
    if found is None:
        raise LocalServicesError(
            "the cluster's base URL is served by HAProxy, which is missing: `apt-get install haproxy`"
        )
    return found


class HAProxy(LocalService):
    """Sends the reading of streams to the stream services and everything else to the gateways.

    Args:
        folder: Where its configuration goes.
        port: The base URL's port on 127.0.0.1.
        gateways: Ports of the gateways.
        streams: Ports of the stream services.
    """

    def __init__(self, folder: Path, *, port: int, gateways: Sequence[int], streams: Sequence[int]) -> None:
        super().__init__("haproxy", folder, port=port)
        self._gateways = gateways
        self._streams = streams

    def answers(self) -> bool:
        """Whether a gateway says, through the base URL, that it is ready."""
        return answers_ok(self.port, "/readyz")

    def stop(self) -> None:
        """End at once: a soft stop (SIGUSR1) would wait for open streams."""
        self.process.stop(limit=self.stop_limit, by=signal.SIGTERM)

    def _launch(self) -> None:
        config = self.folder / "haproxy.cfg"
        config.write_text(
            Template(_TEMPLATE.read_text()).substitute(
                connections=_connections(),
                port=self.port,
                gateways=_servers("gateway", self._gateways),
                streams=_servers("stream", self._streams),
            )
        )
        # -db: in the foreground, so that the pid file names the process that serves.
        self.process.start(
            (haproxy_program(), "-db", "-f", config), environment=os.environ, folder=self.folder
        )


def _servers(name: str, ports: Sequence[int]) -> str:
    return "\n".join(f"    server {name}-{number} 127.0.0.1:{port}" for number, port in enumerate(ports, 1))


def _connections() -> int:
    """As many as the limit of open files allows: a connection has two ends."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return _CONNECTIONS if hard == resource.RLIM_INFINITY else min(_CONNECTIONS, (hard - _OTHER_FILES) // 2)
