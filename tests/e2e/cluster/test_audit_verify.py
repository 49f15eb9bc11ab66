"""`signoff audit verify` of a running cluster: log, rows, topic and checkpoints together."""

import json

import pytest

from e2e.cluster.local_cluster import LocalCluster
from e2e.shell import eventually

pytestmark = pytest.mark.timeout(180)

REFUND = "@examples/refund-approval/input.json"


def test_a_running_cluster_is_found_intact(cluster: LocalCluster) -> None:
    run = cluster.signoff("run", "refund-approval", "--input", REFUND)
    assert run.code == 4, run.err

    def verified() -> bool:
        return cluster.signoff("audit", "verify").code == 0

    eventually(verified)
    summary = cluster.signoff("audit", "verify").lines[-1]
    assert summary["events"] > 0
    assert any(checked.startswith("topic") for checked in summary["checked"])


def test_one_execution_is_verified_over_http_and_by_the_command(cluster: LocalCluster) -> None:
    execution_id = cluster.signoff("run", "refund-approval", "--input", REFUND).lines[-1]["executionId"]

    status, _, body = cluster.request(f"/api/executions/{execution_id}/verify")
    alone = cluster.signoff("audit", "verify", "--execution", execution_id)

    shown = json.loads(body)
    assert status == 200
    assert shown["ok"]
    assert alone.code == 0, alone.out
    assert (alone.lines[-1]["logs"], alone.lines[-1]["events"]) == (1, shown["events"])
