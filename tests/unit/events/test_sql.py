"""The queries and migrations in files."""

import re
from pathlib import Path

import pytest

from signoff.events.errors import StoreUnavailableError
from signoff.events.store import open_store
from signoff.events.store.memory import MemoryStore
from signoff.events.store.sql import Dialect, migrations, queries

STORE = Path(__file__).parents[3] / "libs/events/signoff/events/store"


@pytest.mark.parametrize("dialect", ["postgres", "sqlite"])
def test_every_named_query_is_used(dialect: Dialect) -> None:
    code = "".join(path.read_text() for path in STORE.glob(f"*{dialect}*.py"))
    composed = {name for name in queries(dialect) if name.startswith("put_")}

    unused = [name for name in queries(dialect) if f'"{name}"' not in code and name not in composed]

    assert unused == []


@pytest.mark.parametrize("dialect", ["postgres", "sqlite"])
def test_migrations_come_by_number_and_pre_before_post(dialect: Dialect) -> None:
    names = [step.name for step in migrations(dialect)]

    assert names == sorted(names, key=lambda name: (name[:4], name.endswith("_post")))
    assert all(re.fullmatch(r"\d{4}_\w+_(pre|post)", name) for name in names)


async def test_a_url_names_a_store(tmp_path: Path) -> None:
    memory = await open_store("memory:")
    sqlite = await open_store(f"sqlite:///{tmp_path / 'log.db'}")
    postgres = await open_store("postgresql://nobody:x@127.0.0.1:1/none?sslmode=disable")

    assert isinstance(memory, MemoryStore)
    assert await sqlite.migrate(partitions=4) == [
        "0001_log_pre",
        "0002_schedules_pre",
        "0003_records_pre",
        "0004_search_pre",
        "0005_inbox_pre",
        "0006_dead_commands_pre",
        "0007_waypoints_pre",
        "0008_words_pre",
        "0009_forks_pre",
    ]
    with pytest.raises(StoreUnavailableError):
        await postgres.ping()
    with pytest.raises(StoreUnavailableError, match=r"postgresql://"):
        await open_store("mysql://somewhere")

    for store in (memory, sqlite, postgres):
        await store.close()
