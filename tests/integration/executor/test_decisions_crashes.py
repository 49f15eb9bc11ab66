"""Executors that vanish around a decision: who asks again reads the first answer; the log has it once."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from signoff.access.gate import BOOTSTRAP
from signoff.events.types import Maker, Outcome, ResumeExecution
from signoff.executor.blocks.base import Tools
from signoff.executor.ownership import holdings
from support.cast import actor, maker
from support.executor_blocks import Probe
from support.executor_faults import FaultyStore
from support.executors import Sent, Site, of_type, until
from support.inbox_rebuilt import Rebuilding
from support.stores import Clock

ASK: dict[str, Any] = {
    "type": "human_in_the_loop",
    "form": {"approved": {"type": "boolean", "required": True}},
    "assignees": ["role:approver"],
    "then": "after",
}
LEASE = 10.0


class Crashing:
    """Executors in memory that can vanish.

    Attributes:
        site: theirs.
        probe: has the block that comes after a decision.
    """

    def __init__(self, site: Site, clock: Clock, probe: Probe) -> None:
        self.site = site
        self.probe = probe
        self._clock = clock

    async def paused(self, **policy: Any) -> Sent:
        """An execution that waits for a decision; its executor is gone."""
        async with self.site.executor(self.probe.registry):
            sent = await self.start(**policy)
            await self.site.until_event(sent.log_id, "execution:paused")
        return sent

    async def start(self, **policy: Any) -> Sent:
        """Start an execution that stops for a decision."""
        blocks = {"ask": {**ASK, **policy}, "after": {"type": "probe.work"}}
        return await self.site.start(await self.site.deploy({"blocks": blocks}), mode="async")

    async def decide(self, sent: Sent, by: str, *, key: str) -> Sent:
        """Send somebody's decision, as a gateway does for a request with an ``Idempotency-Key``."""
        data = ResumeExecution(context_id="ask", input={"approved": True}, maker=maker(by))
        return await self.site.send(
            data, sent.log_id, actor=actor(by), command_id=key, request_digest=f"sha256:{by}"
        )

    async def vanish_after_commit_of(self, sent: Sent, by: str, *, key: str) -> None:
        """An executor writes a decision, and is gone before it says or does anything."""
        store = FaultyStore(self.site.store)
        async with self.site.executor(self.probe.registry, store=store):
            store.lasting = store.unknown = 1
            await self.decide(sent, by, key=key)
            await until(lambda: store.away)
        self.let_lease_lapse()

    def let_lease_lapse(self) -> None:
        """Come to a time when nothing is held by an executor that is gone."""
        self._clock.now += LEASE

    async def asked_again(self, sent: Sent, by: str, *, key: str) -> Outcome:
        """What a new executor answers to the same request."""
        return await self.site.outcome(await self.decide(sent, by, key=key))


KEYS = [f"0190b3c4-0000-7000-8000-00000000000{number}" for number in range(4)]


@pytest.fixture
async def crashing(tools: Tools, probe: Probe, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Crashing]:
    monkeypatch.setattr(holdings, "STOPPING", 0.05)  # whoever has vanished drains nothing
    clock = Clock()
    site = await Site.in_memory(tools, clock=clock, partitions=4)
    yield Crashing(site, clock, probe)
    await site.close()


async def test_people_are_told_after_a_crash_between_the_pause_and_the_notification(
    crashing: Crashing,
) -> None:
    site, store = crashing.site, FaultyStore(crashing.site.store)
    async with site.executor(crashing.probe.registry, store=store):
        store.lasting = 3  # the workflow, the start, the pause
        sent = await crashing.start(notify=[{"to": "assignees"}])
        await site.until_event(sent.log_id, "pause:opened")
        await until(lambda: store.away)
    assert "pause:notified" not in await site.kinds(sent.log_id)
    crashing.let_lease_lapse()

    async with site.executor(crashing.probe.registry):
        await site.until_event(sent.log_id, "pause:notified")
    async with site.executor(crashing.probe.registry):
        await site.ended(await crashing.decide(sent, "ben", key=KEYS[0]))

    kinds = await site.kinds(sent.log_id)
    assert [kinds.count(each) for each in ("pause:opened", "pause:notified")] == [1, 1]


async def test_a_decision_that_was_recorded_and_not_answered_counts_once(crashing: Crashing) -> None:
    site = crashing.site
    sent = await crashing.paused(quorum={"required": 2})
    await crashing.vanish_after_commit_of(sent, "ben", key=KEYS[0])

    async with site.executor(crashing.probe.registry):
        again = await crashing.asked_again(sent, "ben", key=KEYS[0])
        twice = await crashing.asked_again(sent, "ben", key=KEYS[1])
        settled = await crashing.asked_again(sent, "dora", key=KEYS[2])

    (first, second) = await site.until_event(sent.log_id, "decision:recorded", count=2)
    assert (again.outcome, again.event_id) == ("duplicate", first.event_id)
    assert twice.refusal is not None
    assert (twice.refusal.code, twice.refusal.winning_event_id) == ("ALREADY_DECIDED", first.event_id)
    assert (settled.outcome, second.data.approvals) == ("accepted", 2)


async def test_the_run_of_a_settled_point_begins_once_though_its_executor_vanished_before_it(
    crashing: Crashing,
) -> None:
    site = crashing.site
    sent = await crashing.paused(quorum={"required": 2})
    async with site.executor(crashing.probe.registry):
        await site.outcome(await crashing.decide(sent, "ben", key=KEYS[0]))
    await crashing.vanish_after_commit_of(sent, "dora", key=KEYS[1])
    assert crashing.probe.calls == []

    async with site.executor(crashing.probe.registry):
        again = await crashing.decide(sent, "dora", key=KEYS[1])
        outcome = await site.outcome(again)
        await site.ended(again)

    events = await site.events(sent.log_id)
    (resumed,) = of_type(events, "execution:resumed")
    assert (outcome.outcome, outcome.resume_execution_id) == ("duplicate", resumed.resume_execution_id)
    assert [each.made.user_id or each.actor.id for each in of_type(events, "decision:recorded")] == [
        "ben", "dora",
    ]  # fmt: skip
    assert len(crashing.probe.calls) == 1
    assert events[-1].type == "execution:completed"


async def test_a_held_decision_survives_its_executor_and_is_taken_once(crashing: Crashing) -> None:
    site = crashing.site
    blocks = {"first": {**ASK, "then": "ask"}, "ask": ASK, "after": {"type": "probe.work"}}
    async with site.executor(crashing.probe.registry):
        sent = await site.start(await site.deploy({"blocks": blocks}), mode="async")
        await site.until_event(sent.log_id, "execution:paused")
    store = FaultyStore(site.store)
    held = ResumeExecution(
        context_id="ask", input={"approved": True}, maker=Maker(roles=["approver"]),
        hold_until="2099-01-01T00:00:00.000000Z",
    )  # fmt: skip
    envelope: dict[str, Any] = {"actor": BOOTSTRAP, "command_id": KEYS[0], "request_digest": "sha256:held"}
    async with site.executor(crashing.probe.registry, store=store):
        store.lasting = store.unknown = 1
        await site.send(held, sent.log_id, **envelope)
        await until(lambda: store.away)
    crashing.let_lease_lapse()

    async with site.executor(crashing.probe.registry):
        again = await site.outcome(await site.send(held, sent.log_id, **envelope))
        first = ResumeExecution(context_id="first", input={"approved": True}, maker=Maker(roles=["approver"]))
        await site.send(first, sent.log_id)
        await site.until_event(sent.log_id, "execution:completed")

    events = await site.events(sent.log_id)
    (recorded,) = [event for event in events if event.type == "decision:held"]
    assert (again.outcome, again.event_id) == ("duplicate", recorded.event_id)
    assert [each.context_id for each in of_type(events, "execution:resumed")] == ["first", "ask"]
    assert len(crashing.probe.calls) == 1


async def test_the_inbox_after_a_crash_is_what_the_log_says(crashing: Crashing) -> None:
    site = crashing.site
    logs = Rebuilding(site.store, site.blobs, site.tools, crashing.probe.registry)
    sent = await crashing.paused(quorum={"required": 2})
    await crashing.vanish_after_commit_of(sent, "ben", key=KEYS[0])
    half = await logs.kept()
    assert half == await logs.inbox()
    await crashing.vanish_after_commit_of(sent, "dora", key=KEYS[1])

    assert ([each.approvals for each in half], await logs.kept()) == ([1], [])
