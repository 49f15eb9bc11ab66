"""What chapters of the API have in common."""

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from typing import TypeVar

from msgspec import Struct

from signoff.client.pages import Page, items
from signoff.client.transport import Transport, query


class Paged(Struct, kw_only=True, rename="camel"):
    """A page of a list, and the cursor of the next one, if there is one."""

    next_cursor: str | None = None


G = TypeVar("G", bound=Paged)
T = TypeVar("T")


class Resource:
    """A chapter of the API.

    Args:
        transport: to the server.
        patience: seconds that streams go on trying without a server.
    """

    def __init__(self, transport: Transport, *, patience: float) -> None:
        self._transport = transport
        self._patience = patience

    def _listed(
        self,
        path: str,
        kind: type[G],
        pick: Callable[[G], Sequence[T]],
        *,
        page_size: int | None = None,
        params: Mapping[str, str | list[str]] | None = None,
    ) -> AsyncGenerator[T, None]:
        """The items of a list through all its pages.

        Args:
            path: of the list.
            kind: of a page.
            pick: its items.
            page_size: how many are asked for at once; ``None`` where the list comes whole.
            params: of the query, besides.
        """

        async def fetch(cursor: str | None) -> Page[T]:
            where = {**(params or {}), **query(limit=page_size, cursor=cursor)}
            page = await self._transport.call(kind, "GET", path, params=where)
            return pick(page), page.next_cursor

        return items(fetch)
