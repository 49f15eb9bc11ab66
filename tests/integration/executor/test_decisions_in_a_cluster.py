"""Decisions that come at once, over two gateways and two executors on a real PostgreSQL and a real Kafka."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio
from local_services.kafka import Kafka

from integration.executor.conftest import new_topics
from signoff.blocks import Registry
from signoff.events.blobs import BlobStore
from signoff.events.times import from_iso
from signoff.events.topics import PARTITIONS, partition_of
from signoff.events.types import Event
from signoff.executor.blocks.base import Tools
from support.clusters import Cluster, Worker
from support.deciders import ASK, FORM, Answers, Linked, Office, check_queue, of_kind, only
from support.executors import ExecutorProcess, until
from support.inbox_rebuilt import Rebuilding
from support.ports import unused_port
from support.postgres import Postgres, migrate
from support.stores import without_files

CANARY = "the-pin-that-nobody-may-read"
AFTER = {"type": "function", "code": "return 1"}
SLOWLY = {"type": "function", "code": "for (let i = 0; i < 3e5; i++) {} return 1"}
FIFTY: dict[str, Any] = {
    **{f"ask{number}": {**ASK, "then": f"after{number}"} for number in range(50)},
    **{f"after{number}": AFTER for number in range(50)},
}
TWICE = [f"ask{number}" for number in range(50)] * 2


@pytest.fixture(autouse=True)
def _no_task_is_left() -> None:
    """Services are shared and begin tasks as they go."""


class Town:
    """What the services of this module stand on.

    Attributes:
        cluster: opens services.
        settings: environment variables of a service of its own process.
        blobs: where large values are.
    """

    def __init__(self, url: str, kafka: Kafka, tools: Tools, folder: Path) -> None:
        blobs = f"file://{folder / 'blobs'}"
        self.blobs = BlobStore.open(blobs)
        self.cluster = Cluster(without_files(url), kafka.bootstrap, tools, self.blobs)
        self.settings = {
            "SIGNOFF_DATABASE_URL": url,
            "SIGNOFF_KAFKA": kafka.bootstrap,
            "SIGNOFF_DATA": str(folder / "data"),
            "SIGNOFF_BLOBS": blobs,
            "SIGNOFF_LOG_LEVEL": "warning",
        }


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def town(
    postgres: Postgres, kafka: Kafka, tools: Tools, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Town]:
    url = await asyncio.to_thread(postgres.fresh_database, migrate)
    if not kafka.running:
        await asyncio.to_thread(kafka.start)
    await new_topics(kafka)
    yield Town(url, kafka, tools, tmp_path_factory.mktemp("decisions"))
    await asyncio.to_thread(postgres.drop, url)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def office(town: Town) -> AsyncIterator[Office]:
    async with AsyncExitStack() as stack:
        workers = [await town.cluster.executor() for _ in range(2)]
        gateways = [await stack.enter_async_context(town.cluster.gateway()) for _ in range(2)]
        office = Office(gateways, workers)
        await until(lambda: _owned(office) == PARTITIONS)
        yield office
        await asyncio.gather(*(each.end() for each in workers))


def _owned(office: Office) -> int:
    return sum(len(each.executor.owned) for each in office.workers)


async def replace(office: Office, town: Town, worker: Worker) -> None:
    """End an executor; another one has taken over when this returns."""
    await worker.end()
    office.workers[office.workers.index(worker)] = await town.cluster.executor()
    await until(lambda: _owned(office) == PARTITIONS)


async def test_of_a_hundred_who_decide_at_once_one_wins_and_the_others_read_who_it_was(
    office: Office,
) -> None:
    keys = await office.approvers(10)
    asked = await office.start({"ask": {**ASK, "then": "after"}, "after": AFTER})

    answers = await office.race([asked.point()] * 100, keys)

    resumed = only(await office.events(asked), "execution:resumed")
    assert (len(answers.won), len(answers.lost)) == (1, 99)
    assert {(each["error"], each["eventId"]) for each in answers.lost} == {
        ("Pause point already resumed or in progress", resumed.event_id)
    }
    assert {each["resumedBy"]["id"] for each in answers.lost} == {resumed.data.actor.id}
    assert (await office.events(asked))[-1].type == "execution:completed"


async def test_of_twenty_people_who_each_decide_five_times_three_count_once_each(office: Office) -> None:
    keys = await office.approvers(20)
    policy = {"assignees": ["role:approver"], "quorum": {"required": 3}}
    asked = await office.start({"ask": {**ASK, **policy, "then": "after"}, "after": AFTER})

    answers = await office.race([asked.point()] * 100, keys)

    events = await office.events(asked)
    recorded = of_kind(events, "decision:recorded")
    assert (len(answers.won), len(answers.lost)) == (3, 97)
    assert len({each.data.made.user_id or each.data.actor.owner for each in recorded}) == 3
    assert [each.data.approvals for each in recorded] == [1, 2, 3]
    resumed = only(events, "execution:resumed")
    winners = {resumed.event_id, *(each.event_id for each in recorded)}
    assert {each["eventId"] for each in answers.lost} <= winners
    assert sorted(each["status"] for each in answers.won) == ["completed", "recorded", "recorded"]


@pytest.mark.parametrize("policy", [{}, {"assignees": ["role:approver"], "quorum": {"required": 3}}])
async def test_people_and_the_deadline_at_one_moment_settle_a_point_once(
    office: Office, policy: dict[str, Any]
) -> None:
    keys = await office.approvers(5)
    deadline = {"after": "1500ms", "default": {"approved": False}}
    blocks = {"ask": {**ASK, **policy, "deadline": deadline}}
    asked = await asyncio.gather(*(office.start(blocks) for _ in range(4)))
    opened = only(await office.events(asked[-1]), "pause:opened")
    moment = from_iso(opened.data.deadlines[0].at)

    await until(lambda: time.time() >= moment - 0.1)
    answers = await asyncio.gather(*(office.race([each.point()] * 25, keys) for each in asked))

    for each, answered in zip(asked, answers, strict=True):
        events = await office.ended(each)
        resumed = only(events, "execution:resumed")
        recorded = of_kind(events, "decision:recorded")
        struck = bool(of_kind(events, "pause:expired"))
        first = {resumed.event_id, *(decision.event_id for decision in recorded)}
        assert {body["eventId"] for body in answered.lost} <= first
        assert len(answered.won) == len(recorded) if policy else len(answered.won) == (not struck)
        assert (resumed.data.made.auth_method == "deadline") == struck
        assert len({decision.data.actor.owner for decision in recorded}) == len(recorded)


async def test_fifty_points_that_are_each_decided_twice_all_run_once_in_the_order_of_the_log(
    office: Office,
) -> None:
    asked = await office.start(FIFTY)

    answers = await office.race([asked.point(each) for each in TWICE])

    assert (len(answers.won), len(answers.lost)) == (50, 50)
    check_fifty(await office.ended(asked))


def check_fifty(events: list[Event]) -> None:
    """Every point was decided once, in turn, and what comes after it ended once."""
    check_queue(events)
    resumed = of_kind(events, "execution:resumed")
    assert sorted(each.data.context_id for each in resumed) == sorted(set(TWICE))
    done = [each.data.block_id for each in of_kind(events, "block:completed")]
    assert len(done) == len(set(done)) == 1 + 2 * 50


async def test_all_fifty_run_once_though_their_executor_is_killed_in_the_middle(
    office: Office, town: Town
) -> None:
    known = {row.owner for row in await office.log.leases()}
    process = ExecutorProcess(unused_port(), **town.settings)

    async def owned() -> set[int]:
        rows = await office.log.leases()
        return {row.partition for row in rows if row.owner is not None and row.owner not in known}

    async def shares() -> bool:
        return len(await owned()) >= PARTITIONS // 4 and await process.ready()

    await until(shares, limit=30)
    slow = {name: SLOWLY if name.startswith("after") else block for name, block in FIFTY.items()}
    asked = await office.start(slow, partitions=await owned())
    some = asyncio.create_task(office.race([asked.point(each) for each in TWICE[:25] * 2]))

    async def in_the_middle() -> bool:
        return len(of_kind(await office.events(asked), "execution:resumed")) >= 10

    await until(in_the_middle)
    others = asyncio.create_task(office.race([asked.point(each) for each in TWICE[25:50] * 2]))
    await process.kill()
    answers = Answers([*(await some).all, *(await others).all])
    events = await office.ended(asked)
    await until(lambda: _owned(office) == PARTITIONS)

    assert (len(answers.won), len(answers.lost)) == (50, 50)
    check_fifty(events)
    assert partition_of(asked.log_id) in (await office.owner(asked)).executor.owned


async def test_a_decision_whose_executor_vanishes_before_the_answer_is_answered_the_same_ever_after(
    office: Office, town: Town
) -> None:
    policy = {"assignees": ["role:approver"], "quorum": {"required": 2}}
    asked = await office.start({"ask": {**ASK, **policy}})
    (key,) = await office.approvers(1)
    request: dict[str, Any] = {
        "key": key, "json": {"approved": True}, "headers": {"Idempotency-Key": str(uuid4())},
    }  # fmt: skip
    worker = await office.owner(asked)
    worker.log.freezes = True

    first = await office.gateways[0].call("POST", asked.point(), **request)
    assert worker.log.frozen.is_set()
    await replace(office, town, worker)
    again = [await each.call("POST", asked.point(), **request) for each in office.gateways]

    recorded = only(await office.events(asked), "decision:recorded")
    assert (first[0], first[1]["status"], first[1]["eventId"]) == (200, "recorded", recorded.event_id)
    assert again == [first, first]


async def test_what_is_held_is_taken_where_its_partition_has_moved_and_its_secret_stands_nowhere(
    office: Office, town: Town
) -> None:
    secret = {**ASK, "form": {**FORM, "pin": {"type": "secret", "required": True}}, "then": "use"}
    use = {"type": "function", "code": "return <second.pin>.length"}
    asked = await office.start({"ask": {**ASK, "then": "second"}, "second": secret, "use": use})
    given = {"approved": True, "pin": CANARY}
    status, held = await office.gateways[0].call("POST", asked.point("second") + "?early=true", json=given)
    await replace(office, town, await office.owner(asked))

    await office.gateways[1].do("POST", asked.point(), json={"approved": True})

    events = await office.ended(asked)
    (found,) = (await office.do("GET", f"/api/executions/{asked.id}/held"))["held"]
    assert (status, held["heldId"], found["status"]) == (202, found["heldId"], "taken")
    assert only(events, "execution:completed").data.output == {
        "result": len(CANARY), "stdout": "",
    }  # fmt: skip
    log = [each.state for each in await office.log.read(asked.log_id)]
    written, published = b"".join(log), await office.topics(asked, until_it_has=log[-1])
    assert CANARY.encode() not in written + published
    for each in (written, published):
        assert str(held["heldId"]).encode() in each


async def test_a_link_that_is_used_at_both_gateways_at_once_decides_once(office: Office) -> None:
    policy = {"assignees": ["role:approver"], "quorum": {"required": 3}}
    asked = await office.start({"ask": {**ASK, **policy}})
    person = await Linked.to(office, asked)
    tokens = [(await person.link())[1], (await person.link())[1]]

    answers = await asyncio.gather(
        *(person.decide(tokens[number % 2], number // 2 % 2) for number in range(20))
    )

    recorded = only(await office.events(asked), "decision:recorded")
    assert sorted(status for status, _ in answers) == [200] + [409] * 19
    assert {body["eventId"] for status, body in answers if status == 409} == {recorded.event_id}
    later = [await person.decide(token, gateway) for token in tokens for gateway in (0, 1)]
    assert {status for status, _ in later} == {409}


async def test_a_link_that_was_revoked_or_has_expired_decides_at_neither_gateway(office: Office) -> None:
    asked = await office.start({"ask": ASK})
    person = await Linked.to(office, asked)
    (revoked_id, revoked), (_, expired) = await person.link(), await person.link(ago=61)
    await office.do("DELETE", f"/api/inbox/{asked.id}/ask/links/{revoked_id}")

    answers = [await person.decide(token, gateway) for token in (revoked, expired) for gateway in (0, 1)]

    assert [status for status, _ in answers] == [401] * 4
    assert of_kind(await office.events(asked), "execution:resumed") == []


async def test_after_all_that_the_inbox_is_what_the_logs_say_and_nobody_is_asked_in_vain(
    office: Office, town: Town, tools: Tools
) -> None:
    logs = Rebuilding(office.log, town.blobs, tools, Registry())
    kept = await logs.kept()

    assert kept == await logs.inbox()
    for row in kept:
        execution = await office.log.execution(row.log_id)
        assert execution.status == "paused"
