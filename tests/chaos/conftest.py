"""One cluster, and one load, for all faults."""

from collections.abc import Iterator

import pytest

from chaos.cluster import ChaosCluster
from chaos.load import Load
from support.processes import LocalRun


@pytest.fixture(scope="session")
def cluster(local_run: LocalRun) -> Iterator[ChaosCluster]:
    """A running cluster."""
    with ChaosCluster(local_run.folder / "chaos").running() as cluster:
        yield cluster


@pytest.fixture(scope="session")
def load(cluster: ChaosCluster) -> Iterator[Load]:
    """Clients of the cluster, who go on through all tests."""
    with Load(cluster.url, cluster.key) as load:
        load.await_progress()
        yield load
