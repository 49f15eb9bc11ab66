"""`signoff audit export` of a PostgreSQL log, with the right to SELECT alone."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import asyncpg
import pytest

from signoff.events.store.postgres import PostgresStore
from support.exports import LogWriter, exported, folder_objects
from support.postgres import Postgres, migrate
from support.stores import drop_log, without_files

SIGNOFF = Path(sys.executable).with_name("signoff")
ROLE = "exporting_auditor"


@pytest.fixture
async def url(postgres: Postgres) -> AsyncIterator[str]:
    made = without_files(await asyncio.to_thread(postgres.fresh_database, migrate))
    connection = await asyncpg.connect(made)
    await connection.execute(f"CREATE ROLE {ROLE} LOGIN PASSWORD 'x'")
    await connection.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {ROLE}")
    yield made
    await connection.execute(f"DROP OWNED BY {ROLE}")
    await connection.execute(f"DROP ROLE {ROLE}")
    await connection.close()
    await drop_log(postgres, made)


@pytest.mark.parametrize("workspace", [None, UUID(int=0)], ids=["everything", "a workspace"])
async def test_who_may_only_select_exports_the_log(url: str, tmp_path: Path, workspace: UUID | None) -> None:
    store = await PostgresStore.open(url)
    await (await LogWriter.open(store)).some(5)
    logged = [(each.position, each.state) for each in await store.read_all(after=0, limit=1000)]
    await store.close()
    environment = {
        "SIGNOFF_DATABASE_URL": url.replace("postgres:ignored@", f"{ROLE}:x@"), "SIGNOFF_DATA": str(tmp_path),
        "PATH": os.environ["PATH"],
    }  # fmt: skip

    done = await asyncio.to_thread(
        subprocess.run,
        [SIGNOFF, "audit", "export", "exported", *(["--workspace", str(workspace)] if workspace else [])],
        env=environment, cwd=tmp_path, capture_output=True, timeout=50, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1])["events"] == len(logged) == 20
    objects = await asyncio.to_thread(folder_objects, tmp_path / "exported")
    assert await exported(objects) == logged
