"""`signoff schema` prints the contracts, as files have them."""

from pathlib import Path
from typing import Final

import pytest

from signoff.cli.exits import Exit
from signoff.cli.main import call
from signoff.events.schemas import documents

PUBLISHED: Final = Path(__file__).resolve().parents[3] / "docs" / "schemas"


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("events", "events.schema.json"),
        ("commands", "commands.schema.json"),
        ("outcomes", "outcomes.schema.json"),
        ("asyncapi", "asyncapi.json"),
    ],
)
def test_a_contract_is_printed_as_it_is_published(
    name: str, file: str, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    assert call(["schema", name]) is Exit.OK

    assert capfdbinary.readouterr().out == (PUBLISHED / file).read_bytes()


def test_one_type_is_printed_by_itself(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert call(["schema", "events", "--type", "block:completed"]) is Exit.OK

    assert capfdbinary.readouterr().out == documents.encode(documents.event("block:completed"))


@pytest.mark.parametrize(("document", "name"), [("events", "StartExecution"), ("commands", "outcomes")])
def test_a_type_that_is_none_is_refused(document: str, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["schema", document, "--type", name]) is Exit.USAGE

    assert f"no type '{name}' among {document}" in capsys.readouterr().err
