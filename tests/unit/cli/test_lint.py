"""`signoff lint` says what a deploy would say, with lines, and needs no server."""

import json
from pathlib import Path
from typing import Any

import pytest

from signoff.blocks import Registry
from signoff.cli.exits import Exit
from signoff.cli.linting import lint_file
from signoff.cli.main import call
from signoff.gateway.definitions import read_definition
from signoff.gateway.errors import ApiError

EXAMPLES = Path(__file__).resolve().parents[3] / "examples"
BROKEN = """\
workflow: broken
blocks:
  ask:
    type: human_in_the_loop
    show: {Who: <start.who>, Why: <nobody.why>}
    then: pya
  pay: {type: respnse}
"""


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    file = tmp_path / "broken.yaml"
    file.write_text(BROKEN)
    return file


def records(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_what_is_right_is_passed_without_a_word(capsys: pytest.CaptureFixture[str]) -> None:
    files = map(str, sorted(EXAMPLES.glob("*/workflow.yaml")))

    assert call(["lint", *files]) == Exit.OK
    assert records(capsys) == []


def test_every_fault_and_warning_has_its_line(broken: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["lint", str(broken), "--json"]) == Exit.FAILED
    assert [(each["severity"], each["line"], each["path"]) for each in records(capsys)] == [
        ("fault", 7, "blocks.pay.type"),
        ("fault", 6, "blocks.ask.then"),
        ("warning", 7, "blocks.pay"),
        ("warning", 5, "blocks.ask.show.Why"),
    ]


def test_it_says_what_a_deploy_says(broken: Path) -> None:
    with pytest.raises(ApiError) as refused:
        read_definition(broken.read_bytes(), "application/yaml", types=Registry(), workflow_id="broken")
    faults = [each for each in lint_file(broken, types=Registry()) if each.severity == "fault"]

    assert [(each.path, each.message, each.hint) for each in faults] == [
        (each.path, each.message, each.hint) for each in refused.value.details
    ]


def test_warnings_alone_are_no_failure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "w.yaml"
    file.write_text("blocks: {a: {type: response, data: <nobody.x>}}")

    assert call(["lint", str(file)]) == Exit.OK
    assert [each["severity"] for each in records(capsys)] == ["warning"]


@pytest.mark.parametrize(
    ("name", "text", "path"),
    [
        ("w.json", '{"blocks": {"a": {"type": "response"}, "a": {"type": "response"}}}', "blocks.a"),
        ("w.yaml", "blocks: {a: {type: response}, a: {type: response}}", "blocks.a"),
        ("w.yaml", "blocks: [", ""),
        ("w.json", "{", ""),
    ],
)
def test_what_is_no_document_is_a_fault_too(tmp_path: Path, name: str, text: str, path: str) -> None:
    file = tmp_path / name
    file.write_text(text)

    assert path in [each.path for each in lint_file(file, types=Registry()) if each.severity == "fault"]


def test_registered_blocks_are_known_by_their_module(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "w.yaml"
    file.write_text("blocks: {a: {type: nobody.knows}}")

    assert call(["lint", str(file), "--blocks", "no_such_module"]) == Exit.USAGE
    assert "no_such_module" in capsys.readouterr().err


def test_the_schema_of_definitions_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["schema", "definition"]) == Exit.OK
    assert json.loads(capsys.readouterr().out)["title"] == "Signoff workflow"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [(["lint"], "name at least one file"), (["lint", "nowhere.yaml"], "cannot be read")],
)
def test_wrong_usage_is_told_in_a_sentence(
    arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(arguments) == Exit.USAGE
    assert says in capsys.readouterr().err
