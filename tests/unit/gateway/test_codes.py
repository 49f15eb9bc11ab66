"""Code is checked within limits: nothing is passed unread, whatever the code and the sandbox do."""

import json
import time
from collections.abc import AsyncIterator, Collection
from typing import Any

import pytest
import pytest_asyncio

from signoff.blocks import Registry
from signoff.engine.definitions.codes import Code
from signoff.engine.definitions.faults import Fault
from signoff.gateway.errors import ApiError
from signoff.gateway.workflows.codes import MAX_FAULTS, CodeFindings, check_codes
from signoff.gateway.workflows.definitions import Checking, decode_definition, read_definition
from signoff.sandbox.pool import Sandbox

HANGS = "}), (() => { for (;;); })(), (() => {"
"""Breaks out of the function that it is checked in."""

_PATIENT = 50.0
"""Seconds for a test that is not about time: the machine may have other work."""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def sandbox() -> AsyncIterator[Sandbox]:
    async with await Sandbox.start(workers=1) as sandbox:
        yield sandbox


def code(source: str, path: str = "p", **more: Any) -> Code:
    return Code(path=path, source=source, names=frozenset(), references={}, **more)


async def check(sandbox: Sandbox, given: Collection[Code], **more: Any) -> CodeFindings:
    return await check_codes(given, sandbox, workspace="w", **more)


async def refused(sandbox: Sandbox, blocks: dict[str, Any]) -> ApiError:
    raw = json.dumps({"blocks": blocks}).encode()
    with pytest.raises(ApiError) as caught:
        await read_definition(
            raw, "application/json", workflow_id="w", checking=Checking(Registry(), sandbox)
        )
    return caught.value


async def test_faults_have_path_line_and_hint_in_the_order_of_the_definition(sandbox: Sandbox) -> None:
    found = await check(
        sandbox,
        [
            code("import numpy", "a", language="python"),
            code("a\n> > b", "b", kind="condition"),
            code("return 1", "c"),
            code("return fetch(1)", "d"),
        ],
    )

    assert found.unread is None
    assert [(each.path, each.line) for each in found.faults] == [("a", 1), ("b", 2)]
    assert found.faults[0].message == "line 1: No module named 'numpy'"
    assert found.faults[0].hint == "docs/sandbox.md names the modules that are there"
    assert found.warnings == [
        Fault(
            "d",
            "line 1: fetch does not exist in the sandbox",
            "there is no network: use an api block",
            line=1,
        )
    ]


async def test_what_a_message_says_of_a_variable_it_says_of_the_reference(sandbox: Sandbox) -> None:
    given = Code(
        path="p", source="a __ref0", names=frozenset(), references={"__ref0": "<a.b>"}, kind="condition"
    )

    (fault,) = (await check(sandbox, [given])).faults

    assert fault.message == "line 1: Unexpected identifier '<a.b>'"


async def test_equal_code_is_reported_at_each_of_its_places(sandbox: Sandbox) -> None:
    found = await check(sandbox, [code("return +", path) for path in "abc"])

    assert [each.path for each in found.faults] == ["a", "b", "c"]


async def test_ten_thousand_functions_are_all_checked(sandbox: Sandbox) -> None:
    given = [code(f"const a = {n};\nreturn a {'+' * (n % 5_000 == 7)}", str(n)) for n in range(10_000)]

    found = await check(sandbox, given, limit=_PATIENT)

    assert found.unread is None
    assert [each.path for each in found.faults] == ["7", "5007"]


async def test_code_that_hangs_takes_no_longer_than_the_limit(sandbox: Sandbox) -> None:
    begun = time.monotonic()

    found = await check(sandbox, [code(f"{n};{HANGS}") for n in range(100)], limit=1.0)

    assert found.unread == "The code could not be checked within 1 s; try again later"
    assert time.monotonic() - begun < 10
    assert (await check(sandbox, [code("return 1")])) == CodeFindings([], [], None)


async def test_what_was_found_before_the_limit_is_told(sandbox: Sandbox) -> None:
    found = await check(sandbox, [code("return +"), *(code(f"{n};{HANGS}") for n in range(100))], limit=1.0)

    assert [each.line for each in found.faults] == [1]
    assert found.unread is not None


async def test_nobody_reads_more_than_a_thousand_faults(sandbox: Sandbox) -> None:
    found = await check(sandbox, [code(f"return {n} +") for n in range(MAX_FAULTS + 100)])

    assert len(found.faults) == MAX_FAULTS


async def test_equal_code_in_ten_thousand_places_has_no_more_faults_than_that(sandbox: Sandbox) -> None:
    found = await check(sandbox, [code("import a, b", str(n), language="python") for n in range(10_000)])

    assert len(found.faults) == MAX_FAULTS


async def test_a_closed_sandbox_passes_nothing() -> None:
    sandbox = await Sandbox.start(workers=1)
    await sandbox.close()

    error = await refused(sandbox, {"a": {"type": "function", "code": "return 1"}})

    assert error.status == 503
    assert str(error).startswith("The code could not be checked: ")
    assert error.headers["Retry-After"] == "1"


async def test_faults_that_are_known_are_told_even_if_the_code_cannot_be_checked() -> None:
    sandbox = await Sandbox.start(workers=1)
    await sandbox.close()

    error = await refused(sandbox, {"a": {"type": "function", "code": "return 1", "then": "b"}})

    assert (error.status, [each.path for each in error.details]) == (422, ["blocks.a.then"])


async def test_a_definition_whose_code_hangs_is_not_deployed(sandbox: Sandbox) -> None:
    error = await refused(sandbox, {"a": {"type": "function", "code": HANGS}})

    assert error.status == 422
    assert error.details[0].path == "blocks.a.code"


async def test_faults_of_the_graph_and_of_the_code_are_told_together(sandbox: Sandbox) -> None:
    error = await refused(
        sandbox,
        {
            "a": {"type": "function", "code": "return +", "then": "nobody"},
            "b": {"type": "agent", "prompt": "p", "tools": [{"type": "custom-tool", "code": "a b"}]},
        },
    )

    assert {each.path for each in error.details} == {
        "blocks.a.then",
        "blocks.a.code",
        "blocks.b.tools[0].code",
    }


def test_keys_that_stand_twice_in_json_are_named_by_their_whole_paths() -> None:
    text = b'{"a": [{"x y": 1, "x y": {"z": 1, "z": 2, "z": 3}}], "a": 1, "b": {"a": 1}}'

    with pytest.raises(ApiError) as caught:
        decode_definition(text, "application/json")

    assert [each.path for each in caught.value.details] == ['a[0]["x y"]', 'a[0]["x y"].z', "a"]
