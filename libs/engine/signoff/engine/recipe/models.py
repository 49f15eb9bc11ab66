"""How our own spelling writes the blocks that ask a language model."""

from typing import Any, Final

from signoff.engine.definitions.faults import Findings, at
from signoff.engine.recipe.keys import anything, listed, targets, text
from signoff.engine.recipe.params import copy
from signoff.engine.recipe.spelling import Key, Schema, Spelling, Written, object_schema, read_keys

_NUMBER: Final[Schema] = {"type": ["number", "string"]}

_MODEL_KEYS: Final = {
    "model": text("The model; the server's default otherwise."),
    "apiKey": text('The key to use in place of the server\'s, such as "{{OPENAI_API_KEY}}".'),
    "endpoint": text("An OpenAI-compatible endpoint in place of the server's."),
}
_ROUTE_KEYS: Final = {
    "name": text("What the route is called in selectedRoute; route-1, route-2 … by default."),
    "when": text("When the route is to be taken, described to the model.", required=True),
    "then": targets("Where it goes on if the model picks this route."),
}
_MEMORY_KEYS: Final = {
    "conversation": text("What names the conversation, such as <start.conversationId>.", required=True),
    "messages": Key(_NUMBER, "Only this many of the last messages are remembered."),
    "tokens": Key(_NUMBER, "Only this many tokens of the last messages are remembered."),
}
_METRIC_KEYS: Final = {
    "description": Key({"type": "string"}, "What a high score means, described to the model."),
    "min": Key({"type": "number"}, "The lowest score; 0 by default."),
    "max": Key({"type": "number"}, "The highest score; 10 by default."),
}
_AGENT_COPIED: Final = (
    *(*_MODEL_KEYS, "messages", "temperature", "maxTokens", "tools"),
    *("responseFormat", "files", "reasoningEffort", "verbosity", "thinkingLevel"),
)


def _read_router(raw: dict[str, Any], path: str, written: Written, findings: Findings) -> None:
    copy(raw, ("context", *_MODEL_KEYS), written)
    routes: list[dict[str, str]] = []
    written.params["routes"] = routes
    for index, route in enumerate(raw.get("routes", [])):
        route_path = at(at(path, "routes"), index)
        if not isinstance(route, dict):
            findings.fault(route_path, "must be an object with when and then")
            continue
        fitting = read_keys(route, route_path, _ROUTE_KEYS, findings)
        name = fitting.get("name", f"route-{index + 1}")
        place = f"routes[{len(routes)}]"
        written.renamed |= {
            place: route_path,
            f"{place}.id": at(route_path, "name"),
            f"{place}.value": at(route_path, "when"),
        }
        routes.append({"id": name, "title": name, "value": fitting.get("when", "")})
        written.branches.append((f"router-{name}", route.get("then"), at(route_path, "then")))


def _read_agent(raw: dict[str, Any], path: str, written: Written, findings: Findings) -> None:
    copy(raw, _AGENT_COPIED, written)
    if "prompt" in raw or "system" in raw:
        if "messages" in raw:
            findings.fault(
                at(path, "messages"), "stands in place of system and prompt: write one or the other"
            )
        written.renamed["messages"] = at(path, "prompt")
        messages: list[dict[str, str]] = []
        written.params["messages"] = messages
        for role, key in (("system", "system"), ("user", "prompt")):
            if key in raw:
                place = f"messages[{len(messages)}]"
                written.renamed |= {place: at(path, key), f"{place}.content": at(path, key)}
                messages.append({"role": role, "content": raw[key]})
    elif "messages" not in raw:
        findings.fault(at(path, "prompt"), "is required: what the model is asked", "or messages")
    if "memory" in raw:
        _read_memory(raw["memory"], at(path, "memory"), written, findings)


def _read_memory(raw: dict[str, Any], path: str, written: Written, findings: Findings) -> None:
    memory = read_keys(raw, path, _MEMORY_KEYS, findings)
    limits = {"messages": "slidingWindowSize", "tokens": "slidingWindowTokens"}
    if memory.keys() >= limits.keys():
        findings.fault(at(path, "tokens"), "stands beside messages: one limit is enough")
    kind = "conversation"
    if "messages" in memory:
        kind = "sliding_window"
    elif "tokens" in memory:
        kind = "sliding_window_tokens"
    written.params["memoryType"] = kind
    written.renamed |= {name: at(path, key) for key, name in limits.items()}
    written.renamed |= {"memoryType": path, "conversationId": at(path, "conversation")}
    written.params |= {name: memory[key] for key, name in limits.items() if key in memory}
    if "conversation" in memory:
        written.params["conversationId"] = memory["conversation"]


def _read_evaluator(raw: dict[str, Any], path: str, written: Written, findings: Findings) -> None:
    copy(raw, ("content", *_MODEL_KEYS), written)
    metrics: list[dict[str, Any]] = []
    written.params["metrics"] = metrics
    for name, given in raw.get("metrics", {}).items():
        metric_path = at(at(path, "metrics"), name)
        metric = {"description": given} if isinstance(given, str) else given
        if not isinstance(metric, dict):
            findings.fault(metric_path, "must be a description, or an object with description, min and max")
            continue
        fitting = read_keys(metric, metric_path, _METRIC_KEYS, findings)
        place = f"metrics[{len(metrics)}]"
        written.renamed |= {
            place: metric_path,
            f"{place}.range": metric_path,
            f"{place}.description": metric_path,
        }
        limits = {"min": fitting.get("min", 0), "max": fitting.get("max", 10)}
        metrics.append({"name": name, "description": fitting.get("description", ""), "range": limits})


_RESPONSE_FORMAT: Final = Key(
    {"type": ["object", "string"]},
    "A JSON Schema, bare or as {name, schema, strict}: the answer's fields are the block's output.",
    expected="a JSON Schema",
)

SPELLINGS: Final[dict[str, Spelling]] = {
    "router": Spelling(
        about="Lets a model pick the route by which it goes on.",
        keys={
            "context": text("What the model decides about."),
            "routes": listed(
                object_schema(_ROUTE_KEYS),
                "The routes: {when, then} each.",
                "a list of routes",
                "such as [{when: the customer wants money back, then: refund}]",
                required=True,
            ),
            **_MODEL_KEYS,
        },
        read=_read_router,
        type="router_v2",
        branching=True,
    ),
    "agent": Spelling(
        about="Asks a language model, which may use tools.",
        keys={
            "system": text("How the model is to behave."),
            "prompt": text("What it is asked."),
            "messages": listed(
                {
                    "type": "object",
                    "properties": {
                        "role": {"enum": ["system", "user", "assistant"]},
                        "content": {"type": "string"},
                    },
                    "required": ["role", "content"],
                },
                "In place of system and prompt: a whole conversation, {role, content} each.",
                "a list of messages",
            ),
            **_MODEL_KEYS,
            "temperature": Key(_NUMBER, "0 to 2: how freely it answers."),
            "maxTokens": Key(_NUMBER, "How long the answer may be."),
            "tools": listed(
                {"type": "object", "required": ["type"]},
                "What it may use: {type, title, params, usageControl} each.",
                "a list of tools",
            ),
            "responseFormat": _RESPONSE_FORMAT,
            "memory": Key(
                object_schema(_MEMORY_KEYS),
                "What it remembers of a conversation from one execution to the next.",
                hint="such as {conversation: <start.conversationId>, messages: 20}",
            ),
            "files": anything("Files that it is given."),
            "reasoningEffort": text("How long it thinks, for models that do."),
            "verbosity": text("How much it says, for models that can be told."),
            "thinkingLevel": text("How deeply it thinks, for models that can be told."),
        },
        read=_read_agent,
    ),
    "evaluator": Spelling(
        about="Lets a model score a text by metrics.",
        keys={
            "content": anything("What is scored."),
            "metrics": Key(
                {
                    "type": "object",
                    "minProperties": 1,
                    "additionalProperties": {"anyOf": [{"type": "string"}, object_schema(_METRIC_KEYS)]},
                },
                "The metrics by name: a description, or {description, min, max}.",
                required=True,
                expected="an object with at least one metric",
                hint='such as {clarity: "easy to follow at first reading"}',
            ),
            **_MODEL_KEYS,
        },
        read=_read_evaluator,
    ),
}
"""The spelling of each of these types."""
