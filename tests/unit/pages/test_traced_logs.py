"""What pages keep of a log that is looked at: it grows with the log, and large values are not in it."""

from signoff.audit.life.folding import state_as_of
from signoff.events.codec import TOPIC_BY_TYPE, encode
from signoff.events.store.base import NewEvent
from signoff.events.store.memory import MemoryStore
from signoff.events.times import iso
from signoff.events.types import SYSTEM, Event, EventData, ExecutionStarted, VariablesSet
from signoff.gateway.pages.executions.traced import Traced
from support.stores import Writer, log_in

STARTED = ExecutionStarted(
    workspace_id="w", workflow_version=1, definition_digest="sha256:0", trigger="api", mode="async",
    actor=SYSTEM, start_time=iso(1_750_000_000.0),
)  # fmt: skip


class Log:
    """A log of one execution, and what is made of it."""

    def __init__(self, writer: Writer, store: MemoryStore) -> None:
        self.store, self.traced = store, Traced()
        self._writer, self.id = writer, log_in(writer.lease.partition)

    async def grow(self, data: EventData) -> None:
        """Add an event, and take it."""
        number = self.traced.version + 1
        event = Event(
            type=data.TYPE, event_id=number, execution_id=str(self.id), workflow_id="w",
            timestamp=iso(1_750_000_000.0 + number), causation_id="1", data=data,
        )  # fmt: skip
        await self._writer.append(NewEvent(self.id, number, TOPIC_BY_TYPE[data.TYPE], encode(event)))
        self.traced.take(await self.store.read(self.id, after=number - 1))


async def started() -> Log:
    store = MemoryStore()
    log = Log(await Writer.of(store), store)
    await log.grow(STARTED)
    return log


async def test_a_state_that_is_kept_goes_on_with_its_log() -> None:
    log = await started()
    state = await log.traced.state(log.store, log.id)

    await log.grow(VariablesSet(values={"n": 2}))

    assert await log.traced.state(log.store, log.id) is state
    assert state == await state_as_of(log.store, log.id)


async def test_a_state_of_large_values_is_not_kept() -> None:
    log = await started()
    before = await log.traced.state(log.store, log.id)

    for number in range(10):
        await log.grow(VariablesSet(values={f"n{number}": "x" * 450_000}))
    state = await log.traced.state(log.store, log.id)

    assert state is not before
    assert state is not await log.traced.state(log.store, log.id)
    assert state.state.version == log.traced.version == 11


async def test_what_is_kept_of_large_values_weighs_little() -> None:
    log = await started()
    small = log.traced.weight

    for number in range(10):
        await log.grow(VariablesSet(values={f"n{number}": "x" * 450_000}))

    assert small < log.traced.weight < 10_000
