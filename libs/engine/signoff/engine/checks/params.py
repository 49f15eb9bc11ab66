"""Checks of the parameters of each built-in block type."""

from collections.abc import Callable, Collection
from typing import Any, Final

from signoff.engine.checks.choices import check_condition, check_old_router, check_router
from signoff.engine.checks.human import check_human, check_response
from signoff.engine.checks.models import check_agent, check_evaluator
from signoff.engine.checks.triggers import check_schedule, check_webhook
from signoff.engine.checks.values import (
    check_choice,
    check_fields,
    check_number,
    check_output_name,
    check_table,
    is_open,
    shown,
)
from signoff.engine.definitions.catalog import BLOCK_TYPES, ENTRY_TYPES
from signoff.engine.definitions.codes import CODE_LANGUAGES
from signoff.engine.definitions.definition import Block
from signoff.engine.definitions.faults import Findings, at, shorten
from signoff.engine.definitions.reading import BlockPlace
from signoff.engine.definitions.values import VARIABLE_TYPES, parse_variable, wait_ms
from signoff.engine.errors import InvalidValueError

_METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")
# The default time limit of an asynchronous run: nothing in it can take longer.
_MAX_TIMEOUT_MS: Final = 5_400_000


def check_params(block: Block, place: BlockPlace, types: Collection[str], findings: Findings) -> None:
    """Reports what is wrong with the parameters of a block of a built-in type, or of a trigger.

    Args:
        block: the block.
        place: where its parts stand.
        types: the registered Python blocks, which agents may use as tools.
        findings: takes the faults and warnings.
    """
    if block.trigger and not (block.type in BLOCK_TYPES and BLOCK_TYPES[block.type].trigger):
        # In trigger mode a block starts runs and does nothing else, whatever its type does otherwise.
        check_fields(block.params, place, findings)
    elif block.type == "agent":
        check_agent(block.params, place, types, findings)
    else:
        _CHECKS[block.type](block.params, place, findings)


def _check_function(params: dict[str, Any], place: BlockPlace, findings: Findings) -> None:
    if not isinstance(params.get("code"), str):
        findings.fault(place.param("code"), "code is required, as a text")
    language = params.get("language") or "javascript"
    if language not in CODE_LANGUAGES:
        findings.fault(
            place.param("language"),
            f"language {shown(language)} is not available here",
            f"use {' or '.join(CODE_LANGUAGES)}",
        )
    check_number(params.get("timeout"), (1, _MAX_TIMEOUT_MS), place.param("timeout"), findings)


def _check_variables(params: dict[str, Any], place: BlockPlace, findings: Findings) -> None:
    assignments = params.get("variables")
    if not isinstance(assignments, list):
        findings.fault(place.param("variables"), "must be a list of assignments")
        return
    for index, each in enumerate(assignments):
        path = place.item("variables", index)
        name = each.get("variableName") if isinstance(each, dict) else None
        if not isinstance(name, str) or not name.strip():
            findings.fault(path, "must be an object with a variableName")
            continue
        check_output_name(name, path, findings)
        check_variable(name, each.get("type"), each.get("value"), path, findings)


def check_variable(name: str, variable_type: Any, value: Any, path: str, findings: Findings) -> None:
    """Reports a variable whose type is unknown or whose value cannot be read as that type."""
    if variable_type is not None and variable_type not in VARIABLE_TYPES:
        check_choice(variable_type, VARIABLE_TYPES, at(path, "type"), findings)
    elif not is_open(value):
        try:
            parse_variable(shorten(name), variable_type, value)
        except InvalidValueError as error:
            findings.fault(path, shorten(str(error), 300))


def _check_wait(params: dict[str, Any], place: BlockPlace, findings: Findings) -> None:
    if any(is_open(params.get(key)) for key in ("timeValue", "timeUnit", "timeUnitLong")):
        return
    try:
        wait_ms(params)
    except InvalidValueError as error:
        findings.fault(place.param("timeValue"), shorten(str(error), 300))


def _check_api(params: dict[str, Any], place: BlockPlace, findings: Findings) -> None:
    url = params.get("url")
    if not isinstance(url, str | None):
        findings.fault(place.param("url"), "must be a text")
    elif url and not is_open(url) and not url.strip().lower().startswith(("http://", "https://")):
        findings.fault(place.param("url"), f"must begin with http:// or https://, not {shown(url)}")
    method = params.get("method")
    if method and not is_open(method):
        check_choice(
            method.upper() if isinstance(method, str) else method, _METHODS, place.param("method"), findings
        )
    for key in ("params", "headers"):
        check_table(params, key, place, findings)
    check_number(params.get("timeout"), (1, _MAX_TIMEOUT_MS), place.param("timeout"), findings)
    check_number(params.get("retries"), (0, 10), place.param("retries"), findings)
    for key in ("retryDelayMs", "retryMaxDelayMs"):
        check_number(params.get(key), (0, 60_000), place.param(key), findings)


def _check_workflow(params: dict[str, Any], place: BlockPlace, findings: Findings) -> None:
    workflow_id = params.get("workflowId")
    if not isinstance(workflow_id, str) or not workflow_id.strip():
        findings.fault(
            place.param("workflowId"),
            "No workflow selected for execution",
            "name the workflow by the id that it is deployed under",
        )
    mapping = params.get("inputMapping")
    if not isinstance(mapping, dict | None) and mapping != "" and not is_open(mapping):
        findings.fault(place.param("inputMapping"), "must be an object: values by the child's fields")


def _check_nothing(params: dict[str, Any], place: BlockPlace, findings: Findings) -> None:
    """What a container does stands in its entry, which is checked with what it holds."""


_CHECKS: Final[dict[str, Callable[[dict[str, Any], BlockPlace, Findings], None]]] = {
    **dict.fromkeys((*ENTRY_TYPES, "chat_trigger"), check_fields),
    **dict.fromkeys(("webhook", "generic_webhook"), check_webhook),
    **dict.fromkeys(("workflow", "workflow_input"), _check_workflow),
    **dict.fromkeys(("loop", "parallel"), _check_nothing),
    "schedule": check_schedule,
    "function": _check_function,
    "condition": check_condition,
    "router": check_old_router,
    "router_v2": check_router,
    "evaluator": check_evaluator,
    "variables": _check_variables,
    "wait": _check_wait,
    "api": _check_api,
    "response": check_response,
    "human_in_the_loop": check_human,
}
