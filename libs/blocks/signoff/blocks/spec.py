"""The `@block` decorator and what it attaches to a function."""

import asyncio
import contextvars
import inspect
import re
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from functools import partial
from typing import Any, TypeVar, overload

import msgspec

from signoff.blocks.context import Context
from signoff.blocks.errors import BlockDefinitionError, BlockExitError, BlockInputError, BlockResultError
from signoff.blocks.pulse import Pulse
from signoff.blocks.signature import Schema, output_fields, read_signature
from signoff.blocks.threads import for_thread

ATTRIBUTE = "__signoff_block__"

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,99}")
_PROBLEM_AT = re.compile(r"(?P<text>.*?)(?: - at `\$\.?(?P<path>.*)`)?", re.DOTALL)
_FIELD_IN_TEXT = re.compile(r"field `(.*)`")
_SCALARS = frozenset({type(None), bool, int, float, str})

FunctionT = TypeVar("FunctionT", bound=Callable[..., object])


class Retry(msgspec.Struct, frozen=True, kw_only=True):
    """How often a block is tried, unless its workflow says otherwise.

    Attributes:
        max_tries: tries in all, 1 to 10.
        wait: seconds before the second try, 0 to 60.
        backoff: factor from each wait to the next, 1 to 10.
    """

    max_tries: int = 3
    wait: float = 1.0
    backoff: float = 1.0

    def __post_init__(self) -> None:
        bounds = {"max_tries": (1, 10), "wait": (0, 60), "backoff": (1, 10)}
        for name, (least, most) in bounds.items():
            if not least <= getattr(self, name) <= most:
                raise BlockDefinitionError(f"Retry: {name} must be between {least} and {most}")


class BlockSpec(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """A function that workflows can call. Made by `block`.

    Attributes:
        name: the type by which workflows name the block.
        function: the function itself.
        is_async: whether it is a coroutine function.
        description: what its docstring says, up to the first empty line.
        timeout: limit of one try in seconds; None leaves it to the executor.
        heartbeat_timeout: seconds without a heartbeat after which a try is given up; None: none is expected.
        retry: how often it is tried; None leaves it to the workflow.
        context_name: its parameter that takes the `Context`, if it has one.
        params_type: a struct with a field for each other parameter.
        parameters_schema: JSON Schema of the parameters, an object.
        result_schema: JSON Schema of the result.
        output_fields: what `<block.field>` may read of its output; None: anything.
    """

    name: str
    function: Callable[..., Any]
    is_async: bool
    description: str
    timeout: float | None
    heartbeat_timeout: float | None
    retry: Retry | None
    context_name: str | None
    params_type: type[msgspec.Struct]
    parameters_schema: Schema
    result_schema: Schema
    output_fields: tuple[str, ...] | None

    async def call(self, context: Context, inputs: Mapping[str, object], *, threads: Executor) -> object:
        """Check the inputs, run the function and give its result as JSON values.

        Costs about a microsecond beside the function, and no task.

        Args:
            context: passed on if the function wants it.
            inputs: a value for each parameter, by name; those with a default may be absent.
            threads: where functions that are not async run; its size bounds how many do so at once.

        Raises:
            BlockInputError: the inputs do not fit.
            BlockResultError: the result has no JSON form.
            HeartbeatError: no heartbeat came in time.
            BlockExitError: the function called `sys.exit`.
            Exception: whatever the function raises.
        """
        arguments = self._arguments(inputs)
        try:
            if self.heartbeat_timeout is None:
                return self._plain(await self._run(context, arguments, threads))
            pulse = Pulse(self.name, self.heartbeat_timeout, context.cancelled)
            watched = msgspec.structs.replace(context, cancelled=pulse, heartbeat=pulse.beat)
            async with pulse.watched():
                result = await self._run(watched, arguments, threads)
            return self._plain(result)
        except SystemExit as error:  # would end the event loop, and everybody's blocks with it
            raise BlockExitError(f'Block "{self.name}" called sys.exit({error.code!r})') from error

    async def _run(self, context: Context, arguments: dict[str, Any], threads: Executor) -> object:
        if self.context_name is not None:
            arguments[self.context_name] = context if self.is_async else for_thread(context)
        if self.is_async:
            return await self.function(**arguments)
        call = partial(contextvars.copy_context().run, self.function, **arguments)
        return await asyncio.get_running_loop().run_in_executor(threads, call)

    def _arguments(self, inputs: Mapping[str, object]) -> dict[str, object]:
        try:
            params = msgspec.convert(inputs, self.params_type, str_keys=True)
        except msgspec.ValidationError as problem:
            raise _input_error(self.name, str(problem)) from problem
        return msgspec.structs.asdict(params)

    def _plain(self, result: object) -> object:
        if type(result) in _SCALARS:
            return result
        try:
            plain: object = msgspec.to_builtins(result, str_keys=True)
        except (TypeError, ValueError, RecursionError) as problem:
            raise BlockResultError(
                f"Block {self.name!r} returned what JSON cannot hold: {problem}. "
                "Return numbers, texts, lists, dicts, dataclasses or msgspec Structs."
            ) from problem
        return plain


@overload
def block(function: FunctionT, /) -> FunctionT: ...
@overload
def block(
    name: str | None = None,
    /,
    *,
    timeout: float | None = None,
    heartbeat_timeout: float | None = None,
    retry: Retry | None = None,
) -> Callable[[FunctionT], FunctionT]: ...
def block(
    name: FunctionT | str | None = None,
    /,
    *,
    timeout: float | None = None,
    heartbeat_timeout: float | None = None,
    retry: Retry | None = None,
) -> FunctionT | Callable[[FunctionT], FunctionT]:
    """Make a typed function a block; it stays callable as it was.

    Use it bare or with arguments: `@block`, `@block(timeout=30)`, `@block("billing.charge", retry=Retry())`.

    Args:
        name: the type by which workflows name the block; the function's name by default.
        timeout: limit of one try in seconds.
        heartbeat_timeout: seconds without `ctx.heartbeat()` after which a try is given up as hung, long
            before a generous `timeout`; the function must take the `Context`.
        retry: how often it is tried, unless the workflow says otherwise.

    Raises:
        BlockDefinitionError: the function cannot be a block.
    """

    def decorate(function: FunctionT) -> FunctionT:
        title = name if isinstance(name, str) else getattr(function, "__name__", "")
        limits = {"timeout": timeout, "heartbeat_timeout": heartbeat_timeout}
        spec = _spec(title, function, limits, retry)
        vars(function)[ATTRIBUTE] = spec
        return function

    if name is None or isinstance(name, str):
        return decorate
    return decorate(name)


def _spec(
    name: str, function: Callable[..., object], limits: Mapping[str, float | None], retry: Retry | None
) -> BlockSpec:
    _check_function(name, function)
    for limit, seconds in limits.items():
        if seconds is not None and not seconds > 0:
            raise BlockDefinitionError(f"Block {name!r}: {limit} must be more than 0 seconds")
    signature = read_signature(name, function)
    if limits["heartbeat_timeout"] is not None and signature.context_name is None:
        raise BlockDefinitionError(
            f"Block {name!r}: heartbeat_timeout needs a heartbeat. Add a parameter `ctx: Context`, "
            "and call `ctx.heartbeat()` now and then."
        )
    return BlockSpec(
        name=name,
        function=function,
        is_async=inspect.iscoroutinefunction(function),
        description=" ".join((inspect.getdoc(function) or "").partition("\n\n")[0].split()),
        timeout=limits["timeout"],
        heartbeat_timeout=limits["heartbeat_timeout"],
        retry=retry,
        context_name=signature.context_name,
        params_type=signature.params_type,
        parameters_schema=signature.parameters_schema,
        result_schema=signature.result_schema,
        output_fields=output_fields(signature.result_schema),
    )


def _check_function(name: str, function: Callable[..., object]) -> None:
    if not inspect.isfunction(function):
        raise BlockDefinitionError(f"@block goes on a function (`def` or `async def`), not on {function!r}")
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        raise BlockDefinitionError(
            f"Block {name!r}: a generator cannot be a block. Return a value, and say its parts by `ctx.emit`."
        )
    check_name(name)


def check_name(name: str) -> None:
    """Make sure that workflows can call a block by a name.

    Raises:
        BlockDefinitionError: they cannot.
    """
    if not _NAME.fullmatch(name):
        raise BlockDefinitionError(
            f"{name!r} cannot name a block: use up to 100 letters, digits, '_', '.' and '-', a letter first"
        )


def _input_error(name: str, problem: str) -> BlockInputError:
    """Name the field of a msgspec message, `Expected ..., got ... - at $.path`, or `... field x`."""
    match = _PROBLEM_AT.fullmatch(problem)
    text, path = (match["text"], match["path"] or "") if match else (problem, "")
    named = _FIELD_IN_TEXT.search(text)
    field = ".".join(filter(None, [path, named[1] if named else ""]))
    place = f", {field}" if field else ""
    return BlockInputError(f'Block "{name}"{place}: {text}', field=field)
