"""`signoff lint` says what a deploy would say, with lines, and needs no server."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from signoff.blocks import Registry
from signoff.cli.arguments.linting import Remark, lint_file
from signoff.cli.exits import CommandError, Exit
from signoff.cli.main import call
from signoff.gateway.errors import ApiError
from signoff.gateway.workflows.definitions import Checking, read_definition
from signoff.sandbox.errors import WorkerLostError
from signoff.sandbox.pool import Sandbox

EXAMPLES = Path(__file__).resolve().parents[3] / "examples"
BROKEN = """\
workflow: broken
blocks:
  ask:
    type: human_in_the_loop
    show: {Who: <start.who>, Why: <nobody.why>}
    then: pya
  pay: {type: respnse}
  sum:
    type: function
    code: |
      let sum = 0;
      return sum +
"""


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    file = tmp_path / "broken.yaml"
    file.write_text(BROKEN)
    return file


@pytest.fixture
async def checking() -> AsyncIterator[Checking]:
    async with await Sandbox.start(workers=1) as sandbox:
        yield Checking(Registry(), sandbox)


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
        ("fault", 12, "blocks.sum.code"),
        ("warning", 7, "blocks.pay"),
        ("warning", 8, "blocks.sum"),
        ("warning", 5, "blocks.ask.show.Why"),
    ]


async def test_it_says_what_a_deploy_says(broken: Path, checking: Checking) -> None:
    with pytest.raises(ApiError) as refused:
        await read_definition(BROKEN.encode(), "application/yaml", workflow_id="broken", checking=checking)
    faults = [each for each in await lint_file(broken, checking=checking) if each.severity == "fault"]

    assert [(each.path, each.message, each.hint) for each in faults] == [
        (each.path, each.message, each.hint) for each in refused.value.details
    ]


def test_warnings_alone_are_no_failure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "w.yaml"
    file.write_text("blocks: {a: {type: response, data: <nobody.x>}}")

    assert call(["lint", str(file)]) == Exit.OK
    assert [each["severity"] for each in records(capsys)] == ["warning"]


@pytest.mark.parametrize(
    ("name", "text", "place"),
    [
        ("w.json", '{"blocks": [{"a": {"type": "response"},\n"a": 1}]}', ("blocks[0].a", 2)),
        ("w.yaml", "blocks: [{a: {type: response},\na: 1}]", ("blocks[0].a", 2)),
        ("w.yaml", "blocks: [", ("", None)),
        ("w.json", "{", ("", None)),
    ],
)
async def test_what_is_no_document_is_a_fault_too(
    tmp_path: Path, checking: Checking, name: str, text: str, place: tuple[str, int | None]
) -> None:
    file = tmp_path / name
    file.write_text(text)

    remarks = await lint_file(file, checking=checking)

    assert [(each.severity, each.path, each.line) for each in remarks] == [("fault", *place)]


LITERAL = """\
blocks:
  f:
    type: function
    code: |  # the body

      const a = <start.amount>;
      return a +* 2
    then: c
  c:
    type: condition
    cases:
      - when: |-
          1 >
          > 2
"""
FOLDED = """\
blocks:
  f:
    type: function
    code: >
      const a = 1;

      return a +* 2
"""
PYTHON = """\
blocks:
  f:
    type: function
    language: python
    code: |
      import json

      import numpy
      return json
"""
LOOP = "blocks:\n  l:\n    type: loop\n    while: <loop.index> <\n    blocks: {a: {type: response}}\n"
FETCH = "blocks:\n  f:\n    type: function\n    code: |\n      const u = 'u';\n      return await fetch(u)\n"
SIM = """\
{"blocks": [{"id": "s", "metadata": {"id": "start_trigger"}},
  {"id": "f", "metadata": {"id": "function"},
   "config": {"params": {
     "code": "const a = 1;\\nreturn a +* 2"}}}],
 "connections": [{"source": "s", "target": "f"}]}
"""


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        (
            "w.yaml",
            LITERAL,
            [
                ("blocks.f.code", 7, "line 3: unexpected token in expression: '*'"),
                ("blocks.c.cases[0].when", 14, "line 2: unexpected token in expression: '>'"),
            ],
        ),
        ("w.yaml", FOLDED, [("blocks.f.code", 4, "line 2: unexpected token in expression: '*'")]),
        ("w.yaml", PYTHON, [("blocks.f.code", 8, "line 3: No module named 'numpy'")]),
        ("w.yaml", LOOP, [("blocks.l.while", 4, "line 1: unexpected token in expression: ')'")]),
        (
            "w.json",
            SIM,
            [("blocks[1].config.params.code", 4, "line 2: unexpected token in expression: '*'")],
        ),
    ],
    ids=["literal", "folded", "python", "loop", "json"],
)
async def test_faults_of_code_have_the_line_of_the_file(
    tmp_path: Path, checking: Checking, name: str, text: str, expected: list[tuple[str, int, str]]
) -> None:
    file = tmp_path / name
    file.write_text(text)

    remarks = [each for each in await lint_file(file, checking=checking) if each.severity == "fault"]

    assert [(each.path, each.line, each.message) for each in remarks] == expected


async def test_what_code_will_not_find_is_a_warning_with_what_to_do_instead(
    tmp_path: Path, checking: Checking
) -> None:
    file = tmp_path / "w.yaml"
    file.write_text(FETCH)

    assert await lint_file(file, checking=checking) == [
        Remark(
            str(file),
            "warning",
            "line 2: fetch does not exist in the sandbox",
            "blocks.f.code",
            "there is no network: use an api block",
            6,
        )
    ]


def test_without_a_sandbox_nothing_is_passed(
    broken: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def start() -> Sandbox:
        raise WorkerLostError("No sandbox worker can be started: no memory")

    monkeypatch.setattr(Sandbox, "start", start)

    assert call(["lint", str(broken)]) == Exit.REFUSED
    assert "code cannot be checked here: No sandbox worker" in capsys.readouterr().err


async def test_code_that_cannot_be_checked_is_not_passed(tmp_path: Path) -> None:
    file = tmp_path / "w.yaml"
    file.write_text(FETCH)
    sandbox = await Sandbox.start(workers=1)
    await sandbox.close()

    with pytest.raises(CommandError, match=r"w\.yaml: The code could not be checked") as caught:
        await lint_file(file, checking=Checking(Registry(), sandbox))
    assert caught.value.code == Exit.REFUSED


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
