"""The product broken on purpose, one mechanism at a time: what the simulation must find.

Each takes one line of defence away, in memory. Which seeds find it is up to chance, but the same each time.
"""

from collections.abc import Callable, Iterator
from typing import Any, Final
from uuid import uuid4

import msgspec
from msgspec import Struct

import signoff.events.store.memory as memory_store
import signoff.gateway.commands as gateway_commands
import signoff.gateway.http.responses as gateway_responses
from signoff.engine.decide import decide
from signoff.engine.messages import TakenOver
from signoff.engine.state import State
from signoff.executor.hooks.lanes import Lane, Lanes
from signoff.executor.hooks.progress import Progress
from signoff.executor.partition import loop as partition
from signoff.executor.partition import turn
from signoff.executor.partition.loop import Partition
from signoff.executor.partition.memory import Memory
from signoff.executor.partition.timing import Timing
from signoff.executor.publishing import messages
from signoff.executor.publishing.batches import Batch, Batches
from signoff.executor.publishing.publisher import Publisher
from signoff.executor.publishing.relay import Relay
from signoff.gateway.errors import ApiError
from signoff.tail.buffer import Buffer
from signoff.tail.feed import Feed
from signoff.tail.frames import Frame
from signoff.tail.hub import Hub
from simulation.chance import Weather


def no_epoch_check() -> None:
    """The log takes appends of those whose lease another has."""
    checked = vars(memory_store)["refusals"]
    _put(memory_store, "refusals", lambda appends, *, lost, heads: checked(appends, lost=(), heads=heads))


def effects_before_commit() -> None:
    """Answers are given and blocks begun before the append."""
    decide_all = Partition._decide_all

    async def too_soon(self: Partition, works: Any, given: Any) -> None:
        after, real = self._answer, self._shared.store.append
        answered = False

        async def append(what: Any) -> int:
            nonlocal answered
            answered = True
            after(given)
            return await real(what)

        given_store = _Instead(self._shared.store, append=append)
        shared, self._shared = self._shared, msgspec.structs.replace(self._shared, store=given_store)
        _put(self, "_answer", lambda turn: None if answered else after(turn))
        try:
            await decide_all(self, works, given)
        finally:
            self._shared = shared
            delattr(self, "_answer")

    _put(Partition, "_decide_all", too_soon)


def position_before_acknowledgement() -> None:
    """The relay's position moves before its records are acknowledged."""
    publish = Publisher._publish_buffer

    async def too_soon(self: Publisher) -> None:
        if self._buffer.records and not self._behind:
            self.acknowledged = self.committed
        await publish(self)

    _put(Publisher, "_publish_buffer", too_soon)


def no_doubt() -> None:
    """After an append with an unknown outcome the relay does not look at the log."""
    _put(Relay, "doubt", lambda self, partition: None)


def no_memory_of_commands() -> None:
    """Executions do not know which commands they took up."""

    class Nothing(dict[str, Any]):
        def get(self, key: str, default: Any = None) -> Any:
            return None

    def decide_anew(state: State, graph: Any, message: Any, now: float) -> Any:
        if not isinstance(state.commands, Nothing):
            state.commands = Nothing()
        return decide(state, graph, message, now)

    _put(turn, "decide", decide_anew)


def nothing_taken_over() -> None:
    """A new owner does not look at what was in flight."""
    results = turn.results_of

    def deaf(loaded: Any, message: Any, now: float) -> Any:
        return () if isinstance(message, TakenOver) else results(loaded, message, now)

    _put(partition, "results_of", deaf)


def states_kept_after_failure() -> None:
    """What was decided in vain stays in memory."""
    _put(Memory, "forget", lambda self, works: None)


def lease_without_clock() -> None:
    """Work goes on after the lease has run out, until somebody says so."""
    _put(Partition, "held", lambda self: not self._closed)
    _put(Partition, "_must_hold", lambda self: None)


def stream_without_join() -> None:
    """A live event is handed on wherever the reader stands."""

    def take(self: Buffer, after: int) -> list[Frame]:
        frames = [frame for frame in self._frames if frame.event_id > after]
        self._clear()
        return frames

    _put(Buffer, "take", take)


def stream_without_look() -> None:
    """Readers are never compared with the log."""

    async def nothing(self: Hub) -> None:
        """What is not on the topic in time is never seen."""

    _put(Hub, "_compare", nothing)


def ids_not_derived() -> None:
    """The same Idempotency-Key names another command each time."""
    _put(gateway_commands, "idempotent_command_id", lambda *_: uuid4())


def messages_once() -> None:
    """What one execution owes another is sent by the first owner only, once."""
    _put(Batches, "read_again", _without_messages(Batches.read_again))


def offset_before_events() -> None:
    """Where commands go on is recorded before what they lead to."""
    decide_all = Partition._decide_all

    async def split(self: Partition, works: Any, given: Any) -> None:
        if given.append.next_offset is not None:
            ahead = msgspec.structs.replace(given.append, events=[], rows=[])
            await self._shared.store.append(ahead)
        await decide_all(self, works, given)

    _put(Partition, "_decide_all", split)


def timers_forgotten() -> None:
    """Timers of executions that nobody has in memory are not looked for."""

    async def nothing(self: Timing, partitions: list[int]) -> None:
        """The database is not asked."""

    _put(Timing, "look_ahead", nothing)


def points_never_gone() -> None:
    """Pause points stay in the inbox after they were decided."""
    made = vars(turn)["point_rows"]

    def opened_only(*given: Any) -> Iterator[Any]:
        return (row for row in made(*given) if type(row).__name__ == "PointRow")

    _put(turn, "point_rows", opened_only)


def moments_not_started() -> None:
    """What a schedule fires starts nothing."""
    _put(messages, "scheduled_start", lambda *_, **__: None)


def feeds_always_live() -> None:
    """A feed never reads the log for what its buffer does not hold."""
    _put(Feed, "_is_live", property(lambda self: True))


def hooks_told_too_soon() -> None:
    """An event counts as delivered as soon as it was read."""
    _put(Progress, "open", lambda self, position: None)
    _put(Progress, "close", lambda self, position: None)


def hooks_not_put_aside() -> None:
    """What a hook does not take is let go."""

    async def nothing(self: Lanes, lane: Lane, pending: Any) -> None:
        lane.release()

    _put(Lanes, "_put_aside", nothing)


def faults_told_as_ours() -> None:
    """A database that is away is answered like a bug of ours."""
    _put(gateway_responses, "_failure", lambda request, error: ApiError(500, "Internal server error"))


def _put(owner: object, name: str, value: object) -> None:
    """Put something in place of a function of a module, or of a method of a class."""
    setattr(owner, name, value)


class _Instead:
    """Something with other methods in place of some."""

    def __init__(self, real: Any, **methods: Any) -> None:
        self._real = real
        self.__dict__ |= methods

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


def _without_messages(read: Callable[..., Any]) -> Callable[..., Any]:
    async def again(self: Batches, page: Any) -> Batch:
        batch: Batch = await read(self, page)
        batch.messages = {}
        return batch

    return again


class Breakage(Struct, frozen=True):
    """A way to break the product.

    Attributes:
        apply: does it, for as long as this process lives.
        weather: in which it shows; ``None``: in any.
    """

    apply: Callable[[], None]
    weather: Weather | None = None


def _all_the_time(*kinds: str, at_points: int = 10) -> Weather:
    return Weather(every=0.4, kinds=kinds, at_points=at_points, failing=0)


_LOSSES: Final = _all_the_time("losses")
_DEATHS: Final = _all_the_time("crash", "losses")
_HANGS: Final = _all_the_time("freeze", "slow")

BREAKAGES: Final[dict[str, Breakage]] = {
    each.__name__.replace("_", "-"): Breakage(each, weather)
    for each, weather in (
        (effects_before_commit, None),
        (faults_told_as_ours, _all_the_time("away")),
        (feeds_always_live, _all_the_time("cut", "crash", at_points=0)),
        (hooks_not_put_aside, Weather(every=1.0, kinds=("cut",), at_points=0, failing=300)),
        (hooks_told_too_soon, _DEATHS),
        (ids_not_derived, _LOSSES),
        (lease_without_clock, _HANGS),
        (messages_once, _LOSSES),
        (moments_not_started, None),
        (no_doubt, _LOSSES),
        (no_epoch_check, _all_the_time("slow", "crash", at_points=0)),
        (no_memory_of_commands, _LOSSES),
        (nothing_taken_over, _DEATHS),
        (offset_before_events, _DEATHS),
        (points_never_gone, None),
        (position_before_acknowledgement, _LOSSES),
        (states_kept_after_failure, _LOSSES),
        (stream_without_join, _all_the_time("losses", "cut", "slow")),
        (stream_without_look, _all_the_time("losses", "away")),
        (timers_forgotten, None),
    )
}
"""By name."""
