"""People are mailed what they are asked, each with a link of their own, by a whole server."""

import re
import time
from collections.abc import AsyncIterator
from email.message import EmailMessage
from typing import Any
from uuid import UUID

import pytest
from msgspec import Struct

from signoff.access.links.links import LIFETIME, PointOf
from signoff.events.bus.base import Record
from signoff.events.codec import encode
from signoff.events.ids import new_id
from signoff.events.times import iso
from signoff.events.topics import COMMANDS, DEFAULT_WORKSPACE, PARTITIONS, partition_of, record_key
from signoff.events.types import Actor, Command, CommandData, DelegatePause, Maker, ReturnPause
from support.executors import until
from support.gateways import Server
from support.identities import Caller, add_person, administrator, nobody, serving_people, sign_in
from support.linked import links_of
from support.mail_servers import MailServer

PUBLIC = "https://signoff.example.org"
_LINK = re.compile(re.escape(PUBLIC) + r"/resume/\S+&token=(\S+)")


class Stage(Struct, frozen=True):
    """A server that mails people, and where the mails arrive."""

    server: Server
    mail: MailServer


@pytest.fixture
async def stage(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Stage]:
    async with (
        MailServer().serving() as mail,
        serving_people(monkeypatch, public_url=PUBLIC, mail_url=f"{mail.url}&to=all@x.org") as server,
    ):
        yield Stage(server, mail)


class Person(Struct, frozen=True):
    """A member who may approve."""

    id: str
    address: str

    def made(self) -> Maker:
        return Maker(user_id=self.id, roles=["approver"], auth_method="password")


async def people(stage: Stage, count: int) -> list[Person]:
    return [Person(*await add_person(stage.server, "approver")) for _ in range(count)]


class Asked(Struct, frozen=True):
    """A decision that people were asked for."""

    stage: Stage
    workflow: str
    execution: str

    @property
    def path(self) -> str:
        return f"/api/resume/{self.workflow}/{self.execution}/ask"

    async def events(self, kind: str) -> list[Any]:
        found = await self.stage.server.events(self.execution)
        return [each["data"] for each in found if each["type"] == kind]

    async def told(self, count: int) -> list[Any]:
        """Wait for the results of notifications."""

        async def there() -> bool:
            return len(await self.events("pause:notified")) >= count

        await until(there)
        return await self.events("pause:notified")

    async def send(self, data: CommandData, who: Person) -> None:
        """What a person asks of the point, as the gateway would pass it on."""
        log_id = UUID(self.execution)
        command = Command(
            command_id=str(new_id()),
            type=data.TYPE,
            execution_id=self.execution,
            issued_at=iso(time.time()),
            actor=Actor(type="user", id=who.id),
            data=data,
        )
        record = Record(record_key(log_id), encode(command))
        await self.stage.server.bus.send(COMMANDS, partition_of(log_id, PARTITIONS), record)

    async def decide(self, caller: Caller, **given: Any) -> tuple[int, Any]:
        """Look at what is shown, and decide on it."""
        more = given.pop("headers", {})
        _, _, headers = await caller.send("GET", self.path, **given)
        return await caller.post(
            self.path, json={"approved": True}, headers={"If-Match": headers["ETag"], **more}, **given
        )


async def ask(stage: Stage, *assignees: Person, by: Caller | None = None, **human: Any) -> Asked:
    """Start a workflow that asks people, and goes on with a block that is held."""
    workflow = await stage.server.deploy(
        {
            "ask": {
                "type": "human_in_the_loop",
                "title": "Pay the refund",
                "assignees": [f"user:{each.id}" for each in assignees],
                "form": {"approved": "boolean"},
                "notify": [{"to": "assignees"}],
                "then": "held",
                **human,
            },
            "held": {"type": "hold", "with": {"name": "for ever"}},
        }
    )
    caller = by or administrator(stage.server)
    answer = await caller.do("POST", f"/api/workflows/{workflow}/execute", json={})
    return Asked(stage, workflow, answer["executionId"])


def text(mail: EmailMessage) -> str:
    return str(mail.get_content())


def token_in(mail: EmailMessage) -> str:
    found = _LINK.search(text(mail))
    assert found is not None, text(mail)
    return found[1]


async def test_each_assignee_gets_a_mail_of_their_own_with_a_link_that_decides_as_them(stage: Stage) -> None:
    three = await people(stage, 3)
    asked = await ask(stage, *three, quorum={"required": 3})
    results = await asked.told(3)

    mails = [stage.mail.to(each.address) for each in three]
    assert [len(each) for each in mails] == [1, 1, 1]
    tokens = [token_in(mail) for (mail,) in mails]
    assert len(set(tokens)) == 3
    for token in tokens:
        status, _ = await asked.decide(nobody(stage.server), params={"token": token})
        assert status == 200
    recorded = await asked.events("decision:recorded")
    assert [each["actor"]["id"] for each in recorded] == [each.id for each in three]
    assert [(each["to"], each["channel"], each["success"]) for each in results] == [
        (each.id, "mailto", True) for each in three
    ]


async def test_neither_an_address_nor_a_link_is_in_the_log(stage: Stage) -> None:
    (ann,) = await people(stage, 1)
    asked = await ask(stage, ann)
    await asked.told(1)
    raw = b"".join(each.state for each in await stage.server.store.read(UUID(asked.execution)))

    assert ann.address.encode() not in raw
    assert token_in(stage.mail.to(ann.address)[0]).encode() not in raw


async def test_a_link_is_good_until_the_deadline_decides_and_a_week_at_most(stage: Stage) -> None:
    (ann,) = await people(stage, 1)
    soon = await ask(stage, ann, deadline={"after": "1h", "default": {"approved": False}})
    late = await ask(stage, ann, deadline={"steps": [{"after": "1h", "remind": True}]})
    lives = []
    for asked in (soon, late):
        await asked.told(1)
        point = PointOf(DEFAULT_WORKSPACE, UUID(asked.execution), "ask")
        ((_, link),) = await links_of(stage.server).at(point)
        lives.append(link.expires_at - link.made_at)

    assert lives == [pytest.approx(3600, abs=30), pytest.approx(LIFETIME, abs=30)]


async def test_own_words_may_hold_the_personal_link(stage: Stage) -> None:
    (ann,) = await people(stage, 1)
    entry = {"to": "assignees", "title": "Please", "body": "Here: <ask.link> or <ask.url>"}
    asked = await ask(stage, ann, notify=[entry])
    await asked.told(1)

    (mail,) = stage.mail.to(ann.address)
    assert mail["Subject"] == "Please"
    assert f"or {PUBLIC}/resume/{asked.workflow}/" in text(mail)
    token = token_in(mail)
    status, _ = await nobody(stage.server).get(asked.path, params={"token": token})
    assert status == 200


async def test_when_it_is_decided_the_others_are_told_without_a_link(stage: Stage) -> None:
    ann, bob = await people(stage, 2)
    asked = await ask(stage, ann, bob)
    await asked.told(2)
    await asked.decide(await sign_in(stage.server, ann.address))
    results = await asked.told(3)

    assert (results[-1]["occasion"], results[-1]["to"]) == ("closed", bob.id)
    assert len(stage.mail.to(ann.address)) == 1
    closed = stage.mail.to(bob.address)[-1]
    assert closed["Subject"] == "Closed: Pay the refund"
    assert "By: Ada" in text(closed)
    assert "token=" not in text(closed)


async def test_where_nobody_else_was_asked_nobody_has_to_be_told_that_it_is_decided(stage: Stage) -> None:
    (ann,) = await people(stage, 1)
    asked = await ask(stage, ann)
    await asked.told(1)
    await asked.decide(await sign_in(stage.server, ann.address))
    results = await asked.told(2)

    closed = results[-1]
    assert (closed["occasion"], closed["channel"], closed["success"]) == ("closed", "none", True)


async def test_those_to_whom_it_is_escalated_are_told_and_nobody_else(stage: Stage) -> None:
    ann, boss = await people(stage, 2)
    ladder = {"steps": [{"after": "50ms", "escalate": [f"user:{boss.id}"]}]}
    asked = await ask(stage, ann, deadline=ladder)
    results = await asked.told(2)

    assert [(each.get("occasion", "opened"), each["to"]) for each in results] == [
        ("opened", ann.id),
        ("escalated", boss.id),
    ]
    (mail,) = stage.mail.to(boss.address)
    assert mail["Subject"] == "Escalated: Pay the refund"
    assert len(stage.mail.to(ann.address)) == 1


async def test_whoever_is_asked_to_decide_in_somebodys_place_is_told_by_whom(stage: Stage) -> None:
    ann, bob = await people(stage, 2)
    asked = await ask(stage, ann)
    await asked.told(1)
    await asked.send(DelegatePause(context_id="ask", maker=ann.made(), to=bob.id, reason="On leave"), ann)
    results = await asked.told(2)

    assert (results[-1]["occasion"], results[-1]["to"]) == ("delegated", bob.id)
    (mail,) = stage.mail.to(bob.address)
    assert mail["Subject"] == "Delegated to you: Pay the refund"
    assert "Reason: On leave" in text(mail)
    status, _ = await asked.decide(nobody(stage.server), params={"token": token_in(mail)})
    assert status == 200


async def test_what_is_sent_back_is_told_with_its_reason(stage: Stage) -> None:
    ann, bob = await people(stage, 2)
    asked = await ask(stage, ann, bob)
    await asked.told(2)
    await asked.send(ReturnPause(context_id="ask", maker=ann.made(), reason="Which invoice?"), ann)
    results = await asked.told(4)

    assert {each["to"] for each in results[2:]} == {ann.id, bob.id}
    assert "Reason: Which invoice?" in text(stage.mail.to(bob.address)[-1])


async def test_the_starter_is_not_asked_where_they_may_not_decide(stage: Stage) -> None:
    starter = Person(*await add_person(stage.server, "write", "approver"))
    (ann,) = await people(stage, 1)
    caller = await sign_in(stage.server, starter.address)
    asked = await ask(stage, starter, ann, by=caller, selfApproval=False)
    results = await asked.told(1)

    assert [each["to"] for each in results] == [ann.id]
    assert stage.mail.to(starter.address) == []


async def test_where_nobody_is_left_to_ask_that_is_recorded(stage: Stage) -> None:
    starter = Person(*await add_person(stage.server, "write", "approver"))
    asked = await ask(stage, starter, by=await sign_in(stage.server, starter.address), selfApproval=False)
    (result,) = await asked.told(1)

    assert not result["success"]
    assert "there is nobody to tell" in result["error"]


async def test_a_group_comes_to_its_members(stage: Stage) -> None:
    ann, bob = await people(stage, 2)
    group = await administrator(stage.server).do(
        "POST", "/api/groups", json={"name": f"of-{ann.id}", "userIds": [ann.id, bob.id]}
    )
    asked = await ask(stage, assignees=[f"group:{group['name']}"])
    results = await asked.told(2)

    assert {each["to"] for each in results} == {ann.id, bob.id}


async def test_an_authors_mail_url_to_a_private_network_is_refused_though_the_operators_is_not(
    stage: Stage,
) -> None:
    (ann,) = await people(stage, 1)
    url = stage.mail.url.replace("mailto:", "mailtos:")
    asked = await ask(stage, ann, notify=[{"to": "assignees", "url": url}])
    (result,) = await asked.told(1)

    assert (result["success"], result["to"]) == (False, ann.id)
    assert "127.0.0.1" in result["error"]
    assert stage.mail.to(ann.address) == []


async def test_a_link_that_an_authors_mail_server_carries_decides_with_a_code_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with (
        MailServer().serving() as mail,
        serving_people(
            monkeypatch,
            public_url=PUBLIC,
            mail_url=mail.url,
            notify_schemes=["mailto"],
            allow_private_networks=["127.0.0.0/8"],
        ) as server,
    ):
        stage = Stage(server, mail)
        (ann,) = await people(stage, 1)
        asked = await ask(stage, ann, notify=[{"to": "assignees", "url": mail.url}])
        await asked.told(1)
        (carried,) = mail.to(ann.address)
        token = {"token": token_in(carried)}
        refused = await asked.decide(nobody(server), params=token)
        await nobody(server).do("POST", f"/api/inbox/{asked.execution}/ask/code", params=token)
        code = text(mail.to(ann.address)[-1])[:6]
        taken = await asked.decide(nobody(server), params=token, headers={"X-Signoff-Code": code})

    assert (refused[0], refused[1]["code"]) == (401, "CODE_REQUIRED")
    assert taken[0] == 200


@pytest.mark.parametrize("body", ["https://example.com/?next=<ask.link>", "see example.com/#(<ask.link>)"])
async def test_no_mail_goes_out_whose_text_would_lead_a_link_to_another_host(stage: Stage, body: str) -> None:
    (ann,) = await people(stage, 1)
    asked = await ask(stage, ann, notify=[{"to": "assignees", "body": body}])
    (result,) = await asked.told(1)

    assert (result["success"], "stand by itself" in result["error"]) == (False, True)
    assert stage.mail.to(ann.address) == []


async def test_a_mail_may_have_its_link_wherever_it_stands_by_itself(stage: Stage) -> None:
    (ann,) = await people(stage, 1)
    body = "Look at it.\n<ask.link> or (<ask.link>) or here:<ask.link>"
    asked = await ask(stage, ann, notify=[{"to": "assignees", "body": body}])
    await asked.told(1)

    assert len(stage.mail.to(ann.address)) == 1


@pytest.mark.parametrize(
    ("changes", "setting"),
    [
        ({"public_url": PUBLIC}, "SIGNOFF_MAIL_URL"),
        ({"mail_url": "mailto://127.0.0.1:1"}, "SIGNOFF_PUBLIC_URL"),
    ],
)
async def test_what_is_missing_in_the_settings_is_said(
    monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any], setting: str
) -> None:
    async with serving_people(monkeypatch, **changes) as server:
        stage = Stage(server, MailServer())
        asked = await ask(stage, *await people(stage, 1))
        (result,) = await asked.told(1)

    assert not result["success"]
    assert setting in result["error"]
