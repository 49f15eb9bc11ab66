"""What a log tells, read from the JSON of its events alone: the same for the engine and for a server."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

_BEGINS = {"execution:started", "execution:resumed", "execution:reopened", "execution:forked"}
_ENDS = {"execution:paused", "execution:completed", "execution:error", "execution:cancelled"}


class Told:
    """One execution as its events tell it.

    Args:
        events: the log from its beginning, as JSON values.
    """

    def __init__(self, events: Sequence[Any]) -> None:
        self.events = events

    def __str__(self) -> str:
        return "\n".join(f"{event['eventId']:>4} {in_short(event)}" for event in self.events)

    @property
    def status(self) -> str:
        """Running, paused, completed, failed or cancelled, in lower case; ``nothing`` without any event."""
        if self.running:
            return "running"
        kind = next((event["type"] for event in reversed(self.events) if event["type"] in _ENDS), "nothing")
        if kind == "execution:error":
            return "failed" if self.last_end["final"] else "paused"
        return str(kind).removeprefix("execution:")

    @property
    def running(self) -> bool:
        """Whether a run has begun and not ended."""
        cancelled = [event for event in self.events if event["type"] == "execution:cancelled"]
        if any("copyOf" not in event for event in cancelled):
            return False
        events = self.events[cancelled[-1]["eventId"] :] if cancelled else self.events  # of a fork's source
        begun = sum(event["type"] in _BEGINS and not _is_half(event) for event in events)
        return begun > sum(event["type"] in _ENDS for event in events)

    @property
    def output(self) -> Any:
        """Of the run that ended last."""
        return self.last_end.get("output")

    @property
    def error(self) -> str | None:
        """Of the run that ended last."""
        error: str | None = self.last_end.get("error")
        return error

    @property
    def last_end(self) -> dict[str, Any]:
        """The data of the event by which a run ended last; nothing before."""
        ends = (event["data"] for event in reversed(self.events) if event["type"] in _ENDS)
        return next(ends, {})

    @property
    def outputs(self) -> dict[str, Any]:
        """By block instance: the output of those that ended well, ``{"error"}`` of those that did not."""
        return {
            instance(event): _output(event)
            for event in self.events
            if event["type"] in ("block:completed", "block:error")
        }

    @property
    def ended(self) -> list[str]:
        """Block instances in the order in which they ended, well or not."""
        return [
            instance(event) for event in self.events if event["type"] in ("block:completed", "block:error")
        ]

    @property
    def tries(self) -> Counter[str]:
        """How often each block instance was started."""
        return Counter(instance(event) for event in self.events if event["type"] == "block:started")

    @property
    def points(self) -> list[str]:
        """Contexts that wait for a decision, in the order in which they opened."""
        points: dict[str, None] = {}
        for event in self.events:
            match event["type"]:
                case "pause:opened":
                    points[event["data"]["contextId"]] = None
                case "pause:closed" | "execution:resumed" | "resume:queued":
                    points.pop(event["data"]["contextId"], None)
        return list(points)

    @property
    def most_at_once(self) -> Counter[str]:
        """By block: the largest number of its instances that were at work at one moment of the log."""
        now: Counter[str] = Counter()
        most: Counter[str] = Counter()
        for event in self.events:
            block_id = event["data"].get("blockId")
            if event["type"] == "block:started":
                now[block_id] += 1
                most[block_id] = max(most[block_id], now[block_id])
            elif event["type"] in ("block:completed", "block:error"):
                now[block_id] -= 1
        return most

    def first_run(self) -> "Told":
        """The log up to the end of the first run: what its answer speaks of, whatever has happened since."""
        ends = (number for number, event in enumerate(self.events, 1) if event["type"] in _ENDS)
        return Told(self.events[: next(ends, None)])

    def said(self, name: str) -> str:
        """What the last try of a block instance that streamed has said."""
        text = ""
        for event in self.events:
            if event["type"] == "stream:chunk" and instance(event) == name:
                offset = event["data"]["offset"]
                assert offset in (0, len(text)), f"a part of what {name} said is missing:\n{self}"
                text = text[:offset] + event["data"]["chunk"]
        return text

    def child_of(self, name: str) -> dict[str, Any]:
        """The data of the event by which a block instance called a workflow last."""
        calls = (event for event in reversed(self.events) if event["type"] == "child:called")
        return next(each["data"] for each in calls if instance(each) == name)

    def digest_of(self, context_id: str, *, first: bool = False) -> str:
        """The digest of what a pause point shows now, or what it showed at first."""
        shown = [
            str(event["data"]["contentDigest"])
            for event in self.events
            if event["type"] in ("pause:opened", "pause:amended") and event["data"]["contextId"] == context_id
        ]
        return shown[0 if first else -1]

    def of_type(self, kind: str) -> Iterator[Any]:
        """The data of the events of a type."""
        return (event["data"] for event in self.events if event["type"] == kind)


def _is_half(event: Any) -> bool:
    """Whether an execution is reopened for a point, or forked where it waits: the event begins no run."""
    if event["type"] == "execution:forked":
        return "resumeExecutionId" not in event["data"]
    return event["type"] == "execution:reopened" and "contextId" in event["data"]


def _output(event: Any) -> Any:
    data = event["data"]
    return data.get("output") if event["type"] == "block:completed" else {"error": data["error"]}


def instance(event: Any) -> str:
    """The block of an event with every turn around it, outermost first: ``step₍1₎_loop0``."""
    data: dict[str, Any] = event["data"]
    turns = [*data.get("parentIterations", ()), *([data] if "iterationType" in data else ())]
    return str(data["blockId"]) + "".join(_turn(each) for each in turns)


def _turn(turn: Any) -> str:
    index = turn["iterationCurrent"]
    return f"_loop{index}" if turn["iterationType"] == "loop" else f"₍{index}₎"


def in_short(event: Any) -> str:
    """An event as cases name it: its type and what it is about."""
    data = event["data"]
    if "blockId" in data and not event["type"].startswith(("execution:", "pause:", "timer:")):
        return f"{event['type']} {instance(event)}"
    subject = next((data[name] for name in ("contextId", "containerId", "timerId") if name in data), "")
    return event["type"] if event["type"].startswith("execution:") else f"{event['type']} {subject}".strip()
