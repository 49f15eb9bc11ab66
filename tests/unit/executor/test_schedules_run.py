"""Schedules from deployment to execution: what was missed and what is due, once, whoever is alive."""

import time
from datetime import UTC, datetime
from typing import Any

from signoff.engine.deciding.workflow import WorkflowState, decide_workflow
from signoff.engine.definitions.definition import digest, encode
from signoff.engine.definitions.parse import parse
from signoff.events.ids import new_id
from signoff.events.store.base import Append
from signoff.events.store.search import Search
from signoff.events.times import iso
from signoff.events.topics import DEFAULT_WORKSPACE, workflow_log_id
from signoff.events.types import Command, DeployWorkflow
from signoff.executor.logs.loaded import Loaded
from signoff.executor.logs.projections import workflow_row
from signoff.executor.partition.scheduled import prepare_schedules
from support.executors import ACTOR, WORKSPACE, Site, of_type, output_of, until

WORKFLOW = "reports"
LOG = workflow_log_id(WORKSPACE, WORKFLOW)
HOUR = 3600.0


def hourly(now: float, **params: Any) -> dict[str, Any]:
    """A workflow whose schedule is due half an hour before and after now, and so on by the hour."""
    minute = datetime.fromtimestamp(now - HOUR / 2, UTC).minute
    return {
        "blocks": {
            "hourly": {"type": "schedule", "cron": f"{minute} * * * *", **params, "then": "note"},
            "note": {"type": "variables", "set": {"for": "<hourly.scheduledFor>"}},
        }
    }


async def deployed(site: Site, document: dict[str, Any], at: float) -> None:
    """Record a deployment as an executor did that has gone since."""
    parsed = parse(document, types=(), workflow_id=WORKFLOW)
    assert parsed.definition is not None, parsed.faults
    data = DeployWorkflow(
        workspace_id=WORKSPACE,
        workflow_id=WORKFLOW,
        name=WORKFLOW,
        definition=encode(parsed.definition),
        digest=digest(parsed.definition),
    )
    command = Command(
        command_id=str(new_id()),
        type=data.TYPE,
        execution_id=str(LOG),
        issued_at=iso(at),
        actor=ACTOR,
        data=data,
    )
    state = WorkflowState()
    loaded = Loaded(LOG, state, None)
    loaded.name(execution_id=None, workflow_id=WORKFLOW)
    step = loaded.step(decide_workflow(state, command, at), at)
    await prepare_schedules(state, site.store, site.blobs)
    leases = {lease.partition: lease for lease in await site.store.acquire("gone", most=99, ttl=60.0)}
    lease = leases[site.partition_of(LOG)]
    row = workflow_row(LOG, state, state.next_due(at))
    await site.store.append(
        Append(partition=lease.partition, epoch=lease.epoch, events=loaded.records(step), rows=[row])
    )
    await site.store.release({each.partition: each.epoch for each in leases.values()}, owner="gone")


async def completed(site: Site, count: int) -> bool:
    rows = await site.store.executions(Search(workspace_id=DEFAULT_WORKSPACE, statuses=("completed",)))
    return len(rows) == count


async def test_what_was_missed_is_started_as_soon_as_an_executor_lives(site: Site) -> None:
    now = time.time()
    await deployed(site, hourly(now, catchUp="all"), now - 3 * HOUR)

    async with site.executor():
        await until(lambda: completed(site, 3))

    fired = of_type(await site.events(LOG), "schedule:fired")
    rows = await site.store.executions(Search(workspace_id=DEFAULT_WORKSPACE))
    assert {str(row.log_id) for row in rows} == {each.execution_id for each in fired}
    assert {(row.trigger, row.mode, row.workflow_version) for row in rows} == {("schedule", "async", 1)}
    outputs = {output_of(await site.events(row.log_id), "note")["for"] for row in rows}
    assert outputs == {each.due_at for each in fired}


async def test_of_executors_one_after_the_other_and_side_by_side_each_moment_is_fired_once(
    site: Site,
) -> None:
    now = time.time()
    await deployed(site, hourly(now, catchUp="all"), now - 3 * HOUR)

    async with site.executor(owner="one"):
        await until(lambda: completed(site, 3))
        async with site.executor(owner="two", owns=1):
            await until(lambda: completed(site, 3))
    async with site.executor(owner="three"):
        await until(lambda: completed(site, 3))

    assert len(of_type(await site.events(LOG), "schedule:fired")) == 3


async def test_what_is_let_go_is_not_looked_at_again_before_its_next_moment(site: Site) -> None:
    now = time.time()
    await deployed(site, hourly(now, catchUp="none"), now - 3 * HOUR)

    async def looked_at() -> bool:
        row = await site.store.workflow(DEFAULT_WORKSPACE, WORKFLOW)
        return row is not None and row.due_at is not None and row.due_at > now

    async with site.executor():
        await until(looked_at)

    assert await site.kinds(LOG) == ["workflow:deployed"]
    assert await site.store.executions(Search(workspace_id=DEFAULT_WORKSPACE)) == []


async def test_a_deployment_says_when_it_is_due_and_an_undeployment_that_it_is_not(site: Site) -> None:
    now = time.time()
    async with site.executor():
        row = await site.deploy(hourly(now), WORKFLOW)
        assert row.due_at is not None
        assert 0 < row.due_at - now <= HOUR

        await site.deploy({"blocks": {"note": {"type": "variables", "set": {"a": 1}}}}, WORKFLOW)

        found = await site.store.workflow(DEFAULT_WORKSPACE, WORKFLOW)
        assert found is not None
        assert found.due_at is None
