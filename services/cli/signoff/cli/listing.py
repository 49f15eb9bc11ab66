"""Lists: a table for people, a JSON line an item for programs."""

from collections.abc import AsyncIterator, Callable, Mapping
from typing import Annotated, TypeAlias, TypeVar

from cyclopts import Parameter
from msgspec import Struct
from rich.table import Table
from rich.text import Text

from signoff.cli.output import Output

AsJson: TypeAlias = Annotated[bool, Parameter(name="--json", negative="")]

T = TypeVar("T", bound=Struct)


async def show_all(
    items: AsyncIterator[T], columns: Mapping[str, Callable[[T], object]], output: Output, *, as_json: bool
) -> None:
    """Print a list.

    Args:
        items: what is in it; for programs each is printed as it comes.
        columns: the heading of a column → what stands in it.
        output: where.
        as_json: JSON lines, whoever reads them.
    """
    if as_json or not output.is_terminal:
        async for item in items:
            output.line(item)
        return
    table = Table(*columns, box=None, header_style="bold", pad_edge=False)
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
