"""People, and decisions that they take all at once over two gateways of a cluster."""

import asyncio
import time
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote
from uuid import UUID, uuid4

from msgspec import Struct

from signoff.access.links.links import DecisionLinks, PointOf
from signoff.access.secrets.sealing import Sealer
from signoff.events.codec import decode_event
from signoff.events.topics import (
    COMMANDS,
    DEFAULT_WORKSPACE,
    EXECUTIONS,
    PARTITIONS,
    chosen_log_id,
    partition_of,
)
from signoff.events.types import SYSTEM, Event, ExecutionResumed, PauseOpened, ResumeQueued
from support.clusters import LIMIT, SECRET, Service, Worker
from support.executors import until

FORM: Final = {"approved": {"type": "boolean", "required": True}}
ASK: Final[dict[str, Any]] = {"type": "human_in_the_loop", "form": FORM}
MEMBERS: Final = f"/api/workspaces/{DEFAULT_WORKSPACE}/members"

_CONFLICT: Final = 409
_UNAVAILABLE: Final = 503


class Execution(Struct, frozen=True):
    """An execution that waits for decisions."""

    workflow: str
    id: str

    @property
    def log_id(self) -> UUID:
        """Of its log."""
        return chosen_log_id(str(DEFAULT_WORKSPACE), self.id)

    def point(self, context_id: str = "ask") -> str:
        """The path of a decision."""
        return f"/api/resume/{self.workflow}/{self.id}/{quote(context_id)}"


class Answers(Struct, frozen=True):
    """What many were answered who decided at once: each a status and a body."""

    all: Sequence[tuple[int, Any]]

    @property
    def won(self) -> list[Any]:
        """The bodies of those whose decision counts."""
        return [body for status, body in self.all if status == 200]

    @property
    def lost(self) -> list[Any]:
        """The bodies of those who came too late; nobody got any other answer."""
        lost = [body for status, body in self.all if status == _CONFLICT]
        assert len(lost) + len(self.won) == len(self.all), {status for status, _ in self.all}
        return lost


class Office(Struct, frozen=True):
    """Two gateways and the executors behind them."""

    gateways: Sequence[Service]
    workers: list[Worker]

    @property
    def log(self) -> Any:
        """The log, as a gateway reads it."""
        return self.gateways[0].log

    async def do(self, method: str, path: str, **given: Any) -> Any:
        """Something that the administrator does at the first gateway."""
        return await self.gateways[0].do(method, path, **given)

    async def approvers(self, count: int) -> list[str]:
        """Service accounts that may decide; gives their keys."""
        keys = await asyncio.gather(*(self._approver() for _ in range(count)))
        await self.everywhere()
        return keys

    async def _approver(self) -> str:
        user = await self.do("POST", "/api/users", json={"name": "Ada's robot", "service": True})
        await self.do("PUT", f"{MEMBERS}/{user['id']}", json={"roles": ["approver"]})
        made = await self.do("POST", f"/api/users/{user['id']}/keys", json={"name": "laptop"})
        return str(made["key"])

    async def everywhere(self) -> None:
        """Wait until every service knows what the first gateway knows of people."""
        version = self.gateways[0].directory.version
        known = [each.directory for each in self.gateways] + [each.directory for each in self.workers]
        for each in known:
            await each.reached(version)

    async def start(
        self, blocks: Mapping[str, Any], *, partitions: Collection[int] = range(PARTITIONS)
    ) -> Execution:
        """Deploy a workflow and run it up to its pauses, in one of some partitions."""
        started = Execution(f"decided-{uuid4()}", str(uuid4()))
        while partition_of(started.log_id) not in partitions:
            started = Execution(started.workflow, str(uuid4()))
        workflow = f"/api/workflows/{started.workflow}"
        await self.do("PUT", workflow, json={"blocks": blocks, "start": _starts(blocks)})
        headers = {"X-Execution-Id": started.id}
        await self.do("POST", f"{workflow}/execute", json={"input": {}}, headers=headers)
        return started

    async def race(self, paths: Sequence[str], keys: Sequence[str] = ()) -> Answers:
        """Decide on all of these at once, half of them over each gateway; ``keys`` take turns."""
        calls = []
        for number, path in enumerate(paths):
            by = {"key": keys[number % len(keys)]} if keys else {}
            calls.append(self._decide(self.gateways[number % len(self.gateways)], path, by))
        return Answers(await asyncio.gather(*calls))

    async def _decide(self, gateway: Service, path: str, by: Mapping[str, str]) -> tuple[int, Any]:
        """Decide; and ask again, with the same key, while nobody can say what came of it.

        A refusal leaves nothing in the log: where its executor is killed before it answers, it is unknown.
        And a busy machine takes up a decision so late that it has expired.
        """
        headers = {"Idempotency-Key": str(uuid4())}
        while True:
            status, body = await gateway.call(
                "POST", path, json={"approved": True}, headers=headers, **dict(by)
            )
            if status != _UNAVAILABLE:
                return status, body

    async def events(self, execution: Execution) -> list[Event]:
        """The log of an execution."""
        return [decode_event(each.state) for each in await self.log.read(execution.log_id)]

    async def topics(self, execution: Execution, *, until_it_has: bytes) -> bytes:
        """All that the broker has of commands and events of an execution's partition, up to an event."""
        bus, number = self.gateways[0].line, partition_of(execution.log_id)
        found = b""
        for topic, last in ((COMMANDS, None), (EXECUTIONS, until_it_has)):
            first, end = (await bus.bounds(topic, [number]))[number]
            reader = await bus.reader(topic)
            await reader.assign({number: first})
            async with asyncio.timeout(LIMIT):
                while first < end or (last is not None and last not in found):
                    for message in await reader.poll(wait=1.0):
                        found, first = found + message.value, message.offset + 1
            await reader.close()
        return found

    async def ended(self, execution: Execution) -> list[Event]:
        """Wait for the end of an execution; gives its log."""

        async def there() -> bool:
            return (await self.events(execution))[-1].type == "execution:completed"

        await until(there)
        return await self.events(execution)

    async def owner(self, execution: Execution) -> Worker:
        """The executor whose execution it is; waits while its partition changes hands."""
        number = partition_of(execution.log_id)

        def owners() -> list[Worker]:
            return [each for each in self.workers if number in each.executor.owned]

        await until(lambda: bool(owners()))
        return owners()[0]


class Linked:
    """A person whom links to a pause point are for.

    Attributes:
        office: where it is.
        asked: the execution, which waits at ``ask``.
        user_id: theirs.
    """

    def __init__(self, office: Office, asked: Execution, user_id: str) -> None:
        self.office = office
        self.asked = asked
        self.user_id = user_id

    @classmethod
    async def to(cls, office: Office, asked: Execution) -> "Linked":
        """A new person who may decide there."""
        address = f"{uuid4()}@example.org"
        user = {"name": "Ada", "email": address, "password": "correct horse battery"}
        made = await office.do("POST", "/api/users", json=user)
        await office.do("POST", MEMBERS, json={"email": address, "roles": ["approver"]})
        await office.everywhere()
        return cls(office, asked, made["id"])

    @property
    def point(self) -> PointOf:
        """Where the links lead."""
        return PointOf(DEFAULT_WORKSPACE, self.asked.log_id, "ask")

    def links(self, *, ago: float = 0.0) -> DecisionLinks:
        """Makes links, as executors do for notifications; or did so some seconds ago."""
        records = self.office.log.records
        return DecisionLinks(records, Sealer([SECRET]), clock=lambda: time.time() - ago)

    async def link(self, *, ago: float = 0.0) -> tuple[str, str]:
        """A new link, good for a minute; gives its id and its token."""
        made = await self.links(ago=ago).make(self.point, user_id=self.user_id, made_by=SYSTEM, lifetime=60)
        return made.link_id, made.token

    async def decide(self, token: str, gateway: int) -> tuple[int, Any]:
        """Decide by a link, on what is shown."""
        opened = only(await self.office.events(self.asked), "pause:opened").data
        assert isinstance(opened, PauseOpened)
        return await self.office.gateways[gateway].call(
            "POST", self.asked.point(), params={"token": token}, json={"approved": True},
            headers={"If-Match": f'"{opened.content_digest}"'},
        )  # fmt: skip


def _starts(blocks: Mapping[str, Any]) -> list[str]:
    led_to = {each.get("then") for each in blocks.values()}
    return [name for name in blocks if name not in led_to]


def of_kind(events: Sequence[Event], kind: str) -> list[Event]:
    """The events of a type."""
    return [event for event in events if event.type == kind]


def only(events: Sequence[Event], kind: str) -> Event:
    """The one event of a type."""
    (found,) = of_kind(events, kind)
    return found


def check_queue(events: Sequence[Event]) -> None:
    """Decisions that wait have the next place in the line, and are taken up in its order, each once."""
    line: list[str] = []
    taken: list[str] = []
    for data in [event.data for event in events]:
        if isinstance(data, ResumeQueued):
            line.append(data.resume_entry_id)
            assert data.queue_position == len(line)
        elif isinstance(data, ExecutionResumed):
            taken.append(data.resume_entry_id)
            if line:
                assert line.pop(0) == taken[-1]
    assert line == []
    assert len(taken) == len(set(taken))
