"""Checks of the parameters of blocks that answer: ``response``, and ``human_in_the_loop`` that asks too."""

from typing import Any, Final, get_args

from signoff.engine.checks.values import check_choice, check_fields, check_table, check_text, is_open
from signoff.engine.definitions.faults import Findings, at
from signoff.engine.definitions.reading import BlockPlace
from signoff.engine.points.policies import check_policy
from signoff.events.types import Occasion

_OCCASIONS: Final[tuple[str, ...]] = get_args(Occasion)
_NOTICE_KEYS: Final = ("url", "to", "title", "body", "on")
_MOST_NOTICES: Final = 20


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
    """Reports what is wrong with a pause: what it shows, its form, its policy, and who is told."""
    if params.get("operation"):
        check_choice(params["operation"], ("human", "api"), place.param("operation"), findings)
    check_response(params, place, findings)
    check_fields(params, place, findings, form=True)
    check_policy(params, place, findings)
    _check_notification(params.get("notification"), place, findings)


def _check_notification(entries: Any, place: BlockPlace, findings: Findings) -> None:
    if entries is None:
        return
    path = place.param("notification")
    if not isinstance(entries, list):
        findings.fault(path, "must be a list")
        return
    if len(entries) > _MOST_NOTICES:
        findings.fault(path, f"must be a list of at most {_MOST_NOTICES} entries, not {len(entries)}")
        return
    for index, entry in enumerate(entries):
        if isinstance(entry, dict) and (entry.get("toolId") or entry.get("type")):
            continue  # Sim's: what its tool takes is known where it is sent
        _check_notice(entry, place.item("notification", index), findings)


def _check_notice(entry: Any, path: str, findings: Findings) -> None:
    if not isinstance(entry, dict) or not (entry.get("url") or entry.get("to")):
        findings.fault(
            path,
            "must be an object with url, or with to",
            'such as {url: "{{TEAM_CHANNEL}}"}, or {to: assignees}',
        )
        return
    for key in [each for each in entry if each not in _NOTICE_KEYS]:
        findings.fault(at(path, key), "is not known here", findings.did_you_mean(key, _NOTICE_KEYS))
    for key in ("url", "title", "body"):
        check_text(entry.get(key), at(path, key), findings)
    if entry.get("to") is not None:
        check_choice(entry["to"], ("assignees",), at(path, "to"), findings)
    occasions = entry.get("on")
    if occasions is None or is_open(occasions):
        return
    if not isinstance(occasions, list) or not occasions:
        findings.fault(
            at(path, "on"), f"must be a list of {', '.join(_OCCASIONS)}", "such as [opened, closed]"
        )
        return
    for index, each in enumerate(occasions):
        check_choice(each, _OCCASIONS, at(at(path, "on"), index), findings)
