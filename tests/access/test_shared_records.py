"""What gateways share beside the log: rates, sessions, uses of keys; and what of it has expired."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest

from access.conftest import Site
from signoff.events.errors import StoreUnavailableError
from signoff.runtime.settings import Rate
from support.clusters import Cluster, Service
from support.executors import until
from support.identities import PASSWORD
from support.postgres import Postgres

_FORTY = Rate(40, 36_000.0)


@pytest.fixture
async def limited(cluster: Cluster, site: Site) -> AsyncIterator[tuple[Service, Service]]:
    """Two gateways that let a key through forty times in ten hours."""
    async with cluster.gateway(rate_reads=_FORTY) as one, cluster.gateway(rate_reads=_FORTY) as two:
        yield one, two


async def _new_key(site: Site) -> str:
    made = await site.a.do("POST", "/api/keys", json={"name": "limited", "roles": ["read"]})
    await site.everywhere()
    return str(made["key"])


async def test_two_gateways_let_as_many_requests_through_as_one(
    site: Site, limited: tuple[Service, Service]
) -> None:
    key = await _new_key(site)
    for each in limited:
        await each.directory.reached(site.a.directory.version)

    answers = await asyncio.gather(
        *(each.call("GET", "/api/workflows", key=key) for each in limited for _ in range(50))
    )

    assert Counter(status for status, _ in answers) == {200: 40, 429: 60}


async def test_nobody_gets_in_uncounted_while_rates_cannot_be_asked_for(
    site: Site, limited: tuple[Service, Service], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object, **__: object) -> Any:
        raise StoreUnavailableError("the database is away")

    key, (one, _) = await _new_key(site), limited
    await one.directory.reached(site.a.directory.version)
    monkeypatch.setattr(one.log.records, "get", away)

    assert (await one.call("GET", "/api/workflows", key=key))[0] == 503


async def test_a_session_is_good_at_every_gateway_and_ends_at_all(site: Site) -> None:
    address = f"{uuid4()}@example.org"
    person = {"name": "Ada", "email": address, "password": PASSWORD}
    await site.a.do("POST", "/api/users", json=person)
    await site.everywhere()
    async with site.a.client.post("/api/auth/login", json={"email": address, "password": PASSWORD}) as said:
        cookie = said.cookies["signoff_session"].value
    session = {"Cookie": f"signoff_session={cookie}", "Connection": "close"}

    async def status(service: Service, method: str, path: str) -> int:
        service.client.session.cookie_jar.clear()
        async with service.client.request(method, path, headers=session) as answered:
            return answered.status

    before = await status(site.b, "GET", "/api/auth/session")
    ended = await status(site.b, "POST", "/api/auth/logout")
    after = await status(site.a, "GET", "/api/auth/session")

    assert (before, ended, after) == (200, 204, 401)


async def test_other_gateways_tell_when_a_key_was_last_used(site: Site, cluster: Cluster) -> None:
    made = await site.a.do("POST", "/api/keys", json={"name": "used", "roles": ["read"]})
    began = time.time()

    async with cluster.gateway() as gateway:
        await gateway.do("GET", "/api/workflows", key=made["key"])  # noted, and written when it ends
    shown = await site.a.do("GET", f"/api/keys/{made['id']}")

    assert shown["lastUsedAt"] >= time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(began))


async def test_what_has_expired_is_deleted_by_a_gateway(
    site: Site, cluster: Cluster, postgres: Postgres, log_url: str
) -> None:
    scope = uuid4()
    records = site.a.log.records
    await records.put("session", scope, "old", b"x", expires_at=time.time() - 1)
    await records.put("session", scope, "new", b"x", expires_at=time.time() + 3_600)

    def left() -> str:
        query = f"SELECT key FROM records WHERE scope = '{scope}'"
        return postgres.query(query, log_url.partition("?")[0].rpartition("/")[2]).strip()

    async with cluster.gateway():

        async def only_new() -> bool:
            return await asyncio.to_thread(left) == "new"

        await until(only_new)
