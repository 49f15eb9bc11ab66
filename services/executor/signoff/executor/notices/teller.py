"""Sends the notifications of one matter, and says what came of each."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final

from signoff.engine.messages import Sent
from signoff.events.store.base import EventStore
from signoff.executor.notices.channels import Channels
from signoff.executor.notices.letters import Letter, Letters
from signoff.executor.notices.matter import Entry, Matter
from signoff.executor.notices.people import Recipients
from signoff.executor.notices.results import NOTHING, done, failed
from signoff.executor.notices.scene import Scene
from signoff.executor.notices.story import Story
from signoff.executor.ownership.fencing import check
from signoff.executor.running.reading import Sources

AT_ONCE: Final = 4
"""Messages of one matter that are under way at once."""

_PREPARING: Final = 30.0
"""Seconds in which everything must be found that a message is made of."""


class Teller:
    """Tells people of matters.

    Args:
        channels: by what.
        people: whom.
        sources: where values are that references name.
        store: has the event that is told of.
    """

    def __init__(self, channels: Channels, people: Recipients, sources: Sources, store: EventStore) -> None:
        self._channels = channels
        self._people = people
        self._sources = sources
        self._store = store

    async def tell(self, matter: Matter) -> list[Sent]:
        """Send everything that a definition has for a matter; gives a result at least, never an error."""
        try:
            async with asyncio.timeout(_PREPARING):
                letters = await self._letters(matter)
        except Exception as error:  # noqa: BLE001  (whatever it is, it is recorded: no pause fails by it)
            return [failed(entry.written, error, ()) for entry in matter.entries] or [NOTHING]
        room = asyncio.Semaphore(AT_ONCE)
        each = await asyncio.gather(*(_send_all(entry, letters, room) for entry in matter.entries))
        return [sent for several in each for sent in several] or [NOTHING]

    async def _letters(self, matter: Matter) -> Letters:
        scene = await Scene.of(matter, self._sources, base=self._channels.public_url)
        story = await Story.of(matter, scene.response, self._people, self._store)
        return Letters(matter, scene, story, self._channels, self._people)


async def _send_all(entry: Entry, letters: Letters, room: asyncio.Semaphore) -> list[Sent]:
    """Send a notification: to a channel, or to each person who has to know."""
    if not entry.is_personal:
        return await _send(entry, partial(letters.to_channel, entry), room)
    try:
        async with asyncio.timeout(_PREPARING):
            recipients = await letters.recipients()
    except Exception as error:  # noqa: BLE001  (recorded, as above)
        return [failed(entry.written, error, ())]
    mails = [_send(entry, partial(letters.to_person, entry, one), room, one.user_id) for one in recipients]
    return [sent for several in await asyncio.gather(*mails) for sent in several]


async def _send(
    entry: Entry,
    make: Callable[[set[str]], Awaitable[Letter | None]],
    room: asyncio.Semaphore,
    to: str | None = None,
) -> list[Sent]:
    secrets: set[str] = set()
    async with room:
        try:
            async with asyncio.timeout(_PREPARING):
                letter = await make(secrets)
            if letter is None:
                return []
            check()
            outcome = await letter.notifier.send(letter.notice)
        except Exception as error:  # noqa: BLE001  (recorded, as above)
            return [failed(entry.written, error, secrets, to=to)]
    return [done(entry.written, outcome, secrets, to=to)]
