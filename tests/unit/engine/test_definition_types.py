"""The block types that choose, ask models, call workflows and start runs."""

import json
from typing import Any

import pytest

from signoff.engine.definitions.catalog import BLOCK_TYPES, TriggerKind, find_entry, output_fields
from signoff.engine.definitions.definition import Block, Connection
from signoff.engine.definitions.forms import start_output
from signoff.engine.definitions.parse import Parsed, parse

END = {"type": "response"}


def recipe(**block: Any) -> Parsed:
    return parse({"blocks": {"b": block, "end": END}}, workflow_id="w")


def params_of(parsed: Parsed) -> dict[str, Any]:
    assert parsed.definition is not None, parsed.faults
    return parsed.definition.blocks[1].params


def sim(block_type: str, params: dict[str, Any], *edges: dict[str, Any], **metadata: Any) -> Parsed:
    blocks = [
        {"id": "s", "metadata": {"id": "start_trigger"}},
        {"id": "b", "metadata": {"id": block_type, **metadata}, "config": {"params": params}},
        {"id": "x", "metadata": {"id": "response"}},
        {"id": "y", "metadata": {"id": "response"}},
    ]
    connections = [{"source": "s", "target": "b"}, *({"source": "b"} | edge for edge in edges)]
    return parse({"blocks": blocks, "connections": connections}, workflow_id="w")


@pytest.mark.parametrize("kind", ["custom-tool", "api", "http_request", "ours"])
def test_an_agent_may_use_what_is_there(kind: str) -> None:
    agent = {"type": "agent", "prompt": "p", "tools": [{"type": kind}]}
    assert parse({"blocks": {"a": agent}}, types={"ours": None}, workflow_id="w").faults == []


def test_a_tool_that_an_agent_is_kept_from_may_be_of_any_type() -> None:
    tools = [{"type": "mcp", "usageControl": "none"}]
    assert recipe(type="agent", prompt="p", tools=tools).faults == []


@pytest.mark.parametrize(
    "block",
    [
        {"type": "router", "routes": [{"when": "w", "then": "end"}]},
        {"type": "evaluator", "metrics": {"m": "d"}},
    ],
)
def test_routers_and_evaluators_may_have_an_endpoint_of_their_own(block: dict[str, Any]) -> None:
    parsed = recipe(**block, endpoint="https://models.example.org/v1")
    assert params_of(parsed)["endpoint"] == "https://models.example.org/v1"


@pytest.mark.parametrize("block_type", ["agent", "router", "router_v2", "evaluator"])
def test_an_endpoint_is_a_text(block_type: str) -> None:
    faults = sim(block_type, {"endpoint": 5}).faults
    assert "blocks[1].config.params.endpoint" in [fault.path for fault in faults]


def test_a_router_is_written_with_its_routes() -> None:
    parsed = recipe(
        type="router",
        model="m",
        context="<start.mail>",
        routes=[{"when": "wants money back", "then": "end"}, {"name": "other", "when": "else", "then": []}],
        catch="end",
    )
    assert params_of(parsed) == {
        "context": "<start.mail>",
        "model": "m",
        "routes": [
            {"id": "route-1", "title": "route-1", "value": "wants money back"},
            {"id": "other", "title": "other", "value": "else"},
        ],
    }
    assert parsed.definition is not None
    assert parsed.definition.blocks[1].type == "router_v2"
    assert parsed.definition.connections[1:] == (
        Connection("b", "end", "router-route-1"),
        Connection("b", "end", "error"),
    )


def test_missing_handles_of_a_router_are_completed_by_position() -> None:
    routes = json.dumps([{"id": "r1", "title": "", "value": ""}, {"id": "r2", "title": "", "value": ""}])
    parsed = sim("router_v2", {"routes": routes}, {"target": "x"}, {"target": "y", "sourceHandle": None})
    assert parsed.definition is not None, parsed.faults
    assert [each.handle for each in parsed.definition.connections[1:]] == ["router-r1", "router-r2"]
    parsed = sim("router_v2", {"routes": routes}, *[{"target": "x", "sourceHandle": "router-r3"}])
    assert [(fault.message, fault.hint) for fault in parsed.faults] == [
        ('there is no route "r3"', 'did you mean "router-r2"?')
    ]


def test_the_handle_of_an_old_router_is_implied_by_its_target() -> None:
    parsed = sim(
        "router",
        {"prompt": "where?"},
        {"target": "x", "sourceHandle": "source"},
        {"target": "y", "sourceHandle": "error"},
    )
    assert parsed.definition is not None, parsed.faults
    assert [each.handle for each in parsed.definition.connections[1:]] == ["router-x", "error"]


def test_an_agent_is_written_with_system_and_prompt_or_with_messages() -> None:
    agent = {"type": "agent", "model": "m", "then": "end"}
    messages = [{"role": "system", "content": "brief"}, {"role": "user", "content": "sum up"}]
    assert params_of(recipe(**agent, system="brief", prompt="sum up")) == {"model": "m", "messages": messages}
    assert params_of(recipe(**agent, messages=messages)) == {"model": "m", "messages": messages}


@pytest.mark.parametrize(
    ("memory", "params"),
    [
        ({"conversation": "c"}, {"memoryType": "conversation", "conversationId": "c"}),
        (
            {"conversation": "c", "messages": 20},
            {"memoryType": "sliding_window", "conversationId": "c", "slidingWindowSize": 20},
        ),
        (
            {"conversation": "c", "tokens": "4000"},
            {"memoryType": "sliding_window_tokens", "conversationId": "c", "slidingWindowTokens": "4000"},
        ),
    ],
)
def test_the_memory_of_an_agent_is_a_conversation_with_or_without_limit(
    memory: dict[str, Any], params: dict[str, Any]
) -> None:
    written = params_of(recipe(type="agent", prompt="p", memory=memory, then="end"))
    assert {key: value for key, value in written.items() if key != "messages"} == params


SCHEMA = {"type": "object", "properties": {"answer": {"type": "string"}}}


@pytest.mark.parametrize(
    "given", [SCHEMA, {"name": "a", "schema": SCHEMA, "strict": True}, json.dumps(SCHEMA)]
)
def test_the_fields_of_a_response_format_are_those_of_the_block(given: Any) -> None:
    parsed = sim("agent", {"messages": [{"role": "user", "content": "p"}], "responseFormat": given})
    assert parsed.definition is not None, parsed.faults
    fields = output_fields(parsed.definition.blocks[1], {})
    assert fields == ("answer", "model", "tokens", "toolCalls", "cost")


def test_metrics_are_fields_in_lower_case() -> None:
    parsed = recipe(
        type="evaluator", content="<start.x>", metrics={"Clarity": "easy", "Tone": {"min": 1, "max": 5}}
    )
    assert params_of(parsed)["metrics"] == [
        {"name": "Clarity", "description": "easy", "range": {"min": 0, "max": 10}},
        {"name": "Tone", "description": "", "range": {"min": 1, "max": 5}},
    ]
    assert parsed.definition is not None
    fields = ("clarity", "tone", "content", "model", "tokens", "cost")
    assert output_fields(parsed.definition.blocks[1], {}) == fields


def test_a_workflow_is_called_by_its_id_with_an_input() -> None:
    parsed = recipe(type="workflow", workflow="refund", input={"amount": "<start.amount>"}, then="end")
    assert params_of(parsed) == {"workflowId": "refund", "input": {"amount": "<start.amount>"}}
    assert params_of(sim("workflow_input", {"workflowId": "r", "inputMapping": '{"a": 1}'})) == {
        "workflowId": "r",
        "inputMapping": {"a": 1},
    }


def test_a_webhook_names_its_secret_and_its_headers() -> None:
    parsed = parse(
        {
            "blocks": {
                "hook": {
                    "type": "webhook",
                    "secret": "{{HOOK}}",
                    "signature": "X-Hub-Signature-256",
                    "deduplicateBy": "X-GitHub-Delivery",
                    "input": {"action": "string"},
                    "then": "end",
                },
                "end": {"type": "response", "data": "<hook.anything>"},
            }
        },
        workflow_id="w",
    )
    assert (parsed.faults, parsed.warnings) == ([], [])
    assert parsed.definition is not None
    assert parsed.definition.blocks[0].params == {
        "secret": "{{HOOK}}",
        "signatureHeader": "X-Hub-Signature-256",
        "deduplicateBy": "X-GitHub-Delivery",
        "inputFormat": [{"id": "action", "name": "action", "type": "string"}],
    }


def test_a_payload_stands_above_the_typed_fields_of_a_webhook() -> None:
    fields = [{"name": "a", "type": "number", "value": "1"}, {"name": "b", "value": "2"}]
    hook = Block(id="h", type="webhook", name="h", params={"inputFormat": fields}, trigger=True)
    assert start_output(hook, {"a": "7"}) == {"a": "7", "b": "2"}


@pytest.mark.parametrize(
    "block", [("slack", {"triggerMode": True}, {}), ("gmail", {}, {"category": "triggers"})]
)
def test_a_trigger_of_a_type_that_is_not_known_starts_runs_and_does_nothing_else(
    block: tuple[str, dict[str, Any], dict[str, Any]],
) -> None:
    parsed = sim(block[0], block[1], **block[2])
    assert parsed.definition is not None, parsed.faults
    assert parsed.definition.blocks[1].trigger
    assert output_fields(parsed.definition.blocks[1], {}) is None


def test_every_built_in_type_is_checked() -> None:
    for block_type in BLOCK_TYPES:
        wrong = dict.fromkeys(("inputFormat", "code", "model", "builderData", "url", "variables"), 5)
        assert sim(block_type, wrong | {"timeValue": -1}).faults, block_type


def trigger(block_id: str, block_type: str, *, enabled: bool = True) -> Block:
    return Block(id=block_id, type=block_type, name=block_id, params={}, trigger=True, enabled=enabled)


ALL = [
    trigger("hook2", "slack"),
    trigger("hook", "generic_webhook"),
    trigger("clock", "schedule"),
    trigger("chat", "chat_trigger"),
    trigger("hand", "manual_trigger"),
    trigger("old", "starter"),
    trigger("input", "input_trigger"),
    trigger("api", "api_trigger"),
    trigger("start", "start_trigger"),
]


@pytest.mark.parametrize(
    ("kind", "order"),
    [
        ("api", ["start", "api", "input", "old", "hand"]),
        ("manual", ["start", "api", "input", "old", "hand", "hook2", "hook", "clock", "chat"]),
        ("workflow", ["start", "input", "old"]),
        ("chat", ["start", "chat", "old"]),
        ("schedule", ["clock"]),
        ("webhook", ["hook", "hook2"]),
    ],
)
def test_a_run_starts_with_the_foremost_trigger_of_its_kind(kind: TriggerKind, order: list[str]) -> None:
    blocks = list(ALL)
    for block_id in order:
        entry = find_entry(blocks, kind)
        assert entry is not None
        assert entry.id == block_id
        blocks.remove(entry)
    assert find_entry(blocks, kind) is None


def test_a_schedule_or_a_webhook_starts_with_the_block_that_is_meant() -> None:
    entry = find_entry(ALL, "webhook", "hook2")
    assert entry is not None
    assert entry.id == "hook2"
    assert find_entry(ALL, "schedule", "nobody") is None
    assert find_entry([trigger("clock", "schedule", enabled=False)], "schedule", "clock") is None
