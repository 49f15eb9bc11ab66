"""Decisions put straight on the topic of commands, as gateways put them: what executors and log can do."""

import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

import uvloop
from benchmarks.workflows import PAUSE

from signoff.events.bus import open_bus
from signoff.events.bus.base import Record
from signoff.events.codec import encode
from signoff.events.ids import new_id
from signoff.events.times import iso
from signoff.events.topics import COMMANDS, partition_of, record_key
from signoff.events.types import Actor, Command, Maker, ResumeExecution

_ACTOR: Final = Actor(type="apiKey", id="benchmark")
_MAKER: Final = Maker(roles=["read", "write"])


def put_on_topic(kafka: str, execution_ids: Sequence[str]) -> tuple[float, float, float]:
    """Approve executions at their pause; nobody asks for an answer.

    Args:
        kafka: `host:port` of a broker.
        execution_ids: UUIDs, each of its execution's log.

    Returns:
        When the first command was sent and when the last was on the topic, in seconds since the epoch, and
        the seconds of CPU time that this took.
    """
    commands: defaultdict[int, list[Record]] = defaultdict(list)
    for execution_id in execution_ids:
        log_id = UUID(execution_id)
        commands[partition_of(log_id)].append(Record(record_key(log_id), encode(_approval(execution_id))))
    return uvloop.run(_publish(kafka, commands))


def _approval(execution_id: str) -> Command:
    return Command(
        command_id=str(new_id()),
        type=ResumeExecution.TYPE,
        execution_id=execution_id,
        issued_at=iso(time.time()),
        actor=_ACTOR,
        data=ResumeExecution(context_id=PAUSE, input={"approved": True}, maker=_MAKER),
    )


async def _publish(kafka: str, commands: Mapping[int, Sequence[Record]]) -> tuple[float, float, float]:
    bus = await open_bus(f"kafka://{kafka}")
    try:
        await bus.ping()
        began, cpu = time.time(), time.process_time()
        sent = [await bus.publish(COMMANDS, *each) for each in commands.items()]
        for acknowledged in sent:
            await acknowledged
        return began, time.time(), time.process_time() - cpu
    finally:
        await bus.close()
