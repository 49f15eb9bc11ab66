"""How many matters people are told of at once, what waits, and what becomes of it when a partition goes."""

import asyncio
from typing import Any, cast
from uuid import UUID

import pytest

from signoff.engine.definitions.parse import parse
from signoff.engine.messages import Notify, Sent, Told
from signoff.engine.state import PausePoint, State
from signoff.executor.blocks.base import Tools
from signoff.executor.logs.loaded import Loaded
from signoff.executor.logs.plans import Kinds, make_plan
from signoff.executor.notices import Notices
from signoff.executor.notices.channels import Channels
from signoff.executor.notices.matter import Matter
from signoff.executor.notices.teller import Teller
from support.executor_blocks import registry
from support.executors import WORKSPACE, Site, until

LOG = UUID(int=1)


class SlowTeller:
    """Tells nobody until it may."""

    def __init__(self) -> None:
        self.begun: list[int] = []
        self.may_end = asyncio.Event()

    async def tell(self, matter: Matter) -> list[Sent]:
        self.begun.append(matter.event_id)
        await self.may_end.wait()
        return [Sent(channel="json", success=True)]


class OpenChannels:
    """Channels that know whether they were closed."""

    closed = False

    async def close(self) -> None:
        self.closed = True


class Place:
    """A partition that keeps what is delivered to it."""

    def __init__(self) -> None:
        self.told: list[Told] = []

    def held(self) -> bool:
        return True

    def begins(self) -> bool:
        return True

    def deliver(self, _log_id: UUID, message: Any) -> None:
        self.told.append(message)

    def backlog(self) -> int:
        return 0


class Desk:
    """Notices with one place to tell and one to wait, and an execution with a pause."""

    def __init__(self, tools: Tools) -> None:
        ask = {"type": "human_in_the_loop", "notify": [{"url": "json://example.org"}]}
        definition = parse({"blocks": {"ask": ask}}, workflow_id="refund").definition
        assert definition is not None

        async def no_workflow(*_: object) -> None:
            return None

        plan = make_plan(definition, Kinds(registry(), tools.llm, cast("Any", no_workflow)))
        self.state = State(workspace_id=WORKSPACE, workflow_id="refund", execution_id=str(LOG))
        self.state.points["ask"] = PausePoint(
            context_id="ask", block_id="ask", kind="human", run_id="", order=1, attempt=1, response={},
            content_digest=None, event_id=1, opened_at=0.0,
        )  # fmt: skip
        self.loaded = Loaded(LOG, self.state, plan)
        self.teller, self.channels, self.place = SlowTeller(), OpenChannels(), Place()
        self.notices = Notices(
            cast("Teller", self.teller), cast("Channels", self.channels), at_once=1, line=1
        )

    def tell(self, event_id: int, place: Place | None = None) -> None:
        effect = Notify(event_id=event_id, context_id="ask", occasion="opened")
        self.notices.tell(place or self.place, self.loaded, self.state, effect)

    def told(self) -> list[int]:
        return [each.event_id for each in self.place.told]


@pytest.fixture
def desk(site: Site) -> Desk:
    return Desk(site.tools)


async def test_one_matter_after_the_other_is_told_within_the_bound(desk: Desk) -> None:
    desk.tell(1)
    desk.tell(2)
    await until(lambda: desk.teller.begun)
    assert desk.teller.begun == [1]

    desk.teller.may_end.set()
    await until(lambda: len(desk.told()) == 2)

    assert desk.told() == [1, 2]


async def test_what_finds_no_place_in_the_line_fails_at_once_and_says_why(desk: Desk) -> None:
    for event_id in (1, 2, 3):
        desk.tell(event_id)

    assert desk.told() == [3]
    (sent,) = desk.place.told[0].sent
    assert (sent.channel, sent.success) == ("json", False)
    assert "1 others wait already" in (sent.error or "")
    await desk.notices.close()


async def test_an_event_is_not_told_twice_at_once(desk: Desk) -> None:
    for event_id in (1, 1, 2, 2):
        desk.tell(event_id)
    desk.teller.may_end.set()
    await until(lambda: len(desk.told()) == 2)

    assert desk.teller.begun == [1, 2]


async def test_a_lost_partition_hears_nothing_and_its_next_owner_begins_again(desk: Desk) -> None:
    desk.tell(1)
    desk.tell(2)
    await until(lambda: desk.teller.begun)
    desk.notices.drop(desk.place)
    lost, desk.place = desk.place, Place()
    desk.teller.may_end.set()
    desk.tell(1)
    await until(desk.told)

    assert lost.told == []
    assert desk.teller.begun == [1, 1]


async def test_closing_stops_what_hangs_and_closes_the_channels(desk: Desk) -> None:
    desk.tell(1)
    await until(lambda: desk.teller.begun)

    await desk.notices.close()

    assert desk.channels.closed
    assert desk.told() == []
