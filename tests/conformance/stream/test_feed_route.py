"""``GET /api/stream`` over every log: what is in it, where it begins, and who may read it."""

import random
from uuid import UUID, uuid4

from signoff.access.keys.making import digest_of
from signoff.events.types import SYSTEM, KeyCreated, MemberRemoved, MemberSet, UserAdded, WorkspaceCreated
from support.growing_logs import GrowingLog, closed, completed, notified, started, step
from support.stream_service import World

HERE, THERE = uuid4(), uuid4()
ADAS_KEY = "signoff_the-key-of-ada"


async def _know_ada(world: World) -> None:
    """Ada reads one of two workspaces."""
    await world.know(
        WorkspaceCreated(actor=SYSTEM, workspace_id=str(HERE), name="here"),
        WorkspaceCreated(actor=SYSTEM, workspace_id=str(THERE), name="there"),
        UserAdded(actor=SYSTEM, user_id="ada"),
        MemberSet(actor=SYSTEM, workspace_id=str(HERE), user_id="ada", roles=["read"]),
        KeyCreated(actor=SYSTEM, key_id="k1", name="Ada's", digest=digest_of(ADAS_KEY), user_id="ada"),
    )


async def _running(world: World, workspace: UUID) -> GrowingLog:
    log = world.ledger.log(workspace=workspace)
    await log.add(started(workspace), status="running")
    return log


async def test_a_feed_has_the_bytes_of_the_log_from_now_on_and_again_from_a_cursor(world: World) -> None:
    await _know_ada(world)
    async with world.feed(key=ADAS_KEY) as feed:
        await feed.begun()
        assert feed.opened
        first, _, second = [await _running(world, place) for place in (HERE, THERE, HERE)]
        await first.add(step(300), completed(), status="completed")
        await feed.events(4)
    async with world.feed(key=ADAS_KEY, last=feed.cursors[0]) as again:
        await again.events(3)

    assert feed.raws == [first.raws[0], second.raws[0], *first.raws[1:]]
    assert (again.raws, again.cursors) == (feed.raws[1:], feed.cursors[1:])
    assert not again.opened


async def test_a_membership_gained_comes_in_and_one_lost_stops_and_the_last_one_ends_the_feed(
    world: World,
) -> None:
    await _know_ada(world)
    async with world.feed(key=ADAS_KEY) as feed:
        await feed.begun()
        there = await _running(world, THERE)
        await world.know(MemberSet(actor=SYSTEM, workspace_id=str(THERE), user_id="ada", roles=["approver"]))
        async with world.feed(key=ADAS_KEY) as both:  # who comes now has both at once
            await both.begun()
            await there.add(step())
            await both.events(1)
        here = await _running(world, HERE)
        await world.know(MemberRemoved(actor=SYSTEM, workspace_id=str(HERE), user_id="ada"))
        await there.add(step())
        await world.know(MemberRemoved(actor=SYSTEM, workspace_id=str(THERE), user_id="ada"))
        await here.add(step())
        await feed.to_end()
    async with world.feed(key=ADAS_KEY, last=feed.cursor) as again:
        assert (again.response.status, await again.response.json()) == (401, {"error": "Invalid API key"})

    assert set(feed.raws) <= {*there.raws, here.raws[0]}


async def test_clients_that_are_cut_off_and_come_back_see_exactly_their_events_in_order(world: World) -> None:
    await _know_ada(world)
    chance = random.Random(7)
    async with world.feed(key=ADAS_KEY, query="?types=pause:*,block:*") as feed:
        await feed.begun()
    cursor, got, expected = feed.cursor, list[bytes](), list[bytes]()
    logs = [(await _running(world, place), place) for place in (HERE, THERE, HERE)]
    for _ in range(12):
        for _ in range(chance.randrange(1, 12)):
            log, place = chance.choice(logs)
            raws = await log.add(*chance.choices([step(), notified(), closed()], k=chance.randrange(1, 4)))
            expected += raws if place == HERE else []
        count = chance.randrange(len(expected) - len(got) + 1)
        async with world.feed(key=ADAS_KEY, query="?types=pause:*,block:*", last=cursor) as feed:
            while len(feed.raws) < count:
                assert await feed.next()
        got += feed.raws
        cursor = feed.cursor or cursor
    async with world.feed(key=ADAS_KEY, query="?types=pause:*,block:*", last=cursor) as feed:
        await feed.events(len(expected) - len(got))

    assert got + feed.raws == expected
