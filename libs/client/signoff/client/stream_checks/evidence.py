"""What the checks look at: an execution, its log, and what the server sent of it."""

from collections.abc import Mapping
from typing import Final
from urllib.parse import quote

from msgspec import Struct

from signoff.client.stream_checks.frames import DONE, Event, Frame, event_of, frames_of, shown
from signoff.client.stream_checks.wire import Listener, Wire
from signoff.client.transport import api_path

FEED: Final = api_path("stream")


class Limits(Struct, frozen=True, kw_only=True):
    """How long the checks wait, in seconds.

    Attributes:
        answer: for an answer's head, and for a stream that has all its events already.
        live: from when something happened until its event must be there.
        heartbeat: of silence after which a heartbeat comes.
    """

    answer: float = 15.0
    live: float = 5.0
    heartbeat: float = 15.0


class Live(Struct, frozen=True, kw_only=True):
    """What was heard of an execution while it ran, paused and went on.

    Attributes:
        paused: the plain stream, which ends at the pause.
        followed: the stream that stays through the pause.
        cut: the same, read in pieces: from each as much as counts, before the next was asked for.
        feed: of this execution alone, opened before it began.
        resumed_at: when the decision was answered, in seconds of the event loop's clock.
    """

    paused: Listener
    followed: Listener
    cut: list[list[Frame]]
    feed: Listener
    resumed_at: float


class Evidence(Struct, frozen=True, kw_only=True):
    """An execution that has ended, or is paused, and what was heard of it.

    Attributes:
        wire: asks for more.
        limits: how long to wait.
        workflow_id: of what.
        execution_id: as its caller knows it.
        other_workflow: another workflow of the workspace, if there is one.
        log: its events, as the route of the history has them.
        replays: its stream, read twice from the beginning.
        live: what was heard while it ran; ``None`` where a given execution is only read.
    """

    wire: Wire
    limits: Limits
    workflow_id: str
    execution_id: str
    other_workflow: str | None
    log: list[Event]
    replays: tuple[Listener, Listener]
    live: Live | None

    @property
    def path(self) -> str:
        """Of the execution's stream."""
        return stream_path(self.workflow_id, self.execution_id)

    @property
    def raws(self) -> list[bytes]:
        """The bytes of the log."""
        return [event.raw for event in self.log]

    @property
    def lived(self) -> Live:
        """What was heard while it ran.

        Raises:
            NotCheckedError: nothing was.
        """
        if self.live is None:
            raise NotCheckedError("needs an execution of its own")
        return self.live

    async def heard(self, path: str, headers: Mapping[str, str] | None = None, **options: bool) -> Listener:
        """A stream that ends by itself, read to its end."""
        async with self.wire.listen(path, headers=headers, **options) as listener:
            await listener.to_end(limit=self.limits.answer)
        return listener


class BrokenRuleError(Exception):
    """A rule does not hold.

    Attributes:
        expected: what should have been.
        seen: what was.
    """

    def __init__(self, expected: str, seen: str) -> None:
        super().__init__(f"expected {expected}, seen {seen}")
        self.expected = expected
        self.seen = seen


class NotCheckedError(Exception):
    """A rule cannot be checked here; says why."""


def expect(holds: bool, expected: str, seen: object) -> None:
    """Say that a rule is broken unless something holds."""
    if not holds:
        raise BrokenRuleError(expected, shown(seen) if isinstance(seen, bytes) else str(seen))


def stream_path(workflow_id: str, execution_id: str) -> str:
    """Where an execution's stream is."""
    return api_path("workflows", workflow_id, "executions", execution_id, "stream")


def feed_path(**filters: str) -> str:
    """Where a feed is."""
    return FEED + "?" + "&".join(f"{name}={quote(value, safe='')}" for name, value in filters.items())


def data_of(listener: Listener) -> list[bytes]:
    """The data of the frames that came, in order."""
    return [frame.data for frame in frames_of(listener.blocks)]


def is_done(listener: Listener) -> bool:
    """Whether the end was said."""
    return DONE in listener.blocks


def status_of(listener: Listener) -> str:
    """How a response was, for people."""
    end = {"open": "did not end in time", "closed": "ended", "broken": "broke off"}[listener.ending]
    return f"{listener.status} that {end} after {len(listener.blocks)} blocks"


def event_from(frame: Frame) -> Event:
    """The event that a frame carries.

    Raises:
        BrokenRuleError: it carries none.
    """
    event = event_of(frame.data)
    if event is None:
        raise BrokenRuleError("data that are an event", shown(frame.data))
    return event
