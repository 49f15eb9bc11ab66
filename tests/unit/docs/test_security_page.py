"""docs/security.md has the table of permissions as it is, and names tests that are there."""

import re
from pathlib import Path
from typing import Final

import pytest

from signoff.access.permissions import ROLES, TABLE, Operation, allows
from signoff.gateway.openapi.elsewhere import ELSEWHERE
from signoff.gateway.routes import ALL

REPOSITORY: Final = Path(__file__).resolve().parents[3]
PAGE: Final = (REPOSITORY / "docs" / "security.md").read_text(encoding="utf-8")
NAMED: Final = sorted(set(re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", PAGE)))
RISKS: Final = 10


def permissions() -> str:
    """The table, as the page must have it between its marks."""
    head = ["| operation |" + "".join(f" {role} |" for role in ROLES) + " routes |"]
    head.append("|---|" + ":-:|" * len(ROLES) + "---|")
    return "\n".join([*head, *map(_row, sorted(TABLE))])


def _row(operation: Operation) -> str:
    marks = "".join(" yes |" if allows([role], operation) else " |" for role in ROLES)
    routes = sorted(f"`{each.name}`" for each in (*ALL, *ELSEWHERE) if each.operation == operation)
    return f"| `{operation}` |{marks} {', '.join(routes)} |"


def test_the_page_has_the_table_that_counts() -> None:
    shown = PAGE.partition("<!-- permissions -->\n")[2].partition("\n<!-- end of permissions -->")[0]

    assert shown == permissions()


@pytest.mark.parametrize(("path", "name"), NAMED)
def test_a_test_that_the_page_names_is_there(path: str, name: str) -> None:
    text = (REPOSITORY / path).read_text(encoding="utf-8")

    assert f"def {name or 'test_'}" in text


def test_every_risk_of_the_top_ten_names_a_test() -> None:
    rows = re.findall(r"^\| API(\d+) .*\| (`tests/.*) \|$", PAGE, re.MULTILINE)

    assert [int(number) for number, _ in rows] == list(range(1, RISKS + 1))
