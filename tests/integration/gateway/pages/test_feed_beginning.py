"""Where a page's feed begins: before the page was read, for those who may have a feed."""

import re
from typing import Any

import pytest
import pytest_asyncio

from signoff.gateway.gateway import GATEWAY
from signoff.gateway.pages.feed import CURSORS
from support.exhibit import Exhibit, exhibited
from support.gateways import Server, serving, settings
from support.identities import add_person, sign_in


@pytest.fixture(scope="module")
def exhibit() -> Any:
    with exhibited() as exhibit:
        yield exhibit


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def server(exhibit: Exhibit) -> Any:
    async with serving(settings()) as running:
        yield running


async def cursor(server: Server, *roles: str, **more: str) -> str | None:
    """The cursor on a page that somebody reads."""
    _, address = await add_person(server, *roles)
    headers = {"Connection": "close", **(await sign_in(server, address)).headers, **more}
    server.client.session.cookie_jar.clear()
    async with server.client.get("/exhibit", headers=headers) as answer:
        assert answer.status == 200
        found = re.search(r'data-cursor="([^"]+)"', await answer.text())
    return found and found[1]


async def test_a_page_names_the_place_of_the_feed_from_before_it_was_read(server: Server) -> None:
    app = server.client.app
    before = await app[GATEWAY].store.last_position()

    found = await cursor(server, "read")

    assert found is not None
    assert before <= app[CURSORS].position(found) <= await app[GATEWAY].store.last_position()


async def test_a_page_that_is_read_again_needs_no_place(server: Server) -> None:
    assert await cursor(server, "read", **{"Signoff-Live": "1"}) is None
