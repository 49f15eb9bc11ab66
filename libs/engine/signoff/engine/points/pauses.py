"""What a pause point shows, and what its block gives before and after the decision.

The shapes are Sim's (sim-workflow-format.md, 4, ``human_in_the_loop``). Links are plain paths.
"""

import hashlib
from collections.abc import Mapping
from typing import Any

import msgspec

from signoff.engine.deciding.display import response_parts, response_structure
from signoff.engine.definitions.forms import form_fields
from signoff.engine.definitions.values import parse_json
from signoff.events.escapes import escape
from signoff.events.types import Json


def resume_links(*, workflow_id: str, execution_id: str, context_id: str) -> dict[str, str]:
    """Where a point is resumed: by program (``apiUrl``) and by a person (``uiUrl``), as paths."""
    return {
        "apiUrl": f"/api/resume/{workflow_id}/{execution_id}/{context_id}",
        "uiUrl": f"/resume/{workflow_id}/{execution_id}?contextId={context_id}",
        "contextId": context_id,
        "executionId": execution_id,
        "workflowId": workflow_id,
    }


def pause_response(params: Mapping[str, Any], links: Mapping[str, str]) -> dict[str, Any]:
    """What the run answers when it stops at a point: display data, form, links.

    Args:
        params: the block's parameters, references resolved.
        links: as :func:`resume_links` gives them.
    """
    if params.get("operation") == "api":
        parts = response_parts(params)
        data = parts["data"] if isinstance(parts["data"], dict) else {"value": parts["data"]}
        return {"data": {**data, "operation": "api", "_resume": dict(links)}, **_without_data(parts)}
    return {
        "data": {
            "operation": "human",
            "responseStructure": response_structure(params.get("builderData")),
            "inputFormat": form_fields(params),
            "submission": None,
            "_resume": dict(links),
        },
        "status": 200,
        "headers": {"Content-Type": "application/json"},
    }


def _without_data(parts: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in parts.items() if name != "data"}


def content_digest(response: Mapping[str, Any], definition_digest: str, title: str | None) -> str:
    """Names exactly what a maker is shown: title, display data, form and definition, not the links."""
    data = {name: value for name, value in response["data"].items() if name != "_resume"}
    canonical = msgspec.json.encode([data, definition_digest, title], order="sorted")
    return f"sha256:{hashlib.sha256(canonical).hexdigest()}"


def form_of(response: Json) -> list[dict[str, Any]]:
    """The fields that a submission is checked against; none where the point shows no form."""
    data = response.get("data") if isinstance(response, dict) else None
    fields = data.get("inputFormat") if isinstance(data, dict) else None
    return fields if isinstance(fields, list) else []


def pending_output(response: Json) -> Json:
    """The pause block's output while it waits: form fields with their defaults, what is shown, links."""
    data = response.get("data") if isinstance(response, dict) else None
    links = data.get("_resume") if isinstance(data, dict) else None
    if not isinstance(links, dict):
        return response
    fields = {field["name"]: field.get("value") for field in form_of(response)}
    return {**fields, "response": response, "url": links["uiUrl"], "resumeEndpoint": links["apiUrl"]}


def normalise_input(value: Json) -> dict[str, Any]:
    """A resume body's input as an object (http-contract.md, ``POST /api/resume``)."""
    if isinstance(value, str):
        value = escape(parse_json(value, fallback=value))
    if isinstance(value, dict):
        return value
    return {"value": value} if value else {}


def submission_of(resume_input: dict[str, Any]) -> dict[str, Any]:
    """What fills the form: ``input.submission`` if it is an object, else the whole input."""
    submission = resume_input.get("submission")
    return submission if isinstance(submission, dict) else resume_input


def submitted_output(
    response: Json,
    *,
    resume_input: Json,
    submission: Mapping[str, Any],
    submitted_by: str,
    submitted_at: str,
    told: Mapping[str, Json] | None = None,
) -> dict[str, Any]:
    """The pause block's output after the decision; every submitted field stands at top level.

    What a maker adds to the fields of the form never stands in the place of what the engine tells, such as
    who decided.

    Args:
        response: what the point shows.
        resume_input: what was sent.
        submission: what fills the form.
        submitted_by: who decided.
        submitted_at: when, ISO 8601.
        told: what the engine tells besides.
    """
    shown = {
        **response,
        "data": {**response["data"], "submission": dict(submission), "submittedAt": submitted_at},
    }
    output = {
        **pending_output(response),
        "response": shown,
        "submission": dict(submission),
        "resumeInput": resume_input,
        "submittedAt": submitted_at,
        "submittedBy": submitted_by,
        **(told or {}),
    }
    own = {field["name"] for field in form_of(response)}
    return output | {name: value for name, value in submission.items() if name in own or name not in output}
