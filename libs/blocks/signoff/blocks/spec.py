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
from signoff.blocks.errors import BlockDefinitionError, BlockInputError, BlockResultError
from signoff.blocks.signature import Schema, read_signature

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
        timeout: limit of one try in seconds; None leaves it to the executor.
        retry: how often it is tried; None leaves it to the workflow.
        context_name: its parameter that takes the `Context`, if it has one.
        params_type: a struct with a field for each other parameter.
        parameters: JSON Schema of the parameters.
        result: JSON Schema of the result.
    """

    name: str
    function: Callable[..., Any]
    is_async: bool
    timeout: float | None
    retry: Retry | None
    context_name: str | None
    params_type: type[msgspec.Struct]
    parameters: Schema
    result: Schema

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
            Exception: whatever the function raises.
        """
        arguments = self._arguments(inputs)
        if self.context_name is not None:
            arguments[self.context_name] = context
        if self.is_async:
            result = await self.function(**arguments)
        else:
            call = partial(contextvars.copy_context().run, self.function, **arguments)
            result = await asyncio.get_running_loop().run_in_executor(threads, call)
        return self._plain(result)

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
    name: str | None = None, /, *, timeout: float | None = None, retry: Retry | None = None
) -> Callable[[FunctionT], FunctionT]: ...
def block(
    name: FunctionT | str | None = None,
    /,
    *,
    timeout: float | None = None,
    retry: Retry | None = None,
) -> FunctionT | Callable[[FunctionT], FunctionT]:
    """Make a typed function a block; it stays callable as it was.

    Use it bare or with arguments: `@block`, `@block(timeout=30)`, `@block("billing.charge", retry=Retry())`.

    Args:
        name: the type by which workflows name the block; the function's name by default.
        timeout: limit of one try in seconds.
        retry: how often it is tried, unless the workflow says otherwise.

    Raises:
        BlockDefinitionError: the function cannot be a block.
    """

    def decorate(function: FunctionT) -> FunctionT:
        title = name if isinstance(name, str) else getattr(function, "__name__", "")
        spec = _spec(title, function, timeout=timeout, retry=retry)
        vars(function)[ATTRIBUTE] = spec
        return function

    if name is None or isinstance(name, str):
        return decorate
    return decorate(name)


def _spec(
    name: str, function: Callable[..., object], *, timeout: float | None, retry: Retry | None
) -> BlockSpec:
    if not inspect.isfunction(function):
        raise BlockDefinitionError(f"@block goes on a function (`def` or `async def`), not on {function!r}")
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        raise BlockDefinitionError(
            f"Block {name!r}: a generator cannot be a block. Return a value, not `yield`."
        )
    if not _NAME.fullmatch(name):
        raise BlockDefinitionError(
            f"{name!r} cannot name a block: use up to 100 letters, digits, '_', '.' and '-', a letter first"
        )
    if timeout is not None and not timeout > 0:
        raise BlockDefinitionError(f"Block {name!r}: timeout must be more than 0 seconds")
    signature = read_signature(name, function)
    return BlockSpec(
        name=name,
        function=function,
        is_async=inspect.iscoroutinefunction(function),
        timeout=timeout,
        retry=retry,
        context_name=signature.context_name,
        params_type=signature.params_type,
        parameters=signature.parameters,
        result=signature.result,
    )


def _input_error(name: str, problem: str) -> BlockInputError:
    """Name the field of a msgspec message, `Expected ..., got ... - at $.path`, or `... field x`."""
    match = _PROBLEM_AT.fullmatch(problem)
    text, path = (match["text"], match["path"] or "") if match else (problem, "")
    named = _FIELD_IN_TEXT.search(text)
    field = ".".join(filter(None, [path, named[1] if named else ""]))
    place = f", {field}" if field else ""
    return BlockInputError(f'Block "{name}"{place}: {text}', field=field)
