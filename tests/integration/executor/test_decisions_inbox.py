"""The rows of inboxes are what the logs say, on every store, after each thing that happens to a point."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

from signoff.events.blobs import BlobStore
from signoff.events.bus.memory import MemoryBus
from signoff.events.store.base import EventStore
from signoff.events.topology import apply
from signoff.events.types import CancelExecution, CommandData, ResumeExecution
from signoff.executor.blocks.base import Tools
from support.cast import actor, maker
from support.desk import command_of
from support.executors import Sent, Site
from support.inbox_rebuilt import Rebuilding
from support.stores import PARTITIONS, opened, store

__all__ = ["opened", "store"]

FORM = {"approved": {"type": "boolean", "required": True}}
LADDER = {
    "steps": [
        {"after": "100ms", "remind": True},
        {"after": "200ms", "escalate": ["role:admin"]},
        {"after": "30d", "decide": {"approved": False}},
    ]
}


class Desk:
    """Points of one site, and what people do there.

    Attributes:
        site: where they are.
        logs: folded apart from its executors.
    """

    def __init__(self, site: Site) -> None:
        self.site = site
        self.logs = Rebuilding(site.store, site.blobs, site.tools, site.types)

    async def open(self, *, then: Mapping[str, Any] | None = None, **policy: Any) -> Sent:
        """A new execution that waits at two points."""
        ask = {"type": "human_in_the_loop", "show": {"Amount": 7}, "form": FORM, **policy}
        blocks = {"ask": {**ask, **(then or {})}, "beside": ask}
        if then is not None:
            blocks["fail"] = {"type": "function", "code": "throw 1"}
        workflow = await self.site.deploy({"start": ["ask", "beside"], "blocks": blocks}, f"w{id(blocks)}")
        sent = await self.site.start(workflow, {}, actor=actor("oscar"))
        await self.site.until_event(sent.log_id, "execution:paused")
        return sent

    async def do(self, act: str, sent: Sent, by: str, **given: Any) -> None:
        """Something that somebody does at the first point beside deciding."""
        point = (await self.logs.fold(sent.log_id)).points["ask"]
        await self._send(command_of(act, point, given, by=by), sent.log_id, by)

    async def decide(self, sent: Sent, by: str, context_id: str = "ask", *, approved: bool = True) -> None:
        """Somebody's decision."""
        data = ResumeExecution(context_id=context_id, input={"approved": approved}, maker=maker(by))
        await self._send(data, sent.log_id, by)

    async def _send(self, data: CommandData, log_id: UUID, by: str) -> None:
        outcome = await self.site.outcome(await self.site.send(data, log_id, actor=actor(by)))
        assert outcome.outcome in ("accepted", "queued"), outcome

    async def cancel(self, sent: Sent) -> None:
        await self._send(CancelExecution(reason="no longer wanted"), sent.log_id, "oscar")

    async def check(self, *, count: int | None = None) -> None:
        """Compare what the store has with what the logs tell."""
        kept = await self.logs.kept()
        assert kept == await self.logs.inbox()
        assert count is None or len(kept) == count


@asynccontextmanager
async def at_desk(store: EventStore, tools: Tools) -> AsyncIterator[Desk]:
    bus = MemoryBus()
    await apply(bus, partitions=PARTITIONS)
    site = Site(store, bus, BlobStore.open("memory:"), tools, partitions=PARTITIONS)
    async with site.executor():
        yield Desk(site)
    await bus.close()


async def test_whatever_people_do_at_points_the_rows_are_what_the_logs_say(
    store: EventStore, tools: Tools
) -> None:
    async with at_desk(store, tools) as desk:
        one = await desk.open(assignees=["role:approver"], title="Pay", priority="high")
        await desk.check(count=2)
        await desk.do("claim", one, "ben")
        await desk.check()
        await desk.do("release", one, "ben")
        await desk.do("comment", one, "ben", text="Who ordered this?")
        await desk.check()
        await desk.do("delegate", one, "ben", to="dora@example.org")
        await desk.check()
        await desk.do("reassign", one, "oscar", assignees=["role:approver"], reason="They left")
        await desk.check()
        await desk.do("return", one, "ben", reason="Which invoice?")
        await desk.check()
        await desk.do("content", one, "oscar", display={"Amount": 8}, reason="It was 8")
        await desk.check()
        await desk.decide(one, "ben")
        await desk.check(count=1)
        await desk.decide(one, "ben", "beside")
        await desk.check(count=0)


async def test_a_reminder_and_an_escalation_leave_the_rows_as_the_log_says(
    store: EventStore, tools: Tools
) -> None:
    async with at_desk(store, tools) as desk:
        sent = await desk.open(assignees=["role:approver"], deadline=LADDER)
        await desk.site.until_event(sent.log_id, "pause:reminded", count=2)
        await desk.site.until_event(sent.log_id, "pause:escalated", count=2)
        await desk.check(count=2)
        await desk.cancel(sent)
        await desk.check(count=0)


async def test_a_reminder_alone_leaves_the_rows_as_the_log_says(store: EventStore, tools: Tools) -> None:
    steps = [LADDER["steps"][0], LADDER["steps"][2]]
    async with at_desk(store, tools) as desk:
        sent = await desk.open(assignees=["role:approver"], deadline={"steps": steps})
        await desk.site.until_event(sent.log_id, "pause:reminded", count=2)
        await desk.check(count=2)


async def test_each_decision_of_several_is_in_the_rows_and_a_settled_point_is_gone(
    store: EventStore, tools: Tools
) -> None:
    quorum = {"required": 2, "rejections": 2, "field": "approved"}
    async with at_desk(store, tools) as desk:
        sent = await desk.open(assignees=["role:approver"], quorum=quorum)
        await desk.decide(sent, "ben")
        await desk.check(count=2)
        await desk.decide(sent, "dora", approved=False)
        await desk.check(count=2)
        await desk.decide(sent, "cleo")
        await desk.check(count=1)


async def test_nothing_is_left_of_an_execution_that_failed_or_was_cancelled(
    store: EventStore, tools: Tools
) -> None:
    async with at_desk(store, tools) as desk:
        failing = await desk.open(then={"then": "fail"})
        cancelled = await desk.open()
        await desk.check(count=4)
        await desk.decide(failing, "ben")
        await desk.site.until_event(failing.log_id, "execution:error")
        await desk.check(count=3)
        await desk.cancel(cancelled)
        await desk.check(count=1)
        await desk.cancel(failing)
        await desk.check(count=0)
