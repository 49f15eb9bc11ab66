"""Checks of the parameters of blocks that answer: ``response``, and ``human_in_the_loop`` that asks too."""

from typing import Any, Final

from signoff.engine.faults import Findings, at, shorten
from signoff.engine.forms import check_form, form_fields, secret_names
from signoff.engine.params_values import check_choice, check_fields, check_table, is_open
from signoff.engine.reading import BlockPlace
from signoff.engine.values import FORM_TYPES, duration_ms

_DEADLINE_KEYS: Final = ("after", "default")


def check_response(params: dict[str, Any], place: BlockPlace, findings: Findings) -> None:
    """Reports what is wrong with the parts of an HTTP answer."""
    if params.get("dataMode"):
        check_choice(params["dataMode"], ("structured", "json"), place.param("dataMode"), findings)
    builder_data = params.get("builderData")
    if builder_data and not isinstance(builder_data, list) and not is_open(builder_data):
        findings.fault(
            place.param("builderData"), "must be a list of entries with a name, a type and a value"
        )
    check_table(params, "headers", place, findings)


def check_human(params: dict[str, Any], place: BlockPlace, findings: Findings) -> None:
    """Reports what is wrong with a pause: what it shows, its form, who decides and until when."""
    if params.get("operation"):
        check_choice(params["operation"], ("human", "api"), place.param("operation"), findings)
    check_response(params, place, findings)
    check_fields(params, place, findings, FORM_TYPES)
    if not isinstance(params.get("notification"), list | None):
        findings.fault(place.param("notification"), "must be a list")
    _check_assignees(params.get("assignees"), place, findings)
    _check_deadline(params, place, findings)


def _check_assignees(assignees: Any, place: BlockPlace, findings: Findings) -> None:
    if assignees is None:
        return
    if not isinstance(assignees, list) or not assignees:
        findings.fault(
            place.param("assignees"), "must be a list of users and groups", 'such as ["group:finance"]'
        )
        return
    for index, each in enumerate(assignees):
        if not isinstance(each, str) or not each.strip():
            findings.fault(place.item("assignees", index), "must be the name of a user or a group, as a text")


def _check_deadline(params: dict[str, Any], place: BlockPlace, findings: Findings) -> None:
    deadline, path = params.get("deadline"), place.param("deadline")
    if deadline is None:
        return
    if not isinstance(deadline, dict):
        findings.fault(path, "must be an object with after and default")
        return
    for key in [each for each in deadline if each not in _DEADLINE_KEYS]:
        findings.fault(at(path, key), "is not known here", findings.did_you_mean(key, _DEADLINE_KEYS))
    after = deadline.get("after")
    if not is_open(after) and (not isinstance(after, str) or not duration_ms(after)):
        findings.fault(at(path, "after"), "must be a duration longer than nothing", "such as 30m, 12h or 2d")
    default = deadline.get("default")
    if default is None or is_open(default):
        return
    if not isinstance(default, dict):
        findings.fault(at(path, "default"), "must be an object: the decision that is taken then, by field")
        return
    fields, path = form_fields(params), at(path, "default")
    for name in secret_names(fields) & default.keys():
        findings.fault(at(path, name), "would be a secret that everybody can read", "leave it out")
    for misfit in check_form(fields, default)[1]:
        findings.fault(at(path, misfit.path), shorten(misfit.message))
