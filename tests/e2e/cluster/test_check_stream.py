"""The suite of the stream contract: a real server keeps every rule, and each way of breaking one is found."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from e2e.cluster.local_cluster import LocalCluster
from e2e.shell import Embedded
from signoff.client import AsyncClient
from signoff.client.stream_checks.evidence import Limits
from signoff.client.stream_checks.rules import RULES
from signoff.client.stream_checks.suite import CHECKS, Result, examine
from support.damaging_proxies import BEAT, Answered, Damage, Passing, damaging

WORKFLOW: Final = """\
workflow: checked
blocks:
  before: {type: function, code: "return 1", then: decide}
  decide: {type: human_in_the_loop, form: {approved: boolean}, then: after}
  after: {type: function, code: "return 2"}
"""
QUICK: Final = Limits(answer=8.0, live=1.0, heartbeat=BEAT)
PATIENT: Final = Limits(answer=20.0, live=15.0, heartbeat=1.0)
AT_ONCE: Final = 4
"""Damages that are looked at together: most of the time goes in waiting for what does not come."""

pytestmark = pytest.mark.timeout(180)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Embedded]:
    server = Embedded(tmp_path_factory.mktemp("checked") / "data")
    definition = server.data.parent / "checked.yaml"
    definition.write_text(WORKFLOW)
    try:
        server.serve()
        for name in ("checked", "other"):
            deployed = server.signoff("deploy", str(definition), "--id", name)
            assert deployed.code == 0, deployed.err
        yield server
    finally:
        server.kill()


async def results(
    server: Embedded, damage: Damage, rules: list[str], limits: Limits = QUICK
) -> dict[str, Result]:
    async with damaging(server.url, damage) as url:
        found = examine(url, server.key, workflow_id="checked", rules=rules, limits=limits)
        return {result.rule: result async for result in found}


# --- What a damage does -------------------------------------------------------------------------------


def of_event(number: int, becomes: "list[bytes] | None" = None, *, feed: bool = False) -> Damage:
    """What becomes of the n-th event of each stream, or feed; by default it is lost."""

    def block(passing: Passing, block: bytes) -> list[bytes]:
        concerned = passing.is_feed is feed and b'"eventId"' in block and passing.events == number - 1
        return (becomes or []) if concerned else [block]

    return Damage(block=block)


def doubled(passing: Passing, block: bytes) -> list[bytes]:
    return [block, block] if b'"eventId":3,' in block else [block]


class Swapped:
    """Sends the third event after the fourth."""

    def __init__(self) -> None:
        self.held: dict[int, bytes] = {}

    def __call__(self, passing: Passing, block: bytes) -> list[bytes]:
        if b'"eventId":3,' in block:
            self.held[passing.number] = block
            return []
        return [block, self.held.pop(passing.number)] if passing.number in self.held else [block]


def changed(passing: Passing, block: bytes) -> list[bytes]:
    return [block.replace(b'"workflowId":"checked"', b'"workflowId":"chEcked"', 1)]


def changed_sometimes(passing: Passing, block: bytes) -> list[bytes]:
    return changed(passing, block) if passing.number % 2 else [block]


def replaced(old: bytes, new: bytes, *, feed: bool = False) -> Damage:
    """Blocks that are so become others."""
    return Damage(
        block=lambda passing, block: (
            [new] if passing.is_feed is feed and block == old and new else
            [] if passing.is_feed is feed and block == old else [block]
        )
    )  # fmt: skip


def without_the_last(passing: Passing, block: bytes) -> list[bytes]:
    return [] if passing.is_stream and b'"execution:completed"' in block else [block]


def with_event_line(passing: Passing, block: bytes) -> list[bytes]:
    return [b"event: message\n" + block if b'"eventId"' in block else block]


def done_in_feed(passing: Passing, block: bytes) -> list[bytes]:
    ends = passing.is_feed and b'"execution:completed"' in block
    return [block, b"data: [DONE]\n\n"] if ends else [block]


class OtherCursors:
    """Gives each event of a feed another cursor each time."""

    def __call__(self, passing: Passing, block: bytes) -> list[bytes]:
        if not passing.is_feed or b'"eventId"' not in block:
            return [block]
        return [block.replace(b"\ndata", b"%d\ndata" % passing.number, 1)]


def late_at_the_end(passing: Passing, block: bytes) -> float:
    return 2.0 if passing.is_stream and b'"execution:completed"' in block else 0.0


def one_further(passing: Passing) -> None:
    last = passing.headers.get("Last-Event-ID", "")
    if passing.is_stream and last.isdigit() and last != "0":
        passing.headers["Last-Event-ID"] = str(int(last) + 1)


def one_back(passing: Passing) -> None:
    last = passing.headers.get("Last-Event-ID", "")
    if passing.is_stream and last.isdigit():
        passing.headers["Last-Event-ID"] = str(max(0, int(last) - 1))


def lost_from_query(name: str, *, feed: bool = False) -> Damage:
    """A parameter that does not arrive."""

    def request(passing: Passing) -> None:
        if passing.is_feed is feed and (passing.is_feed or passing.is_stream):
            passing.query.pop(name, None)

    return Damage(request=request)


def lost_from_headers(name: str, *, feed: bool = False) -> Damage:
    """A header that does not arrive."""

    def request(passing: Passing) -> None:
        if passing.is_feed is feed and (passing.is_feed or passing.is_stream):
            passing.headers.pop(name, None)

    return Damage(request=request)


def another_status(old: int, new: int) -> Damage:
    """A status of streams and feeds that becomes another."""

    def answer(passing: Passing, answered: Answered) -> None:
        if (passing.is_feed or passing.is_stream) and answered.status == old:
            answered.status = new

    return Damage(answer=answer)


def without_header(name: str) -> Damage:
    """A header of streams that is lost."""

    def answer(passing: Passing, answered: Answered) -> None:
        if passing.is_stream:
            answered.headers.pop(name, None)

    return Damage(answer=answer)


def without_last_event_id(passing: Passing, answered: Answered) -> None:
    if answered.status == 409:
        answered.body = b'{"error":"no"}'


def helpful(key: str) -> Damage:
    """A proxy that has a key of its own, and shows it for everybody."""

    def request(passing: Passing) -> None:
        passing.headers.pop("Authorization", None)
        passing.headers["X-API-Key"] = key

    return Damage(request=request)


BEATLESS = Damage(beat=lambda _, __: b"")
DAMAGES: Final[dict[str, tuple[list[str], Damage]]] = {
    "another type": (["S-1"], without_header("Content-Type")),
    "no name": (["S-1"], without_header("X-Execution-Id")),
    "it may be kept": (["S-1"], without_header("Cache-Control")),
    "no retry": (["S-2"], replaced(b"retry: 1000\n\n", b"")),
    "another retry": (["S-2"], replaced(b"retry: 1000\n\n", b"retry: 3000\n\n")),
    "a line with the event's type": (["S-3"], Damage(block=with_event_line)),
    "other ends of lines": (["S-3"], Damage(block=lambda _, block: [block.replace(b"\n", b"\r\n")])),
    "an event is lost": (["S-4", "S-5", "S-6"], of_event(3)),
    "the last event is lost": (["S-5", "S-10"], Damage(block=without_the_last)),
    "an event comes twice": (["S-4", "S-5"], Damage(block=doubled)),
    "two events change places": (["S-4", "S-5", "S-6"], Damage(block=Swapped())),
    "a byte is changed": (["S-5", "S-6"], Damage(block=changed)),
    "a byte is changed sometimes": (["S-7"], Damage(block=changed_sometimes)),
    "no end": (["S-8"], replaced(b"data: [DONE]\n\n", b"")),
    "the end has an id": (["S-8"], replaced(b"data: [DONE]\n\n", b"id: 9\ndata: [DONE]\n\n")),
    "pauses are ends": (["S-9", "S-12"], lost_from_query("follow")),
    "events are late": (["S-10"], Damage(late=late_at_the_end)),
    "no heartbeat": (["S-11", "S-27"], BEATLESS),
    "late heartbeats": (["S-11", "S-27"], Damage(beats_after=BEAT * 2)),
    "hasty heartbeats": (["S-11", "S-27"], Damage(beats_after=BEAT / 16)),
    "heartbeats with an id": (["S-3", "S-11"], Damage(beat=lambda _, __: b": heartbeat\nid: 1\n\n")),
    "heartbeats without a cursor": (["S-24", "S-27"], Damage(beat=lambda _, __: b": heartbeat\n\n")),
    "a cursor goes too far": (["S-12", "S-13"], Damage(request=one_further)),
    "a cursor does not go far enough": (["S-12", "S-13", "S-15"], Damage(request=one_back)),
    "the header does not arrive": (["S-13", "S-14", "S-15"], lost_from_headers("Last-Event-ID")),
    "the cursor in the query does not arrive": (["S-14", "S-16"], lost_from_query("from")),
    "204 is taken for 200": (["S-15"], another_status(204, 200)),
    "409 is taken for 400": (["S-16"], another_status(409, 400)),
    "409 does not say where the end is": (["S-16"], Damage(answer=without_last_event_id)),
    "the first event of a run is lost": (["S-17"], of_event(1)),
    "404 is taken for 410": (["S-18"], another_status(404, 410)),
    "403 is taken for 404": (["S-18", "S-22"], another_status(403, 404)),
    "401 is taken for 403": (["S-19", "S-22"], another_status(401, 403)),
    "405 is taken for 404": (["S-20"], another_status(405, 404)),
    "tokens do not arrive": (["S-21", "S-22"], lost_from_query("token")),
    "a feed does not say that it opened": (
        ["S-23"],
        Damage(block=lambda _, block: [] if b"feed:opened" in block else [block]),
    ),
    "a feed loses an event": (["S-24"], of_event(3, feed=True)),
    "a feed changes a byte": (["S-24"], Damage(block=changed)),
    "cursors are others each time": (["S-25"], Damage(block=OtherCursors())),
    "a feed begins anew": (["S-25", "S-26"], lost_from_headers("Last-Event-ID", feed=True)),
    "a feed's cursor in the query does not arrive": (["S-26", "S-28"], lost_from_query("cursor", feed=True)),
    "types do not arrive": (["S-28"], lost_from_query("types", feed=True)),
    "statuses do not arrive": (["S-28"], lost_from_query("status", feed=True)),
    "a feed has an end": (["S-24", "S-29"], Damage(block=done_in_feed)),
}  # fmt: skip


# --- What is found ------------------------------------------------------------------------------------


def test_every_rule_has_its_check() -> None:
    assert list(CHECKS) == list(RULES)


def test_every_rule_is_broken_by_some_damage() -> None:
    assert {rule for rules, _ in DAMAGES.values() for rule in rules} == {*RULES}


async def test_a_proxy_that_damages_nothing_breaks_no_rule(server: Embedded) -> None:
    found = await results(server, Damage(beats_after=PATIENT.heartbeat), list(RULES), PATIENT)

    assert [each for each in found.values() if each.outcome != "passed"] == []


@pytest.fixture(scope="module")
async def found_of(server: Embedded) -> dict[str, dict[str, Result]]:
    """What the suite says of each damage."""
    places = asyncio.Semaphore(AT_ONCE)

    async def found(rules: list[str], damage: Damage) -> dict[str, Result]:
        async with places:
            return await results(server, damage, rules)

    return dict(zip(DAMAGES, await asyncio.gather(*(found(*each) for each in DAMAGES.values())), strict=True))


@pytest.mark.parametrize("name", DAMAGES)
async def test_a_broken_rule_is_found(found_of: dict[str, dict[str, Result]], name: str) -> None:
    rules, _ = DAMAGES[name]
    found = found_of[name]

    assert {rule: each.outcome for rule, each in found.items()} == dict.fromkeys(rules, "failed")
    assert all(each.expected and each.seen for each in found.values())


async def test_a_proxy_that_shows_its_own_key_for_strangers_is_found(server: Embedded) -> None:
    found = await results(server, helpful(server.key), ["S-19"])

    assert found["S-19"].outcome == "failed"


async def test_an_execution_is_read_without_any_change(server: Embedded) -> None:
    async with AsyncClient(server.url, server.key) as client:
        execution = await client.executions.start("checked", {})
        await execution.wait_until("paused", timeout=20)
        found = [each async for each in examine(server.url, server.key, execution_id=execution.id)]
        view = await execution.status()

    assert view.status == "paused"
    assert {each.rule for each in found if each.outcome == "left out"} == {
        "S-9", "S-10", "S-11", "S-12", "S-17", "S-24", "S-25", "S-26", "S-27", "S-29",
    }  # fmt: skip
    assert [each for each in found if each.outcome == "failed"] == []


# --- On the command line, with real heartbeats ----------------------------------------------------------


def test_an_embedded_server_keeps_the_contract(server: Embedded) -> None:
    done = server.signoff("check-stream", server.url)

    assert (done.code, done.err) == (0, ""), done.out
    assert {line["rule"]: line["outcome"] for line in done.lines} == dict.fromkeys(RULES, "passed")
    listed = {line["id"]: line["isDeployed"] for line in server.signoff("workflows", "list").lines}
    assert listed["signoff-stream-check"] is False


async def test_a_cluster_keeps_the_contract_behind_its_load_balancer(cluster: LocalCluster) -> None:
    done = await asyncio.to_thread(cluster.signoff, "check-stream", cluster.url)

    assert (done.code, done.err) == (0, ""), done.out
    assert {line["rule"]: line["outcome"] for line in done.lines} == dict.fromkeys(RULES, "passed")


def test_a_server_that_is_not_there_is_said_in_a_sentence(tmp_path: Path) -> None:
    nowhere = Embedded(tmp_path / "data")

    done = nowhere.signoff("check-stream", nowhere.url, "--api-key", "any")

    assert (done.code, done.out) == (3, "")
    assert f"no server answers at {nowhere.url}" in done.err


def test_what_is_no_url_is_wrong_usage(tmp_path: Path) -> None:
    done = Embedded(tmp_path / "data").signoff("check-stream", "nonsense")

    assert (done.code, done.out) == (2, "")
    assert "'nonsense' is not a URL" in done.err
