"""Servers for the end-to-end tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from e2e.local_cluster import LocalCluster
from e2e.shell import Embedded
from support.processes import LocalRun

SLOW = """\
workflow: slow
blocks:
  first: {type: function, code: "return 1", then: rest}
  rest: {type: wait, for: 4s, then: last}
  last: {type: function, code: "return 2"}
"""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the modules with tests of the cluster last: its nine processes need not run beside all others."""
    clustered = {item.path for item in items if "cluster" in getattr(item, "fixturenames", ())}
    items.sort(key=lambda item: item.path in clustered)


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


@pytest.fixture(scope="session")
def cluster(local_run: LocalRun) -> Iterator[LocalCluster]:
    """A running cluster with the refund example and a slow workflow, shared by all tests of clusters."""
    # Not under pytest's folders: PostgreSQL runs as another user, who may not enter those.
    cluster = LocalCluster(local_run.folder / "cluster")
    slow = cluster.folder / "slow.yaml"
    slow.write_text(SLOW)
    deployed = cluster.signoff("deploy", str(slow), "examples/refund-approval/workflow.yaml")
    assert deployed.code == 0, deployed.err
    yield cluster
    cluster.cluster("down", "--wipe")
