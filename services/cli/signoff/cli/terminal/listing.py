"""Lists: a table for people, a JSON line an item for programs."""

import sys
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import aclosing
from typing import Annotated, TypeAlias, TypeVar

import msgspec
from cyclopts import Parameter
from cyclopts.validators import Number
from msgspec import Struct
from rich.table import Table
from rich.text import Text

from signoff.cli.terminal.output import Output

AsJson: TypeAlias = Annotated[bool, Parameter(name="--json", negative="")]

Limit: TypeAlias = Annotated[int, Parameter(validator=Number(gte=1))]

T = TypeVar("T", bound=Struct)


async def first(items: AsyncGenerator[T, None], most: int, *, tell: bool = True) -> AsyncGenerator[T, None]:
    """The first items of a list.

    Args:
        items: the list.
        most: how many.
        tell: say so on standard error where there are more.
    """
    left = most
    async with aclosing(items):
        async for item in items:
            if not left:
                if tell:
                    print(f"signoff: these are the first {most}: see more with --limit", file=sys.stderr)  # noqa: T201 - no result
                return
            left -= 1
            yield item


async def show_all(
    items: AsyncIterator[T],
    columns: Mapping[str, Callable[[T], object]],
    output: Output,
    *,
    as_json: bool,
    encode: Callable[[T], bytes] = msgspec.json.encode,
) -> None:
    """Print a list.

    Args:
        items: what is in it; for programs each is printed as it comes.
        columns: the heading of a column → what stands in it.
        output: where.
        as_json: JSON lines, whoever reads them.
        encode: an item as a JSON line.
    """
    if as_json or not output.is_terminal:
        async for item in items:
            output.raw_line(encode(item))
        return
    table = Table(box=None, header_style="bold", pad_edge=False)
    for at, heading in enumerate(columns):
        # Nothing is cut, and what the first column names stays in one piece: it is an id to go on with.
        table.add_column(heading, overflow="fold", no_wrap=at == 0)
    async for item in items:
        table.add_row(*(Text(_cell(read(item))) for read in columns.values()))
    output.show(table if table.row_count else Text("There are none.", "dim"))


def show_one(item: Struct, text: str, output: Output, *, as_json: bool) -> None:
    """Print one thing: a sentence for people, a JSON line for programs."""
    if as_json:
        output.line(item)
    else:
        output.either(item, text)


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else ""
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
