"""Several people decide together: what each one's decision counts, and when the point is settled."""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from signoff.engine.points.standing import Standing
from signoff.engine.state import PausePoint
from signoff.events.times import iso
from signoff.events.types import Json, Quorum, Verdict


class Count(Struct, frozen=True, kw_only=True):
    """What a decision comes to, together with those before it.

    Attributes:
        verdict: what it says itself.
        weight: what it counts.
        approvals: the weight of all that say yes.
        rejections: the weight of all that say no.
        settled: whether the point is decided by it.
    """

    verdict: Verdict
    weight: int
    approvals: int
    rejections: int
    settled: bool


def count(point: PausePoint, quorum: Quorum, standing: Standing, submission: Mapping[str, Any]) -> Count:
    """Count one more decision on a point."""
    approves = quorum.field is None or bool(submission.get(quorum.field))
    weights = [weight for key, weight in quorum.weights.items() if key in standing.keys]
    weight = max(weights, default=1)
    approvals, rejections = progress(point)
    approvals += weight if approves else 0
    rejections += 0 if approves else weight
    vetoed = not approves and not standing.keys.isdisjoint(quorum.veto)
    return Count(
        verdict="approved" if approves else "rejected",
        weight=weight,
        approvals=approvals,
        rejections=rejections,
        settled=vetoed or approvals >= quorum.required or rejections >= quorum.rejections,
    )


def progress(point: PausePoint) -> tuple[int, int]:
    """The weights of the approvals and of the rejections of a point so far."""
    approvals = sum(each.weight for each in point.decisions if each.verdict == "approved")
    return approvals, sum(each.weight for each in point.decisions) - approvals


def decisions_output(point: PausePoint) -> list[Json]:
    """Who decided what, for the blocks that follow."""
    return [
        {
            "submittedBy": each.submitted_by,
            "submittedAt": iso(each.at),
            "verdict": each.verdict,
            "weight": each.weight,
            "submission": each.submission,
        }
        for each in point.decisions
    ]
