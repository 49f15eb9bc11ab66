"""A real PostgreSQL server for the tests, and fresh databases on it."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from local_services import postgres as local

from support.ports import unused_port
from support.processes import LocalRun

Prepare = Callable[[str], None]


class Postgres(local.Postgres):
    """A server that makes databases for tests in some 50 ms, each a copy of a prepared one."""

    def __init__(self, run: LocalRun) -> None:
        super().__init__(run.folder, port=unused_port())
        self._templates: dict[Prepare, str] = {}
        self._made = 0

    def fresh_database(self, prepare: Prepare | None = None) -> str:
        """Make a database that no other test uses.

        Args:
            prepare: Called once, with the URL of an empty database; all others are copies of that one.
                It must leave no connection open.

        Returns:
            The new database's URL.
        """
        if prepare is None:
            return self.create_database(self._new_name("empty"))
        if prepare not in self._templates:
            name = self._new_name("template")
            prepare(self.create_database(name))
            self._templates[prepare] = name
        return self.create_database(self._new_name("copy"), template=self._templates[prepare])

    def drop(self, url: str) -> None:
        """Remove a database by its URL, and send its clients away."""
        self.drop_database(url.rpartition("/")[2])

    def _new_name(self, kind: str) -> str:
        self._made += 1
        return f"{kind}_{self._made}"


def migrate(url: str) -> None:
    """Make the schema in an empty database as an operator does: `signoff migrate`."""
    subprocess.run(
        [Path(sys.executable).with_name("signoff"), "migrate"],
        env={"SIGNOFF_DATABASE_URL": url},
        check=True,
        timeout=60,
    )


@pytest.fixture(scope="session")
def postgres(local_run: LocalRun) -> Iterator[Postgres]:
    """A PostgreSQL server of this test run, fsync on. A test that stops or kills it starts it again."""
    server = Postgres(local_run)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def empty_database(postgres: Postgres) -> Iterator[str]:
    """The URL of an empty database of this test's own."""
    url = postgres.fresh_database()
    yield url
    postgres.drop(url)


@pytest.fixture
def database(postgres: Postgres) -> Iterator[str]:
    """The URL of a migrated database of this test's own."""
    url = postgres.fresh_database(migrate)
    yield url
    postgres.drop(url)
