"""An embedded server that ends itself at a named point of its code, and is started again on what it wrote."""

from pathlib import Path

from local_services.service import LocalService
from local_services.waiting import answers_ok, wait_until

from chaos.cluster import PROGRAM, settings
from chaos.load import Load
from support.ports import unused_port
from support.proof import Facts
from support.proof.log_reader import read_sqlite

_LIMIT = 20.0


class EmbeddedServer(LocalService):
    """``signoff serve`` on a folder of its own.

    Args:
        folder: for its data and its log.

    Attributes:
        faults: what goes wrong in it from its next start on, as ``SIGNOFF_FAULTS`` says it.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__("embedded", folder, port=unused_port())
        self.faults = ""
        self._data = folder / "data"

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def key(self) -> str:
        """Its administrator's key, once it was started."""
        return (self._data / "api-key").read_text().strip()

    def answers(self) -> bool:
        """Whether it is ready."""
        return answers_ok(self.port, "/readyz")

    def dies_at(self, point: str, visit: int) -> None:
        """Start it, and wait until it has ended itself.

        Args:
            point: of ``signoff.events.faults``.
            visit: how often it comes there. On its way down, for a point that it meets only then.

        Raises:
            LocalServicesError: It never came there.
        """
        self.faults = f"{point}=kill@{visit}"
        self.launch()
        if point == "lease.releasing":
            self.await_ready()
            self.stop()
        wait_until(lambda: not self.running, limit=_LIMIT, otherwise=f"it does not come to {point}")
        self.faults = ""

    def proof(self, load: Load) -> Facts:
        """What is known of it, and of what its clients saw before that."""
        facts = load.facts()
        facts.log = read_sqlite(self._data / "signoff.db")
        return facts

    def _launch(self) -> None:
        environment = settings() | {"SIGNOFF_DATA": str(self._data), "SIGNOFF_FAULTS": self.faults}
        self.process.start(
            (PROGRAM, "serve", "--port", str(self.port)), environment=environment, folder=self.folder
        )
