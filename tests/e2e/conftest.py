"""Servers for the end-to-end tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from e2e.shell import Embedded


@pytest.fixture
def embedded(tmp_path: Path) -> Iterator[Embedded]:
    """An embedded server on fresh data, not started yet."""
    server = Embedded(tmp_path / "data")
    yield server
    server.kill()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Embedded]:
    """A running embedded server with the examples, shared by the tests of a module."""
    server = Embedded(tmp_path_factory.mktemp("embedded") / "data")
    server.serve("--examples")
    yield server
    server.kill()
