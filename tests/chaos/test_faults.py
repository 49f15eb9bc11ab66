"""Each fault once, on one cluster under one load: clients get through, and nothing is lost or doubled."""

import time
from collections import Counter

import pytest

from chaos.cluster import ChaosCluster
from chaos.faults import FAULTS, Fault
from chaos.load import Load
from support.proof import Facts, find_violations
from support.proof.log_reader import read_postgres
from support.proof.topic_reader import read_topic

pytestmark = pytest.mark.timeout(120)

_SETTLING = 60.0
_EXPECTED = {
    "start": {200, 202},
    "resume": {200, 202, 409},
    "cancel": {200, 409},
    "stream": {200, 204},
}
_SAFE_TO_RETRY = {0, 429, 503}


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
    load.stop()

    facts = load.facts()
    end = time.monotonic() + _SETTLING
    while (violations := await _violations(facts, cluster)) and time.monotonic() < end:
        pass

    assert violations == []


def test_every_client_saw_the_effect_or_an_error_that_is_safe_to_retry(load: Load) -> None:
    answers = load.facts().answers

    unexpected = [
        each
        for each in answers
        if each.status not in _EXPECTED[each.kind] and each.status not in _SAFE_TO_RETRY
    ]
    assert unexpected == []
    assert Counter(each.kind for each in answers).keys() == _EXPECTED.keys()


async def _violations(facts: Facts, cluster: ChaosCluster) -> list[str]:
    facts.topic = await read_topic(cluster.kafka.bootstrap)
    facts.log = read_postgres(cluster.database_url)
    return find_violations(facts)
