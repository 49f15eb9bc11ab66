"""The processes of the servers that tests/semantics calls: embedded or distributed."""

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import pytest
from local_services.service import LocalService
from local_services.signoff import Kind, SignoffService, run_signoff
from local_services.waiting import answers_ok

from support.openai_server import MODEL, OpenAiServer
from support.ports import unused_port

ENVIRONMENT: Final = {"TOKEN": "s3cr3t-t0ken", "ODD": 's3cr3t "with" a/b+c&d ü'}
"""Values of ``{{NAME}}`` for every case."""

SYNC_LIMIT: Final = 5
"""Seconds that a run may take whose caller waits for it."""

_PROGRAM: Final = Path(sys.executable).with_name("signoff")


class Services(NamedTuple):
    """The processes of a server, the first of which is called; ``workers`` are those that run blocks."""

    all: Sequence[LocalService]
    workers: Sequence[LocalService]


class EmbeddedService(LocalService):
    """``signoff serve`` as a process."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        super().__init__("embedded", folder, port=unused_port())
        self._environment = dict(environment)

    def answers(self) -> bool:
        """Whether it is ready."""
        return answers_ok(self.port, "/readyz")

    def _launch(self) -> None:
        command = (_PROGRAM, "serve", "--port", str(self.port))
        self.process.start(command, environment=self._environment, folder=self.folder)


def start(services: Sequence[LocalService]) -> None:
    """Start processes, and wait until all are ready."""
    for service in services:
        service.launch()
    for service in services:
        service.await_ready()


def settings(key: str, folder: Path, model: OpenAiServer) -> dict[str, str]:
    """What a server is configured with.

    Args:
        key: an API key.
        folder: for its data.
        model: what its blocks ask.
    """
    clean = {name: value for name, value in os.environ.items() if not name.startswith("SIGNOFF_")}
    ours = [str(Path(__file__).parents[1]), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {
        **clean,
        **{f"SIGNOFF_ENV_{name}": value for name, value in ENVIRONMENT.items()},
        "PYTHONPATH": os.pathsep.join(ours),
        "SIGNOFF_BOOTSTRAP_API_KEY": key,
        "SIGNOFF_BLOCKS": "support.semantic_blocks",
        "SIGNOFF_ALLOW_PRIVATE_NETWORKS": "127.0.0.0/8",
        "SIGNOFF_DATA": str(folder / "data"),
        "SIGNOFF_LLM_URL": model.url,
        "SIGNOFF_LLM_MODEL": MODEL,
        "SIGNOFF_LOG_LEVEL": "warning",
        "SIGNOFF_SYNC_TIMEOUT": str(SYNC_LIMIT),
    }


def embedded(_: pytest.FixtureRequest, folder: Path, environment: Mapping[str, str]) -> Services:
    """One process."""
    service = EmbeddedService(folder, environment)
    return Services([service], [service])


def distributed(request: pytest.FixtureRequest, folder: Path, environment: Mapping[str, str]) -> Services:
    """A gateway and two executors on a database and a broker of the test run."""
    everywhere = {
        **environment,
        "SIGNOFF_DATABASE_URL": request.getfixturevalue("postgres").fresh_database(),
        "SIGNOFF_KAFKA": request.getfixturevalue("kafka").bootstrap,
    }
    run_signoff(_PROGRAM, "migrate", environment=everywhere)
    run_signoff(_PROGRAM, "topics", "apply", environment=everywhere)

    def service(kind: Kind, number: int) -> SignoffService:
        return SignoffService(
            kind, number, folder, port=unused_port(), program=_PROGRAM, environment=everywhere
        )

    executors = [service("executor", 1), service("executor", 2)]
    return Services([service("gateway", 1), *executors], executors)
