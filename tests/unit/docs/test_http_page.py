"""docs/http.md tells of every route, and of every field of an execute request."""

import re
from pathlib import Path
from typing import Final

from aiohttp import web

from signoff.gateway.admission import Admission
from signoff.gateway.routes import add_routes
from signoff.gateway.schemas import EXECUTE_FIELDS
from signoff.runtime.health import Health, add_health_routes
from signoff.runtime.settings import Settings

PAGE: Final = (Path(__file__).resolve().parents[3] / "docs" / "http.md").read_text(encoding="utf-8")
STREAM: Final = "GET /api/workflows/{id}/executions/{execution}/stream"
"""The one route of another service."""


def routes() -> set[str]:
    app = web.Application()
    add_routes(app, Admission(Settings()))
    add_health_routes(app, Health())
    return {f"{each.method} {each.resource.canonical}" for each in app.router.routes() if each.resource}


def test_the_page_tells_of_every_route_and_of_no_other() -> None:
    told = set(re.findall(r"`((?:GET|POST|PUT|DELETE) /[^`]*)`", PAGE))

    assert told == {route for route in routes() if not route.startswith("HEAD")} | {STREAM}


def test_the_page_tells_of_every_field_of_an_execute_request() -> None:
    assert [name for name in sorted(EXECUTE_FIELDS) if f"`{name}`" not in PAGE] == []
