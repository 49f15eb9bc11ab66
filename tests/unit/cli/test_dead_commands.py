"""Commands that could not be decided: `signoff doctor --retry-dead` and `--discard-dead`."""

import time
from typing import Any

import pytest

from signoff.cli.upkeep.dead import Settled, chosen, discard, place_of, retry
from signoff.engine import decide as engine
from signoff.events.bus.memory import MemoryBus
from signoff.events.store.base import DeadCommand
from signoff.events.times import iso
from signoff.events.types import Command
from signoff.executor.partition import turn
from support.executors import REFUND, Sent, Site
from support.installations import installation_of

POISON = {"amount": 1, "customer": "Mallory"}


@pytest.fixture
def fault(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """An engine that fails on any start with :data:`POISON`, until the patch is undone."""

    def decide(state: Any, graph: Any, message: Any, now: float) -> Any:
        if isinstance(message, Command) and getattr(message.data, "input", None) == POISON:
            raise ZeroDivisionError("a fault of ours")
        yield from engine.decide(state, graph, message, now)

    monkeypatch.setattr(turn, "decide", decide)
    return monkeypatch


async def died(site: Site) -> tuple[Sent, DeadCommand]:
    """A command that an executor could not decide, and that has expired by now."""
    sent = await site.start(await site.deploy(REFUND), POISON, not_after=iso(time.time() - 60))
    await site.outcome(sent)
    (dead,) = await site.store.dead_commands()
    return sent, dead


async def retried(site: Site, *names: str) -> list[Settled]:
    installation = installation_of(site)
    commands = await chosen(site.store, names)
    assert isinstance(site.bus, MemoryBus)
    return [each async for each in retry(installation, site.bus, commands)]


async def test_a_dead_command_has_its_effect_once_after_a_fix(site: Site, fault: pytest.MonkeyPatch) -> None:
    async with site.executor():
        sent, dead = await died(site)
        fault.undo()

        (first,) = await retried(site, sent.command_id)
        await site.until_event(sent.log_id, "execution:completed")

        assert first.ok, first.detail
        assert await site.store.dead_commands() == []
        assert (await site.kinds(sent.log_id)).count("execution:started") == 1
        assert dead.command_id == sent.command_id


async def test_one_that_dies_again_is_listed_anew(site: Site, fault: pytest.MonkeyPatch) -> None:
    async with site.executor():
        _, dead = await died(site)

        (again,) = await retried(site)

        (listed,) = await site.store.dead_commands()
        assert not again.ok
        assert "a fault of ours" in again.detail
        assert (listed.command_id, listed.offset) == (dead.command_id, dead.offset + 1)
        fault.undo()


async def test_one_that_is_given_up_is_listed_no_longer(site: Site, fault: pytest.MonkeyPatch) -> None:
    async with site.executor():
        sent, dead = await died(site)
        fault.undo()

        commands = await chosen(site.store, [place_of(dead)])
        (given_up,) = [each async for each in discard(installation_of(site), commands)]

        assert given_up.ok
        assert await site.store.dead_commands() == []
        assert await site.raw(sent.log_id) == []


async def test_a_command_that_is_not_there_is_told(site: Site) -> None:
    with pytest.raises(LookupError, match="signoff doctor"):
        await chosen(site.store, ["no-such-command"])
