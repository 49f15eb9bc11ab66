"""A state as plain JSON, under names that mean the same in every state: what differences are of."""

from typing import Any

from signoff.audit.life.hiding import hide_secrets
from signoff.engine.state import PausePoint, ResumeEntry, State
from signoff.events.times import iso
from signoff.events.types import Json


def shape_of(state: State) -> dict[str, Any]:
    """What an execution has come to, by names that do not depend on when or where it was.

    Args:
        state: folded with or without the graph.

    Returns:
        ``status``, ``workflowVersion``, ``definitionDigest``, ``input``, ``output``, ``error``,
        ``variables``, ``blocks`` by instance, ``pausePoints`` and ``decisions`` by context. Values are in
        stored form; what was submitted in secret is hidden.
    """
    return {
        "status": state.status,
        "workflowVersion": state.workflow_version,
        "definitionDigest": state.definition_digest,
        "input": state.input,
        "output": state.output,
        "error": None if state.failure is None else state.failure.error,
        "variables": dict(state.variables),
        "blocks": _blocks(state),
        "pausePoints": {point.context_id: _point(point) for point in state.points.values()},
        "decisions": _decisions(state),
    }


def _blocks(state: State) -> dict[str, Any]:
    """Blocks that gave something, and those that are at work or wait."""
    blocks: dict[str, Any] = {name: {"output": output} for name, output in state.outputs.items()}
    for point in state.points.values():
        if point.context_id in blocks:
            blocks[point.context_id] = {
                "output": hide_secrets(point.response, state.outputs[point.context_id])
            }
    for flight in state.in_flight.values():
        doing = "running" if flight.rests is None else f"waits ({flight.rests})"
        blocks[flight.instance] = {"status": doing, "attempt": flight.attempt}
    return blocks


def _point(point: PausePoint) -> Json:
    return {
        "status": point.status,
        "kind": point.kind,
        "title": point.title,
        "contentDigest": point.content_digest,
        "assignees": list(point.assignees),
        "claimedBy": point.claimed_by,
        "returned": point.returned,
        "comments": point.comments,
        "deadlineStep": point.step,
    }


def _decisions(state: State) -> dict[str, Json]:
    """All that was decided, by the point that it was on; several on one point in their order."""
    found: dict[str, Json] = {}
    for point in state.points.values():
        for number, each in enumerate(point.decisions, start=1):
            found[f"{point.context_id} ({number})"] = {
                "by": each.actor.name or each.actor.id,
                "at": iso(each.at),
                "verdict": each.verdict,
                "submission": hide_secrets(point.response, each.submission),
            }
    for entry in state.entries.values():
        point = state.points[entry.context_id]
        if point.kind == "human":
            found[entry.context_id] = _entry(point, entry)
    return found


def _entry(point: PausePoint, entry: ResumeEntry) -> Json:
    made = entry.made
    return {
        "by": entry.actor.name or entry.actor.id,
        "at": iso(entry.queued_at),
        "authMethod": None if made is None else made.auth_method,
        "contentDigest": None if made is None else made.content_digest,
        "submission": hide_secrets(point.response, entry.submission),
        "status": entry.status,
    }
