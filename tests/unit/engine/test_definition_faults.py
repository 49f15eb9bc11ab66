"""Every class of fault, in many forms: never accepted, never raising, reported with exact path and hint.

A form is a block with one thing wrong. It is put somewhere: at top level or inside loops, as the only
block or among others, in our own spelling; and into Sim's serialized workflow and exported state.
"""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signoff.engine.definitions.faults import at
from signoff.engine.definitions.parse import parse

STEP: dict[str, Any] = {"type": "function", "code": "return 1"}
NAMES = st.text("abcdefghij", min_size=6, max_size=9).map(lambda name: f"q{name}")
NOBODY = st.text("0123456789", min_size=6, max_size=9)
NO_TEXT = st.sampled_from([5, True, 1.5, [], {}, ["a"], {"a": 1}])
NO_OBJECT = st.sampled_from([5, True, "x", [], ["a"]])
NO_LIST = st.sampled_from([5, True, {"a": 1}, 1.5])
NO_BOOLEAN = st.sampled_from([5, "yes", "true", [], {}])
NO_TARGET = st.sampled_from([5, True, "", {}, 1.5])

Form = tuple[dict[str, Any], str, str | None]
"""A block, the path of what is wrong below it, and the hint."""


def misspelt(word: str) -> st.SearchStrategy[str]:
    """A word with one letter left out, which is nearest to the word itself."""
    return st.integers(1, len(word) - 2).map(lambda at: word[:at] + word[at + 1 :])


def did_you_mean(word: str) -> str:
    return f'did you mean "{word}"?'


def form(
    block: dict[str, Any], key: str, values: st.SearchStrategy[Any], hint: str | None = None
) -> st.SearchStrategy[Form]:
    """A block whose value under a key is one of these."""

    def put(value: Any) -> Form:
        return {**block, key: value}, f".{key}", hint

    return values.map(put)


def fixed(block: dict[str, Any], path: str, hint: str | None = None) -> st.SearchStrategy[Form]:
    return st.just((block, path, hint))


API = {"type": "api", "url": "https://example.org"}
HUMAN = {"type": "human_in_the_loop"}
ROUTE = {"when": "it is so", "then": []}
ROUTER = {"type": "router", "routes": [ROUTE]}
AGENT = {"type": "agent", "prompt": "hello"}
LOOP = {"type": "loop", "for": 2, "blocks": {"inner": STEP}}
PARALLEL = {"type": "parallel", "count": 2, "blocks": {"inner": STEP}}
EVALUATOR = {"type": "evaluator", "metrics": {"tone": "friendly"}}
DURATION = "such as 500ms, 10s, 30m, 12h or 2d"
EXPRESSION = 'such as "<start.amount> <= 100"'
JSON_SCHEMA = 'such as {type: object, properties: {answer: {type: string}}, required: ["answer"]}'

OWN: dict[str, st.SearchStrategy[Form]] = {
    "a type that is not registered": misspelt("function").map(
        lambda name: ({"type": name}, ".type", did_you_mean("function"))
    ),
    "a type that is no text": form({}, "type", NO_TEXT),
    "no type": fixed({"name": "Nameless"}, ".type"),
    "Sim's name of a type": fixed({"type": "router_v2"}, ".type", 'write "router"'),
    "an unknown key": misspelt("language").map(
        lambda key: ({**STEP, key: "javascript"}, f".{key}", did_you_mean("language"))
    ),
    "a name that is no text": form(STEP, "name", NO_TEXT),
    "a name that references use": form(
        STEP, "name", st.sampled_from(["loop", "Parallel", "vari able", "l.o.o.p"])
    ),
    "a name of spaces and dots": form(STEP, "name", st.text(" .", min_size=1, max_size=5)),
    "enabled is no boolean": form(STEP, "enabled", NO_BOOLEAN),
    "an edge to nobody": form(STEP, "then", NOBODY),
    "an edge that is no name": form(STEP, "then", NO_TARGET),
    "an edge to itself": fixed({**STEP, "then": "<itself>"}, ".then"),
    "a retry that is no object": form(STEP, "retry", NO_OBJECT, "such as {maxTries: 5}"),
    "too many tries": form(STEP, "retry", st.integers(11, 10**6).map(lambda n: {"maxTries": n})).map(
        lambda each: (each[0], ".retry.maxTries", None)
    ),
    "a retry of a pause": fixed({**HUMAN, "retry": {"maxTries": 2}}, ".retry"),
    "code that is no text": form(STEP, "code", NO_TEXT, 'such as "return <start.amount> * 2"'),
    "no code": fixed({"type": "function"}, ".code", 'such as "return <start.amount> * 2"'),
    "a language that no sandbox runs": misspelt("javascript").map(
        lambda language: ({**STEP, "language": language}, ".language", did_you_mean("javascript"))
    ),
    "a time limit that is no duration": form(
        STEP, "timeout", NO_TEXT | st.sampled_from(["soon", "5", "5 weeks", ""]), DURATION
    ),
    "no url": fixed({"type": "api"}, ".url"),
    "a url of another protocol": form(API, "url", st.sampled_from(["ftp://x", "file:///etc", "x.org"])),
    "an unknown method": misspelt("OPTIONS").map(
        lambda method: ({**API, "method": method}, ".method", did_you_mean("OPTIONS"))
    ),
    "cases that are no list": form(
        {"type": "condition"},
        "cases",
        NO_LIST,
        "such as [{when: <start.amount> <= 100, then: pay}, {else: ask}]",
    ),
    "no case": fixed({"type": "condition", "cases": []}, ".cases"),
    "a case without an expression": st.sampled_from([5, [], {}, "", " ", 1.5]).map(
        lambda when: (
            {"type": "condition", "cases": [{"else": []}, {"when": when}]},
            ".cases[1].when",
            EXPRESSION,
        )
    ),
    "a case with another's keys": fixed(
        {"type": "condition", "cases": [{"when": "1", "els": "x"}]}, ".cases[0].els", None
    ),
    "a wait of nothing": form({"type": "wait"}, "for", st.sampled_from(["0s", "0ms", "31d", "1000h"])),
    "a status that HTTP does not have": form(
        {"type": "response"}, "status", st.integers(-5, 99) | st.integers(600, 10**6)
    ),
    "a field of an unknown type": misspelt("number").map(
        lambda kind: ({**HUMAN, "form": {"x": kind}}, ".form.x", did_you_mean("number"))
    ),
    "a field that steers the engine": st.sampled_from(["error", "selectedOption", "selectedRoute"]).map(
        lambda name: ({**HUMAN, "form": {name: "string"}}, f".form.{name}", "use another name")
    ),
    "assignees that are no list": form(HUMAN, "assignees", NO_LIST, 'such as ["group:finance"]'),
    "a deadline without a time": form(
        HUMAN, "deadline", st.sampled_from([{}, {"after": "0s"}, {"after": 5}, {"after": "later"}])
    ).map(lambda each: (each[0], ".deadline.after", "such as 30m, 12h or 2d")),
    "a variable that is no number": fixed(
        {"type": "variables", "set": {"n": {"type": "number", "value": "x"}}}, ".set.n"
    ),
    "a route without a description": fixed(
        {"type": "router", "routes": [ROUTE, {"then": []}]}, ".routes[1].when"
    ),
    "two routes of one name": fixed(
        {"type": "router", "routes": [{**ROUTE, "name": "a"}, {**ROUTE, "name": "a"}]}, ".routes[1].name"
    ),
    "no route": fixed({"type": "router", "routes": []}, ".routes", "give it a list of at least one route"),
    "an agent that is asked nothing": fixed({"type": "agent"}, ".prompt", "or messages"),
    "a temperature out of range": form(AGENT, "temperature", st.sampled_from([-1, 3, "hot", 99.5])),
    "a response format that is no schema": form(
        AGENT, "responseFormat", st.sampled_from(["text", "[1]", {"schema": 5}, {"schema": []}]), JSON_SCHEMA
    ),
    "a tool of a type that agents cannot use": misspelt("custom-tool").map(
        lambda kind: ({**AGENT, "tools": [{"type": kind}]}, ".tools[0].type", did_you_mean("custom-tool"))
    ),
    "a tool of Sim's": st.sampled_from(["mcp", "workflow_input", "exa"]).map(
        lambda kind: (
            {**AGENT, "tools": [{"type": "api"}, {"type": kind, "usageControl": "force"}]},
            ".tools[1].type",
            "use custom-tool, api, http_request or a registered block, or set usageControl to none",
        )
    ),
    "a tool's code that is no text": NO_TEXT.map(
        lambda code: (
            {**AGENT, "tools": [{"type": "custom-tool", "code": code}]},
            ".tools[0].code",
            None,
        )
    ),
    "a message that is no text": NO_TEXT.map(
        lambda content: (
            {"type": "agent", "messages": [{"role": "user", "content": content}]},
            ".messages[0].content",
            None,
        )
    ),
    "a memory without a conversation": form(AGENT, "memory", st.just({"messages": 5})).map(
        lambda each: (each[0], ".memory.conversation", None)
    ),
    "a metric without a range": form(
        EVALUATOR, "metrics", st.integers(-5, 0).map(lambda high: {"tone": {"max": high}})
    ).map(lambda each: (each[0], ".metrics.tone", None)),
    "a workflow that is not named": fixed({"type": "workflow"}, ".workflow"),
    "a loop over nothing": fixed({"type": "loop", "blocks": {"inner": STEP}}, ""),
    "a loop told twice": fixed({**LOOP, "while": "true"}, ".while"),
    "too many iterations": form(LOOP, "for", st.integers(1001, 10**9) | st.integers(-9, 0)),
    "too many items": form(
        {"type": "loop", "blocks": {"inner": STEP}}, "forEach", st.integers(1001, 1100).map(lambda n: [0] * n)
    ),
    "items that are none": form(
        {"type": "loop", "blocks": {"inner": STEP}},
        "forEach",
        st.sampled_from(["a, b", "5", "nothing"]),
        "such as <start.items>",
    ),
    "a container that holds nothing": st.sampled_from([LOOP, PARALLEL]).map(
        lambda block: ({**block, "blocks": {}}, ".blocks", None)
    ),
    "a start that is not inside": form(LOOP, "start", NOBODY),
    "a count that is no number": form(PARALLEL, "count", st.sampled_from(["few", -1, -100, "1.5", "-2"])),
    "too many branches at once": form(PARALLEL, "concurrency", st.integers(21, 10**6) | st.integers(-9, 0)),
    "a trigger inside a container": fixed(
        {**LOOP, "blocks": {"inner": STEP, "hand": {"type": "manual_trigger"}}}, ".blocks.hand"
    ),
    "an iteration's id": st.integers(0, 999).map(
        lambda n: (
            {**LOOP, "blocks": {"inner": {**STEP, "then": f"inner_loop{n}"}, f"inner_loop{n}": STEP}},
            f".blocks.inner_loop{n}",
            "give one of them another id",
        )
    ),
}


@st.composite
def places(draw: st.DrawFn) -> Callable[[dict[str, Any]], tuple[dict[str, Any], str, str]]:
    """Somewhere to put a block: gives the document, the block's id and its path."""
    name, levels, neighbours = draw(NAMES), draw(st.integers(0, 2)), draw(st.integers(0, 2))

    def put(block: dict[str, Any]) -> tuple[dict[str, Any], str, str]:
        block = {key: name if value == "<itself>" else value for key, value in block.items()}
        blocks: dict[str, Any] = {name: block, **{f"n{index}": STEP for index in range(neighbours)}}
        path = at("", name)
        for level in range(levels):
            blocks = {f"outer{level}": {"type": "loop", "for": 2, "start": list(blocks), "blocks": blocks}}
            path = f"outer{level}.blocks.{path}"
        return {"workflow": "w", "blocks": blocks}, name, f"blocks.{path}"

    return put


def found(document: Any) -> dict[str, list[str | None]]:
    parsed = parse(document, workflow_id="w")
    assert parsed.definition is None
    hints: dict[str, list[str | None]] = {}
    for fault in parsed.faults:
        hints.setdefault(fault.path, []).append(fault.hint)
    return hints


@pytest.mark.parametrize("name", OWN)
@settings(max_examples=15)
@given(data=st.data())
def test_a_fault_of_our_own_spelling_is_reported_exactly(name: str, data: st.DataObject) -> None:
    block, path, hint = data.draw(OWN[name])
    document, _, where = data.draw(places())(block)
    assert hint in found(document).get(f"{where}{path}", [])


# --- Sim's serialized workflow and its exported state ---

SimForm = tuple[str, dict[str, Any], str, str | None]
"""A type, its parameters, the path of what is wrong below the parameters, and the hint."""

CASE = {"id": "c", "title": "if", "value": "1"}
SIM: dict[str, st.SearchStrategy[SimForm]] = {
    "code that is no text": NO_TEXT.filter(lambda code: code != []).map(
        lambda code: ("function", {"code": code}, ".code", None)
    ),
    "a language that no sandbox runs": NAMES.map(
        lambda name: ("function", {"code": "", "language": name}, ".language", "use javascript or python")
    ),
    "conditions that are no list": (NO_LIST | st.sampled_from(["", "{", "{}", "5"])).map(
        lambda conditions: ("condition", {"conditions": conditions}, ".conditions", None)
    ),
    "a case without an id": st.sampled_from([None, 5, ""]).map(
        lambda case_id: ("condition", {"conditions": [CASE | {"id": case_id}]}, ".conditions[0].id", None)
    ),
    "two cases of one id": st.just(("condition", {"conditions": [CASE, CASE]}, ".conditions[1].id", None)),
    "a case of an unknown kind": NAMES.map(
        lambda title: ("condition", {"conditions": [CASE | {"title": title}]}, ".conditions[0].title", None)
    ),
    "no route": st.sampled_from([None, [], "[]", "x"]).map(
        lambda routes: (
            "router_v2",
            {"routes": routes, "context": "c"},
            ".routes",
            "give it a list of at least one route",
        )
    ),
    "a message of an unknown role": misspelt("assistant").map(
        lambda role: (
            "agent",
            {"messages": [{"role": role, "content": "x"}]},
            ".messages[0].role",
            did_you_mean("assistant"),
        )
    ),
    "a tool without a type": NO_TEXT.map(
        lambda kind: (
            "agent",
            {"messages": [{"role": "user", "content": ""}], "tools": [{"type": kind}]},
            ".tools[0].type",
            None,
        )
    ),
    "a memory without a conversation": st.sampled_from(["conversation", "sliding_window"]).map(
        lambda kind: (
            "agent",
            {"messages": [{"role": "user", "content": ""}], "memoryType": kind},
            ".conversationId",
            "such as <start.conversationId>",
        )
    ),
    "metrics without names": st.sampled_from([5, {}, {"name": ""}, {"name": 5}]).map(
        lambda metric: ("evaluator", {"metrics": [metric]}, ".metrics[0]", None)
    ),
    "a workflow that is not named": st.sampled_from([None, "", " ", 5]).map(
        lambda workflow_id: (
            "workflow_input",
            {"workflowId": workflow_id, "x": 1},
            ".workflowId",
            "name the workflow by the id that it is deployed under",
        )
    ),
    "a wait that is too long": st.integers(721, 9999).map(
        lambda hours: (
            "wait",
            {"timeValue": str(hours), "timeUnitLong": "hours", "async": True},
            ".timeValue",
            None,
        )
    ),
    "a webhook whose secret is written out": NAMES.map(
        lambda secret: ("webhook", {"secret": secret}, ".secret", 'such as "{{WEBHOOK_SECRET}}"')
    ),
    "a webhook that Sim would guard": st.just(
        (
            "generic_webhook",
            {"requireAuth": True},
            ".requireAuth",
            'set secret, such as "{{WEBHOOK_SECRET}}", and take requireAuth out',
        )
    ),
    "a schedule out of range": st.integers(60, 999).map(
        lambda minute: ("schedule", {"scheduleType": "hourly", "hourlyMinute": minute}, ".hourlyMinute", None)
    ),
    "a time zone that does not exist": NAMES.map(
        lambda zone: ("schedule", {"timezone": zone}, ".timezone", "such as Europe/Berlin or UTC")
    ),
}


@pytest.mark.parametrize("name", SIM)
@settings(max_examples=15)
@given(data=st.data())
def test_a_fault_of_sims_serialized_workflow_is_reported_exactly(name: str, data: st.DataObject) -> None:
    block_type, params, path, hint = data.draw(SIM[name])
    before = data.draw(st.integers(0, 3))
    blocks = [{"id": f"n{index}", "metadata": {"id": "start_trigger"}} for index in range(before)]
    block = {"id": "b", "metadata": {"id": block_type}, "config": {"params": params}}
    document = {"blocks": [*blocks, block, {"id": "s", "metadata": {"id": "starter"}}], "connections": []}
    assert hint in found(document).get(f"blocks[{before}].config.params{path}", [])


@pytest.mark.parametrize("name", SIM)
@settings(max_examples=15)
@given(data=st.data())
def test_a_fault_of_sims_exported_state_is_reported_exactly(name: str, data: st.DataObject) -> None:
    block_type, params, path, hint = data.draw(SIM[name])
    key = data.draw(NAMES)
    subs = {each: {"id": each, "value": value} for each, value in params.items()}
    if block_type == "agent":
        subs.setdefault("memoryType", {"id": "memoryType", "value": "none"})
    blocks = {
        "s": {"id": "s", "type": "start_trigger", "name": "s"},
        key: {"id": key, "type": block_type, "name": key, "subBlocks": subs},
    }
    document = {"state": {"blocks": blocks, "edges": []}}
    param, _, rest = path[1:].partition("[")
    where = f"state.blocks.{key}.subBlocks.{param}.value" + (f"[{rest}" if rest else "")
    assert hint in found(document).get(where, [])


def test_there_are_more_than_thirty_classes() -> None:
    assert len(OWN.keys() | SIM.keys()) > 60
