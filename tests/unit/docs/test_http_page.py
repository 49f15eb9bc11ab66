"""The pages tell of every route, docs/http.md of none that is not there and of every field of an execute."""

import re
from pathlib import Path
from typing import Final

from signoff.gateway.openapi.elsewhere import ELSEWHERE
from signoff.gateway.routes import ALL
from signoff.gateway.schemas import EXECUTE_FIELDS

DOCS: Final = Path(__file__).resolve().parents[3] / "docs"
PAGE: Final = (DOCS / "http.md").read_text(encoding="utf-8")
ROUTES: Final = {f"{each.method} {each.pattern}" for each in (*ALL, *ELSEWHERE)}


def told(page: str) -> set[str]:
    """The routes that a page names, as ``GET /path`` or ``GET|PUT /path``."""
    found = re.findall(r"`((?:GET|POST|PUT|PATCH|DELETE)[A-Z|\\]*) (/[^`?\s]*)[^`]*`", page)
    plain = [(methods, re.sub(r"{[^}]*}", "{}", path)) for methods, path in found]
    return {f"{method} {path}" for methods, path in plain for method in methods.replace("\\", "").split("|")}


def test_every_route_is_told_of_on_some_page() -> None:
    pages = [told(page.read_text(encoding="utf-8")) for page in DOCS.glob("*.md")]

    assert sorted(ROUTES.difference(*pages)) == []


def test_the_page_of_http_tells_of_no_other_route() -> None:
    assert sorted(told(PAGE) - ROUTES) == []


def test_the_page_tells_of_every_field_of_an_execute_request() -> None:
    assert [name for name in sorted(EXECUTE_FIELDS) if f"`{name}`" not in PAGE] == []
