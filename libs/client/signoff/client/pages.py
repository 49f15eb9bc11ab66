"""Lists that come in pages, as one iterator."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from typing import TypeAlias, TypeVar

T = TypeVar("T")

Page: TypeAlias = tuple[Sequence[T], str | None]
"""The items of a page and the cursor of the next one, if there is one."""


async def items(fetch: Callable[[str | None], Awaitable[Page[T]]]) -> AsyncGenerator[T, None]:
    """Each item of all pages; the next page is asked for when the one before is used up.

    Args:
        fetch: gives the page at a cursor, the first one at ``None``.
    """
    cursor: str | None = None
    while True:
        page, cursor = await fetch(cursor)
        for item in page:
            yield item
        if cursor is None:
            return
