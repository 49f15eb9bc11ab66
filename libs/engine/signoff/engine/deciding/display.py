"""What blocks show and answer: ``builderData``, the rows of a form page, the parts of a response."""

from collections.abc import Mapping
from typing import Any

from signoff.engine.definitions.values import parse_json, parse_number, table, to_text

_JSON_HEADERS = {"Content-Type": "application/json"}
_MAX_DEPTH = 100


def build_data(builder_data: Any) -> dict[str, Any]:
    """Builds the object that ``builderData`` describes (Sim's format, section 7).

    Args:
        builder_data: entries ``{"name", "type", "value"}`` with their references resolved. An entry
            without a type keeps its value as it is.

    Returns:
        The values by name. Entries without a name are dropped.
    """
    return {name: _built_value(entry) for name, entry in _named(builder_data)}


def response_structure(builder_data: Any) -> list[dict[str, Any]]:
    """Flattens ``builderData`` to the rows that a person is shown.

    Returns:
        ``{"name", "type", "value"}`` each; an object gives a row per leaf under a dotted name.
    """
    rows: list[dict[str, Any]] = []
    for name, entry in _named(builder_data):
        _append_rows(rows, name, entry.get("type"), _built_value(entry))
    return rows


def response_parts(params: Mapping[str, Any]) -> dict[str, Any]:
    """Builds the HTTP answer that a ``response`` block, or a pause with operation ``api``, gives.

    Args:
        params: ``dataMode``, ``builderData``, ``data``, ``status`` and ``headers``, resolved.

    Returns:
        ``{"data", "status", "headers"}``. A status outside 100 to 599 is 200.
    """
    return {
        "data": _response_data(params),
        "status": _response_status(params.get("status")),
        "headers": _JSON_HEADERS
        | {key: to_text(value) for key, value in table(params.get("headers")).items()},
    }


def _named(builder_data: Any) -> list[tuple[str, dict[str, Any]]]:
    entries = builder_data if isinstance(builder_data, list) else []
    named = [(each.get("name"), each) for each in entries if isinstance(each, dict)]
    return [(name.strip(), each) for name, each in named if isinstance(name, str) and name.strip()]


def _built_value(entry: dict[str, Any]) -> Any:
    kind, value = entry.get("type"), entry.get("value")
    if kind == "object":
        return _built_object(value)
    if kind == "array":
        return _built_array(value)
    if kind == "number" and isinstance(value, str):
        number = parse_number(value)
        return value if number is None else number
    if kind == "boolean" and isinstance(value, str):
        return value == "true"
    return value


def _built_object(value: Any) -> Any:
    if isinstance(value, list):
        return build_data(value)
    return parse_json(value, value) if isinstance(value, str) else value


def _built_array(value: Any) -> Any:
    if isinstance(value, str):
        parsed = parse_json(value, value)
        return parsed if isinstance(parsed, list) else value
    if isinstance(value, list):
        return [_built_value(each) if isinstance(each, dict) and "type" in each else each for each in value]
    return value


def _append_rows(rows: list[dict[str, Any]], name: str, kind: Any, value: Any, depth: int = 0) -> None:
    if isinstance(value, dict) and value and depth < _MAX_DEPTH:
        for key, inner in value.items():
            _append_rows(rows, f"{name}.{key}", None, inner, depth + 1)
        return
    rows.append({"name": name, "type": kind if isinstance(kind, str) else _type_name(value), "value": value})


def _type_name(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, dict):
        return "object"
    return "array" if isinstance(value, list) else "string"


def _response_data(params: Mapping[str, Any]) -> Any:
    data = params.get("data")
    if params.get("dataMode", "structured") == "json" and data is not None:
        return parse_json(data, data) if isinstance(data, str) else data
    if params.get("builderData") is not None:
        return _parse_texts(build_data(params["builderData"]))
    return {} if data is None else data


def _parse_texts(value: Any, depth: int = 0) -> Any:
    if depth > _MAX_DEPTH:
        return value
    if isinstance(value, str):
        parsed = parse_json(value, value)
        return _parse_texts(parsed, depth + 1) if isinstance(parsed, dict | list) else parsed
    if isinstance(value, list):
        return [_parse_texts(each, depth + 1) for each in value]
    if isinstance(value, dict):
        return {key: _parse_texts(each, depth + 1) for key, each in value.items()}
    return value


def _response_status(status: Any) -> int:
    number = parse_number(status) if isinstance(status, str) else status
    if isinstance(number, bool) or not isinstance(number, int | float) or not 100 <= number <= 599:
        return 200
    return int(number)
