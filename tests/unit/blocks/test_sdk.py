"""What an author of blocks meets."""

import asyncio
import contextvars
import importlib
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypedDict

import msgspec
import pytest

from signoff.blocks import (
    BlockDefinitionError,
    BlockExitError,
    BlockInputError,
    BlockResultError,
    BlockSpec,
    Context,
    Registry,
    Retry,
    block,
)
from signoff.runtime.threads import DaemonThreads

if TYPE_CHECKING:
    from decimal import Decimal


@pytest.fixture(scope="module")
def registry() -> Iterator[Registry]:
    folder = str(Path(__file__).parent)
    sys.path.insert(0, folder)
    yield Registry.from_modules(["blocks_for_tests"])
    sys.path.remove(folder)


@pytest.fixture
def threads() -> Iterator[DaemonThreads]:
    with DaemonThreads(1, name="block") as threads:
        yield threads


@pytest.fixture
def context() -> Context:
    return Context(
        execution_id="e1",
        workflow_id="w1",
        block_id="b1",
        attempt=1,
        idempotency_key="e1/b1",
        cancelled=asyncio.Event(),
        log=lambda message, /, **fields: None,
        secret=lambda name: f"the secret {name}",
        emit=lambda text: None,
    )


def spec_of(function: object) -> BlockSpec:
    return vars(function)["__signoff_block__"]


def test_a_registry_holds_the_blocks_of_its_modules(registry):
    assert sorted(registry) == ["charge", "echo.any", "nothing"]
    assert (registry["charge"].is_async, registry["echo.any"].is_async) == (True, False)
    assert (registry["charge"].timeout, registry["echo.any"].timeout) == (None, 5)


def test_a_registry_knows_what_may_be_read_of_its_blocks(registry):
    assert registry.output_fields == {"charge": ("total", "key"), "echo.any": None, "nothing": ("result",)}


async def test_inputs_become_typed_and_the_result_becomes_json(registry, context, threads):
    inputs = {"items": [{"price": 2, "day": "2025-01-31"}, {"price": 0.5}]}
    result = await registry["charge"].call(context, inputs, threads=threads)
    assert result == {"total": 2.5, "key": "e1/b1/EUR"}


async def test_a_function_that_is_not_async_runs_in_the_given_threads(context, threads):
    variable = contextvars.ContextVar("variable")
    variable.set("seen")

    @block
    def where() -> list[str]:
        return [threading.current_thread().name, variable.get()]

    assert await spec_of(where).call(context, {}, threads=threads) == ["block-1", "seen"]


@pytest.mark.parametrize("value", [None, True, 1, 1.5, "text", [1, {"a": None}]])
async def test_any_json_value_passes_unchanged(registry, context, threads, value):
    assert await registry["echo.any"].call(context, {"value": value}, threads=threads) == value


@pytest.mark.parametrize(
    ("inputs", "field"),
    [
        ({}, "items"),
        ({"items": [{"price": 1}, {"price": "dear"}]}, "items[1].price"),
        ({"items": [{}]}, "items[0].price"),
        ({"items": [], "currency": None}, "currency"),
        ({"items": [], "colour": "red"}, "colour"),
    ],
)
async def test_an_input_that_does_not_fit_is_named(registry, context, threads, inputs, field):
    with pytest.raises(BlockInputError, match=r'^Block "charge", ') as caught:
        await registry["charge"].call(context, inputs, threads=threads)
    assert caught.value.field == field


async def test_a_result_that_json_cannot_hold_is_an_error_that_says_so(registry, context, threads):
    with pytest.raises(BlockResultError, match=r"'echo.any' returned what JSON cannot hold"):
        await registry["echo.any"].call(context, {"value": object()}, threads=threads)


async def test_the_function_s_own_error_comes_through(context, threads):
    @block
    async def fails() -> None:
        raise LookupError("no such customer")

    with pytest.raises(LookupError, match="no such customer"):
        await spec_of(fails).call(context, {}, threads=threads)


@pytest.mark.parametrize("is_async", [True, False])
async def test_a_block_that_ends_the_process_only_fails(context, threads, is_async):
    def leave() -> None:
        sys.exit(3)

    async def leave_later() -> None:
        sys.exit(3)

    with pytest.raises(BlockExitError, match=r'^Block "leave" called sys.exit\(3\)'):
        await spec_of(block("leave")(leave_later if is_async else leave)).call(context, {}, threads=threads)


async def test_a_block_in_a_thread_may_come_to_the_end_of_an_iterator(context, threads):
    @block
    def first_of_none() -> str:
        return next(iter([]))

    with pytest.raises(RuntimeError, match="StopIteration"):
        await spec_of(first_of_none).call(context, {}, threads=threads)


async def test_a_decorated_function_is_still_the_function():
    @block
    async def double(n: int) -> int:
        return 2 * n

    assert await double(4) == 8


def test_a_block_describes_itself_and_its_parameters():
    @block
    async def charge(
        ctx: Context, items: list[Item], amount: Annotated[float, msgspec.Meta(gt=0)], currency: str = "EUR"
    ) -> None:
        """Take money
        from a customer.

        Not shown.
        """

    spec = spec_of(charge)
    assert spec.description == "Take money from a customer."
    assert spec.parameters_schema == {
        "title": "charge",
        "type": "object",
        "properties": {
            "items": {"type": "array", "items": {"$ref": "#/$defs/Item"}},
            "amount": {"type": "number", "exclusiveMinimum": 0},
            "currency": {"type": "string", "default": "EUR"},
        },
        "required": ["items", "amount"],
        "additionalProperties": False,
        "$defs": {
            "Item": {
                "title": "Item",
                "type": "object",
                "properties": {"price": {"type": "number"}},
                "required": ["price"],
            }
        },
    }


def test_a_block_describes_its_result(registry):
    assert registry["nothing"].result_schema == {"type": "null"}
    assert registry["echo.any"].result_schema == {"description": "any JSON value"}
    assert registry["charge"].result_schema["$ref"] == "#/$defs/Receipt"
    assert msgspec.json.encode([(spec.parameters_schema, spec.result_schema) for spec in registry.values()])


class Item(msgspec.Struct):
    price: float


class Renamed(msgspec.Struct, rename="camel", tag="paid", tag_field="kind"):
    paid_at: float


@dataclass
class Refusal:
    reason: str


class Mapped(TypedDict, total=False):
    key: str


@pytest.mark.parametrize(
    ("result", "fields"),
    [
        (Refusal, ("reason",)),
        (Mapped, ("key",)),
        (Renamed, ("kind", "paidAt")),
        (Refusal | Mapped, ("reason", "key")),
        (Refusal | None, ("reason", "result")),
        (list[Refusal], ("result",)),
        (float, ("result",)),
        (None, ("result",)),
        (dict[str, float], None),
        (Refusal | dict[str, str], None),
        (object, None),
    ],
)
def test_the_fields_of_a_block_s_output_are_known_from_its_result(result, fields):
    def function(): ...

    function.__annotations__["return"] = result

    assert spec_of(block(function)).output_fields == fields


def test_without_a_result_type_a_block_s_output_may_have_any_field():
    assert spec_of(block(untold)).output_fields is None


def untold(): ...


def untyped(a) -> None: ...
def starred(*values: int) -> None: ...
def keywords(**values: int) -> None: ...
def positional(a: int, /) -> None: ...
def two_contexts(a: Context, b: Context) -> None: ...
def not_json(a: complex) -> None: ...
def result_not_json() -> complex: ...
def hidden_type(a: "Decimal") -> None: ...
def mutable_default(a: list[int] = [1]) -> None: ...  # noqa: B006 -- what is tested
def generator():
    yield 1


async def async_generator():
    yield 1


@pytest.mark.parametrize(
    ("function", "advice"),
    [
        (untyped, "Annotate it, such as `a: str`"),
        (starred, "without \\*"),
        (keywords, "without \\*"),
        (positional, "without \\*"),
        (two_contexts, "only one parameter can be the Context"),
        (not_json, "a parameter has a type without a JSON form"),
        (result_not_json, "the result has a type without a JSON form"),
        (hidden_type, "Import its type at the top of the module"),
        (mutable_default, "an empty list or object at most"),
        (generator, "by `ctx.emit`"),
        (async_generator, "by `ctx.emit`"),
        (len, "goes on a function"),
        (Retry, "goes on a function"),
    ],
)
def test_a_function_that_cannot_be_a_block_is_refused_with_advice(function, advice):
    with pytest.raises(BlockDefinitionError, match=advice):
        block(function)


@pytest.mark.parametrize("name", ["", "1st", "with space", "a" * 101])
def test_a_name_that_workflows_cannot_write_is_refused(name):
    with pytest.raises(BlockDefinitionError, match="cannot name a block"):
        block(name)(keywords)


@pytest.mark.parametrize("timeout", [0, -1, float("nan")])
@pytest.mark.parametrize("limit", ["timeout", "heartbeat_timeout"])
def test_a_time_limit_must_be_positive(limit, timeout):
    with pytest.raises(BlockDefinitionError, match=f"{limit} must be more than 0"):
        block(**{limit: timeout})(untyped)


@pytest.mark.parametrize("bad", [{"max_tries": 0}, {"max_tries": 11}, {"wait": 61}, {"backoff": 0.5}])
def test_a_retry_out_of_bounds_is_refused(bad):
    with pytest.raises(BlockDefinitionError, match=f"{next(iter(bad))} must be between"):
        Retry(**bad)


def test_two_blocks_of_one_name_are_refused_and_both_are_named(registry):
    @block("nothing")
    async def other() -> None: ...

    with pytest.raises(BlockDefinitionError, match=r"blocks_for_tests\.nothing and .*other are both named"):
        Registry([*registry.values(), spec_of(other)])


def test_the_same_block_found_twice_is_one(registry):
    assert len(Registry.from_modules(["blocks_for_tests", "blocks_for_tests"])) == len(registry)


def test_the_name_of_a_built_in_type_is_refused(registry):
    with pytest.raises(BlockDefinitionError, match="'nothing', which is built in"):
        Registry(registry.values(), reserved={"nothing"})


def test_a_module_that_cannot_be_imported_is_named():
    with pytest.raises(BlockDefinitionError, match=r"'no\.such\.module' cannot be imported"):
        Registry.from_modules(["no.such.module"])


@pytest.mark.parametrize(
    ("value", "names"),
    [("blocks_for_tests", ["charge", "echo.any", "nothing"]), ("blocks_for_tests:echo", ["echo.any"])],
)
def test_installed_packages_offer_blocks_by_entry_points(registry, monkeypatch, value, names):
    offer(monkeypatch, value)
    assert sorted(Registry.discover()) == names


@pytest.mark.parametrize("value", ["blocks_for_tests:Item", "blocks_for_tests:missing", "missing_module"])
def test_an_entry_point_that_is_no_block_is_named(registry, monkeypatch, value):
    offer(monkeypatch, value)
    with pytest.raises(BlockDefinitionError, match=f"The entry point 'mine' \\({value}\\)"):
        Registry.discover()


def offer(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    point = EntryPoint(name="mine", value=value, group="signoff.blocks")
    module = importlib.import_module("signoff.blocks.registry")
    monkeypatch.setattr(module, "entry_points", lambda group: [point] if group == "signoff.blocks" else [])
