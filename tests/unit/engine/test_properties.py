"""What holds for any workflow, whatever happens to it and in whatever order.

Each example is a random acyclic graph and a random course of events. :class:`support.bdd.Story`
checks after each input that no state contradicts itself and that the bytes fold to it.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from signoff.engine.definitions.definition import Block, Connection, Definition, Loop, Parallel, Retry
from signoff.engine.definitions.graph import ERROR, Graph, compile_graph, fires
from signoff.engine.evolve import evolve
from signoff.engine.folding.places import path_of, turns_of
from signoff.engine.messages import Input, RunBlock, TakenOver
from signoff.engine.state import TERMINAL, State
from signoff.events.codec import broken_link, decode_event
from signoff.events.times import iso
from signoff.events.types import (
    SYSTEM,
    BlockCompleted,
    BlockError,
    BlockEvent,
    BlockStarted,
    ChildChanged,
    Command,
    ContainerOpened,
    Event,
    ExecutionReopened,
    ExecutionResumed,
    LoopIteration,
    Mode,
    ParallelBranch,
    ResumeQueued,
    RetryExecution,
    Turn,
)
from support.bdd import (
    HUMAN,
    LOG,
    Answer,
    Story,
    an_id,
    asks,
    calls,
    chooses,
    ends_loop,
    fails,
    gives,
    naps,
    opens,
    pauses_until,
    refold,
)

ENDINGS: Final = ("execution:paused", "execution:completed", "execution:error", "execution:cancelled")
HANDLES: Final = {"condition": ("condition-yes", "condition-no", "source", "error")}
ANSWERS: Final[dict[str, Sequence[Answer]]] = {
    "function": (gives(), gives(variables={"n": 1}), fails(jitter=0.5)),
    "condition": (chooses("yes"), chooses("no"), chooses(None), fails()),
    "wait": (naps(0), naps(7), naps(30), pauses_until(5), pauses_until(40), fails()),
    "response": (gives({"data": 1}), fails()),
    HUMAN: (asks(), asks([{"name": "ok", "type": "boolean", "required": True}]), fails()),
    "loop": (opens(total=2), opens(total=0), opens(["x", "y", "z"]), opens(total=1_001), opens(), fails()),
    "parallel": (opens(total=3, at_once=2), opens(["x"], at_once=1), opens(total=0, at_once=5), fails()),
    "workflow": (calls(), calls(), fails()),
}
TYPES: Final = [
    "loop",
    "parallel",
    "function",
    "function",
    "condition",
    "wait",
    "response",
    HUMAN,
    "workflow",
]
ASKED: Final = (opens(), ends_loop(), fails())
"""What a loop with a condition says after a turn."""


class Course(msgspec.Struct, frozen=True):
    """One example: a workflow, how it begins, and what happens then."""

    graph: Graph
    mode: Mode
    time_limit: float | None
    steps: list[tuple[str, int]]


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    """Blocks in a line, each fed by one to three of those before it; some hold blocks of their own."""
    parts = Parts([Block(id="start", type="start_trigger", name="Start", params={})], [], [], [])
    fill(draw, parts, "b", ["start"], depth=0)
    return compile_graph(
        Definition(
            name="any",
            blocks=tuple(parts.blocks),
            connections=tuple(parts.connections),
            loops=tuple(parts.loops),
            parallels=tuple(parts.parallels),
        )
    )


class Parts(msgspec.Struct):
    """A definition as it grows."""

    blocks: list[Block]
    connections: list[Connection]
    loops: list[Loop]
    parallels: list[Parallel]


def fill(draw: st.DrawFn, parts: Parts, prefix: str, before: list[str], depth: int) -> list[str]:
    """Add the blocks of one container, or the workflow's own; gives their ids."""
    types = draw(st.lists(st.sampled_from(TYPES[depth:]), min_size=1, max_size=6 - 2 * depth))
    known = {block.id: block.type for block in parts.blocks}
    first = len(before)
    for number, block_type in enumerate(types):
        name = f"{prefix}{number}"
        retry = draw(st.sampled_from([None, None, Retry(max_tries=3, wait_ms=1_000, backoff=2)]))
        retry = None if block_type in {"loop", "parallel", HUMAN} else retry
        sources = draw(st.lists(st.sampled_from(before), max_size=3)) if before else []
        if not sources and prefix == "b":
            sources = ["start"]
        for source in sources:
            handles = HANDLES.get(known[source], ("source", "source", "source", "error"))
            handle = "source" if source == "start" else draw(st.sampled_from(handles))
            parts.connections.append(Connection(source, name, handle))
        parts.blocks.append(Block(id=name, type=block_type, name=name.upper(), params={}, retry=retry))
        known[name] = block_type
        before = [*before, name]
        if block_type in {"loop", "parallel"}:
            nodes = tuple(fill(draw, parts, name + "x", [], depth + 1))
            parts.connections.extend(Connection(name, node, f"{block_type}-start-source") for node in nodes)
            if block_type == "loop":
                parts.loops.append(Loop(id=name, nodes=nodes))
            else:
                parts.parallels.append(Parallel(id=name, nodes=nodes))
    return before[first:]


HAPPENINGS: Final = ("finish",) * 8 + (
    "repeat",
    "time",
    "time",
    "resume",
    "resume",
    "crash",
    "reload",
    "cancel",
    "child",
    "child",
    "reopen",
)


def courses() -> st.SearchStrategy[Course]:
    return st.builds(
        Course,
        graphs(),
        st.sampled_from(["sync", "stream", "async"]),
        st.sampled_from([None, 20.0, 90.0]),
        st.lists(st.tuples(st.sampled_from(HAPPENINGS), st.integers(0, 1_000)), max_size=40),
    )


class Chance(Story):
    """A story whose steps are drawn; it remembers what it was told, to tell it again."""

    def __init__(self, graph: Graph) -> None:
        super().__init__(graph)
        self.inputs: list[tuple[float, Input]] = []
        self.results: list[Input] = []
        self.resumed = 0

    def send(self, message: Input) -> list[Event]:
        over = self.state.status in TERMINAL and not isinstance(
            getattr(message, "data", None), RetryExecution
        )
        self.inputs.append((self.now, message))
        if not isinstance(message, TakenOver):
            self.results.append(message)
        events = super().send(message)
        assert not (over and events), "an execution that has ended goes on"
        return events

    def step(self, happening: str, draw: int) -> None:
        steps: dict[str, Callable[[int], Any]] = {
            "finish": self._finish,
            "repeat": self._repeat,
            "time": lambda draw: self.later((0, 0.5, 1, 5, 30, 100)[draw % 6]),
            "resume": self._resume,
            "crash": lambda _: self.crash(),
            "reload": self._reload,
            "cancel": lambda _: self.cancel(),
            "child": self._change_child,
            "reopen": lambda _: self.command(RetryExecution(reason="Tried again")),
        }
        steps[happening](draw)

    def _finish(self, draw: int) -> None:
        if self.tries:
            run = self.tries[draw % len(self.tries)]
            answers = self._answers(run)
            self.script[run.instance] = answers[draw // 7 % len(answers)]
            self.answer(run)

    def _answers(self, run: RunBlock) -> Sequence[Answer]:
        flight = self.state.in_flight.get(run.instance)
        if flight is None:  # its run has ended: what it gives is of no interest
            return (gives(),)
        return ASKED if flight.evaluates else ANSWERS[self.graph.nodes[flight.block_id].block.type]

    def _change_child(self, draw: int) -> None:
        """A child pauses, goes on or ends."""
        waiting = self.children()
        if waiting:
            instance, child = waiting[draw % len(waiting)]
            self.child(instance, child, ("completed", "paused", "resumed", "failed", "cancelled")[draw % 5])

    def children_at_work(self) -> list[tuple[str, str]]:
        return [each for each in self.children() if each[0] in self.state.in_flight]

    def children(self) -> list[tuple[str, str]]:
        callers = [*self.state.in_flight.values(), *self.state.open_points()]
        return [
            (getattr(each, "instance", None) or each.context_id, each.child.execution_id)
            for each in callers
            if each.child is not None and getattr(each, "status", "paused") == "paused"
        ]

    def child(self, instance: str, child: str, status: str) -> None:
        data = ChildChanged(
            instance=instance,
            child_execution_id=child,
            event_id=1,
            status=status,
            error="B: boom" if status == "failed" else None,
        )
        self._commands += 1
        self.send(
            Command(
                command_id=an_id(self._commands),
                type=data.TYPE,
                execution_id=str(LOG),
                issued_at=iso(self.now),
                actor=SYSTEM,
                data=data,
            )
        )

    def _repeat(self, draw: int) -> None:
        """A result or a command comes once more, out of its time."""
        if not self.results:
            return
        self.later(0)  # what is due comes first in any case
        message = self.results[draw % len(self.results)]
        known = not isinstance(message, Command) or message.command_id in self.state.commands
        events = self.send(message)
        assert not (known and events), "a repetition had an effect"

    def _resume(self, draw: int) -> None:
        points = sorted(self.state.points) or ["nowhere"]
        self.resume(points[draw % len(points)], {"ok": draw % 3 > 0} if draw % 2 else {})

    def _reload(self, draw: int) -> None:
        """The state is folded afresh while some of its blocks are still at work in this process."""
        kept = [run for index, run in enumerate(self.tries) if draw >> index & 1]
        self.tries = kept
        self.send(TakenOver(frozenset((run.instance, run.attempt) for run in kept)))

    def finish_everything(self) -> None:
        """Let all end well: every block returns, every wait ends, every point is resumed."""
        while self.state.status not in TERMINAL:
            before = self.state.version
            self.finish_blocks()
            due = self.state.next_due()
            if due is not None:
                self.later(max(0, due - self.now))
            for instance, child in self.children():
                self.child(instance, child, "completed")
            for context_id, point in list(self.state.points.items()):
                if point.status == "paused" and point.kind == "human":
                    self.resume(context_id, {"ok": True})
            assert self.state.version > before, "nothing is left to happen, and it has not ended"

    def finish_blocks(self) -> None:
        while self.tries:
            run = self.tries[0]
            flight = self.state.in_flight.get(run.instance)
            asked = flight is not None and flight.evaluates
            self.script[run.instance] = ends_loop() if asked else self._answers(run)[0]
            self.answer(run)


def told(course: Course) -> Chance:
    """The story of a course, up to wherever it leads."""
    story = Chance(course.graph)
    story.start({"x": 1}, mode=course.mode, time_limit=course.time_limit)
    for happening, draw in course.steps:
        story.step(happening, draw)
    return story


def any_course(test: Callable[[Course], None]) -> Callable[[], None]:
    return settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])(given(courses())(test))


@any_course
def test_whatever_happens_it_ends_once_all_results_timers_and_decisions_are_in(course: Course) -> None:
    story = told(course)
    story.finish_everything()
    assert story.state.status in TERMINAL
    ends = sum(getattr(event.data, "final", event.type in ENDINGS[1:]) is True for event in story.events)
    assert ends <= 1 + sum(isinstance(event.data, ExecutionReopened) for event in story.events)
    assert story.events[-1].type in ENDINGS


@any_course
def test_an_execution_without_an_open_point_ends_by_itself(course: Course) -> None:
    story = told(course)
    while story.state.status not in TERMINAL:
        story.finish_blocks()
        for instance, child in story.children_at_work():
            story.child(instance, child, "completed")
        due = story.state.next_due()
        if due is None and not story.tries:
            break
        story.later(max(0, (due or story.now) - story.now))
    assert story.state.status in TERMINAL or any(story.state.open_points())


@any_course
def test_no_block_completes_twice_and_no_try_starts_twice(course: Course) -> None:
    story = told(course)
    story.finish_everything()
    ends = Counter(instance_of(e.data) for e in story.events if ended_for_good(e))
    assert all(count == 1 for count in ends.values())
    starts = Counter(
        (instance_of(e.data), e.attempt or 1) for e in story.events if isinstance(e.data, BlockStarted)
    )
    assert all(count == 1 for count in starts.values())


@any_course
def test_each_run_that_began_ends_once_and_whoever_waits_is_told_by_which_event(course: Course) -> None:
    story = told(course)
    story.finish_everything()
    ended = dict(story.ended)
    assert len(ended) == len(story.ended)
    for run_id, run in story.state.runs.items():
        assert ended[run_id] == run.ended_event
        assert story.events[ended[run_id] - 1].type in ENDINGS
    assert ended.keys() >= {entry.run_id for entry in story.state.entries.values()}


@any_course
def test_a_block_starts_when_its_edges_are_settled_and_one_was_taken(course: Course) -> None:
    story = told(course)
    story.finish_everything()
    seen: list[Event] = []
    for event in story.events:
        if isinstance(event.data, BlockStarted) and event.attempt is None and event.data.block_id != "start":
            turns = turns_of(event.data)
            assert is_ready(course.graph, event.data.block_id, turns, seen), (
                f"{instance_of(event.data)} started too soon"
            )
        seen.append(event)
    if story.state.status == "completed" and not any(run.halted for run in story.state.runs.values()):
        started = {instance_of(event.data) for event in seen if isinstance(event.data, BlockStarted)}
        due = {
            name + path_of(turns)
            for turns in turns_in(seen)
            for name in course.graph.nodes
            if name != "start" and is_ready(course.graph, name, turns, seen)
        }
        assert started == due | {"start"}


@any_course
def test_the_log_is_a_gapless_chain_and_any_prefix_of_it_has_a_state(course: Course) -> None:
    story = told(course)
    assert broken_link(story.raws) is None
    state = State()
    for raw in story.raws:
        evolve(state, decode_event(raw), course.graph)
        state.next_due()
        state.parked()
    assert state == story.state


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(courses(), st.integers(0, 200))
def test_a_snapshot_in_the_middle_changes_nothing(course: Course, place: int) -> None:
    story = told(course)
    middle = place % (len(story.raws) + 1)
    state = msgspec.json.decode(msgspec.json.encode(refold(story.raws[:middle], course.graph)), type=State)
    for raw in story.raws[middle:]:
        evolve(state, decode_event(raw), course.graph)
    assert state == story.state


@any_course
def test_the_same_inputs_give_the_same_bytes_and_effects(course: Course) -> None:
    story = told(course)
    again = Story(course.graph)
    for now, message in story.inputs:
        again.now = now
        again.send(message)
    assert again.raws == story.raws
    assert (again.ended, again.stopped) == (story.ended, story.stopped)


@any_course
def test_a_process_that_dies_after_any_input_changes_neither_the_past_nor_the_possibility_to_end(
    course: Course,
) -> None:
    story = Chance(course.graph)
    story.start({"x": 1}, mode=course.mode, time_limit=course.time_limit)
    for happening, draw in course.steps:
        story.step(happening, draw)
        before = list(story.raws)
        story.crash()
        assert story.raws[: len(before)] == before
    story.finish_everything()


@any_course
def test_a_resumed_runs_events_name_their_run_and_no_other(course: Course) -> None:
    story = told(course)
    story.finish_everything()
    known: set[str | None] = {None}
    for event in story.events:
        if isinstance(event.data, (ExecutionResumed, ExecutionReopened, ResumeQueued)):
            assert event.run_id == event.data.resume_execution_id
            known.add(event.run_id)
        assert event.run_id in known


@any_course
def test_what_caused_an_event_is_a_command_or_an_earlier_event(course: Course) -> None:
    story = told(course)
    story.finish_everything()
    commands = {an_id(number + 1) for number in range(len(story.inputs))}
    for event in story.events:
        assert event.causation_id in commands or 0 < int(event.causation_id) < event.event_id


def instance_of(data: BlockEvent) -> str:
    return data.block_id + path_of(turns_of(data))


def ended_for_good(event: Event) -> bool:
    return isinstance(event.data, BlockCompleted) or (
        isinstance(event.data, BlockError) and event.data.handled
    )


def turns_in(seen: Sequence[Event]) -> list[list[Turn]]:
    """Where blocks ran: the workflow itself, and each turn of a container that began."""
    found: list[list[Turn]] = [[]]
    totals = {
        event.data.block_id + path_of(turns_of(event.data)): event.data.total
        for event in seen
        if isinstance(event.data, ContainerOpened)
    }
    for event in seen:
        if isinstance(event.data, (LoopIteration, ParallelBranch)):
            outer = turns_of(event.data)
            turn = Turn(
                iteration_current=event.data.index,
                iteration_total=totals[event.data.container_id + path_of(outer)],
                iteration_type="loop" if isinstance(event.data, LoopIteration) else "parallel",
                iteration_container_id=event.data.container_id,
            )
            found.append([*outer, turn])
    return found


def is_ready(graph: Graph, name: str, turns: Sequence[Turn], seen: Sequence[Event]) -> bool:
    """Told from the definition and the log alone: is every edge into a block settled, and one taken?

    A block that nothing leads to is ready when its turn has begun.
    """
    if graph.nodes[name].around != tuple(turn.iteration_container_id for turn in turns):
        return False
    edges = list(edges_into(graph, name, [e for e in seen if is_in(e, turns)]))
    return (not edges and bool(turns)) or (None not in edges and True in edges)


def is_in(event: Event, turns: Sequence[Turn]) -> bool:
    return isinstance(event.data, BlockEvent) and turns_of(event.data) == list(turns)


def edges_into(graph: Graph, name: str, seen: Sequence[Event]) -> Iterator[bool | None]:
    """Per edge: taken, dead, or not settled yet (``None``)."""
    ends: dict[str, BlockCompleted | BlockError] = {
        event.data.block_id: event.data
        for event in seen
        if isinstance(event.data, BlockCompleted)
        or (isinstance(event.data, BlockError) and event.data.handled)
    }
    for source, node in graph.nodes.items():
        for edge in node.edges:
            if edge.target != name:
                continue
            end = ends.get(source)
            if isinstance(end, BlockCompleted):
                yield fires(edge, output=end.output, failed=False)
            elif end is not None:
                yield edge.handle == ERROR
            elif source == "start" or set(edges_into(graph, source, seen)) != {False}:
                yield None
            else:
                yield False
