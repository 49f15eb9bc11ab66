"""Given, when, then for the engine: a small workflow, a virtual clock, blocks that do as they are told.

A :class:`Story` is one execution as the executor would drive it, without the executor: each draft is
folded before the next is asked for, each event gets its id, its ``prev`` and its bytes. After every
input the story checks what holds for any execution (:func:`wrong_with`), and that folding the bytes
gives the very state that deciding went by.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final
from uuid import UUID, uuid5

import msgspec

from signoff.engine.decide import decide
from signoff.engine.definitions.definition import (
    Block,
    Connection,
    Definition,
    Loop,
    Parallel,
    Retry,
    Variable,
)
from signoff.engine.definitions.graph import Graph, compile_graph
from signoff.engine.evolve import evolve
from signoff.engine.messages import (
    BlockCalls,
    BlockFailed,
    BlockOpened,
    BlockPaused,
    BlockResult,
    BlockSucceeded,
    BlockWaits,
    CancelBlock,
    Draft,
    Effect,
    Input,
    RunBlock,
    RunEnded,
    TakenOver,
    Tick,
)
from signoff.engine.points.pauses import content_digest, pause_response, resume_links
from signoff.engine.state import TERMINAL, State
from signoff.events.codec import chain_hash, decode_event, encode
from signoff.events.times import from_iso, iso
from signoff.events.types import (
    Actor,
    CancelExecution,
    Command,
    CommandData,
    Event,
    Json,
    Mode,
    Outcome,
    ResumeExecution,
    StartExecution,
)

NOW: Final = 1_750_000_000.0
LOG: Final = UUID("018f0000-0000-7000-8000-00000000abcd")
WORKFLOW: Final = "refunds"
MAKER: Final = Actor(type="user", id="u1", name="Ada")

HUMAN: Final = "human_in_the_loop"
APPROVAL: Final = [{"name": "approved", "type": "boolean", "required": True}]

Answer = Callable[[RunBlock, float], BlockResult]
"""What a block does on a try, and when."""


# --- Given ------------------------------------------------------------------------------------------


def workflow(
    *paths: str,
    retries: Mapping[str, Retry] | None = None,
    variables: Iterable[Variable] = (),
    off: Iterable[str] = (),
    containers: Iterable[Loop | Parallel] = (),
    **types: str,
) -> Graph:
    """A compiled workflow.

    Args:
        paths: edges as one draws them: ``a > b > c``; ``a !> b`` on an error; ``a yes> b`` for the case
            ``yes`` of a condition.
        retries: by block.
        variables: of the workflow.
        off: blocks that are disabled.
        containers: the loops and parallels; what they hold starts with those that nothing in it leads to,
            and their start need not be drawn.
        types: by block; ``start`` is a start block, any other a function.
    """
    connections = [each for path in paths for each in _edges(path.split())]
    containers = list(containers)
    connections += [
        Connection(each.id, node, f"{_kind(each)}-start-source") for each in containers for node in each.nodes
    ]
    types |= {each.id: _kind(each) for each in containers}
    names = dict.fromkeys(["start", *(name for each in connections for name in (each.source, each.target))])
    blocks = tuple(
        Block(
            id=name,
            type=types.get(name, "start_trigger" if name == "start" else "function"),
            name=name.title(),
            params={},
            enabled=name not in off,
            retry=(retries or {}).get(name),
        )
        for name in names
    )
    return compile_graph(
        Definition(
            name=WORKFLOW,
            blocks=blocks,
            connections=tuple(connections),
            loops=tuple(each for each in containers if isinstance(each, Loop)),
            parallels=tuple(each for each in containers if isinstance(each, Parallel)),
            variables=tuple(variables),
        )
    )


def _kind(container: Loop | Parallel) -> str:
    return "loop" if isinstance(container, Loop) else "parallel"


def _edges(words: list[str]) -> Iterable[Connection]:
    for source, arrow, target in zip(words[::2], words[1::2], words[2::2], strict=False):
        case = arrow.removesuffix(">")
        handle = {"": "source", "!": "error"}.get(case, f"condition-{case}")
        yield Connection(source, target, handle)


def gives(output: Json = None, variables: dict[str, Json] | None = None) -> Answer:
    """A block that returns."""
    return lambda run, now: BlockSucceeded(
        instance=run.instance,
        attempt=run.attempt,
        input={"of": run.instance},
        output={"result": run.instance} if output is None else output,
        variables=variables,
    )


def chooses(case: str | None) -> Answer:
    """A condition that selects a case, or none."""
    return gives({"conditionResult": case is not None, "selectedOption": case})


def fails(
    error: str = "boom", *, tries: int = 1_000, then: Answer | None = None, jitter: float = 0
) -> Answer:
    """A block whose first tries fail."""

    def answer(run: RunBlock, now: float) -> BlockResult:
        if run.attempt > tries:
            return (then or gives())(run, now)
        return BlockFailed(
            instance=run.instance,
            attempt=run.attempt,
            input={"of": run.instance},
            error=error,
            jitter=jitter,
        )

    return answer


def fails_for_good(error: str = "boom") -> Answer:
    """A block that says that another try is useless."""
    return lambda run, now: msgspec.structs.replace(fails(error)(run, now), retryable=False)


def asks(form: list[dict[str, Any]] | None = None) -> Answer:
    """A block that stops for a person, with a form."""

    def answer(run: RunBlock, now: float) -> BlockResult:
        links = resume_links(workflow_id=WORKFLOW, execution_id=str(LOG), context_id=run.instance)
        response = pause_response({"inputFormat": form or []}, links)
        return BlockPaused(
            instance=run.instance,
            attempt=run.attempt,
            kind="human",
            response=response,
            content_digest=content_digest(response, "sha256:definition", None),
        )

    return answer


def naps(seconds: float) -> Answer:
    """A durable wait that is no pause to the caller."""
    return lambda run, now: BlockWaits(instance=run.instance, attempt=run.attempt, due_at=now + seconds)


def pauses_until(seconds: float) -> Answer:
    """A wait that the caller sees as a pause of kind ``time``."""
    return lambda run, now: BlockPaused(
        instance=run.instance,
        attempt=run.attempt,
        kind="time",
        response={"status": "waiting", "resumeAt": iso(now + seconds)},
        due_at=now + seconds,
    )


def opens(items: list[Json] | None = None, *, total: int | None = None, at_once: int | None = None) -> Answer:
    """A container that knows what it goes over."""
    return lambda run, now: BlockOpened(
        instance=run.instance,
        attempt=run.attempt,
        input={"of": run.instance},
        items=items,
        total=len(items) if items is not None else total,
        at_once=at_once,
    )


def goes_on(*answers: bool) -> Answer:
    """A loop with a condition: what that says each time it is asked; then that it is over."""
    said = iter(answers)
    return lambda run, now: BlockOpened(instance=run.instance, attempt=run.attempt, goes_on=next(said, False))


def ends_loop() -> Answer:
    """A loop with a condition that is not true any more."""
    return goes_on(*[])


def calls(workflow_id: str = "child", given: Json = None) -> Answer:
    """A block that calls another workflow."""
    return lambda run, now: BlockCalls(
        instance=run.instance,
        attempt=run.attempt,
        workflow_id=workflow_id,
        name=workflow_id.title(),
        version=1,
        digest="sha256:child",
        input=given,
    )


def _as_set(settings: Loop | Parallel) -> Answer:
    if isinstance(settings.items, list):
        return opens(settings.items, at_once=getattr(settings, "batch_size", None))
    if isinstance(settings, Parallel):
        return opens(total=settings.count, at_once=settings.batch_size)
    return opens(total=settings.iterations) if settings.kind == "for" else goes_on()


_BY_TYPE: Final[Mapping[str, Answer]] = {HUMAN: asks(), "wait": naps(60), "condition": chooses(None)}


# --- When -------------------------------------------------------------------------------------------


class Story:
    """One execution, told input by input.

    Args:
        graph: as :func:`workflow` gives it.
        script: what blocks do; others return their names, ask, or wait a minute, by their types.
        log_id: of the execution.

    Attributes:
        events: all so far; ``raws`` are their bytes.
        tries: what the executor was told to run and has not answered.
        ended: runs that were reported as ended, with their events.
        stopped: tries that the executor was told to stop.
    """

    def __init__(
        self, graph: Graph, script: Mapping[str, Answer] | None = None, *, log_id: UUID = LOG
    ) -> None:
        self.graph = graph
        self.log_id = log_id
        self.script = dict(script or {})
        self.state = State()
        self.now = NOW
        self.events: list[Event] = []
        self.raws: list[bytes] = []
        self.tries: list[RunBlock] = []
        self.ended: list[tuple[str, int]] = []
        self.stopped: list[CancelBlock] = []
        self.outcome: Outcome | None = None
        self._shadow = State()
        self._commands = 0

    def send(self, message: Input) -> list[Event]:
        """Decide on an input, fold and check; gives the new events."""
        before = len(self.events)
        self.outcome = None
        for result in decide(self.state, self.graph, message, self.now):
            if isinstance(result, Draft):
                self._record(result)
            elif isinstance(result, Outcome):
                self.outcome = result
            else:
                self._perform(result)
        self._check(self.events[before:], self.raws[before:])
        return self.events[before:]

    def _record(self, draft: Draft) -> None:
        event = Event(
            type=draft.data.TYPE,
            event_id=self.state.version + 1,
            execution_id=str(self.log_id),
            run_id=draft.run_id,
            workflow_id=WORKFLOW,
            timestamp=iso(self.now),
            causation_id=draft.causation_id,
            correlation_id=draft.correlation_id,
            attempt=draft.attempt,
            copy_of=draft.copy_of,
            prev=chain_hash(self.raws[-1]) if self.raws else None,
            data=draft.data,
        )
        evolve(self.state, event, self.graph, now=None if draft.copy_of else self.now)
        self.events.append(event)
        self.raws.append(encode(event))

    def _perform(self, effect: Effect) -> None:
        match effect:
            case RunBlock():
                self.tries.append(effect)
            case CancelBlock():
                self.stopped.append(effect)
            case RunEnded():
                self.ended.append((effect.run_id, effect.event_id))

    def _check(self, events: list[Event], raws: list[bytes]) -> None:
        for event, raw in zip(events, raws, strict=True):
            assert decode_event(raw) == event
            evolve(self._shadow, decode_event(raw), self.graph)
        assert self._shadow == self.state
        assert wrong_with(self.state) == []

    # Commands ---------------------------------------------------------------------------------------

    def command(
        self,
        data: CommandData,
        *,
        command_id: str | None = None,
        digest: str | None = None,
        actor: Actor = MAKER,
        **more: Any,
    ) -> Outcome:
        """Send a command and give its answer."""
        self._commands += 1
        self.send(
            Command(
                command_id=command_id or an_id(self._commands),
                type=data.TYPE,
                execution_id=str(self.log_id),
                issued_at=iso(self.now),
                actor=actor,
                request_digest=digest,
                data=data,
                **more,
            )
        )
        assert self.outcome is not None
        return self.outcome

    def start(
        self,
        given: Json = None,
        *,
        mode: Mode = "async",
        time_limit: float | None = None,
        timeout_at: str | None = None,
        stop_after: str | None = None,
        call_chain: Sequence[str] = (),
        **more: Any,
    ) -> "Story":
        """Start the execution."""
        data = StartExecution(
            workspace_id=str(UUID(int=0)),
            workflow_id=WORKFLOW,
            workflow_version=1,
            definition_digest="sha256:definition",
            mode=mode,
            input=given,
            time_limit=time_limit,
            timeout_at=timeout_at,
            stop_after_block_id=stop_after,
            call_chain=list(call_chain),
        )
        self.command(data, **more)
        return self

    def resume(
        self,
        context_id: str,
        given: Json = None,
        *,
        seen: str | None = None,
        mode: Mode | None = None,
        **more: Any,
    ) -> Outcome:
        """Decide on a pause point."""
        data = ResumeExecution(context_id=context_id, mode=mode, input=given, seen_digest=seen)
        return self.command(data, **more)

    def cancel(self, **more: Any) -> Outcome:
        """Cancel the execution."""
        return self.command(CancelExecution(reason="No longer needed"), **more)

    # Blocks and time --------------------------------------------------------------------------------

    def answer(self, run: RunBlock) -> list[Event]:
        """Let one try end as the script says."""
        self.tries.remove(run)
        flight = self.state.in_flight.get(run.instance)
        block_id = flight.block_id if flight else run.instance
        answer = self.script.get(run.instance) or self.script.get(block_id) or self._usual(block_id)
        return self.send(answer(run, self.now))

    def _usual(self, block_id: str) -> Answer:
        if block_id in self.graph.containers:
            return _as_set(self.graph.containers[block_id].settings)
        node = self.graph.nodes.get(block_id)
        return _BY_TYPE.get(node.block.type, gives()) if node else gives()

    def finish(self, *instances: str) -> "Story":
        """Let the tries of some blocks end, in this order."""
        for instance in instances:
            self.answer(next(run for run in self.tries if run.instance == instance))
        return self

    def work(self) -> "Story":
        """Let every try end, the oldest first, until none is left."""
        while self.tries:
            self.answer(self.tries[0])
        return self

    def later(self, seconds: float) -> "Story":
        """Let time pass and say so."""
        self.now += seconds
        self.send(Tick())
        return self

    def crash(self) -> "Story":
        """Lose the process, with every try; another one takes over."""
        self.tries.clear()
        self.send(TakenOver())
        return self

    # Then -------------------------------------------------------------------------------------------

    def told(self, *kinds: str) -> list[str]:
        """The log in short: ``type subject``, of some types or all."""
        return [in_short(event) for event in self.events if not kinds or event.type in kinds]

    def last(self, kind: str) -> Any:
        """The data of the last event of a type."""
        return next(event.data for event in reversed(self.events) if event.type == kind)

    def envelope(self, text: str) -> Event:
        """The only event that reads so in short."""
        found = [event for event in self.events if in_short(event) == text]
        assert len(found) == 1, f"{len(found)} events read {text!r}"
        return found[0]

    def running(self) -> list[str]:
        """Blocks with tries that are not answered."""
        return [run.instance for run in self.tries]

    def run_ids(self) -> list[str]:
        """The runs so far, the first one first."""
        return list(self.state.runs)


def an_id(number: int) -> str:
    """The id of the story's nth command."""
    return str(uuid5(LOG, f"command {number}"))


def in_short(event: Event) -> str:
    """An event as tests name it."""
    data = event.data
    subject = next(
        (getattr(data, name) for name in ("block_id", "context_id", "timer_id") if getattr(data, name, None)),
        "",
    )
    return f"{event.type} {subject}".strip() if not event.type.startswith("execution:") else event.type


def refold(raws: Iterable[bytes], graph: Graph | None) -> State:
    """The state that the bytes of a log give."""
    state = State()
    for raw in raws:
        evolve(state, decode_event(raw), graph)
    return state


def wrong_with(state: State) -> list[str]:
    """What contradicts itself in a state: every counter and index against a recount."""
    counted = Counter((each.run_id, each.rests) for each in state.in_flight.values())
    entries = [entry.entry_id for entry in state.entries.values() if entry.status == "pending"]
    resting = {each.instance for each in state.in_flight.values() if each.rests in {"wait", "retry"}}
    waiting = [point for point in state.points.values() if point.status == "paused"]
    timed = {p.context_id for p in waiting if p.due_at is not None or p.step < len(p.deadlines)}
    checks = {
        "counters": all(
            [run.busy, run.waits, run.retries, run.children]
            == [counted[run_id, rests] for rests in (None, "wait", "retry", "child")]
            for run_id, run in state.runs.items()
        ),
        "active": state.active == [r.run_id for r in state.runs.values() if r.status == "running"],
        "timers": state.timers.keys() == resting | timed | state.held_decisions.keys(),
        "queue": sorted(state.queue) == sorted(entries),
        "queue held": not state.queue or state.held() or state.status in TERMINAL,
        "edges": all(left >= 0 for scope in state.scopes.values() for left in scope.open_edges.values()),
        "terminal": state.status not in TERMINAL
        or not (state.active or state.in_flight or state.timers or state.queue or any(state.open_points())),
        "paused": state.status != "paused" or (any(state.open_points()) and not state.active),
        "running": state.status != "running" or not state.version or bool(state.active),
        "decided": all(
            state.entries[p.entry_id].context_id == p.context_id for p in state.points.values() if p.entry_id
        ),
        "time": state.version == 0 or from_iso(iso(state.time)) == state.time,
    }
    return [name for name, holds in checks.items() if not holds]
