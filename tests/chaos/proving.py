"""The proof at the end: all that is known of a cluster, once nothing moves any more."""

import asyncio
import time
from typing import Final

from chaos.cluster import ChaosCluster
from chaos.load import Load
from support.proof import find_violations
from support.proof.log_reader import read_postgres
from support.proof.topic_reader import read_topic

_SETTLING: Final = 45.0
_BETWEEN: Final = 2.0


async def settled_violations(cluster: ChaosCluster, load: Load) -> list[str]:
    """What is wrong with log, topic, answers, streams and runs outside; the load must have stopped.

    What is not there yet is waited for; what is there and wrong stays so.
    """
    facts = load.facts()
    end = time.monotonic() + _SETTLING
    while True:
        facts.topic = await read_topic(cluster.kafka.bootstrap)
        facts.log = await asyncio.to_thread(read_postgres, cluster.database_url)
        violations = find_violations(facts)
        if not violations or time.monotonic() > end:
            return violations
        await asyncio.sleep(_BETWEEN)
