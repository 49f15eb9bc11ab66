"""An executor leaves alone what a newer version has written, until one of that version goes on with it."""

from typing import Any
from uuid import UUID

from signoff.events.codec import chain_hash, encode
from signoff.events.store.base import Append, NewEvent
from signoff.events.types import Event, VariablesSet
from signoff.executor.logs import loaded
from support.executor_blocks import Probe
from support.executors import WORKSPACE, Site

LATER = "later:invented"
ASK = {"blocks": {"ask": {"type": "human_in_the_loop", "form": {"ok": "boolean"}}}}


async def paused(site: Site, probe: Probe) -> UUID:
    """An execution that is paused."""
    async with site.executor(probe.registry):
        sent = await site.start(await site.deploy(ASK))
        await site.ended(sent)
    return sent.log_id


async def write_later(site: Site, log_id: UUID) -> bytes:
    """Append an event to a log as an executor of a newer version does; gives its bytes."""
    raws = await site.raw(log_id)
    (first, *_) = await site.events(log_id)
    event = Event(
        type=LATER, event_id=len(raws) + 1, execution_id=str(log_id), workflow_id=first.workflow_id,
        timestamp=first.timestamp, causation_id="1", prev=chain_hash(raws[-1]), data=VariablesSet(values={}),
    )  # fmt: skip
    leases = await site.store.acquire("newer", most=site.partitions, ttl=60.0)
    (lease,) = [each for each in leases if each.partition == site.partition_of(log_id)]
    row = await site.store.execution(log_id)
    assert row is not None
    await site.store.append(
        Append(
            partition=lease.partition,
            epoch=lease.epoch,
            events=[NewEvent(log_id, event.event_id, "signoff:LaterInvented", encode(event))],
            rows=[row],
        )
    )
    await site.store.release({each.partition: each.epoch for each in leases}, owner="newer")
    return encode(event)


async def test_a_decision_on_what_a_newer_version_wrote_is_refused_and_changes_nothing(
    site: Site, probe: Probe
) -> None:
    log_id = await paused(site, probe)
    later = await write_later(site, log_id)
    row = await site.store.execution(log_id)

    async with site.executor(probe.registry):
        outcome = await site.outcome(await site.resume(log_id, "ask", {"ok": True}))

    assert outcome.refusal is not None
    assert outcome.refusal.code == "BROKEN"
    assert f"({LATER}) is of a newer version: upgrade this executor" in outcome.refusal.message
    assert (await site.raw(log_id))[-1] == later
    assert await site.store.execution(log_id) == row


async def test_an_executor_that_knows_it_goes_on(site: Site, probe: Probe, monkeypatch: Any) -> None:
    log_id = await paused(site, probe)
    await write_later(site, log_id)
    async with site.executor(probe.registry):
        await site.outcome(await site.resume(log_id, "ask", {"ok": True}))

    monkeypatch.setattr(loaded, "Unknown", ())  # nothing is unknown to it
    async with site.executor(probe.registry):
        await site.ended(await site.resume(log_id, "ask", {"ok": True}))

    assert (await site.kinds(log_id))[-1] == "execution:completed"


async def test_other_executions_do_not_wait_for_it(site: Site, probe: Probe) -> None:
    log_id = await paused(site, probe)
    await write_later(site, log_id)
    other = site.new_log(site.partition_of(log_id))

    async with site.executor(probe.registry):
        workflow = await site.store.workflow(UUID(WORKSPACE), "refund")
        assert workflow is not None
        await site.outcome(await site.resume(log_id, "ask", {"ok": True}))
        await site.ended(await site.start(workflow, log_id=other))

    assert (await site.kinds(other))[-1] == "execution:paused"
