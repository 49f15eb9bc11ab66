"""Today's server goes on with what an old version left: nothing is lost, and everything comes to its end."""

import asyncio
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import asyncpg
import pytest
from local_services.process import run

from histories.past import KEY, SETTINGS, Left, Past
from histories.player import Player
from histories.plays import BY_PEOPLE
from support.postgres import Postgres
from support.system_people import keys_of_cast
from support.system_services import EmbeddedService

_SIGNOFF = Path(sys.executable).with_name("signoff")
_TESTS = Path(__file__).parents[1]


def settings(folder: Path, **wiring: str) -> dict[str, str]:
    """What today's server on an old data folder runs with."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("SIGNOFF_")}
    own = {"SIGNOFF_DATA": str(folder / "data"), "PYTHONPATH": str(_TESTS)}
    return {**clean, **SETTINGS, **own, **wiring}


class Servers(NamedTuple):
    """Today's servers on what one version left: on its data folder, and on its PostgreSQL database."""

    embedded: EmbeddedService
    on_postgres: EmbeddedService
    settings: Mapping[str, str]
    """Those of the latter."""


@pytest.fixture(scope="module")
def servers(past: Past, postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """Both, started at once."""
    old, other = (tmp_path_factory.mktemp(kind) for kind in ("embedded", "on_postgres"))
    past.unpack(old / "data")
    url = postgres.fresh_database()
    asyncio.run(restore(url, past.postgres_script()))
    wired = settings(other, SIGNOFF_DATABASE_URL=url)
    both = EmbeddedService(old, settings(old)), EmbeddedService(other, wired)
    for each in both:
        each.launch()
    for each in both:
        each.await_ready()
    yield Servers(*both, wired)
    for each in both:
        each.stop()
    postgres.drop(url)


async def restore(url: str, script: str) -> None:
    """Make a database as it was recorded."""
    connection = await asyncpg.connect(url)
    await connection.execute(script)
    await connection.close()


async def go_on(with_server: EmbeddedService, executions: Sequence[Left]) -> None:
    """Check all executions, with the key of the recorded servers and those that its people make."""
    url = f"http://127.0.0.1:{with_server.port}"
    people = any(each.play in BY_PEOPLE for each in executions)
    async with Player(url, KEY, await keys_of_cast(url) if people else {}) as player:
        await check(player, executions)


async def check(player: Player, executions: Sequence[Left]) -> None:
    """Read what was left by every way, go on with it, and compare its end with that of its twin."""
    await check_reads(player, executions)
    await asyncio.gather(*(check_end(player, each) for each in executions))


async def check_reads(player: Player, executions: Sequence[Left]) -> None:
    status, listed = await player.call("GET", "/api/executions?limit=100")
    assert status == 200, listed
    assert {each.execution_id for each in executions} <= {
        each["executionId"] for each in listed["executions"]
    }
    for each in executions:
        path = f"/api/workflows/{each.play}/executions/{each.execution_id}"
        status, shown = await player.call("GET", path)
        assert (status, shown["executionId"]) == (200, each.execution_id)
        log = await player.log(each.execution_id)
        assert [event["eventId"] for event in log] == list(range(1, len(log) + 1))


async def check_end(player: Player, left: Left) -> None:
    if not left.ended:
        await player.perform(left.play, left.execution_id, left.after)
    assert await player.ended(left.execution_id) == left.end, left.play


async def test_a_rebuild_brings_what_waits_into_a_projection_that_was_added_since(
    servers: Servers, past: Past
) -> None:
    """The inbox came with 0.4: what had paused before is not in it."""
    waiting = {
        each.execution_id
        for each in past.manifest.cluster
        if each.after and each.after[0].do == "decide" and each.after[0].child is None
    }
    rebuild = (_SIGNOFF, "doctor", "--rebuild", "inbox")

    await asyncio.to_thread(run, rebuild, limit=30.0, environment=servers.settings)

    async with Player(f"http://127.0.0.1:{servers.on_postgres.port}", KEY) as player:
        status, inbox = await player.call("GET", "/api/inbox?scope=all&limit=100")
    assert status == 200, inbox
    assert waiting <= {each["executionId"] for each in inbox["items"]}


async def test_the_embedded_server_goes_on_with_an_old_data_folder(servers: Servers, past: Past) -> None:
    await go_on(servers.embedded, past.manifest.embedded)


async def test_a_server_on_postgresql_goes_on_with_an_old_database(servers: Servers, past: Past) -> None:
    await go_on(servers.on_postgres, past.manifest.cluster)
