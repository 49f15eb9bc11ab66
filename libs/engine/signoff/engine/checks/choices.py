"""Checks of the parameters of blocks that choose where it goes on: ``condition`` and the routers."""

from typing import Any, Final

from signoff.engine.checks.values import check_text, shown
from signoff.engine.definitions.faults import Findings, at, shorten
from signoff.engine.definitions.reading import BlockPlace

_TITLES: Final = ("if", "else if", "else")


def check_condition(params: dict[str, Any], place: BlockPlace, findings: Findings) -> None:
    """Reports what is wrong with the cases of a condition."""
    conditions = params.get("conditions")
    if not isinstance(conditions, list) or not conditions:
        findings.fault(
            place.param("conditions"), "Invalid conditions format: a list of at least one case is needed"
        )
        return
    taken: set[str] = set()
    for index, case in enumerate(conditions):
        path = place.item("conditions", index)
        if not isinstance(case, dict):
            findings.fault(
                path, "Invalid conditions format: a case must be an object with id, title and value"
            )
            continue
        _check_id(case, "case", place.part("conditions", index, "id"), taken, findings)
        _check_case(case, path, findings)
        if is_else(case) and index + 1 < len(conditions):
            findings.warn(path, "the cases after else are never tested")


def check_router(params: dict[str, Any], place: BlockPlace, findings: Findings) -> None:
    """Reports what is wrong with the routes of a ``router_v2``."""
    for key in ("context", "model", "apiKey", "endpoint"):
        check_text(params.get(key), place.param(key), findings)
    routes = params.get("routes")
    if not isinstance(routes, list) or not routes:
        findings.fault(
            place.param("routes"), "No routes defined for router", "give it a list of at least one route"
        )
        return
    taken: set[str] = set()
    for index, route in enumerate(routes):
        path = place.item("routes", index)
        if not isinstance(route, dict):
            findings.fault(path, "a route must be an object with id, title and value")
            continue
        _check_id(route, "route", place.part("routes", index, "id"), taken, findings)
        for key in ("title", "value"):
            check_text(route.get(key), place.part("routes", index, key), findings)


def check_old_router(params: dict[str, Any], place: BlockPlace, findings: Findings) -> None:
    """Reports what is wrong with a ``router`` of Sim's first kind, whose routes are its targets."""
    for key in ("prompt", "model", "apiKey", "endpoint"):
        check_text(params.get(key), place.param(key), findings)


def _check_id(entry: dict[str, Any], what: str, path: str, taken: set[str], findings: Findings) -> None:
    entry_id = entry.get("id")
    if not isinstance(entry_id, str) or not entry_id:
        findings.fault(path, f"a {what} needs an id, as a text")
    elif entry_id in taken:
        findings.fault(path, f'the id "{shorten(entry_id)}" is used twice')
    else:
        taken.add(entry_id)


def _check_case(case: dict[str, Any], path: str, findings: Findings) -> None:
    title, value = case.get("title"), case.get("value")
    if title is not None and (not isinstance(title, str) or title.strip().lower() not in _TITLES):
        findings.fault(at(path, "title"), f"must be if, else if or else, not {shown(title)}")
    if value is not None and not isinstance(value, str):
        findings.fault(at(path, "value"), "must be a JavaScript expression, as a text")


def is_else(case: dict[str, Any]) -> bool:
    """Tells whether a case is the one that is taken when no case before it is."""
    title = case.get("title")
    return isinstance(title, str) and title.strip().lower() == "else"
