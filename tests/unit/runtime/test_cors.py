from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestClient, TestServer

from signoff.runtime.cors import allow_origins
from signoff.runtime.errors import SettingsError
from signoff.runtime.settings import Settings

OURS = "https://app.example.org"
PREFLIGHT = {"Origin": OURS, "Access-Control-Request-Method": "POST"}


async def streamed(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    await response.write_eof(b"x")
    return response


@asynccontextmanager
async def serving(*origins: str) -> AsyncIterator[TestClient[Any, Any]]:
    app = web.Application()
    app.router.add_get("/", streamed)
    allow_origins(app, origins)
    async with TestClient(TestServer(app)) as client:
        yield client


async def called(*origins: str, method: str = "GET", **headers: str) -> ClientResponse:
    async with serving(*origins) as client, client.request(method, "/", headers=headers) as response:
        return response


async def test_without_origins_nothing_is_allowed() -> None:
    response = await called(Origin=OURS)

    assert not [name for name in response.headers if name.startswith("Access-Control")]
    assert (await called(method="OPTIONS", **PREFLIGHT)).status == 405


async def test_a_named_site_may_read_answers_also_streams_and_with_its_visitors_session() -> None:
    headers = (await called(OURS, Origin=OURS)).headers

    assert headers["Access-Control-Allow-Origin"] == OURS
    assert headers["Access-Control-Allow-Credentials"] == "true"
    assert {"X-Execution-Id", "ETag", "Retry-After"} <= set(
        headers["Access-Control-Expose-Headers"].split(", ")
    )


async def test_another_site_may_not_and_caches_keep_the_two_apart() -> None:
    headers = (await called(OURS, Origin="https://evil.example")).headers

    assert "Access-Control-Allow-Origin" not in headers
    assert headers["Vary"] == "Origin"


async def test_any_site_is_never_trusted_with_a_session() -> None:
    headers = (await called("*", Origin="https://any.example")).headers

    assert headers["Access-Control-Allow-Origin"] == "*"
    assert "Access-Control-Allow-Credentials" not in headers


async def test_a_preflight_is_answered_without_the_route() -> None:
    response = await called(OURS, method="OPTIONS", **PREFLIGHT)

    assert response.status == 204
    assert "PATCH" in response.headers["Access-Control-Allow-Methods"]
    assert "X-API-Key" in response.headers["Access-Control-Allow-Headers"]


def test_origins_are_read_from_the_environment() -> None:
    given = {"SIGNOFF_CORS_ORIGINS": "https://app.example.org, http://localhost:3000"}

    assert Settings.from_environment(given).cors_origins == (
        "https://app.example.org",
        "http://localhost:3000",
    )


@pytest.mark.parametrize(
    "text", ["app.example.org", "https://app.example.org/", "ftp://a", "https://", "null"]
)
def test_what_is_no_origin_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match="SIGNOFF_CORS_ORIGINS"):
        Settings.from_environment({"SIGNOFF_CORS_ORIGINS": text})
