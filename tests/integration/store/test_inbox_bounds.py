"""Inboxes are read by the index of their order, and no longer than a limit."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from signoff.events.errors import StoreUnavailableError
from signoff.events.store.inbox import InboxOrder, InboxSearch
from signoff.events.store.postgres_connection import open_pool
from signoff.events.store.postgres_inbox import LISTING, PostgresInbox
from signoff.events.store.postgres_primary import Primary
from signoff.events.store.sql import queries
from signoff.events.store.sqlite import SqliteStore
from support.stores import PARTITIONS, WORKSPACE


async def plan_of(url: str, search: InboxSearch) -> str:
    """How PostgreSQL would read a page."""
    named, plans = queries("postgres"), list[str]()
    pool = await open_pool(Primary(url, queries("postgres")).connect, size=1, settings=LISTING)

    async def explain(name: str, *arguments: object) -> Sequence[Any]:
        plans.extend(row[0] for row in await pool.fetch(f"EXPLAIN {named[name]}", *arguments))
        return []

    await PostgresInbox(explain, explain).page(search, after=None, limit=50)
    await pool.close()
    return "\n".join(plans)


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("order", ["opened", "due", "priority"])
async def test_postgresql_reads_a_list_by_the_index_of_its_order(
    log_url: str, order: InboxOrder, descending: bool
) -> None:
    search = InboxSearch(workspace_ids=(WORKSPACE,), order=order, descending=descending)

    plan = await plan_of(log_url, search)

    assert f"{'Backward ' if descending else ''}using point_lists_{order}" in plan
    assert "Incremental Sort" in plan
    assert "Seq Scan" not in plan
    assert "Bitmap" not in plan


async def test_sqlite_gives_up_a_page_that_takes_too_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = await SqliteStore.open(tmp_path / "log.db")
    await store.migrate(partitions=PARTITIONS)
    search = InboxSearch(workspace_ids=(WORKSPACE,))

    with monkeypatch.context() as patched:
        patched.setattr("signoff.events.store.sqlite_inbox._LIMIT", -1.0)
        patched.setattr("signoff.events.store.sqlite_inbox._STEPS", 1)
        with pytest.raises(StoreUnavailableError, match="interrupted"):
            await store.inbox(search)

    assert await store.inbox(search) == []
    await store.close()
