"""What the MCP server makes of forms, names and sizes, without a server."""

import sys
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest

from signoff.cli.exits import CommandError
from signoff.cli.mcp.bounds import bounded
from signoff.cli.mcp.errors import ToolError
from signoff.cli.mcp.forms import input_schema, schema_of
from signoff.cli.mcp.http import bearer_of
from signoff.cli.mcp.resources import read
from signoff.cli.mcp.server import Context
from signoff.cli.mcp.workflow_tools import tool_name
from signoff.client import AsyncClient
from signoff.engine.definitions.parse import parse


def test_a_small_answer_stays_as_it_is() -> None:
    record = {"note": "", "output": {"deep": [{"er": "x" * 1000}]}}

    assert bounded(record) is record


@pytest.mark.parametrize(
    "output",
    [
        "x" * 1_000_000,
        ["x"] * 1_000_000,
        {f"name {number}": number for number in range(100_000)},
        [{"of": ["x" * 500] * 50} for _ in range(200)],
    ],
    ids=["a text", "a list", "an object", "a list of objects"],
)
def test_a_large_answer_is_cut_and_says_where_the_whole_is(output: Any) -> None:
    cut = bounded({"note": "first", "output": output}, most=10_000, whole="signoff://executions/1")

    assert len(msgspec.json.encode(cut)) <= 10_000
    assert type(cut["output"]) is type(output)
    assert cut["note"].startswith("first; parts were cut")
    assert "signoff://executions/1" in cut["note"]


def test_an_answer_that_cannot_be_cut_enough_says_what_to_ask() -> None:
    with pytest.raises(ToolError, match="ask for fewer things"):
        bounded({"note": "", "output": "x" * 1000}, most=100)


def test_a_form_is_a_schema_with_its_labels_choices_and_defaults() -> None:
    schema = schema_of(
        [
            {"name": "amount", "label": "amount", "type": "number", "required": True},
            {"name": "size", "label": "Size", "description": "of the shirt", "options": ["S", "M"]},
            {"name": "note", "type": "of our own", "value": "none"},
        ]
    )

    assert schema == {
        "type": "object",
        "properties": {
            "amount": {"type": "number"},
            "size": {"type": "string", "description": "Size. of the shirt", "enum": ["S", "M"]},
            "note": {"default": "none"},
        },
        "required": ["amount"],
    }


def test_a_workflow_without_an_input_form_takes_anything() -> None:
    document = {"blocks": {"note": {"type": "variables", "set": {"a": 1}}}}
    definition = parse(document, workflow_id="any").definition
    assert definition is not None

    assert input_schema(definition) == {"type": "object", "properties": {}}


def test_a_workflows_tool_is_called_by_its_id_and_by_no_other_workflows_name() -> None:
    ids = ["refund-approval", "refund approval", "refund/approval", "r" * 200, "r" * 201]
    names = [tool_name(each) for each in ids]

    assert names[0] == "run_refund-approval"
    assert len(set(names)) == len(ids)
    assert all(len(name) <= 60 and name.replace("-", "_").isidentifier() for name in names)


def test_without_the_mcp_package_the_command_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("signoff.cli.mcp")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "mcp", None)
    from signoff.cli.commands.mcp import mcp

    with pytest.raises(CommandError, match=r'pip install "signoff\[mcp\]"'):
        mcp()


@pytest.mark.parametrize("headers", [{}, {"authorization": "Bearer "}, {"authorization": "Basic a2V5"}])
def test_a_request_without_a_key_does_not_act_with_that_of_the_process(headers: dict[str, str]) -> None:
    for request in (None, SimpleNamespace(headers=headers)):
        with pytest.raises(ToolError, match="carries no Signoff API key"):
            bearer_of(cast("Context", SimpleNamespace(request=request)))


@pytest.mark.parametrize("after", ["-1", "x", "9" * 5000])
async def test_events_after_what_is_no_number_are_refused(after: str) -> None:
    async with AsyncClient("http://127.0.0.1:1") as client:
        with pytest.raises(ToolError, match="number of an event"):
            await read(client, f"signoff://executions/e/events?after={after}")
