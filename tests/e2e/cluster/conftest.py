"""The cluster that all of these tests share."""

from collections.abc import Iterator

import pytest

from e2e.cluster.local_cluster import LocalCluster
from support.processes import LocalRun

SLOW = """\
workflow: slow
blocks:
  first: {type: function, code: "return 1", then: rest}
  rest: {type: wait, for: 4s, then: last}
  last: {type: function, code: "return 2"}
"""


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
