"""Checks of what is refused, and of other methods."""

from collections.abc import Mapping
from typing import Final
from uuid import uuid4

from signoff.client.stream_checks.cursors import body_of
from signoff.client.stream_checks.evidence import Evidence, expect, stream_path
from signoff.client.stream_checks.wire import Answer

_METHODS: Final = ("POST", "DELETE")


async def knows_what_is_there(evidence: Evidence) -> None:
    """S-18."""
    never = str(uuid4())
    for path in (stream_path(evidence.workflow_id, never), stream_path(never, evidence.execution_id)):
        _is_refused(await evidence.wire.ask("GET", path), 404)
    if evidence.other_workflow is not None:
        path = stream_path(evidence.other_workflow, evidence.execution_id)
        _is_refused(await evidence.wire.ask("GET", path), 403)


async def tells_strangers_nothing(evidence: Evidence) -> None:
    """S-19."""
    strangers: tuple[Mapping[str, str], ...] = ({}, {"X-API-Key": "none"}, {"Authorization": "Bearer none"})
    for headers in strangers:
        told = await evidence.wire.ask("GET", evidence.path, headers=headers, bare=True)
        _is_refused(told, 401)
        expect(evidence.execution_id.encode() not in told.body, "nothing of the execution", told.body)


async def answers_other_methods(evidence: Evidence) -> None:
    """S-20."""
    head = await evidence.wire.ask("HEAD", evidence.path)
    told = (head.status, head.headers.get("Content-Type", "").partition(";")[0], head.body)
    expect(told == (200, "text/event-stream", b""), "the headers of the stream", told)
    options = await evidence.wire.ask("OPTIONS", evidence.path)
    _allows(options, 204)
    for method in _METHODS:
        _allows(await evidence.wire.ask(method, evidence.path), 405)


def _is_refused(answer: Answer, status: int) -> None:
    said = body_of(answer)
    right = answer.status == status and isinstance(said.get("error"), str)
    expect(right, f"{status} with an error in JSON", (answer.status, answer.body[:200]))


def _allows(answer: Answer, status: int) -> None:
    allowed = {each.strip() for each in answer.headers.get("Allow", "").split(",")}
    right = answer.status == status and {"GET", "HEAD", "OPTIONS"} <= allowed
    expect(right, f"{status} that allows GET, HEAD and OPTIONS", (answer.status, *sorted(allowed)))
