"""The engine as the executor drives it, with a log in memory, and what the reference is compared with."""

from collections import Counter
from typing import Any, Final
from uuid import UUID, uuid5

import msgspec

from model.terms import Step
from model.world import FORM, PEOPLE, policy_of
from signoff.engine.decide import decide
from signoff.engine.definitions.graph import Graph
from signoff.engine.evolve import evolve
from signoff.engine.messages import (
    BlockFailed,
    BlockOpened,
    BlockPaused,
    BlockResult,
    BlockSucceeded,
    Input,
    Notify,
    RunBlock,
    TakenOver,
    Tick,
)
from signoff.engine.points.pauses import pause_response, resume_links
from signoff.engine.points.quorum import progress
from signoff.engine.points.standing import standing_refusal
from signoff.engine.state import TERMINAL, State
from signoff.events.codec import broken_link, decode_event
from signoff.events.store.base import PointGone, PointRow, Recorded
from signoff.events.store.inbox import ANYBODY
from signoff.events.times import iso
from signoff.events.types import (
    Actor,
    BlockCompleted,
    BlockStarted,
    Command,
    CommandData,
    DecisionExpired,
    DecisionHeld,
    DecisionRecorded,
    Event,
    ExecutionResumed,
    Json,
    Outcome,
    PauseOpened,
    ResumeQueued,
    StartExecution,
)
from signoff.executor.logs.inbox_rows import point_rows
from signoff.executor.logs.loaded import Loaded
from signoff.executor.logs.plans import Plan
from support.bdd import LOG, WORKFLOW, wrong_with

START: Final = 1_750_000_000
_ENDINGS: Final = ("execution:completed", "execution:error", "execution:cancelled")


class Engine:
    """One execution, driven through :class:`Loaded` so that its bytes and their chain are real.

    Attributes:
        now: the clock, in seconds since the epoch.
        noticed: up to when the engine was told of time.
        tries: what is to be run: instances, with their attempts.
        notices: events that people are to be told of.
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.now = self.noticed = START
        self.tries: list[tuple[str, int]] = []
        self.notices: list[int] = []
        self.events: list[Event] = []
        self.raws: list[bytes] = []
        self._rows: dict[str, PointRow] = {}
        self._shadow = State()
        self._commands = 0
        self._loaded = self._new()

    def _new(self) -> Loaded:
        loaded = Loaded(LOG, State(), Plan(self.graph, {}, {}))
        loaded.name(execution_id=str(LOG), workflow_id=WORKFLOW)
        return loaded

    @property
    def state(self) -> State:
        """The fold that deciding goes by."""
        assert isinstance(self._loaded.state, State)
        return self._loaded.state

    # What comes ---------------------------------------------------------------------------------------

    def send(self, message: Input) -> list[Outcome]:
        """Decide on an input as the executor does: fold, keep the bytes, write the rows, do the effects."""
        self.noticed = self.now
        step = self._loaded.step(decide(self.state, self.graph, message, self.now), self.now)
        self.events += step.events
        self.raws += step.states
        for row in point_rows(LOG, self.state, self.graph, step.events):
            if isinstance(row, PointGone):
                self._rows.pop(row.context_id, None)
            else:
                self._rows[row.context_id] = row
        self.tries += [(each.instance, each.attempt) for each in step.effects if isinstance(each, RunBlock)]
        self.notices += [each.event_id for each in step.effects if isinstance(each, Notify)]
        if self.state.status in TERMINAL:  # what is still told is not recorded
            self.notices.clear()
        for event, raw in zip(step.events, step.states, strict=True):
            assert event.event_id == self._shadow.version + 1
            evolve(self._shadow, decode_event(raw), self.graph)
        return step.outcomes

    def new_id(self) -> str:
        """The id of another command."""
        self._commands += 1
        return str(uuid5(LOG, f"command {self._commands}"))

    def command(self, command_id: str, data: CommandData, actor: Actor) -> object:
        """Send a command; gives its answer as the reference names it."""
        (outcome,) = self.send(
            Command(
                command_id=command_id,
                type=data.TYPE,
                execution_id=str(LOG),
                issued_at=iso(self.now),
                actor=actor,
                data=data,
            )
        )
        if outcome.refusal is not None:
            self._check_winner(outcome, getattr(data, "context_id", ""))
            return outcome.refusal.code
        if outcome.outcome != "accepted":
            return ("queued", outcome.queue_position) if outcome.outcome == "queued" else outcome.outcome
        taken = self.events[(outcome.event_id or 0) - 1].data
        if isinstance(taken, DecisionRecorded):
            return "recorded", taken.verdict == "approved", taken.approvals
        return {ExecutionResumed: "accepted", DecisionHeld: "held"}.get(type(taken), "done")

    def _check_winner(self, outcome: Outcome, context_id: str) -> None:
        """Who is too late is told which event was first."""
        assert outcome.refusal is not None
        first: dict[str, tuple[type, ...]] = {
            "ALREADY_RESUMED": (ExecutionResumed, ResumeQueued),
            "ALREADY_DECIDED": (DecisionRecorded,),
        }
        if outcome.refusal.code in first:
            winner: Any = self.events[(outcome.refusal.winning_event_id or 0) - 1].data
            assert type(winner) in first[outcome.refusal.code]
            assert winner.context_id == context_id

    def start(self, starter: str) -> None:
        """Start the execution."""
        data = StartExecution(
            workspace_id=str(UUID(int=0)),
            workflow_id=WORKFLOW,
            workflow_version=1,
            definition_digest="sha256:definition",
            mode="async",
        )
        self.command(self.new_id(), data, Actor(type="user", id=starter))

    def finish(self, instance: str, attempt: int, outcome: str, step: Step) -> str:
        """Deliver the result of a try; gives the digest of what a point shows."""
        content = f"{instance} as opened by try {attempt}"
        self.send(self._result(instance, attempt, outcome, step, content))
        return content

    def _result(self, instance: str, attempt: int, outcome: str, step: Step, content: str) -> BlockResult:
        if outcome == "fails":
            return BlockFailed(instance=instance, attempt=attempt, input=None, error="boom")
        if step.policy is not None:
            return BlockPaused(
                instance=instance,
                attempt=attempt,
                kind="human",
                response=self.response_of(instance),
                content_digest=content,
                policy=policy_of(step.policy, self.now),
            )
        if instance == "turns":
            return BlockOpened(instance=instance, attempt=attempt, total=2)
        return BlockSucceeded(instance=instance, attempt=attempt, input=None, output={"result": instance})

    def response_of(self, context_id: str) -> Json:
        """What a point shows."""
        links = resume_links(workflow_id=WORKFLOW, execution_id=str(LOG), context_id=context_id)
        return pause_response({"inputFormat": FORM}, links)

    def later(self, seconds: int, *, said: bool) -> None:
        """Time passes, and if it is ``said``, what is due happens now."""
        self.now += seconds
        if said:
            self.send(Tick())

    def crash(self) -> None:
        """Lose the process and all that it ran and sent; another one folds the log."""
        self.tries.clear()
        self.notices.clear()
        before = self.state
        self._loaded = self._new()
        self._loaded.fold(
            Recorded(LOG, version, "", raw, version) for version, raw in enumerate(self.raws, start=1)
        )
        assert self.state == before
        self.send(TakenOver())

    # What there is ------------------------------------------------------------------------------------

    def who_may(self) -> dict[str, set[str]]:
        """Who may decide each point that is open, or may decide anew where its run failed."""
        return {
            point.context_id: {
                label
                for label, person in PEOPLE.items()
                if standing_refusal(point, person.actor, person.maker) is None
            }
            for point in self.state.points.values()
            if point.status in {"paused", "failed"}
        }

    def view(self) -> dict[str, Any]:
        """What the reference has to say, too."""
        state = self.state
        waiting = {point.context_id: point for point in state.points.values() if point.status == "paused"}
        return {
            "status": state.status,
            "points": {point.context_id: point.status for point in state.points.values()},
            "counts": {name: progress(point) for name, point in waiting.items()},
            "content": {name: point.content_digest for name, point in waiting.items()},
            "claims": {name: point.claimed_by for name, point in waiting.items()},
            "who may": self.who_may(),
            "working": {each.instance: each.attempt for each in state.in_flight.values()},
            "queue": [state.entries[entry_id].context_id for entry_id in state.queue],
            "held": list(state.held_decisions),
            "due": state.next_due(),
            "inbox": {
                name: (
                    set(row.candidates) - {ANYBODY},
                    row.claimed_by,
                    set(row.excluded),
                    row.approvals,
                    row.returned,
                )
                for name, row in self._rows.items()
            },
        }

    def check(self) -> None:
        """What holds after any input."""
        state = self.state
        assert self._shadow == state
        assert wrong_with(state) == []
        assert sum(run.busy > 0 for run in state.runs.values()) <= 1
        assert set(state.telling) == set(self.notices)
        assert state.parked() == (not state.telling and not state.in_flight)
        assert (state.ended_at is not None) == (state.status in TERMINAL)
        assert state.status not in TERMINAL or self.events[-1].type in _ENDINGS

    def check_whole(self) -> None:
        """What holds for the log as a whole."""
        assert broken_link(self.raws) is None
        assert msgspec.json.decode(msgspec.json.encode(self.state), type=State) == self.state
        without_graph = State()
        for raw in self.raws:
            evolve(without_graph, decode_event(raw))
        assert without_graph.points == self.state.points
        assert without_graph.held_decisions == self.state.held_decisions
        self._check_blocks()
        self._check_decisions()

    def _check_blocks(self) -> None:
        """No finished block starts again, and no try twice."""
        ended: set[tuple[str, int]] = set()
        for event in self.events:
            data = event.data
            if isinstance(data, BlockCompleted):
                ended.add((data.block_id, data.iteration_current or 0))
            if isinstance(data, BlockStarted):
                assert (data.block_id, data.iteration_current or 0) not in ended
        starts = [
            (each.data.block_id, each.data.iteration_current, each.attempt)
            for each in self.events
            if isinstance(each.data, BlockStarted)
        ]
        assert len(starts) == len(set(starts))

    def _check_decisions(self) -> None:
        """A point has one winner each time that it opens; what was held ends."""
        won: Counter[str] = Counter()
        queued: set[str] = set()
        held: set[str] = set()
        for event in self.events:
            data = event.data
            if isinstance(data, PauseOpened):
                won[data.context_id] = 0
            elif isinstance(data, ExecutionResumed | ResumeQueued):
                held.discard(data.resume_entry_id)
                won[data.context_id] += data.retry_of is None and data.resume_entry_id not in queued
                queued.add(data.resume_entry_id)
                assert won[data.context_id] <= 1
            elif isinstance(data, DecisionHeld):
                held.add(data.held_id)
            elif isinstance(data, DecisionExpired):
                held.remove(data.held_id)
            elif isinstance(data, DecisionRecorded):
                held.discard(data.decision_id)
        assert held == set(self.state.held_decisions)
        assert not held or self.state.status not in TERMINAL
