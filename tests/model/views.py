"""What the reference says of an execution, as :meth:`model.engine.Engine.view` tells it of the engine's."""

from typing import Any

from model.reference import Execution, Point
from model.terms import RefusedError, Who
from model.world import PEOPLE


def view_of(reference: Execution) -> dict[str, Any]:
    """What the reference says of an execution."""
    due = reference.next_due()
    waiting = {name: point for name, point in reference.points.items() if point.status == "paused"}
    return {
        "status": reference.status,
        "points": {name: point.status for name, point in reference.points.items()},
        "counts": {name: point.count() for name, point in waiting.items()},
        "content": {name: point.content for name, point in waiting.items()},
        "claims": {name: point.claimed for name, point in waiting.items()},
        "who may": {
            name: who_may(reference, name)
            for name, point in reference.points.items()
            if point.status in ("paused", "failed")
        },
        "working": {} if reference.run is None else reference.run.working,
        "queue": [point.name for point, _ in reference.queue],
        "held": list(reference.held),
        "due": None if due is None else due[0],
        "inbox": {name: inbox_of(reference, point) for name, point in waiting.items()},
    }


def inbox_of(reference: Execution, point: Point) -> tuple[set[str], str | None, set[str], int, bool]:
    """As an inbox shows a point: who is asked, who has it, who is not asked again, how far it is."""
    gone = {person for vote in point.votes for person in vote[:2] if person} | point.away
    candidates = {*point.who, *(f"user:{each}" for each in point.delegates)}
    excluded = gone if point.policy.starter else gone | {reference.starter}
    return candidates, point.claimed, excluded, point.count()[0], point.returned


def who_may(reference: Execution, name: str) -> set[str]:
    def may(who: Who) -> bool:
        try:
            return bool(reference.points[name].may(who, reference.starter))
        except RefusedError:
            return False

    return {label for label, person in PEOPLE.items() if may(person.who)}
