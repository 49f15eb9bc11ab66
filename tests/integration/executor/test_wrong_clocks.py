"""An executor whose clock is wrong, or jumps: deadlines come when they should, and nothing is lost."""

import time
from pathlib import Path

import pytest

from integration.executor.conftest import Fleet
from signoff.events.times import from_iso
from support.clock_faults import FakeClock
from support.executors import Site

WAIT = 2.0
HOUR = 3600.0
NAP = {"nap": {"type": "wait", "for": "2s", "then": "after"}, "after": {"type": "journal.work"}}


async def test_an_executor_with_a_wrong_clock_fires_when_it_should(
    site: Site, fleet: Fleet, tmp_path: Path
) -> None:
    clock = FakeClock(tmp_path / "clock")
    clock.set(ahead=HOUR)
    await fleet.start(**clock.environment)
    began, sent = time.monotonic(), await site.start(await site.deploy({"blocks": NAP}))

    await site.until_event(sent.log_id, "execution:completed", limit=WAIT + 5)

    assert time.monotonic() - began >= WAIT
    assert abs(from_iso((await site.events(sent.log_id))[-1].timestamp) - time.time()) < WAIT


@pytest.mark.parametrize(("ahead", "spans_too"), [(HOUR, False), (-HOUR, False), (HOUR, True)])
async def test_a_clock_that_jumps_under_a_timer_moves_no_deadline(
    site: Site, fleet: Fleet, tmp_path: Path, ahead: float, spans_too: bool
) -> None:
    clock = FakeClock(tmp_path / "clock", spans_too=spans_too)
    await fleet.start(**clock.environment)
    began, sent = time.monotonic(), await site.start(await site.deploy({"blocks": NAP}))
    await site.until_event(sent.log_id, "timer:set")

    clock.set(ahead=ahead)
    await site.until_event(sent.log_id, "execution:completed", limit=WAIT + 10)

    assert time.monotonic() - began >= WAIT
    assert fleet.journal() == [("after", 1, f"{sent.log_id}/after")]
    await site.topic_equals_log()
