"""One Signoff service as a process, configured by its environment."""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from .process import run
from .service import LocalService
from .waiting import answers_ok

Kind = Literal["executor", "gateway", "stream"]

_COMMAND_LIMIT = 60.0


class SignoffService(LocalService):
    """`signoff gateway`, `executor` or `stream`; it answers when its `/readyz` says so.

    Args:
        kind: Which of them.
        number: Tells several of one kind apart, from 1.
        folder: Where its pid file and log go.
        port: Where it listens on 127.0.0.1.
        program: The `signoff` command.
        environment: Its whole environment but for host and port.
    """

    def __init__(
        self,
        kind: Kind,
        number: int,
        folder: Path,
        *,
        port: int,
        program: Path,
        environment: Mapping[str, str],
    ) -> None:
        super().__init__(f"{kind}-{number}", folder, port=port)
        self._command = (program, kind)
        self._environment = {**environment, "SIGNOFF_HOST": "127.0.0.1", "SIGNOFF_PORT": str(port)}

    def answers(self) -> bool:
        """Whether the service and all it depends on are ready."""
        return answers_ok(self.port, "/readyz")

    def _launch(self) -> None:
        self.process.start(self._command, environment=self._environment, folder=self.folder)


def run_signoff(program: Path, *arguments: str, environment: Mapping[str, str]) -> None:
    """Run a `signoff` command to its end.

    Args:
        program: The `signoff` command.
        *arguments: What follows it, such as `migrate`.
        environment: Its whole environment.

    Raises:
        LocalServicesError: It failed or did not end within 60 s; the message holds what it wrote.
    """
    run((program, *arguments), limit=_COMMAND_LIMIT, environment=environment)
