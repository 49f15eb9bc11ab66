"""Commands and logs that nothing can be made of: they are kept or refused, and nobody else waits."""

from typing import Any
from uuid import UUID

import msgspec
import pytest
from structlog.testing import capture_logs

from signoff.access.directory.live import LiveDirectory
from signoff.engine import decide as engine
from signoff.events.bus.base import Record
from signoff.events.codec import encode
from signoff.events.errors import StoreUnavailableError
from signoff.events.store.base import WorkflowRow
from signoff.events.store.memory import MemoryStore
from signoff.events.topics import COMMANDS, record_key
from signoff.events.types import CancelExecution, Command
from signoff.executor.partition import turn
from support.executor_blocks import Probe
from support.executors import ACTOR, Site, until

ONE = {"blocks": {"only": {"type": "probe.work"}}}
ASK = {"blocks": {"ask": {"type": "human_in_the_loop", "form": {"ok": "boolean"}}}}
SECOND = 2
"""A partition that the tests put everything into, so that good and bad stand in one batch."""


def a_command(log_id: UUID) -> Command:
    data = CancelExecution(reason="none")
    return Command(
        command_id="c",
        type=data.TYPE,
        execution_id=str(log_id),
        issued_at="2026-01-01T00:00:00Z",
        actor=ACTOR,
        data=data,
    )


POISON = {
    "no JSON": b"\x00\xffnot json",
    "no command": b"[1, 2, 3]",
    "an unknown type": encode(a_command(UUID(int=SECOND))).replace(b"CancelExecution", b"PromoteExecution"),
    "data of another shape": encode(a_command(UUID(int=SECOND))).replace(b'{"reason":"none"}', b"7"),
    "depth": encode(a_command(UUID(int=SECOND))).replace(b'"none"', b"[" * 100_000 + b"]" * 100_000),
    "a command for another log": encode(a_command(UUID(int=SECOND + 8))),
    "an id that is none": encode(a_command(UUID(int=SECOND))).replace(str(UUID(int=SECOND)).encode(), b"me"),
}


@pytest.mark.parametrize("poison", POISON.values(), ids=POISON.keys())
async def test_what_is_no_command_is_kept_with_its_bytes_and_the_others_go_on(
    site: Site, probe: Probe, poison: bytes
) -> None:
    async with site.executor(probe.registry):
        workflow = await site.deploy(ONE)
        before = await site.start(workflow, log_id=site.new_log(SECOND))
        await site.send_bytes(poison, UUID(int=SECOND))
        after = await site.start(workflow, log_id=site.new_log(SECOND))
        await site.ended(before)
        await site.ended(after)

        (dead,) = await site.store.dead_commands()
        assert dead.command == poison
        assert dead.reason
        await until(lambda: next_offset_is(site, SECOND, dead.offset + 2))


async def next_offset_is(site: Site, partition: int, offset: int) -> bool:
    return (await site.store.leases())[partition].next_offset == offset


async def test_a_key_that_names_no_log_is_kept_and_logged(site: Site, probe: Probe) -> None:
    with capture_logs() as logged:
        await send_a_key_that_names_no_log(site, probe)

    (dead,) = await site.store.dead_commands()
    told = [each for each in logged if each["event"].startswith("command kept as dead")]
    assert [(each["partition"], each["offset"]) for each in told] == [(SECOND, dead.offset)]


async def send_a_key_that_names_no_log(site: Site, probe: Probe) -> None:
    async with site.executor(probe.registry):
        workflow = await site.deploy(ONE)
        await site.bus.send(COMMANDS, SECOND, Record(b"", encode(a_command(UUID(int=SECOND)))))
        await site.run(workflow, log_id=site.new_log(SECOND))


async def test_a_command_in_a_partition_that_is_not_its_log_s_changes_nothing(
    site: Site, probe: Probe
) -> None:
    async with site.executor(probe.registry):
        workflow = await site.deploy(ASK)
        sent = await site.start(workflow, log_id=site.new_log(SECOND + 1))
        await site.ended(sent)
        await site.bus.send(COMMANDS, SECOND, Record(record_key(sent.log_id), encode(a_command(sent.log_id))))
        await until(lambda: has_dead(site, 1))

    assert (await site.kinds(sent.log_id))[-1] == "execution:paused"


async def has_dead(site: Site, count: int) -> bool:
    return len(await site.store.dead_commands()) == count


@pytest.fixture
def faulty_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine with a fault: it fails after its first event of any start whose input is ``poison``."""

    def decide(state: Any, graph: Any, message: Any, now: float) -> Any:
        for result in engine.decide(state, graph, message, now):
            yield result
            if isinstance(message, Command) and getattr(message.data, "input", None) == {"poison": True}:
                raise ZeroDivisionError("a fault of ours")

    monkeypatch.setattr(turn, "decide", decide)


@pytest.mark.usefixtures("faulty_engine")
async def test_a_command_that_cannot_be_decided_is_refused_and_kept_and_the_others_go_on(
    site: Site, probe: Probe
) -> None:
    async with site.executor(probe.registry):
        workflow = await site.deploy(ONE)
        good = [await site.start(workflow, log_id=site.new_log(SECOND)) for _ in range(3)]
        bad = await site.start(workflow, {"poison": True}, log_id=site.new_log(SECOND))
        good += [await site.start(workflow, log_id=site.new_log(SECOND)) for _ in range(3)]
        for sent in good:
            await site.ended(sent)
        outcome = await site.outcome(bad)

        assert outcome.refusal is not None
        assert outcome.refusal.code == "INTERNAL_ERROR"
        (dead,) = await site.store.dead_commands()
        assert dead.command_id == bad.command_id
        assert dead.log_id == bad.log_id
        assert "ZeroDivisionError" in dead.reason
        assert msgspec.json.decode(dead.command)["data"]["input"] == {"poison": True}
        assert await site.raw(bad.log_id) == []
        assert probe.tries("only") == [1] * 6
        await site.topic_equals_log(exactly=True)


@pytest.mark.usefixtures("faulty_engine")
async def test_a_command_that_cannot_be_decided_is_not_read_again(site: Site, probe: Probe) -> None:
    async with site.executor(probe.registry):
        workflow = await site.deploy(ONE)
        await site.outcome(await site.start(workflow, {"poison": True}, log_id=site.new_log(SECOND)))

        (dead,) = await site.store.dead_commands()
        assert await next_offset_is(site, SECOND, dead.offset + 1)


@pytest.mark.usefixtures("faulty_engine")
async def test_an_execution_goes_on_after_a_command_for_it_could_not_be_decided(
    site: Site, probe: Probe
) -> None:
    async with site.executor(probe.registry):
        workflow = await site.deploy({"blocks": {"held": {"type": "probe.endless"}}})
        sent = await site.start(workflow, log_id=site.new_log(SECOND), time_limit=1.0)
        await until(lambda: probe.tries("held") == [1])
        await site.outcome(await site.resume(sent.log_id, "held", {"poison": True}))

        (failed,) = await site.until_event(sent.log_id, "execution:error", limit=5)

    assert failed.data.code == "TIMEOUT"


# Repetitions -------------------------------------------------------------------------------------------


async def test_a_start_that_comes_again_is_a_duplicate_though_it_stands_among_others(
    site: Site, probe: Probe
) -> None:
    async with site.executor(probe.registry):
        workflow = await site.deploy(ONE)
        first = await site.start(workflow, log_id=site.new_log(SECOND), request_digest="d")
        await site.ended(first)

        others = [await site.start(workflow, log_id=site.new_log(SECOND)) for _ in range(5)]
        again = await site.start(
            workflow, log_id=first.log_id, request_digest="d", command_id=f"{first.command_id}-again"
        )
        others += [await site.start(workflow, log_id=site.new_log(SECOND)) for _ in range(5)]
        for other in others:
            await site.ended(other)

        assert (await site.outcome(again)).outcome == "duplicate"

    assert await site.store.dead_commands() == []
    assert probe.tries("only") == [1] * 11


async def test_a_command_that_comes_twice_has_one_effect(site: Site, probe: Probe) -> None:
    async with site.executor(probe.registry):
        sent = await site.start(await site.deploy(ASK))
        await site.ended(sent)
        first = await site.resume(sent.log_id, "ask", {"ok": True})
        await site.ended(first)
        await site.resume(sent.log_id, "ask", {"ok": True}, command_id=first.command_id, reply_to=1)
        last = await site.cancel(sent.log_id)
        await site.outcome(last)

    assert (await site.kinds(sent.log_id)).count("execution:resumed") == 1


# Logs that were changed by somebody ----------------------------------------------------------------------


async def paused(site: Site, probe: Probe) -> tuple[WorkflowRow, UUID]:
    """A paused execution, whose executor has gone."""
    async with site.executor(probe.registry):
        workflow = await site.deploy(ASK)
        sent = await site.start(workflow, log_id=site.new_log(SECOND))
        await site.ended(sent)
        await site.topic_equals_log()
    return workflow, sent.log_id


def tamper(store: Any, log_id: UUID, version: int, state: bytes) -> None:
    """Change the bytes of an event behind everybody's back."""
    assert isinstance(store, MemoryStore)
    changed = msgspec.structs.replace(store._logs[log_id][version - 1], state=state)
    store._logs[log_id][version - 1] = changed
    store._log[changed.position - 1] = changed


@pytest.mark.parametrize("state", [b"\x00", b"{}", b'{"type":"block:completed"}'])
async def test_an_execution_with_broken_bytes_is_refused_and_marked_and_the_others_go_on(
    site: Site, probe: Probe, state: bytes
) -> None:
    workflow, log_id = await paused(site, probe)
    tamper(site.store, log_id, 3, state)

    async with site.executor(probe.registry):
        outcome = await site.outcome(await site.resume(log_id, "ask", {"ok": True}))
        await site.ended(await site.start(workflow, log_id=site.new_log(SECOND)))

    assert outcome.refusal is not None
    assert outcome.refusal.code == "BROKEN"
    assert [row.log_id for row in await site.store.broken()] == [log_id]
    assert await site.store.dead_commands() == []


async def test_an_execution_whose_past_was_rewritten_is_refused(site: Site, probe: Probe) -> None:
    _, log_id = await paused(site, probe)
    third = (await site.store.read(log_id))[2].state
    tamper(site.store, log_id, 3, third.replace(b'"executionOrder":1', b'"executionOrder":9'))

    async with site.executor(probe.registry):
        outcome = await site.outcome(await site.resume(log_id, "ask", {"ok": True}))

    assert outcome.refusal is not None
    assert outcome.refusal.code == "BROKEN"
    assert "event 4" in outcome.refusal.message


async def test_an_execution_in_flight_with_broken_bytes_does_not_keep_its_partition_from_a_new_owner(
    site: Site, probe: Probe
) -> None:
    async with site.executor(probe.registry):
        workflow = await site.deploy({"blocks": {"held": {"type": "probe.endless"}}})
        sent = await site.start(workflow, log_id=site.new_log(SECOND))
        await until(lambda: probe.tries("held") == [1])
        await site.topic_equals_log()
    tamper(site.store, sent.log_id, 2, b"\x00")

    async with site.executor(probe.registry):
        await site.ended(await site.start(await site.deploy(ONE, "one"), log_id=site.new_log(SECOND)))

    assert [row.log_id for row in await site.store.broken()] == [sent.log_id]


async def test_broken_bytes_that_are_not_on_the_topic_yet_do_not_stop_the_relay(
    site: Site, probe: Probe
) -> None:
    _, log_id = await paused(site, probe)
    tamper(site.store, log_id, 3, b"\x00")
    site.store._partitions[SECOND].relayed = 0  # type: ignore[attr-defined]

    async with site.executor(probe.registry):
        await site.ended(await site.start(await site.deploy(ONE, "one"), log_id=site.new_log(SECOND)))
        log = [each.state for each in await site.store.read_all(after=0, limit=1000, partitions=[SECOND])]
        await until(lambda: ends_with(site, log))


async def ends_with(site: Site, log: list[bytes]) -> bool:
    return [message.value for message in await site.topic(SECOND)][-len(log) :] == log


async def test_a_command_waits_while_the_directory_cannot_be_read(
    site: Site, probe: Probe, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, failures = LiveDirectory.state.fget, 3

    def state(directory: LiveDirectory) -> Any:
        nonlocal failures
        if failures:
            failures -= 1
            raise StoreUnavailableError("the directory cannot be read")
        return read(directory)

    async with site.executor(probe.registry):
        workflow = await site.deploy(ONE)
        monkeypatch.setattr(LiveDirectory, "state", property(state))
        await site.run(workflow)

    assert failures == 0
    assert await site.store.dead_commands() == []
