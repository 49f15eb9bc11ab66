"""What docs/triggers.md shows can be deployed."""

import re
from pathlib import Path

import pytest
import yaml

from signoff.engine.definitions.parse import parse

PAGE = Path(__file__).resolve().parents[3] / "docs" / "triggers.md"
SHOWN = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


@pytest.mark.parametrize("text", SHOWN)
def test_a_workflow_on_the_page_has_no_faults(text: str) -> None:
    parsed = parse(yaml.safe_load(text), types=(), workflow_id="shown")

    assert (parsed.faults, parsed.warnings) == ([], [])
