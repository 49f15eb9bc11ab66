"""What an execution with several pause points does: its rules alone, and nothing of how Signoff does it.

The workflow is a tree of steps. A step is a block, or a point where people decide; it begins when the one
before it has ended. One run is at work at a time: the first one, or one that a decision began.
"""

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from model.terms import ENDED, Policy, RefusedError, Seat, Step, Who, refuse


@dataclass(eq=False)
class Run:
    point: "Point | None" = None  # whose decision began it
    working: dict[str, int] = field(default_factory=dict)  # its blocks, with the number of the try
    failed: bool = False


@dataclass(eq=False)
class Point:
    """A place where people decide. ``votes``: who, in whose place, yes or no, what it weighs."""

    name: str
    policy: Policy
    run: Run
    opened: int
    content: str
    who: list[str]
    status: str = "paused"
    settled: bool = False
    answer: bool | None = None  # the verdict; without one a settled point has failed
    began: Run | None = None
    struck: int = 0
    claimed: str | None = None
    delegates: dict[str, str | None] = field(default_factory=dict)
    away: set[str] = field(default_factory=set)
    returned: bool = False
    votes: list[tuple[str, str | None, bool, int]] = field(default_factory=list)

    def count(self) -> tuple[int, int]:
        yes = sum(weight for _, _, approves, weight in self.votes if approves)
        return yes, sum(weight for *_, weight in self.votes) - yes

    def seat(self, who: Who, starter: str) -> Seat:
        """First as a delegate, then in one's own right, then for an absent one who has not decided."""
        if who.user in self.delegates:
            return who.person, self.delegates[who.user], who.keys
        if who.person not in self.away and (not self.who or who.keys & set(self.who)):
            return who.person, None, who.keys
        spent = {"" if self.policy.starter else starter, *(n for vote in self.votes for n in vote[:2])}
        for absent, keys in sorted(who.stands_in.items(), key=lambda each: each[0] in spent):
            if absent not in self.away and (keys & set(self.who) or absent in self.delegates):
                return who.person, absent, keys
        raise RefusedError("NOT_ELIGIBLE")

    def may(self, who: Who, starter: str, *, now: bool = True) -> Seat:
        """As whom somebody may decide. Each person counts once, themselves or through another."""
        seat = self.seat(who, starter)
        people = {*seat[:2]} - {None}
        refuse("SELF_APPROVAL", when=not self.policy.starter and starter in people)
        refuse("ALREADY_DECIDED", when=any(people & {*vote[:2]} for vote in self.votes))
        refuse("CLAIMED", when=self.claimed is not None and self.claimed not in people)
        refuse("RETURNED", when=now and self.returned)
        refuse("CODE_REQUIRED", when=now and self.policy.code and who.needs_code)
        return seat


class Execution:
    def __init__(self, steps: Mapping[str, Step], roots: Iterable[str], starter: str) -> None:
        self.steps, self.starter, self.status = steps, starter, "running"
        self.points: dict[str, Point] = {}
        self.queue: list[tuple[Point, Run | None]] = []  # with the run that failed, where it is tried again
        self.held: dict[str, tuple[str, Who, bool | None, int]] = {}
        self.done: set[str] = set()
        self.lost: dict[str, Run] = {}
        self.tries: dict[str, int] = {}
        self.run: Run | None = Run()
        self._start(roots)

    def command(self, command_id: str, now: int, asked: Callable[[], object]) -> object:
        """Somebody asks something. What was granted once is not done again."""
        self.later(now)
        if command_id in self.done:
            return "duplicate"
        try:
            answer = asked()
        except RefusedError as refusal:
            return str(refusal)
        self.done.add(command_id)
        self._take_turns()
        return "done" if answer is None else answer

    def result(self, step: str, tried: int, outcome: str, now: int, content: str = "") -> None:
        """A try of a step ended: it ``succeeds``, ``fails`` or, of a point, ``pauses``."""
        self.later(now)
        run, policy = self.run, self.steps[step].policy
        if run is None or run.working.get(step) != tried:
            return  # it comes too late
        del run.working[step]
        if outcome == "succeeds":
            self._start(self.steps[step].then)
        elif outcome == "fails":
            self._fail(run, step)
        elif policy is not None:
            self.points[step] = Point(step, policy, run, now, content, list(policy.who))
        self._settle_run()
        if outcome == "pauses":
            self._take_held(self.points[step])
        self._take_turns()

    def crash(self, now: int) -> None:
        """The process is lost: what was at work is tried again, but not what time has just begun."""
        before = dict(self.run.working) if self.run else {}
        self.later(now)
        for step in [step for step in before if self.run and self.run.working.get(step) == before[step]]:
            self._start([step], again=True)

    def later(self, now: int) -> None:
        """Time passes: what was due happens, the earliest first."""
        while (due := self.next_due()) is not None and due[0] <= now:
            if self.held.pop(due[1], None) is None:
                self._strike(self.points[due[1]])
            self._take_turns()

    def next_due(self) -> tuple[int, str] | None:
        waiting = [point for point in self.points.values() if point.status == "paused"]
        due = [(p.opened + after, p.name) for p in waiting for after, *_ in p.policy.ladder[p.struck :][:1]]
        return min([*due, *((expires, name) for name, (*_, expires) in self.held.items())], default=None)

    def decide(self, name: str, who: Who, answer: bool | None, seen: str | None = None) -> object:
        return self._count(self.open(name), who, self._checked(self.open(name), who, answer, seen))

    def hold(self, held_id: str, name: str, who: Who, answer: bool | None, until: int) -> object:
        if name in self.points or self.status in ENDED:
            return self.decide(name, who, answer, "nothing" if who.page else None)
        refuse("POINT_NOT_FOUND", when=name not in self.steps or self.steps[name].policy is None)
        self.held[held_id] = (name, who, answer, until)
        return "held"

    def retry(self, name: str, who: Who, answer: bool | None, *, anew: bool) -> object:
        """Try a point again whose run failed, with what was decided on it or (``anew``) something else."""
        point = self.points.get(name) or self.open(name)
        refuse("NOT_FAILED", when=point.status != "failed" or self.status in ("completed", "cancelled"))
        refuse("NOT_ELIGIBLE", when=anew and (point.policy.required > 0 or point.answer is None))
        verdict = self._checked(point, who, answer, None) if anew else point.answer
        return self._settle(point, verdict, retry_of=point.began)

    def claim(self, name: str, who: Who) -> None:
        point = self.open(name)
        refuse("NOT_CLAIMABLE", when=point.policy.required > 0)
        point.may(who, self.starter, now=False)
        refuse("CLAIMED", when=point.claimed == who.person)
        point.claimed = who.person

    def release(self, name: str, who: Who) -> None:
        point = self.open(name)
        refuse("NOT_CLAIMED", when=point.claimed is None)
        refuse("NOT_ELIGIBLE", when=point.claimed != who.person and not who.operator)
        point.claimed = None

    def delegate(self, name: str, who: Who, to: str) -> None:
        """Give one's seat, or the one that one was given, to another user."""
        point = self.open(name)
        _, instead_of, _ = point.may(who, self.starter)
        refuse("BAD_REQUEST", when=who.person == to)
        refuse("NOT_DELEGABLE", when=to in point.delegates or any(to in vote[:2] for vote in point.votes))
        owner = instead_of or who.person
        point.delegates.pop(who.person, None)
        point.delegates[to] = owner if owner != to and (instead_of or who.user) else None
        point.away = (point.away | {owner}) - {to}
        point.claimed = point.claimed if point.policy.required else to

    def reassign(self, name: str, assignees: list[str]) -> None:
        """Others decide from now on; no seat that was given, and no claim, is left."""
        point = self.open(name)
        point.who, point.claimed, point.delegates, point.away = list(assignees), None, {}, set()

    def send_back(self, name: str, who: Who) -> None:
        (point := self.open(name)).may(who, self.starter)
        point.returned, point.claimed = True, None

    def amend(self, name: str, content: str, seen: str) -> None:
        """Show something else: what was decided on the former content does not count."""
        point = self.open(name)
        refuse("CONTENT_CHANGED", when=seen != point.content)
        point.content, point.returned, point.votes = content, False, []

    def cancel(self) -> None:
        """End it now: open points close, decisions in the queue have no run any more."""
        refuse("ALREADY_CANCELLED", when=self.status == "cancelled")
        refuse("FINISHED", when=self.status in ENDED)
        for point in self.points.values():
            point.status = {"paused": "closed", "resumed": "resumed", "closed": "closed"}.get(
                point.status, "failed"
            )
        self.status, self.run, self.queue, self.held = "cancelled", None, [], {}

    def retry_all(self) -> None:
        """Start everything that is lost again, in one run without a point."""
        refuse("NOT_FAILED", when=self.status != "failed")
        for point in self.points.values():
            point.status = "resumed" if point.status == "failed" else point.status
        self.status, self.run = "running", Run()
        self._start([*self.lost])

    def open(self, name: str) -> Point:
        """A point about which something can be done."""
        refuse("NOT_PAUSED", when=not self.points)
        refuse("POINT_NOT_FOUND", when=name not in self.points)
        refuse("ALREADY_RESUMED", when=self.points[name].settled)
        refuse("NOT_RESUMABLE", when=self.points[name].status != "paused")
        return self.points[name]

    def _checked(self, point: Point, who: Who, answer: bool | None, seen: str | None) -> bool:
        point.may(who, self.starter)
        refuse("CONTENT_CHANGED", when=seen not in (None, point.content))
        refuse("FORM_INVALID", when=answer is None)
        return bool(answer)

    def _count(self, point: Point, who: Who, answer: bool) -> object:
        policy, (person, instead_of, keys) = point.policy, point.seat(who, self.starter)
        weight = max((policy.weights[key] for key in keys & policy.weights.keys()), default=1)
        point.votes += [(person, instead_of, answer, weight)] if policy.required else []
        approvals, rejections = point.count()
        settled = approvals >= policy.required or rejections >= policy.rejections
        if settled or (not answer and keys & policy.veto):
            return self._settle(point, answer)
        return "recorded", answer, approvals

    def _settle(self, point: Point, answer: bool | None, retry_of: Run | None = None) -> object:
        """A point is decided, whether its run begins now or waits behind another."""
        point.settled, point.answer, point.status = True, answer, "queued"
        point.claimed, point.returned = None, False
        self.queue.append((point, retry_of))
        if self.run is not None:
            return "queued", len(self.queue)
        self._take_turns()
        return "accepted"

    def _take_turns(self) -> None:
        """Decisions have their runs one after the other, in the order in which they were taken."""
        while self.queue and self.run is None:
            point, retry_of = self.queue.pop(0)
            self.run = point.began = Run(point)
            self.status, point.status = "running", "resuming"
            if retry_of is not None:
                self._start([name for name, failed in self.lost.items() if failed is retry_of])
            elif point.answer is not None:
                self._start(self.steps[point.name].then)
            else:
                self._fail(self.run, point.name)
            self._settle_run()

    def _start(self, steps: Iterable[str], *, again: bool = False) -> None:
        """Steps begin; in a run that has failed none does, but those at work are tried ``again``."""
        for step in steps:
            if self.run and (again or not self.run.failed):
                self.tries[step] = self.run.working[step] = self.tries.get(step, 0) + 1
                self.lost.pop(step, None)
            elif self.run:
                self.lost[step] = self.run

    def _fail(self, run: Run, step: str) -> None:
        self._start(self.steps[step].rescue)
        if not self.steps[step].rescue:
            run.failed, self.lost[step] = True, run

    def _settle_run(self) -> None:
        """A run ends with its last block; one that failed closes the points that it opened."""
        run = self.run
        if run is None or run.working:
            return
        self.run = None
        for point in self.points.values():
            if run.failed and point.run is run and point.status == "paused":
                point.status, self.lost[point.name] = "closed", run
        if run.point is not None and self.points[run.point.name] is run.point:
            run.point.status = "failed" if run.failed else "resumed"
        goes_on = any(point.status in ("paused", "queued") for point in self.points.values())
        self.status = "paused" if goes_on else "failed" if self.lost else "completed"
        self.held = self.held if goes_on else {}

    def _strike(self, point: Point) -> None:
        _, action, to = point.policy.ladder[point.struck]
        point.struck += 1
        if action == "escalate":
            point.claimed = None
            point.who += [key for key in to if point.who and key not in point.who]
        elif action != "remind":
            self._settle(point, False if action == "decide" else None)

    def _take_held(self, point: Point) -> None:
        for held_id in [held_id for held_id, (name, *_) in self.held.items() if name == point.name]:
            if held_id in self.held:  # else the one before it ended the execution
                _, who, answer, _ = self.held.pop(held_id)
                with suppress(RefusedError):
                    self._count(self.open(point.name), who, self._checked(point, who, answer, None))
