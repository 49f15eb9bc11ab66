"""Random faults at random moments, for `SIGNOFF_SOAK_MINUTES` (10), by `SIGNOFF_SOAK_SEED` if it is given."""

import asyncio
import os
import random
import secrets
import time
from collections.abc import Callable
from typing import Final

import pytest

from chaos.cluster import DISK, ChaosCluster
from chaos.faults import FAULTS, MORE_FAULTS, dies_at
from chaos.load import Load
from chaos.proving import settled_violations
from support.processes import LocalRun

_MINUTES: Final = float(os.environ.get("SIGNOFF_SOAK_MINUTES", "10"))
_SEED: Final = os.environ.get("SIGNOFF_SOAK_SEED") or secrets.token_hex(4)
_MEBIBYTES_A_MINUTE: Final = 16
_PROGRESS: Final = 120.0

_POINTS: Final = {
    "gateway": ["gateway.sending", "gateway.sent"],
    "executor": [
        *("lease.taken", "lease.renewing", "partition.decided", "partition.appended", "partition.performed"),
        *("store.begun", "store.committing", "store.committed", "runner.starting", "runner.ended"),
        *("relay.publishing", "relay.acknowledged", "relay.reporting", "outcomes.sending"),
    ],
    "stream": ["stream.sending"],
}
"""At which points a process of a kind is sure to come by soon."""


@pytest.mark.soak
@pytest.mark.timeout(_MINUTES * 60 + 900)
async def test_nothing_is_lost_or_doubled_whatever_goes_wrong(
    local_run: LocalRun, capsys: pytest.CaptureFixture[str]
) -> None:
    chance = random.Random(_SEED)
    begun = time.monotonic()

    def say(text: str) -> None:
        with capsys.disabled():
            print(f"{time.monotonic() - begun:8.1f} s  {text}", flush=True)

    say(f"SIGNOFF_SOAK_SEED={_SEED}")
    mebibytes = DISK + int(_MINUTES * _MEBIBYTES_A_MINUTE)
    with (
        ChaosCluster(local_run.folder / "soak", mebibytes=mebibytes).running() as cluster,
        Load(cluster.url, cluster.key) as load,
    ):
        while time.monotonic() < begun + _MINUTES * 60:
            await asyncio.sleep(chance.uniform(0.0, 5.0))
            name, fault = _any_fault(chance)
            say(name)
            await asyncio.to_thread(fault, cluster)
            recovery = await asyncio.to_thread(load.await_progress, limit=_PROGRESS)
            say(f"    clients got through after {recovery:.1f} s more")
        await asyncio.to_thread(load.stop)
        violations = await settled_violations(cluster, load)

        assert violations == [], f"SIGNOFF_SOAK_SEED={_SEED}"
        assert load.unexpected() == [], f"SIGNOFF_SOAK_SEED={_SEED}"


def _any_fault(chance: random.Random) -> tuple[str, Callable[[ChaosCluster], None]]:
    if chance.random() < 0.4:
        kind = chance.choice(sorted(_POINTS))
        name, point = f"{kind}-{chance.choice((1, 2))}", chance.choice(_POINTS[kind])
        visit = 1 if point == "lease.taken" else chance.randint(1, 12)
        return f"{name} dies at {point}, visit {visit}", lambda it: dies_at(it, name, point, visit)
    fault = chance.choice([*FAULTS.values(), *MORE_FAULTS])
    return fault.__name__.replace("_", " "), fault
