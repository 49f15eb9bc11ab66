"""Each fault once, on one cluster under one load: clients get through, and nothing is lost or doubled."""

import asyncio
import time

import pytest

from chaos.cluster import ChaosCluster
from chaos.faults import FAULTS, Fault
from chaos.load import Load
from chaos.proving import settled_violations
from support.proof import find_violations
from support.proof.log_reader import read_postgres

pytestmark = pytest.mark.timeout(120)


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_clients_get_through_again_after(fault: Fault, cluster: ChaosCluster, load: Load) -> None:
    begun = time.monotonic()
    fault(cluster)
    lasted = time.monotonic() - begun
    print(f"it lasted {lasted:.1f} s, and clients got through after {load.await_progress():.1f} s more")

    seen = load.facts()  # before the log is read: what was seen by then is in it
    seen.log = read_postgres(cluster.database_url)
    assert find_violations(seen, settled=False) == []


async def test_nothing_was_lost_and_nothing_doubled_in_all_of_this(cluster: ChaosCluster, load: Load) -> None:
    await asyncio.to_thread(load.stop)

    assert await settled_violations(cluster, load) == []


def test_every_client_saw_the_effect_or_an_error_that_is_safe_to_retry(load: Load) -> None:
    load.stop()

    assert load.unexpected() == []
