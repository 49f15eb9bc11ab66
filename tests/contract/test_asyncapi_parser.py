"""The AsyncAPI project's own parser reads the document, and finds nothing."""

import json
from pathlib import Path
from typing import Any, Final

import pytest

from signoff.events.schemas.documents import encode
from signoff.events.types import COMMAND_TYPES, EVENT_TYPES
from signoff.gateway.openapi.topics import build
from support import npm

_FOLDER: Final = Path(__file__).resolve().parent / "asyncapi"
_NEWER = "asyncapi-latest-version"
"""Says only that there is AsyncAPI 3.1, which fewer tools read."""


@pytest.fixture(scope="module")
def parser() -> Path:
    return npm.install(_FOLDER) / "check.mjs"


def parsed(parser: Path, document: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(npm.run(parser, encode(document).decode()))
    found["diagnostics"] = [each for each in found["diagnostics"] if each["code"] != _NEWER]
    return found


@pytest.mark.timeout(240)  # the first time, npm fetches the parser
def test_the_parser_finds_nothing_and_understands_all(parser: Path) -> None:
    found = parsed(parser, build())

    assert found["diagnostics"] == []
    assert found["channels"] == {
        "signoff.executions": len(EVENT_TYPES),
        "signoff.commands": len(COMMAND_TYPES),
        "signoff.outcomes": 1,
        "signoff.checkpoints": 2,
    }
    assert "receiveExecutions" in found["operations"]


def test_the_parser_finds_what_is_wrong(parser: Path) -> None:
    document = build()
    document["operations"]["receiveExecutions"]["channel"]["$ref"] = "#/channels/elsewhere"

    assert parsed(parser, document)["diagnostics"] != []
