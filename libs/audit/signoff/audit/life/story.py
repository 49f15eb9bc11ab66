"""The life of an execution for readers who are no developers: what happened, when, by whom, on what."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

import msgspec
from msgspec import Struct

from signoff.audit.life.hiding import hide_secrets
from signoff.audit.life.names import NOBODY, Names
from signoff.engine.folding.places import path_of, turns_of
from signoff.events.times import from_iso
from signoff.events.types import (
    Actor,
    BlockCompleted,
    BlockError,
    BlockRetrying,
    BlockStarted,
    ChildCalled,
    DecisionExpired,
    DecisionHeld,
    DecisionRecorded,
    Event,
    ExecutionCancelled,
    ExecutionCompleted,
    ExecutionError,
    ExecutionForked,
    ExecutionPaused,
    ExecutionReopened,
    ExecutionResumed,
    ExecutionStarted,
    Json,
    Made,
    PauseAmended,
    PauseClaimed,
    PauseClosed,
    PauseCommented,
    PauseDelegated,
    PauseEscalated,
    PauseExpired,
    PauseNotified,
    PauseOpened,
    PauseReassigned,
    PauseReleased,
    PauseReminded,
    PauseReturned,
    ResumeFailed,
    ResumeQueued,
    TimerSet,
)


class Entry(Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """Something that happened.

    Attributes:
        event_id: its place in the log; ``copied_from``: the event of the source that it repeats.
        at: when it happened, UTC, ISO 8601.
        type: of the event.
        what: a sentence.
        about: the block or the pause point, with the turns around it.
        who: who did it, by name where that is known, with their id.
        person: the user behind a key, or behind a link.
        how: how they were authenticated.
        on_behalf_of: in whose place they did it.
        address: where from.
        content_digest: names exactly what was decided on; ``seen``: the maker said that they saw just that.
        submission: what was decided, without secrets.
        seconds: how long it took, or was waited.
        attempt: which try it was, from the second on.
        child: the execution that was called.
    """

    event_id: int
    copied_from: int | None = None
    at: str
    type: str
    what: str
    about: str | None = None
    who: str | None = None
    person: str | None = None
    how: str | None = None
    on_behalf_of: str | None = None
    address: str | None = None
    content_digest: str | None = None
    seen: bool = False
    submission: Json = None
    seconds: float | None = None
    attempt: int | None = None
    child: str | None = None


_PEOPLE: Final = frozenset({"to", "assignees"})
"""Fields that name people; what others say of them is theirs."""

_Told = tuple[str, dict[str, Any]]


class Story:
    """Takes the events of a log in order, and gives the entries that they make.

    What only a program reads, such as the turns of a loop or parts of a stream, makes none.

    Args:
        names: of those whom the log names by ids.
    """

    def __init__(self, names: Names = NOBODY) -> None:
        self._names = names
        self._points: dict[str, PauseOpened | PauseAmended] = {}
        self._opened: dict[str, float] = {}

    def tell(self, events: Iterable[Event]) -> Iterator[Entry]:
        """The entries of some events, which follow those told before."""
        for event in events:
            told = self._told(event)
            if told is not None:
                what, more = told
                yield Entry(
                    event_id=event.event_id,
                    copied_from=None if event.copy_of is None else event.copy_of.event_id,
                    at=event.happened_at,
                    type=event.type,
                    what=what,
                    attempt=event.attempt,
                    **more,
                )

    def _told(self, event: Event) -> _Told | None:
        data: Any = event.data
        if isinstance(data, PauseOpened | PauseAmended):
            self._points[data.context_id] = data
            self._opened.setdefault(data.context_id, from_iso(event.happened_at))
        if isinstance(data, ExecutionResumed | ResumeQueued | DecisionRecorded):
            return self._decided(event, data)
        tell = _TELLING.get(type(data))
        return None if tell is None else tell(data, self._names)

    def _decided(self, event: Event, data: ExecutionResumed | ResumeQueued | DecisionRecorded) -> _Told:
        point = self._points.get(data.context_id)
        response = None if point is None else point.response
        words = {
            ExecutionResumed: "A decision was taken up, and the execution went on",
            ResumeQueued: "A decision was recorded; it waits for its turn",
            DecisionRecorded: "One of several decided",
        }
        opened = self._opened.get(data.context_id)
        what = words[type(data)]
        if isinstance(data, DecisionRecorded):
            what += f": {data.verdict} ({data.approvals} of {data.required})"
        elif data.retry_of is not None:
            what = "A pause point whose run had failed was tried again"
        return what, {
            "about": data.context_id,
            **_by(data.actor, self._names),
            **_made(data.made, self._names),
            "submission": hide_secrets(response, data.submission),
            "seconds": None if opened is None else round(from_iso(event.happened_at) - opened, 3),
        }


def _by(actor: Actor, names: Names) -> dict[str, Any]:
    return {"who": names.actor(actor), "person": None if actor.owner is None else names.person(actor.owner)}


def _made(made: Made | None, names: Names) -> dict[str, Any]:
    if made is None:
        return {}
    return {
        "how": f"{made.auth_method}, with a code" if made.verified else made.auth_method,
        "on_behalf_of": None if made.on_behalf_of is None else names.person(made.on_behalf_of),
        "address": made.address,
        "content_digest": made.content_digest,
        "seen": made.seen,
    } | ({} if made.user_id is None else {"person": names.person(made.user_id)})


def _block(data: Any) -> dict[str, Any]:
    return {"about": data.block_id + path_of(turns_of(data))}


def _started(data: ExecutionStarted, names: Names) -> _Told:
    what = f"Started version {data.workflow_version} ({data.definition_digest}) by {data.trigger}"
    if data.parent is not None:
        what += f", called by execution {data.parent.execution_id}"
    if data.source is not None:
        how = "as a fork of" if data.source.kind == "fork" else "from a block, with the past of"
        what += f", {how} execution {data.source.execution_id} after its event {data.source.event_id}"
        starters = " and ".join(map(names.person, data.source.started_by))
        what += f", which {starters} started" if starters else ""
    return what, _by(data.actor, names)


def _forked(data: ExecutionForked, names: Names) -> _Told:
    edits = f", with another {' and '.join(data.edited)}" if data.edited else ""
    reason = f": {data.reason}" if data.reason else ""
    return f"Went its own way from here{edits}{reason}", _by(data.actor, names)


def _ended(data: ExecutionCompleted | ExecutionPaused, _: Names) -> _Told:
    what = "Completed" if isinstance(data, ExecutionCompleted) else "Paused: nothing is left to do for now"
    return what, {"seconds": data.duration / 1000}


def _failed(data: ExecutionError, _: Names) -> _Told:
    what = "Failed" if data.final else "The run failed; other points stay open"
    return f"{what}: {data.error} ({data.code})", {"seconds": data.duration / 1000, "about": data.block_id}


def _completed(data: BlockCompleted, _: Names) -> _Told:
    return f"{data.block_name} ended", {**_block(data), "seconds": data.duration_ms / 1000}


def _block_failed(data: BlockError, _: Names) -> _Told:
    after = "; its error edge took over" if data.handled else ""
    return f"{data.block_name} failed: {data.error}{after}", {
        **_block(data),
        "seconds": data.duration_ms / 1000,
    }


def _called(data: ChildCalled, _: Names) -> _Told:
    what = f"Called {data.child_workflow_name} (version {data.child_workflow_version})"
    return what, {**_block(data), "child": data.child_execution_id}


def _opened(data: PauseOpened, names: Names) -> _Told:
    if data.pause_kind != "human":
        waits = f"until {data.resume_at}" if data.pause_kind == "time" else "for the execution that it called"
        return f"Waits {waits}", {"about": data.context_id}
    asked = ", ".join(map(names.person, data.assignees)) or "anybody who may decide here"
    what = f"Asked for a decision: {data.title or data.block_id}; of {asked}"
    if data.quorum is not None:
        what += f"; {data.quorum.required} must agree"
    return what, {"about": data.context_id, "content_digest": data.content_digest}


def _amended(data: PauseAmended, names: Names) -> _Told:
    more = {"about": data.context_id, "content_digest": data.content_digest, **_by(data.actor, names)}
    return f"What is decided on was changed: {data.reason}", more


def _acted(words: str, *fields: str) -> Callable[[Any, Names], _Told]:
    """Something that somebody did at a pause point, with some fields of it."""

    def tell(data: Any, names: Names) -> _Told:
        said = [_said(data, name, names) for name in fields]
        actor = getattr(data, "actor", None)
        what = ": ".join([words, *(each for each in said if each)])
        return what, {"about": data.context_id, **(_by(actor, names) if actor is not None else {})}

    return tell


def _said(data: Any, field: str, names: Names) -> str:
    value = getattr(data, field)
    several = value if isinstance(value, list) else [] if value is None else [value]
    return ", ".join(names.person(each) if field in _PEOPLE else str(each) for each in several)


def _notified(data: PauseNotified, _: Names) -> _Told:
    to = f" {data.to}" if data.to else ""
    went = "was told" if data.success else f"could not be told ({data.error})"
    return f"{data.channel}{to} {went} that it {data.occasion}", {"about": data.context_id}


_TELLING: Final[dict[type, Callable[[Any, Names], _Told]]] = {
    ExecutionStarted: _started,
    ExecutionForked: _forked,
    ExecutionPaused: _ended,
    ExecutionCompleted: _ended,
    ExecutionError: _failed,
    ExecutionCancelled: lambda data, names: (f"Cancelled: {data.reason}", _by(data.actor, names)),
    ExecutionReopened: lambda data, names: (f"Tried again: {data.reason}", _by(data.actor, names)),
    BlockStarted: lambda data, _: (f"{data.block_name} ({data.block_type}) began", _block(data)),
    BlockCompleted: _completed,
    BlockError: _block_failed,
    BlockRetrying: lambda data, _: (
        f"Failed: {data.error}; the next try is at {data.next_attempt_at}",
        _block(data),
    ),
    ChildCalled: _called,
    TimerSet: lambda data, _: (f"Waits until {data.due_at}", {"about": data.timer_id}),
    PauseOpened: _opened,
    PauseAmended: _amended,
    PauseClaimed: _acted("Claimed"),
    PauseReleased: _acted("Given back"),
    PauseDelegated: _acted("Handed on to", "to", "reason"),
    PauseReassigned: _acted("Given to others", "assignees", "reason"),
    PauseReturned: _acted("Sent back for changes", "reason"),
    PauseCommented: _acted("Comment", "text"),
    PauseReminded: _acted("Nobody had decided: reminded", "to"),
    PauseEscalated: _acted("Nobody had decided: asked others, too", "to"),
    PauseExpired: _acted("Nobody decided in time", "action"),
    PauseClosed: _acted("Closed without a decision", "reason"),
    PauseNotified: _notified,
    DecisionHeld: _acted("A decision came before its pause, and is kept until", "expires_at"),
    DecisionExpired: _acted("A decision that was kept does not count any more", "reason"),
    ResumeFailed: _acted("A decision that waited for its turn was dropped", "reason"),
}
"""How each event reads; others make no entry."""


def lines_of(entry: Entry) -> Iterator[str]:
    """An entry as lines of text: what happened, and below it what belongs to that.

    What people wrote stays on its line: it could look like another entry.
    """
    number = str(entry.event_id) + ("" if entry.copied_from is None else " (from the source)")
    about = f" [{entry.about}]" if entry.about else ""
    took = "" if entry.seconds is None else f" ({entry.seconds:g} s)"
    attempt = "" if entry.attempt is None else f", try {entry.attempt}"
    yield _one_line(f"{entry.at}  {number}  {entry.what}{about}{attempt}{took}")
    for name, value in (
        ("by", entry.who),
        ("person", entry.person),
        ("on behalf of", entry.on_behalf_of),
        ("authenticated by", entry.how),
        ("from", entry.address),
        ("content", _content(entry)),
        ("decided", _json(entry.submission)),
        ("execution", entry.child),
    ):
        if value is not None:
            yield _one_line(f"    {name}: {value}")


def _one_line(text: str) -> str:
    return " ⏎ ".join(text.splitlines())


def _json(value: Json) -> str | None:
    return None if value is None else msgspec.json.encode(value).decode()


def _content(entry: Entry) -> str | None:
    if entry.content_digest is None:
        return None
    return f"{entry.content_digest}{', which they said they saw' if entry.seen else ''}"
