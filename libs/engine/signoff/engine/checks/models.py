"""Checks of the parameters of blocks that ask a language model: ``agent`` and ``evaluator``."""

from collections.abc import Collection
from typing import Any, Final, TypeGuard

from signoff.engine.checks.values import (
    check_choice,
    check_list,
    check_number,
    check_output_name,
    check_text,
    is_open,
)
from signoff.engine.definitions.catalog import CUSTOM_TOOL, TOOL_TYPES, response_schema
from signoff.engine.definitions.faults import Findings, at, shorten
from signoff.engine.definitions.reading import BlockPlace

_ROLES: Final = ("system", "user", "assistant")
_USAGES: Final = ("auto", "force", "none")
_MEMORIES: Final = ("none", "conversation", "sliding_window", "sliding_window_tokens")
_TEXTS: Final = (
    *("model", "systemPrompt", "userPrompt", "apiKey", "endpoint"),
    *("conversationId", "reasoningEffort", "verbosity", "thinkingLevel"),
)
_LIMITS: Final[dict[str, tuple[float, float]]] = {
    "temperature": (0, 2),
    "maxTokens": (1, 10_000_000),
    "slidingWindowSize": (1, 10_000),
    "slidingWindowTokens": (1, 10_000_000),
}


def check_agent(
    params: dict[str, Any], place: BlockPlace, types: Collection[str], findings: Findings
) -> None:
    """Reports what is wrong with an agent's parameters; ``types`` are the registered Python blocks."""
    for key in _TEXTS:
        check_text(params.get(key), place.param(key), findings)
    for key, between in _LIMITS.items():
        check_number(params.get(key), between, place.param(key), findings)
    _check_messages(params, place, findings)
    for index, tool in enumerate(check_list(params.get("tools"), "tools", place.param("tools"), findings)):
        _check_tool(tool, place.item("tools", index), types, findings)
    _check_response_format(params.get("responseFormat"), place.param("responseFormat"), findings)
    memory = params.get("memoryType") or "none"
    check_choice(memory, _MEMORIES, place.param("memoryType"), findings)
    if memory != "none" and not params.get("conversationId"):
        findings.fault(
            place.param("conversationId"), "memory needs a conversationId", "such as <start.conversationId>"
        )


def _check_messages(params: dict[str, Any], place: BlockPlace, findings: Findings) -> None:
    messages = params.get("messages")
    if not any(params.get(key) for key in ("messages", "systemPrompt", "userPrompt")):
        findings.fault(place.param("messages"), "an agent needs messages")
        return
    for index, message in enumerate(check_list(messages, "messages", place.param("messages"), findings)):
        path = place.item("messages", index)
        if not isinstance(message, dict):
            findings.fault(path, "must be an object with a role and a content")
            continue
        check_choice(message.get("role"), _ROLES, at(path, "role"), findings)
        if not isinstance(message.get("content"), str):
            findings.fault(at(path, "content"), "must be a text")


def _check_tool(tool: Any, path: str, types: Collection[str], findings: Findings) -> None:
    if not isinstance(tool, dict):
        findings.fault(path, "must be an object with a type")
        return
    if not isinstance(tool.get("type"), str) or not tool["type"]:
        findings.fault(at(path, "type"), "a tool needs a type, as a text")
    elif tool.get("usageControl") != "none":
        _check_tool_type(tool["type"], at(path, "type"), types, findings)
    if tool.get("type") == CUSTOM_TOOL and not isinstance(tool.get("code"), str | None):
        findings.fault(at(path, "code"), "must be the body of a JavaScript function, as a text")
    check_choice(tool.get("usageControl") or "auto", _USAGES, at(path, "usageControl"), findings)
    if not isinstance(tool.get("params"), dict | None):
        findings.fault(at(path, "params"), "must be an object: the parameters by name")


def _check_tool_type(kind: str, path: str, types: Collection[str], findings: Findings) -> None:
    if kind in TOOL_TYPES or kind in types:
        return
    hint = findings.did_you_mean(kind, (*TOOL_TYPES, *types))
    findings.fault(
        path,
        f'an agent cannot use a tool of the type "{shorten(kind)}"',
        hint or f"use {', '.join(TOOL_TYPES)} or a registered block, or set usageControl to none",
    )


def _check_response_format(value: Any, path: str, findings: Findings) -> None:
    if value is None or value == "" or (isinstance(value, str) and is_open(value)):
        return
    schema = response_schema(value)
    if schema is None:
        findings.fault(
            path,
            "must be a JSON Schema, bare or as {name, schema, strict}",
            'such as {type: object, properties: {answer: {type: string}}, required: ["answer"]}',
        )
        return
    for name in _names(schema.get("properties")):
        check_output_name(name, path, findings)


def _names(properties: Any) -> list[str]:
    return list(properties) if isinstance(properties, dict) else []


def check_evaluator(params: dict[str, Any], place: BlockPlace, findings: Findings) -> None:
    """Reports what is wrong with an evaluator's metrics and the rest of its parameters."""
    for key in ("model", "apiKey", "endpoint"):
        check_text(params.get(key), place.param(key), findings)
    path = place.param("metrics")
    metrics = check_list(params.get("metrics"), "metrics", path, findings)
    if not metrics and not is_open(params.get("metrics")):
        findings.fault(path, "an evaluator needs at least one metric")
    taken: set[str] = set()
    for index, metric in enumerate(metrics):
        path = place.item("metrics", index)
        if _check_name(metric, path, taken, findings):
            _check_range(metric.get("range"), place.part("metrics", index, "range"), findings)


def _check_name(metric: Any, path: str, taken: set[str], findings: Findings) -> bool:
    name = metric.get("name") if isinstance(metric, dict) else None
    if not isinstance(name, str) or not name.strip():
        findings.fault(path, "must be an object with a name, a description and a range")
        return False
    check_output_name(name.lower(), path, findings)
    if name.lower() in taken:
        findings.fault(path, f'the name "{shorten(name)}" is used twice', "case does not count")
    taken.add(name.lower())
    return True


def _check_range(limits: Any, path: str, findings: Findings) -> None:
    if limits is None:
        return
    if not isinstance(limits, dict):
        findings.fault(path, "must be an object with min and max")
        return
    low, high = limits.get("min"), limits.get("max")
    if not _is_number(low) or not _is_number(high) or low >= high:
        findings.fault(path, "needs a min and a larger max, both numbers")


def _is_number(value: Any) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)
