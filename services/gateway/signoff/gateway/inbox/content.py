"""Other content for a pause point: what it shows, or its form, in place of what its block gave."""

from typing import Annotated, Any, Final

from msgspec import UNSET, Meta, Struct, UnsetType

from signoff.engine.checks.values import check_fields
from signoff.engine.deciding.display import response_structure
from signoff.engine.definitions.constraints import form_misuses
from signoff.engine.definitions.faults import Fault, Findings, at
from signoff.engine.definitions.forms import check_form, form_fields, secret_names
from signoff.engine.definitions.reading import BlockPlace
from signoff.engine.points.pauses import form_of, submission_of
from signoff.engine.points.policies import MAX_TITLE
from signoff.engine.state import PausePoint
from signoff.events.types import Json
from signoff.gateway.errors import ApiError, bad_field, bad_request
from signoff.gateway.inbox.reasons import Reason
from signoff.gateway.workflows.definitions import details

MAX_ROWS: Final = 1000
MAX_FIELDS: Final = 200

_PLACE: Final = BlockPlace(id="", type="", name="", params="", renamed={"inputFormat": "form"})


class DisplayRow(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A row that is shown.

    Attributes:
        name: Before the value; with dots where it is inside another one.
        type: Of the value; without it what JSON says.
        value: What is shown.
    """

    name: Annotated[str, Meta(min_length=1, max_length=500)]
    value: Json
    type: str | UnsetType = UNSET


class ContentBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a pause point is to show. What is left out stays as it is; references are plain text here.

    Attributes:
        reason: Why it is changed.
        title: What is decided, in one line.
        display: What is shown: values by name, or rows as `responseStructure` has them. Of a person's point.
        form: Its fields, as `inputFormat` has them. Of a person's point.
        data: The answer's data, of a point whose block has the operation `api`.
    """

    reason: Reason
    title: Annotated[str, Meta(min_length=1, max_length=MAX_TITLE)] | UnsetType = UNSET
    display: dict[str, Json] | Annotated[list[DisplayRow], Meta(max_length=MAX_ROWS)] | UnsetType = UNSET
    form: Annotated[list[dict[str, Json]], Meta(max_length=MAX_FIELDS)] | UnsetType = UNSET
    data: dict[str, Json] | UnsetType = UNSET


def amended(point: PausePoint, body: ContentBody) -> dict[str, Json]:
    """What a point shows with other content, not in stored form.

    Args:
        point: its response, and the default decisions of its deadline, not in stored form either.
        body: what is given.

    Raises:
        ApiError: 400, it is not for this point; 422, the form has faults or does not fit the point's policy.
    """
    response = point.response
    shown = response.get("data") if isinstance(response, dict) else None
    if not isinstance(shown, dict) or "_resume" not in shown:
        raise bad_request("This pause point shows nothing that could be amended")
    if all(each is UNSET for each in (body.title, body.display, body.form, body.data)):
        raise bad_request("Give what is to be shown: title, display, form or data")
    if shown.get("operation") == "api":
        return {**response, "data": _api_data(shown, body)}
    if body.data is not UNSET:
        raise bad_field("data", "is for points with the operation api; give display or form")
    kept = dict(shown)
    if body.display is not UNSET:
        kept["responseStructure"] = _rows(body.display)
    if body.form is not UNSET:
        kept["inputFormat"] = _fields(body.form, point)
    return {**response, "data": kept}


def _api_data(shown: dict[str, Json], body: ContentBody) -> dict[str, Json]:
    for name, given in (("display", body.display), ("form", body.form)):
        if given is not UNSET:
            raise bad_field(name, "is not for points with the operation api; give data")
    if body.data is UNSET:
        return shown
    return {**body.data, "operation": "api", "_resume": shown["_resume"]}


def _rows(display: dict[str, Json] | list[DisplayRow]) -> list[dict[str, Json]]:
    if isinstance(display, dict):
        return response_structure([{"name": name, "value": value} for name, value in display.items()])
    rows: list[dict[str, Json]] = []
    for given in display:
        flat = response_structure([{"name": given.name, "value": given.value}])
        is_one = len(flat) == 1 and given.type is not UNSET
        rows += [{**flat[0], "type": given.type}] if is_one else flat
    return rows


def _fields(form: list[dict[str, Json]], point: PausePoint) -> list[dict[str, Any]]:
    fields = form_fields({"inputFormat": form})
    faults = [*_form_faults(form), *_policy_faults(fields, point)]
    if faults:
        raise ApiError(422, "The form has faults", details=details(faults))
    return fields


def _form_faults(form: list[dict[str, Json]]) -> list[Fault]:
    """What a deploy would say; nothing waits for a reference here."""
    findings = Findings()
    check_fields({"inputFormat": form}, _PLACE, findings, form=True)
    told = {fault.path for fault in findings.faults}
    for index, misuse in form_misuses(form, lambda _: False):
        path = at(_PLACE.item("inputFormat", index), misuse.key)
        if path not in told:
            findings.fault(path, misuse.message, misuse.hint)
    return findings.faults


def _policy_faults(fields: list[dict[str, Any]], point: PausePoint) -> list[Fault]:
    """What the point's policy and the keeping of secrets need of its form, whatever it asks."""
    faults: list[Fault] = []
    added = secret_names(fields) - secret_names(form_of(point.response))
    if added:
        faults.append(
            Fault(
                "form", f"asks for new secrets: {', '.join(sorted(added))}", "they must be in the definition"
            )
        )
    field = None if point.quorum is None else point.quorum.field
    if field is not None and field not in {each["name"] for each in fields if each["type"] == "boolean"}:
        faults.append(
            Fault("form", f'needs the field "{field}" of type boolean: by it the votes are counted')
        )
    for step in point.deadlines[point.step :]:
        given = submission_of(step.input) if isinstance(step.input, dict) else {}
        if step.action == "decide":
            faults += [
                Fault("form", f"does not fit the default decision: {misfit.message}")
                for misfit in check_form(fields, given)[1]
            ]
    return faults
