"""The callers that wait: told by outcomes within milliseconds, by the log where none comes.

An outcome is a hint, sent at most once. Who has had none for a second is looked up in the log, with
one query for all who wait, and again each second (architecture.md, The way of the data).
"""

import asyncio
import secrets
from collections.abc import Collection, Iterator
from itertools import islice
from typing import Final, Self
from uuid import UUID

import structlog
from msgspec import Struct

from signoff.events.bus.base import Bus, Message, Reader
from signoff.events.codec import decode_event, decode_outcome
from signoff.events.errors import BusError, BusUnavailableError, CodecError, OffsetOutOfRangeError, StoreError
from signoff.events.store.base import EventStore, Recorded
from signoff.events.topics import OUTCOMES
from signoff.events.types import Command, Outcome
from signoff.gateway.errors import outcome_unknown, unavailable
from signoff.gateway.http import timing
from signoff.gateway.overload.starts import Place
from signoff.gateway.taken import ends_run, taken_up

LOOK_EVERY: Final = 1.0
"""Seconds without an outcome after which the log is asked, and between two looks."""

_POLL: Final = 1.0
_RETRY: Final = 0.5
_LOGS_A_READ: Final = 100
_EVENTS_A_LOG: Final = 100

_log = structlog.get_logger("signoff.gateway.waiting")


class Ended(Struct, frozen=True):
    """The event that ended a run.

    Attributes:
        event_id: of the event.
        raw: its bytes, where they came with the news; ``None``: they must be read from the log.
    """

    event_id: int
    raw: bytes | None = None


class Call:
    """One caller and the command it waits for. Leave it as a context manager when the answer is known.

    Attributes:
        command: what was asked for.
        log_id: the log that the command is for.
        run_id: the run that the command begins, as envelopes have it: ``None`` for a first run.
        after: the last event of the log that was looked at.
    """

    __slots__ = (
        "_changed",
        "_ended",
        "_outcome",
        "_place",
        "_waiting",
        "after",
        "command",
        "give_up_at",
        "log_id",
        "run_id",
        "since",
    )

    def __init__(
        self,
        waiting: "Waiting",
        command: Command,
        *,
        log_id: UUID,
        run_id: str | None,
        after: int,
        within: float,
        place: Place | None = None,
    ) -> None:
        self.command = command
        self.log_id = log_id
        self.run_id = run_id
        self.after = after
        self.since = asyncio.get_running_loop().time()
        self.give_up_at = self.since + within
        self._waiting = waiting
        self._place = place
        self._outcome: Outcome | None = None
        self._ended: Ended | None = None
        self._changed: asyncio.Future[None] | None = None

    async def outcome(self) -> Outcome:
        """What became of the command.

        Raises:
            ApiError: 503, nobody could tell in time.
        """
        while self._outcome is None:
            await self._change()
        return self._outcome

    async def ended(self, *, within: float) -> Ended:
        """The event that ended the run which the command began.

        Args:
            within: seconds to wait at most.

        Raises:
            ApiError: 503, it did not end in time.
        """
        self.give_up_at = asyncio.get_running_loop().time() + within
        while self._ended is None:
            await self._change()
        return self._ended

    def tell(self, outcome: Outcome) -> None:
        """Take note of an outcome of this command."""
        if outcome.outcome == "ended":
            self._ended = self._ended or _ended(outcome)
            # The end of its run says that the command was taken up, should that hint have been lost.
            self._outcome = self._outcome or Outcome(
                command_id=outcome.command_id,
                execution_id=outcome.execution_id,
                outcome="accepted",
                resume_execution_id=self.run_id,
            )
        else:
            self._outcome = self._outcome or outcome
        self._wake()

    def look(self, recorded: Recorded) -> None:
        """Take note of the next event of the log."""
        event = decode_event(recorded.state)
        self.after = event.event_id
        outcome = taken_up(self.command, event)
        if outcome is not None and _tells_more(outcome, self._outcome):
            self._outcome = outcome
        if self._ended is None and ends_run(event, self.run_id):
            self._ended = Ended(event.event_id, recorded.state)
        self._wake()

    def _wake(self) -> None:
        if self._outcome is not None and self._place is not None:
            self._place.answered()
            self._place = None
        if self._changed is not None and not self._changed.done():
            self._changed.set_result(None)

    def give_up(self) -> None:
        """The time is over: whoever waits is told that nobody knows."""
        if self._changed is not None and not self._changed.done():
            self._changed.set_exception(outcome_unknown(self.command.execution_id))

    async def _change(self) -> None:
        self._changed = asyncio.get_running_loop().create_future()
        with timing.waiting():
            await self._changed

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._waiting.forget(self)


def _ended(outcome: Outcome) -> Ended | None:
    if outcome.event_id is None:
        return None
    return Ended(outcome.event_id, bytes(outcome.event) or None)


class Waiting:
    """Keeps every caller that waits, and hears for all of them.

    Args:
        store: the log.
        bus: brings outcomes.
        most: how many callers may wait at once.
        look_every: seconds; see :data:`LOOK_EVERY`.

    Attributes:
        partition: of ``signoff.outcomes``, where this gateway listens: ``replyTo`` of its commands.
    """

    def __init__(self, store: EventStore, bus: Bus, *, most: int, look_every: float = LOOK_EVERY) -> None:
        self._store = store
        self._bus = bus
        self._most = most
        self._look_every = look_every
        self._calls: dict[str, dict[Call, None]] = {}
        self._count = 0
        self._reader: Reader | None = None
        self._listening = False
        self.partition: int | None = None

    def __len__(self) -> int:
        return self._count

    def expect(
        self,
        command: Command,
        *,
        log_id: UUID,
        run_id: str | None,
        after: int,
        within: float,
        place: Place | None = None,
    ) -> Call:
        """Begin to wait for what becomes of a command that is about to be sent.

        Args:
            command: with an id of its own, or that of an ``Idempotency-Key``.
            log_id: the log that it is for.
            run_id: the run that it begins; ``None`` for a first run, and for commands that begin none.
            after: what it leads to has a higher ``eventId``.
            within: seconds until its outcome counts as unknown.
            place: of a start, in the queue for an executor: told when the outcome is known.

        Raises:
            ApiError: 503, too many wait.
        """
        if self._count >= self._most:
            raise unavailable()
        call = Call(self, command, log_id=log_id, run_id=run_id, after=after, within=within, place=place)
        self._calls.setdefault(command.command_id, {})[call] = None
        self._count += 1
        return call

    def forget(self, call: Call) -> None:
        """A caller waits no more."""
        command_id = call.command.command_id
        calls = self._calls.get(command_id)
        if calls is None or call not in calls:
            return
        del calls[call]
        self._count -= 1
        if not calls:
            del self._calls[command_id]

    def reply_to(self) -> int:
        """The partition that commands name for their outcomes.

        Raises:
            BusUnavailableError: the broker is away; nothing should be sent now.
        """
        if not self._listening or self.partition is None:
            raise BusUnavailableError("outcomes cannot be read: the broker is away")
        return self.partition

    async def check(self) -> None:
        """For readiness: outcomes can be read.

        Raises:
            BusUnavailableError: they cannot, and commands are refused.
        """
        self.reply_to()

    # Outcomes ---------------------------------------------------------------------------------------

    async def open(self) -> None:
        """Start to read outcomes at their end, before the first command goes out.

        Raises:
            BusUnavailableError: the broker is away; :meth:`listen` tries again.
        """
        if self.partition is None:
            count = await self._bus.partitions(OUTCOMES)
            if count == 0:
                raise BusUnavailableError(f"there is no topic {OUTCOMES}; run `signoff topics apply`")
            self.partition = secrets.randbelow(count)
        bounds = await self._bus.bounds(OUTCOMES, [self.partition])
        reader = self._reader or await self._bus.reader(OUTCOMES)
        await reader.assign({self.partition: bounds[self.partition][1]})
        self._reader = reader
        self._listening = True

    async def listen(self) -> None:
        """Pass outcomes on, for ever; after an interruption from where it was."""
        while True:
            try:
                if self._reader is None:
                    await self.open()
                else:
                    await self._hear(self._reader)
            except OffsetOutOfRangeError:
                await self.close()  # begin anew at the end: whom the lost ones were for, the log will tell
            except BusError as error:
                if self._listening:
                    _log.warning("cannot read outcomes", reason=str(error))
                self._listening = False
                await asyncio.sleep(_RETRY)

    async def _hear(self, reader: Reader) -> None:
        messages = await reader.poll(wait=_POLL)
        self._listening = True
        for message in messages:
            self._deliver(message)

    def _deliver(self, message: Message) -> None:
        try:
            outcome = decode_outcome(message.value)
        except CodecError as error:
            _log.error("not an outcome", offset=message.offset, reason=str(error))
            return
        for call in self._calls.get(outcome.command_id, ()):
            call.tell(outcome)

    async def close(self) -> None:
        """Stop reading."""
        self._listening = False
        reader, self._reader = self._reader, None
        if reader is not None:
            await reader.close()

    # The log ----------------------------------------------------------------------------------------

    async def watch_log(self) -> None:
        """Look up whoever has had no outcome for a while, for ever."""
        while True:
            await asyncio.sleep(self._look_every)
            now = asyncio.get_running_loop().time()
            overdue = [call for call in self._all() if call.since <= now - self._look_every]
            if overdue:
                await self.look(overdue)
            for call in overdue:
                if call.give_up_at <= now:
                    call.give_up()

    def _all(self) -> Iterator[Call]:
        return (call for calls in self._calls.values() for call in calls)

    async def look(self, calls: Collection[Call]) -> None:
        """Read in the log, now, what these callers wait for; a log that is away is asked again later."""
        try:
            heads = await self._store.heads({call.log_id for call in calls})
            moved = iter([call for call in calls if heads.get(call.log_id, 0) > call.after])
            while some := list(islice(moved, _LOGS_A_READ)):
                await self._read(some)
        except StoreError as error:
            _log.warning("cannot look for outcomes in the log", reason=str(error))

    async def _read(self, calls: list[Call]) -> None:
        after: dict[UUID, int] = {}
        for call in calls:
            after[call.log_id] = min(call.after, after.get(call.log_id, call.after))
        found = await self._store.read_many(after, limit=_EVENTS_A_LOG)
        for call in calls:
            try:
                for recorded in found.get(call.log_id, ()):
                    if recorded.version > call.after:
                        call.look(recorded)
            except CodecError as error:
                _log.error("cannot read an event", log_id=str(call.log_id), reason=str(error))


def _tells_more(outcome: Outcome, known: Outcome | None) -> bool:
    """A decision that counts among several may begin a run as well: two events of one command."""
    return known is None or (known.outcome == "accepted" and outcome.resume_execution_id is not None)
