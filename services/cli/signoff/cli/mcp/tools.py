"""A tool as data: what a model reads of it, and what runs when it is called."""

from collections.abc import Awaitable, Callable
from typing import Any, Generic, TypeVar

import msgspec
from msgspec import Struct

from signoff.cli.mcp.calls import Answer, Call
from signoff.cli.mcp.errors import ToolError
from signoff.gateway.openapi.components import REFERENCE, Components

G = TypeVar("G", bound=Struct)
A = TypeVar("A", bound=Answer)


class Tool(Struct, Generic[G, A], frozen=True, kw_only=True):
    """A tool.

    Attributes:
        name: as models call it.
        title: for people.
        description: what it does and when to call it, for models.
        arguments: the type of what it takes.
        answer: the type of what it gives.
        run: does it.
        reads: it changes nothing.
        destroys: what it does cannot be undone.
    """

    name: str
    title: str
    description: str
    arguments: type[G]
    answer: type[A]
    run: Callable[[Call, G], Awaitable[A]]
    reads: bool = False
    destroys: bool = False

    async def call(self, call: Call, given: dict[str, Any]) -> dict[str, Any]:
        """Run it; gives its answer as JSON has it.

        Raises:
            ToolError: the arguments are not what it takes, or it cannot do it.
            ClientError: the server refused, or is away.
        """
        try:
            arguments = msgspec.convert(given, self.arguments)
        except msgspec.ValidationError as error:
            raise ToolError(f"the arguments of {self.name} are not what it takes: {error}") from error
        answer: dict[str, Any] = msgspec.to_builtins(await self.run(call, arguments))
        return answer


def arguments_schema(tool: Tool[Any, Any]) -> dict[str, Any]:
    """The JSON Schema of what a tool takes."""
    components = Components()
    components.body(tool.arguments)
    return _rooted(components, tool.arguments)


def answer_schema(kind: type[Answer]) -> dict[str, Any]:
    """The JSON Schema of what a tool answers."""
    components = Components()
    components.answer(kind)
    return _rooted(components, kind)


def _rooted(components: Components, kind: type[Struct]) -> dict[str, Any]:
    """The schema of one type, an object at its root as the protocol wants it, with all that it names."""
    schemas, _ = components.schemas()
    texts = msgspec.json.encode(schemas).replace(REFERENCE.format(name="").encode(), b"#/$defs/")
    definitions: dict[str, Any] = msgspec.json.decode(texts)
    root: dict[str, Any] = definitions.pop(kind.__name__)
    return root | {"$defs": definitions}
