"""Values on their way through blocks and the log: large ones, strange ones, secret ones."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from signoff.blocks import block
from signoff.engine.points.pauses import content_digest
from signoff.events.codec import MAX_RECORD
from signoff.events.topics import DEFAULT_WORKSPACE
from support.executor_blocks import Probe, registry
from support.executors import Site, of_type, output_of

MANY = {f"field{i}": "x" * 100 for i in range(6000)}
"""Over 512 KiB in 6000 small parts."""


async def returned(site: Site, result: Any) -> list[Any]:
    """The events of an execution whose one block returns a value."""

    @block("test.give")
    async def give() -> Any:
        return result

    async with site.executor(registry(give)):
        return await site.run(await site.deploy({"blocks": {"give": {"type": "test.give"}}}))


@pytest.fixture
def passing(probe: Probe) -> dict[str, Any]:
    """A workflow that makes 5 MB, pauses, and gives it to a block before and after the pause."""
    return {
        "blocks": {
            "make": {"type": "test.large", "then": "before"},
            "before": {"type": "probe.size", "with": {"value": "<make.result>"}, "then": "ask"},
            "ask": {"type": "human_in_the_loop", "form": {"ok": "boolean"}, "then": "after"},
            "after": {"type": "probe.size", "with": {"value": "<make.result>"}, "then": "cut"},
            "cut": {"type": "function", "code": "return <make.result>.slice(-3)"},
        }
    }


@block("test.large")
async def large() -> str:
    return "é" * 2_500_000


@block("probe.size")
async def size(value: object) -> object:
    return {"kind": type(value).__name__, "length": len(value)}  # type: ignore[arg-type]


async def test_five_megabytes_are_read_downstream_before_and_after_a_reload(
    site: Site, passing: dict[str, Any]
) -> None:
    async with site.executor(registry(large, size)):
        sent = await site.start(await site.deploy(passing))
        await site.ended(sent)
    async with site.executor(registry(large, size)):
        await site.ended(await site.resume(sent.log_id, "ask", {"ok": True}))

    events = await site.events(sent.log_id)
    assert output_of(events, "before") == {"kind": "str", "length": 2_500_000}
    assert output_of(events, "after") == {"kind": "str", "length": 2_500_000}
    assert output_of(events, "cut")["result"] == "ééé"


async def test_a_large_value_that_passes_through_twenty_blocks_is_kept_once(site: Site) -> None:
    names = [f"b{number}" for number in range(20)]
    blocks: dict[str, Any] = {"big": {"type": "variables", "set": {"big": "<f.result>"}, "then": "b0"}}
    for before, name in zip(["big", *names], names, strict=False):
        blocks[name] = {"type": "variables", "set": {"big": f"<{before}.big>"}}
        blocks[before]["then"] = name
    blocks = {"f": {"type": "test.large", "then": "big"}, **blocks}
    async with site.executor(registry(large)):
        events = await site.run(await site.deploy({"blocks": blocks}))

    assert sum(map(len, await site.raw_of(events))) < 100_000
    reference = output_of(events, names[-1])["big"]
    assert all(output_of(events, name)["big"] == reference for name in names)
    assert reference["size"] == 5_000_002


async def test_no_event_is_larger_than_a_record_may_be(site: Site, passing: dict[str, Any]) -> None:
    async with site.executor(registry(large, size)):
        sent = await site.start(await site.deploy(passing))
        await site.ended(sent)

    assert max(map(len, await site.raw(sent.log_id))) <= MAX_RECORD
    reference = output_of(await site.events(sent.log_id), "make")["result"]
    assert await site.blobs.resolve(reference, workspace_id=DEFAULT_WORKSPACE) == "é" * 2_500_000


async def test_an_event_that_is_too_large_in_many_parts_is_made_to_fit(site: Site) -> None:
    parts = {f"part {i}": "y" * 200_000 for i in range(4)}

    events = await returned(site, parts)

    output = output_of(events, "give")
    assert await site.blobs.resolve(output, workspace_id=DEFAULT_WORKSPACE) == parts
    assert max(map(len, await site.raw_of(events))) <= MAX_RECORD


async def test_input_and_output_that_fit_each_but_not_together_are_made_to_fit(site: Site) -> None:
    @block("test.twice")
    async def twice(value: Any) -> Any:
        return value

    document = {
        "input": {"items": "array"},
        "blocks": {
            "a": {"type": "test.twice", "with": {"value": "<start.items>"}, "then": "b"},
            "b": {"type": "probe.size", "with": {"value": "<a.result>"}},
        },
    }
    items = ["z" * 100] * 2500
    async with site.executor(registry(twice, size)):
        workflow = await site.deploy(document)
        events = await site.run(workflow, {"items": items})

    assert events[-1].type == "execution:completed"
    assert output_of(events, "b") == {"kind": "list", "length": 2500}
    assert max(map(len, await site.raw_of(events))) <= MAX_RECORD


@pytest.mark.parametrize("reload", [False, True], ids=["in memory", "after a reload"])
async def test_a_condition_chooses_its_edge_though_its_output_moved_as_a_whole(
    site: Site, reload: bool
) -> None:
    @block("test.many")
    async def many() -> Any:
        return MANY

    document = {
        "blocks": {
            "many": {"type": "test.many", "then": "ask" if reload else "choose"},
            "ask": {"type": "human_in_the_loop", "form": {"ok": "boolean"}, "then": "choose"},
            "choose": {
                "type": "condition",
                "cases": [
                    {"when": "1 == 2", "then": "wrong"},
                    {"when": "<many.field7> != ''", "then": "right"},
                ],
            },
            "right": {"type": "probe.size", "with": {"value": "<many.field7>"}},
            "wrong": {"type": "probe.size", "with": {"value": ""}},
        }
    }
    if not reload:
        del document["blocks"]["ask"]
    async with site.executor(registry(many, size)):
        sent = await site.start(await site.deploy(document))
        await site.ended(sent)
    async with site.executor(registry(many, size)):
        if reload:
            await site.ended(await site.resume(sent.log_id, "ask", {"ok": True}))

    assert output_of(await site.events(sent.log_id), "right") == {"kind": "str", "length": 100}


async def test_large_variables_are_read_downstream(site: Site) -> None:
    document = {
        "variables": {"text": "", "small": ""},
        "blocks": {
            "make": {"type": "function", "code": "return 'v'.repeat(600000)", "then": "keep"},
            "keep": {
                "type": "variables",
                "set": {"text": "<make.result>", "small": "abc"},
                "then": "measure",
            },
            "measure": {"type": "probe.size", "with": {"value": "<variable.text>"}, "then": "other"},
            "other": {"type": "probe.size", "with": {"value": "<variable.small>"}},
        },
    }
    async with site.executor(registry(size)):
        events = await site.run(await site.deploy(document))

    assert output_of(events, "measure") == {"kind": "str", "length": 600_000}
    assert output_of(events, "other") == {"kind": "str", "length": 3}


async def test_fields_that_look_like_references_come_back_as_they_were(site: Site, probe: Probe) -> None:
    forged = {"$blob": "sha256:" + "0" * 64, "size": 1, "mediaType": "application/json"}

    @block("test.forge")
    async def forge() -> Any:
        return {"value": forged}

    document = {
        "blocks": {
            "forge": {"type": "test.forge", "then": "read"},
            "read": {"type": "probe.work", "with": {"value": "<forge.value>"}, "then": "check"},
            "check": {"type": "function", "code": "return Object.keys(<forge.value>).join()"},
        }
    }
    async with site.executor(registry(forge, *functions_of(probe))):
        events = await site.run(await site.deploy(document))

    assert output_of(events, "check")["result"] == "$blob,size,mediaType"


def functions_of(probe: Probe) -> list[Any]:
    return [spec.function for spec in probe.registry.values()]


def deep(levels: int) -> Any:
    value: Any = "ground"
    for _ in range(levels):
        value = [value]
    return value


STRANGE = {
    "NaN": float("nan"),
    "infinity": [1.0, float("-inf")],
    "a lone surrogate": {"text": "\ud800"},
    "a lone surrogate in a key": {"\udfff": 1},
    "an integer over 64 bits": 2**64,
    "depth": deep(101),
}


@pytest.mark.parametrize("value", STRANGE.values(), ids=STRANGE.keys())
async def test_what_the_log_cannot_hold_is_the_error_of_the_block_that_gave_it(
    site: Site, value: Any
) -> None:
    events = await returned(site, value)

    (failed,) = of_type(events, "block:error")
    assert failed.code in ("INVALID_VALUE", "INVALID_OUTPUT")
    assert events[-1].type == "execution:error"
    assert await site.store.broken() == []


async def test_an_error_text_with_a_lone_surrogate_is_recorded(site: Site) -> None:
    @block("test.fail")
    async def fail() -> None:
        raise ValueError("half a character: \ud800")

    async with site.executor(registry(fail)):
        events = await site.run(await site.deploy({"blocks": {"fail": {"type": "test.fail"}}}))

    assert events[-1].type == "execution:error"
    assert events[-1].data.error == "fail: ValueError: half a character: ?"
    assert await site.store.broken() == []


async def test_a_block_that_changes_its_parameters_changes_nothing_for_the_next_one(site: Site) -> None:
    @block("test.give")
    async def give() -> Any:
        return {"list": [1], "inner": {"a": 1}}

    @block("test.spoil")
    async def spoil(value: dict[str, Any]) -> Any:
        value["list"].append(2)
        value["inner"]["a"] = 2
        return "spoilt"

    @block("test.echo")
    async def echo(value: Any) -> Any:
        return value

    document = {
        "blocks": {
            "give": {"type": "test.give", "then": "spoil"},
            "spoil": {
                "type": "test.spoil",
                "with": {"value": {"list": "<give.list>", "inner": "<give.inner>"}},
                "then": "echo",
            },
            "echo": {
                "type": "test.echo",
                "with": {"value": {"list": "<give.list>", "inner": "<give.inner>"}},
            },
        }
    }
    async with site.executor(registry(give, spoil, echo)):
        events = await site.run(await site.deploy(document))

    assert output_of(events, "echo") == {"list": [1], "inner": {"a": 1}}
    (given,) = [data.input for data in of_type(events, "block:completed") if data.block_id == "spoil"]
    assert given == {"value": {"list": [1], "inner": {"a": 1}}}


# Secrets -----------------------------------------------------------------------------------------------

SECRET = "hunter2-top-secret-value"
LONGER = f"{SECRET}-and-more"
SECRETS = {"environment": {"TOKEN": SECRET, "LONGER": LONGER}}


@pytest.fixture
async def echo_server() -> AsyncIterator[TestServer]:
    """Answers with the headers it got."""

    async def echo(request: web.Request) -> web.Response:
        return web.json_response(
            {"got": request.headers["Authorization"], "seen": SECRET in request.headers["Authorization"]}
        )

    app = web.Application()
    app.router.add_get("/", echo)
    async with TestServer(app) as server:
        yield server


async def assert_kept_out(site: Site, secret: str) -> None:
    everything = [each.state for each in await site.store.read_all(after=0, limit=10_000)]
    for partition in range(site.partitions):
        everything += [message.value for message in await site.topic(partition)]
    assert not [raw for raw in everything if secret.encode() in raw]


async def test_a_secret_reaches_the_outside_and_not_the_log(site: Site, echo_server: TestServer) -> None:
    document = {
        "blocks": {
            "call": {
                "type": "api",
                "url": str(echo_server.make_url("/")),
                "headers": {"Authorization": "Bearer {{TOKEN}}"},
                "then": "again",
            },
            "again": {"type": "function", "code": "return [<call.data>, {{TOKEN}}, {[{{LONGER}}]: 1}]"},
        }
    }
    async with site.executor(**SECRETS):
        events = await site.run(await site.deploy(document))

    assert output_of(events, "call")["data"] == {"got": "Bearer •••", "seen": True}
    assert output_of(events, "again")["result"] == [{"got": "Bearer •••", "seen": True}, "•••", {"•••": 1}]
    (called,) = [data.input for data in of_type(events, "block:completed") if data.block_id == "call"]
    assert "{{TOKEN}}" in str(called)
    await assert_kept_out(site, SECRET)


async def test_a_secret_in_an_error_or_on_a_page_is_not_in_the_log(site: Site) -> None:
    document = {
        "blocks": {
            "ask": {
                "type": "human_in_the_loop",
                "show": {"Key": "{{LONGER}}"},
                "form": {"ok": "boolean"},
                "then": "fail",
            },
            "fail": {"type": "function", "code": "throw new Error('no ' + {{TOKEN}} + ' and ' + {{LONGER}})"},
        }
    }
    async with site.executor(**SECRETS):
        sent = await site.start(await site.deploy(document))
        await site.ended(sent)
    async with site.executor(**SECRETS):
        await site.ended(await site.resume(sent.log_id, "ask", {"ok": True}))

    (failed,) = of_type(await site.events(sent.log_id), "block:error")
    assert "no ••• and •••" in failed.error
    assert "more" not in failed.error
    await assert_kept_out(site, SECRET)
    await assert_kept_out(site, "-and-more")


async def test_the_digest_of_a_page_is_that_of_what_the_log_holds(site: Site) -> None:
    ask = {"type": "human_in_the_loop", "show": {"Key": "{{TOKEN}}"}, "form": {"ok": "boolean"}}
    async with site.executor(**SECRETS):
        workflow = await site.deploy({"blocks": {"ask": ask}})
        events = await site.run(workflow)

    (opened,) = of_type(events, "pause:opened")
    assert opened.content_digest == content_digest(opened.response, workflow.digest, opened.title)


async def test_a_block_reads_the_redacted_output_before_and_after_a_restart(site: Site) -> None:
    document = {
        "blocks": {
            "leak": {"type": "function", "code": "return {{TOKEN}}", "then": "before"},
            "before": {"type": "function", "code": "return <leak.result>.length", "then": "ask"},
            "ask": {"type": "human_in_the_loop", "form": {"ok": "boolean"}, "then": "after"},
            "after": {"type": "function", "code": "return <leak.result>.length"},
        }
    }
    async with site.executor(**SECRETS):
        sent = await site.start(await site.deploy(document))
        await site.ended(sent)
    async with site.executor(**SECRETS):
        await site.ended(await site.resume(sent.log_id, "ask", {"ok": True}))

    events = await site.events(sent.log_id)
    assert output_of(events, "before")["result"] == output_of(events, "after")["result"] == 3
