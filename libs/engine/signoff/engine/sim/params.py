"""Parameters of Sim's blocks in the form that the engine reads: what Sim keeps as text in text is opened."""

from typing import Any, Final

from signoff.engine.definitions.catalog import CONTAINER_TYPES
from signoff.engine.definitions.faults import Findings, at
from signoff.engine.definitions.plain import Copier
from signoff.engine.definitions.schedules import SIM_FIELDS, ScheduleError, sim_cron
from signoff.engine.definitions.values import parse_json

# blocks, block, config, params and the document itself stand around a parameter.
_PARAM_DEPTH: Final = 5
# The engine knows these as lists and objects only: it never parses them again.
_OPENED: Final[dict[str, tuple[tuple[str, type[list[Any]] | type[dict[str, Any]]], ...]]] = {
    "condition": (("conditions", list),),
    "router_v2": (("routes", list),),
    "agent": (("messages", list), ("tools", list), ("responseFormat", dict)),
    "evaluator": (("metrics", list),),
    "workflow_input": (("inputMapping", dict),),
}


def read_params(block_type: str, params: dict[str, Any], path: str, findings: Findings) -> dict[str, Any]:
    """Reads the parameters of one block.

    Args:
        block_type: its type.
        params: as they were written; they are not changed.
        path: where they stand.
        findings: takes what cannot be read.

    Returns:
        The parameters with texts of JSON opened, code joined, and a schedule as ``cron``. A container has
        none: only its entry is read.
    """
    if block_type in CONTAINER_TYPES:
        return {}
    if block_type == "schedule":
        return _with_cron(params, path, findings)
    if block_type == "function":
        return _with_code(params)
    opened = {
        key: Copier(findings).copy(value, at(path, key), _PARAM_DEPTH)
        for key, kind in _OPENED.get(block_type, ())
        if isinstance(value := _opened(params.get(key)), kind)
    }
    return params | opened


def _opened(value: Any) -> Any:
    return parse_json(value, None) if isinstance(value, str) else None


def _with_code(params: dict[str, Any]) -> dict[str, Any]:
    code = params.get("code")
    if isinstance(code, list):
        lines = [each.get("content") if isinstance(each, dict) else None for each in code]
        if all(isinstance(line, str) for line in lines):
            return params | {"code": "\n".join(filter(None, lines))}
    return params


def _with_cron(params: dict[str, Any], path: str, findings: Findings) -> dict[str, Any]:
    if "cron" in params:
        return params
    kept = {key: value for key, value in params.items() if key not in SIM_FIELDS}
    try:
        cron = sim_cron(params)
    except ScheduleError as error:
        findings.fault(at(path, error.param), str(error))
        cron = "0 9 * * *"
    return kept | {"cron": cron}
