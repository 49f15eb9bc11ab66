"""What every local server can do: start, stop, be killed."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path

from .ports import is_free
from .process import Process
from .waiting import LocalServicesError, wait_until


class LocalService(ABC):
    """A server on one loopback port; starting it means that it answers.

    Args:
        name: How the user, its pid file and its log call it.
        folder: Where its files are.
        port: Where it listens on 127.0.0.1.
    """

    start_limit = 60.0
    stop_limit = 30.0

    def __init__(self, name: str, folder: Path, *, port: int) -> None:
        self.name = name
        self.folder = folder
        self.port = port
        self.process = Process(name, folder)

    @property
    def running(self) -> bool:
        """Whether the process runs; it may not answer yet."""
        return self.process.identity is not None

    @abstractmethod
    def answers(self) -> bool:
        """Whether the server does its work, not only listens."""

    @abstractmethod
    def _launch(self) -> None:
        """Start the process."""

    def launch(self) -> None:
        """Start the process without waiting for it; `await_ready` does that.

        Raises:
            LocalServicesError: It runs already, its port is taken, or it cannot be started.
        """
        if self.running:
            raise LocalServicesError(f"{self.name} is already running")
        if not is_free(self.port):
            raise LocalServicesError(
                f"port {self.port} of {self.name} is taken by another program: end that one first"
            )
        self._launch()

    def await_ready(self) -> None:
        """Wait until the server answers.

        Raises:
            LocalServicesError: It ended, or did not answer within `start_limit` seconds.
        """
        wait_until(
            self._alive_and(self.answers),
            limit=self.start_limit,
            otherwise=f"{self.name} is not ready after {self.start_limit:.0f} s; its log: {self.process.log}",
        )

    def start(self) -> None:
        """Start the server and wait until it answers.

        Raises:
            LocalServicesError: As `launch` and `await_ready` do.
        """
        self.launch()
        self.await_ready()

    def stop(self) -> None:
        """Ask the server to end, and wait for that; does nothing if it does not run.

        Raises:
            LocalServicesError: It did not end within `stop_limit` seconds, and was killed.
        """
        self.process.stop(limit=self.stop_limit)

    def kill(self) -> None:
        """End the server as a crash would (SIGKILL)."""
        self.process.kill()

    def _alive_and(self, condition: Callable[[], bool]) -> Callable[[], bool]:
        def check() -> bool:
            if not self.running:
                raise LocalServicesError(
                    f"{self.name} ended while starting; its log {self.process.log} ends with:\n"
                    f"{self.process.last_words()}"
                )
            return condition()

        return check
