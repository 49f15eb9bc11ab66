"""What a pause point showed before and shows now: its contents in their order, and how they differ."""

import asyncio
from collections.abc import Sequence
from itertools import chain, islice, pairwise
from typing import Final

from aiohttp import web
from msgspec import Struct

from signoff.engine.points.pauses import form_of
from signoff.events.blobs import BlobStore
from signoff.events.types import Event, Json, PauseAmended, PauseOpened
from signoff.gateway.inbox.point import ReadPoint
from signoff.gateway.pages.differences import SHOWN, Difference, fields_differ, values_differ
from signoff.gateway.pages.kept import Kept

MOST: Final = 10
"""Contents that are compared, the newest."""

_AT_ONCE: Final = 4
"""Contents that are read from the object store side by side."""


class Content(Struct, frozen=True, kw_only=True):
    """What a pause point showed from an event on."""

    event_id: int
    digest: str | None
    title: str | None
    response: Json


class Comparisons:
    """Compares contents in a thread, and keeps what was found: a content with a digest never changes."""

    def __init__(self) -> None:
        self._kept: Kept[list[Difference]] = Kept()

    async def of(self, before: Content, after: Content) -> list[Difference]:
        """How two contents differ."""
        if before.digest is None or after.digest is None:
            return await asyncio.to_thread(differences, before, after)
        return await self._kept.get(
            f"{before.digest} {after.digest}", lambda: asyncio.to_thread(differences, before, after)
        )


COMPARISONS: Final = web.AppKey("comparisons", Comparisons)


async def contents_of(read: ReadPoint, blobs: BlobStore) -> list[Content]:
    """What a pause point showed, the oldest first; the last is what it shows now.

    Raises:
        BlobError: one of them cannot be read.
    """
    events = [each for each in read.history.events if isinstance(each.data, (PauseOpened, PauseAmended))]
    limit = asyncio.Semaphore(_AT_ONCE)

    async def content(event: Event) -> Content:
        async with limit:
            return await _content(event, read, blobs)

    return await asyncio.gather(*map(content, events[-MOST:]))


async def _content(event: Event, read: ReadPoint, blobs: BlobStore) -> Content:
    data = event.data
    if not isinstance(data, (PauseOpened, PauseAmended)):
        raise TypeError(f"{event.type} shows nothing")
    response = await blobs.resolve(data.response, workspace_id=read.row.workspace_id)
    return Content(event_id=event.event_id, digest=data.content_digest, title=data.title, response=response)


def differences(before: Content, after: Content) -> list[Difference]:
    """How two contents differ: title, what is shown, what is asked. Takes up to 0.2 s."""
    found = chain(
        values_differ({"Title": before.title}, {"Title": after.title}),
        values_differ(_rows(before.response), _rows(after.response)),
        fields_differ(form_of(before.response), form_of(after.response)),
    )
    return list(islice(found, SHOWN))


async def since(comparisons: Comparisons, contents: Sequence[Content], digest: str) -> list[Difference]:
    """How what is shown now differs from the content that somebody saw; nothing where that is not known."""
    seen = next((each for each in reversed(contents) if each.digest == digest), None)
    return [] if seen is None else await comparisons.of(seen, contents[-1])


async def amendments(comparisons: Comparisons, contents: Sequence[Content]) -> dict[int, list[Difference]]:
    """What each amendment changed, by its event; of the oldest not all, where they are many."""
    found: dict[int, list[Difference]] = {}
    left = SHOWN
    for before, after in reversed(list(pairwise(contents))):
        found[after.event_id] = (await comparisons.of(before, after))[:left]
        left -= len(found[after.event_id])
    return found


def _rows(response: Json) -> dict[str, Json]:
    data = response.get("data") if isinstance(response, dict) else None
    if not isinstance(data, dict):
        return {}
    if data.get("operation") == "api":
        return {name: value for name, value in data.items() if name not in ("operation", "_resume")}
    rows = data.get("responseStructure")
    return {
        str(row.get("name", "")): row.get("value")
        for row in (rows if isinstance(rows, list) else [])
        if isinstance(row, dict)
    }
