"""Nothing intact is ever reported: whatever people and machines did, and while services go on."""

import asyncio
import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import pytest

from histories.past import SETTINGS, Past, recorded
from signoff.cli.auditing.unit_check import UnitCheck
from signoff.cli.auditing.units import Levels, Selection, plan
from signoff.cli.upkeep.opening import opened
from signoff.cli.upkeep.rebuild import Progress, rebuild
from signoff.events.store.base import WorkflowRow
from signoff.events.topics import PARTITIONS
from signoff.events.types import RetryExecution
from signoff.runtime.settings import Settings
from support.executors import REFUND, Site
from support.installations import installation_of
from support.postgres import Postgres, migrate
from support.sealed_logs import FAILING, PARENT, SealedLog, keep_everywhere, sealed_log
from support.stores import drop_log, without_files

TIMES: Final = 30
ROUNDS: Final = 4


@pytest.fixture(params=["sqlite", "postgres"])
async def log(request: pytest.FixtureRequest, postgres: Postgres, tmp_path: Path) -> AsyncIterator[SealedLog]:
    url = ""
    if request.param == "postgres":
        url = without_files(await asyncio.to_thread(postgres.fresh_database, migrate))
    async with sealed_log(request.param, tmp_path, url) as sealed:
        yield sealed
    if url:
        await drop_log(postgres, url)


async def act(site: Site, workflows: list[WorkflowRow], chance: random.Random) -> None:
    """Start something, and do what somebody may do about it."""
    workflow = chance.choice(workflows)
    sent = await site.start(workflow, {"amount": chance.randrange(300), "customer": chance.choice("ABC")})
    await site.ended(sent)
    points = await site.store.upkeep.points(sent.log_id)
    for point in points:
        if chance.random() < 0.6:
            await site.ended(
                await site.resume(sent.log_id, point.context_id, {"approved": chance.random() < 0.5})
            )
        elif chance.random() < 0.5:
            await site.outcome(await site.cancel(sent.log_id))
    if workflow.workflow_id == "failing":
        await site.ended(await site.send(RetryExecution(reason="once more"), sent.log_id))


async def keep_acting(site: Site, chance: random.Random) -> None:
    workflows = [
        await site.deploy(document, name)
        for name, document in (("refund", REFUND), ("parent", PARENT), ("failing", FAILING))
    ]
    for at in range(TIMES):
        if at == TIMES // 2:
            workflows[0] = await site.deploy(
                {**REFUND, "blocks": {**REFUND["blocks"], "more": {"type": "wait", "for": "1ms"}}}
            )
        await act(site, workflows, chance)


async def test_nothing_is_found_while_and_after_services_work(
    log: SealedLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    found = []
    async with log.site.executor():
        acting = asyncio.create_task(keep_acting(log.site, random.Random(seed)))
        for _ in range(ROUNDS):
            await asyncio.wait([acting], timeout=0.2)
            await log.seal()
            found += await log.faults(log.files(is_live=True))
        await acting
    await log.seal()
    assert await keep_everywhere(log.store, installation_of(log.site).loader, monkeypatch) > TIMES
    found += await log.faults(log.files(is_live=True))

    assert found == []


@pytest.mark.parametrize("past", recorded(), ids=lambda past: past.manifest.version)
async def test_nothing_is_found_in_what_earlier_versions_wrote(
    past: Past, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every kind of event, of executions, workflows and the directory."""
    await asyncio.to_thread(past.unpack, tmp_path)
    settings = Settings.from_environment({**SETTINGS, "SIGNOFF_DATA": str(tmp_path)})
    async with opened(settings) as installation:
        await installation.store.migrate(partitions=PARTITIONS)
        async for _ in rebuild(installation, ["inbox"], Progress()):
            pass  # as docs/upgrades.md says
        assert await keep_everywhere(installation.store, installation.loader, monkeypatch) > 0
        state = await plan(installation.store, Levels(), Selection())
        check = UnitCheck(installation, state.levels, state.selection, upto=state.upto)

        done = [await check.run(unit) for unit in state.units]

    assert [fault for each in done for fault in each.faults] == []
    assert sum(each.unfolded for each in done) == 0
    assert sum(each.logs for each in done) > 10
