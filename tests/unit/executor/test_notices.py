"""Channels are told of pause points by a real executor; what came of it is in the log, and no secret is."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
from aiohttp import web

from signoff.executor.blocks.base import Tools
from support.executor_blocks import Probe
from support.executor_faults import FaultyStore
from support.executors import Sent, Site, output_of, until
from support.hooks import Received, Receiver
from support.stores import Clock

CANARY = "canary-7f3e-of-a-secret"
LOOPBACK: dict[str, Any] = {
    "allow_private_networks": ("127.0.0.0/8",),
    "notify_schemes": ("json", "http"),
    "public_url": "https://signoff.example.org",
}


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with Receiver().serving() as receiver:
        yield receiver


@pytest.fixture
def stuck(receiver: Receiver) -> asyncio.Event:
    """The receiver answers only once this is set."""
    answers = asyncio.Event()

    async def wait(_: Received) -> web.Response:
        await answers.wait()
        return web.Response(status=204)

    receiver.answer = wait
    return answers


def asking(*notify: dict[str, Any], **human: Any) -> dict[str, Any]:
    """A workflow that asks, and holds on after the decision until a test lets go."""
    return {
        "workflow": "refund",
        "input": {"amount": "number"},
        "blocks": {
            "ask": {
                "type": "human_in_the_loop",
                "title": "Pay the refund",
                "show": {"Amount": "<start.amount>"},
                "form": {"ok": "boolean"},
                "notify": list(notify),
                "then": "after",
                **human,
            },
            "after": {"type": "probe.hold"},
        },
    }


def plain(url: str) -> str:
    """The Apprise URL that posts JSON there."""
    return url.replace("http://", "json://")


async def told(site: Site, sent: Sent, count: int = 1) -> list[Any]:
    """Wait for the results of notifications."""
    return [event.data for event in await site.until_event(sent.log_id, "pause:notified", count=count)]


def bodies(receiver: Receiver) -> list[Any]:
    return [msgspec.json.decode(each.body) for each in receiver.received]


async def test_a_channel_gets_the_usual_text_with_a_link_to_the_page(
    site: Site, probe: Probe, receiver: Receiver
) -> None:
    async with site.executor(probe.registry, **LOOPBACK):
        sent = await site.start(await site.deploy(asking({"url": plain(receiver.url())})), {"amount": 120})
        (result,) = await told(site, sent)

    (body,) = bodies(receiver)
    assert body["title"] == "Decision wanted: Pay the refund"
    page = f"https://signoff.example.org/resume/refund/{sent.log_id}?contextId=ask"
    assert page in body["message"]
    assert "Amount: 120" in body["message"]
    assert (result.channel, result.success, result.error, result.occasion) == ("json", True, None, "opened")
    assert result.duration_ms > 0


async def test_title_and_body_may_refer_to_the_point_itself_and_to_everything_else(
    site: Site, probe: Probe, receiver: Receiver
) -> None:
    entry = {
        "url": "{{TEAM}}",
        "title": "<start.amount> for {{WHOM}}",
        "body": "<ask.url>\n<ask.resumeEndpoint>\n<ask.response.data.operation>\n<ask.ok>\n<nobody.x>",
    }
    async with site.executor(
        probe.registry, environment={"TEAM": receiver.url("/team"), "WHOM": "Ann"}, **LOOPBACK
    ):
        sent = await site.start(await site.deploy(asking(entry)), {"amount": 120})
        await told(site, sent)

    assert bodies(receiver) == [
        {
            "title": "120 for Ann",
            "body": f"https://signoff.example.org/resume/refund/{sent.log_id}?contextId=ask\n"
            f"https://signoff.example.org/api/resume/refund/{sent.log_id}/ask\nhuman\n\n<nobody.x>",
        }
    ]


async def test_each_turn_of_a_loop_tells_of_its_own_item(
    site: Site, probe: Probe, receiver: Receiver
) -> None:
    document = {
        "workflow": "refund",
        "blocks": {
            "each": {
                "type": "loop",
                "forEach": ["red", "blue"],
                "blocks": {
                    "ask": {
                        "type": "human_in_the_loop",
                        "form": {"ok": "boolean"},
                        "notify": [
                            {"url": receiver.url(), "title": "<loop.currentItem>", "body": "<loop.index>"}
                        ],
                    }
                },
            }
        },
    }
    async with site.executor(probe.registry, **LOOPBACK):
        sent = await site.start(await site.deploy(document))
        await told(site, sent)
        await site.resume(sent.log_id, "ask_loop0", {"ok": True})
        await until(lambda: len(receiver.received) == 3)

    assert sorted((each["title"], each["body"]) for each in bodies(receiver)) == [
        ("blue", "1"), ("red", "0"), ("red", "0"),
    ]  # fmt: skip


async def test_large_values_stand_in_a_message_whole(site: Site, probe: Probe, receiver: Receiver) -> None:
    notify = {"url": receiver.url(), "title": "<big.result.end>", "body": "<ask.response.data.operation>"}
    document = asking(notify, show={"All": "<big.result.text>"})
    code = "return {end: 'the end', text: 'x'.repeat(1500000)}"
    document["blocks"] = {"big": {"type": "function", "code": code, "then": "ask"}, **document["blocks"]}
    async with site.executor(probe.registry, **LOOPBACK):
        sent = await site.start(await site.deploy(document), {"amount": 1})
        await told(site, sent)

    assert bodies(receiver) == [{"title": "the end", "body": "human"}]


async def test_a_tool_of_sims_is_sent_and_its_result_stands_in_the_blocks_output(
    site: Site, probe: Probe, receiver: Receiver
) -> None:
    entry = {
        "type": "webhook_request",
        "toolId": "webhook_request",
        "title": "Tell the team",
        "operation": "post",
        "params": {"url": receiver.url("/sim"), "body": {"page": "<ask.url>"}},
    }
    async with site.executor(probe.registry, **LOOPBACK):
        sent = await site.start(await site.deploy(asking(entry)), {"amount": 1})
        await told(site, sent)
        resumed = await site.resume(sent.log_id, "ask", {"ok": True})
        await site.outcome(resumed)
        events = await site.events(sent.log_id)

    (body,) = bodies(receiver)
    assert body["page"].startswith("https://signoff.example.org/resume/")
    (result,) = output_of(events, "ask")["notificationResults"]
    assert result.pop("durationMs") > 0
    assert result == {
        "toolId": "webhook_request", "title": "Tell the team", "operation": "post", "success": True,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("entry", "channel", "error"),
    [
        ({"type": "pager", "toolId": "pager_call", "params": {}}, "pager", "no channel stands for it"),
        ({"type": "gmail", "toolId": "gmail_send", "params": {}}, "gmail", "smtp_send_mail"),
        ({"url": "{{UNSET}}"}, "unknown", "must begin with one of"),
        ({"url": "slack://a/b/c"}, "slack", "not allowed here"),
        ({"url": "json://10.0.0.1/x"}, "json", "10.0.0.1"),
        ({"url": "http://127.0.0.1:1/x"}, "http", "refused"),
        ({"url": "http://127.0.0.1:9/", "body": "<start.nothing>"}, "http", "nothing"),
        ({"to": "assignees"}, "mailtos", "no assignees"),
    ],
)
async def test_what_cannot_be_sent_is_recorded_with_what_to_do_and_the_pause_goes_on(
    site: Site, probe: Probe, entry: dict[str, Any], channel: str, error: str
) -> None:
    async with site.executor(probe.registry, **LOOPBACK):
        sent = await site.start(await site.deploy(asking(entry)), {"amount": 1})
        (result,) = await told(site, sent)
        outcome = await site.outcome(await site.resume(sent.log_id, "ask", {"ok": True}))

    assert (result.channel, result.success) == (channel, False)
    assert error in result.error
    assert outcome.outcome == "accepted"


async def test_one_that_fails_keeps_no_other_from_being_sent(
    site: Site, probe: Probe, receiver: Receiver
) -> None:
    entries = [{"url": "http://127.0.0.1:1/"}, {"url": receiver.url()}, {"toolId": "pager", "params": {}}]
    async with site.executor(probe.registry, **LOOPBACK):
        sent = await site.start(await site.deploy(asking(*entries)), {"amount": 1})
        results = await told(site, sent, 3)

    assert [each.success for each in results] == [False, True, False]
    assert len(receiver.received) == 1


async def test_a_channel_that_hangs_delays_neither_the_pause_nor_the_decision(
    site: Site, probe: Probe, receiver: Receiver, stuck: asyncio.Event
) -> None:
    async with site.executor(probe.registry, **LOOPBACK):
        sent = await site.start(await site.deploy(asking({"url": receiver.url()})), {"amount": 1})
        await receiver.until(lambda: receiver.received)
        resumed = await site.resume(sent.log_id, "ask", {"ok": True})
        assert (await site.outcome(resumed)).outcome == "accepted"
        assert "pause:notified" not in await site.kinds(sent.log_id)

        stuck.set()
        results = await told(site, sent, 2)

    assert sorted(each.occasion for each in results) == ["closed", "opened"]


async def test_an_execution_is_cancelled_while_a_channel_hangs_and_its_log_stays_ended(
    site: Site, probe: Probe, receiver: Receiver, stuck: asyncio.Event
) -> None:
    async with site.executor(probe.registry, **LOOPBACK):
        sent = await site.start(await site.deploy(asking({"url": receiver.url()})), {"amount": 1})
        await receiver.until(lambda: receiver.received)
        assert (await site.outcome(await site.cancel(sent.log_id))).outcome == "accepted"
        stuck.set()
        again = await site.run(await site.deploy({"blocks": {"only": {"type": "probe.work"}}}, "other"))
        assert again[-1].type == "execution:completed"

    assert (await site.kinds(sent.log_id))[-1] == "execution:cancelled"


async def test_reminders_are_told_when_they_are_due(site: Site, probe: Probe, receiver: Receiver) -> None:
    ladder = {"steps": [{"after": "50ms", "remind": True}]}
    entries = [{"url": receiver.url("/all")}, {"url": receiver.url("/opened"), "on": ["opened"]}]
    async with site.executor(probe.registry, **LOOPBACK):
        sent = await site.start(await site.deploy(asking(*entries, deadline=ladder)), {"amount": 1})
        results = await told(site, sent, 3)

    assert sorted(each.occasion for each in results) == ["opened", "opened", "reminded"]
    reminder = next(each for each in bodies(receiver) if each["title"].startswith("Reminder"))
    assert "still wanted" in reminder["body"]


async def test_no_secret_of_the_environment_gets_into_the_log(
    site: Site, probe: Probe, receiver: Receiver
) -> None:
    receiver.answer = lambda _: web.Response(status=403, reason=f"no {CANARY}", text=CANARY)
    entries = [
        {"url": f"{receiver.url()}?token={{{{TOKEN}}}}", "title": "{{TOKEN}}", "body": "{{TOKEN}}"},
        {"url": "no-{{TOKEN}}://nowhere"},
        {"type": "{{TOKEN}}", "toolId": "{{TOKEN}}", "title": "{{TOKEN}}", "params": {}},
        {"type": "http", "toolId": "http_request", "params": {"url": "{{TOKEN}}", "method": "{{TOKEN}}"}},
        {"url": "slack://{{TOKEN}}"},
    ]
    async with site.executor(probe.registry, environment={"TOKEN": CANARY}, **LOOPBACK):
        sent = await site.start(await site.deploy(asking(*entries)), {"amount": 1})
        results = await told(site, sent, 5)
        raw = b"".join(await site.raw(sent.log_id))

    assert [each.success for each in results] == [False] * 5
    assert CANARY in bodies(receiver)[0]["body"]
    assert CANARY.encode() not in raw


async def test_a_new_owner_tells_again_what_a_crash_kept_from_being_recorded(
    tools: Tools, probe: Probe, receiver: Receiver, stuck: asyncio.Event
) -> None:
    clock = Clock()
    site = await Site.in_memory(tools, clock=clock)
    store = FaultyStore(site.store)
    async with site.executor(probe.registry, store=store, **LOOPBACK):
        sent = await site.start(await site.deploy(asking({"url": receiver.url()})), {"amount": 1})
        await receiver.until(lambda: receiver.received)
        store.away = True
    clock.now += 10
    stuck.set()
    async with site.executor(probe.registry, **LOOPBACK):
        results = await told(site, sent)
        assert (await site.outcome(await site.resume(sent.log_id, "ask", {"ok": True}))).outcome == "accepted"
        results = await told(site, sent, 2)
    await site.close()

    assert [each.occasion for each in results] == ["opened", "closed"]
    assert [each["title"][:4] for each in bodies(receiver)] == ["Deci", "Deci", "Clos"]


async def test_nobody_is_told_again_because_what_came_of_it_could_not_be_recorded_at_once(
    site: Site, probe: Probe, receiver: Receiver, stuck: asyncio.Event
) -> None:
    store = FaultyStore(site.store)
    async with site.executor(probe.registry, store=store, **LOOPBACK) as executor:
        sent = await site.start(await site.deploy(asking({"url": receiver.url()})), {"amount": 1})
        await receiver.until(lambda: receiver.received)

        store.refused = 1
        stuck.set()

        await told(site, sent)
        assert store.refused == 0
        await site.outcome(await site.resume(sent.log_id, "ask", {"ok": True}))
        await told(site, sent, 2)
        await until(lambda: not executor._notices._tasks)
    assert [each["title"][:4] for each in bodies(receiver)] == ["Deci", "Clos"]
