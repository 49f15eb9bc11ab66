"""Today's executor takes up the commands that an old gateway left in the topic."""

from collections.abc import AsyncIterator

import pytest

from histories import blocks
from histories.past import Left, Past
from histories.plays import BY_PEOPLE
from signoff.events.blobs import BlobStore
from signoff.events.codec import decode_command
from signoff.events.store.base import ExecutionRow
from signoff.events.store.search import Search
from signoff.events.times import from_iso
from signoff.events.topics import COMMANDS, DEFAULT_WORKSPACE, EXECUTIONS, PARTITIONS, log_of_key
from signoff.executor.app import open_tools
from signoff.runtime.settings import Settings
from support.executors import Site, until

BY_CLOCK = {"nap", "paused-nap", "tries"}
"""What goes on when time passes, which it does not here."""


class Clock:
    """Stands still until it is set."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def site(clock: Clock) -> AsyncIterator[Site]:
    """Surroundings of an executor, with nothing in them."""
    async with open_tools(Settings(), BlobStore.open("memory:")) as tools:
        made = await Site.in_memory(tools, partitions=PARTITIONS, clock=clock)
        yield made
        await made.close()


async def executions(site: Site) -> list[ExecutionRow]:
    return await site.store.executions(Search(workspace_id=DEFAULT_WORKSPACE), limit=1000)


async def is_at_rest(site: Site) -> bool:
    """Whether every event is published, every command taken, and every execution waits or has ended."""
    published = await site.bus.bounds(EXECUTIONS, range(PARTITIONS))
    if sum(end for _, end in published.values()) < await site.store.last_position():
        return False  # what one execution owes another is sent first
    sent = await site.bus.bounds(COMMANDS, range(PARTITIONS))
    taken = {row.partition: row.next_offset for row in await site.store.leases()}
    return all(taken[each] >= end for each, (_, end) in sent.items()) and all(
        row.parked for row in await executions(site)
    )


async def play_again(past: Past, site: Site, clock: Clock) -> None:
    """Send what callers sent, each command at its time and once everything waits."""
    commands = [(decode_command(each.value.encode()), each) for each in past.records(COMMANDS)]
    for command, record in sorted(commands, key=lambda each: each[0].issued_at):
        if command.reply_to is None or record.key is None:  # what executions send one another
            continue
        clock.now = max(clock.now, from_iso(command.issued_at))
        await site.send_bytes(record.value.encode(), log_of_key(record.key.encode()))
        await until(lambda: is_at_rest(site))


def ends(lefts: list[Left]) -> dict[str, str]:
    """How each execution stood when the recording ended."""
    kinds = {each.execution_id: each.end["type"] if each.ended else "execution:paused" for each in lefts}
    names = {each.execution_id: each.play for each in lefts}
    return {one: kinds[one] for one, name in names.items() if name not in BY_CLOCK | BY_PEOPLE | {"retried"}}


async def test_commands_lead_to_what_they_led_to_then(past: Past, site: Site, clock: Clock) -> None:
    async with site.executor(blocks.registry(), clock=clock, environment={"TOKEN": "1234"}):
        await play_again(past, site, clock)

    stood = ends(past.manifest.cluster)
    last = {str(row.log_id): (await site.kinds(row.log_id))[-1] for row in await executions(site)}
    assert {one: last.get(one) for one in stood} == stood
