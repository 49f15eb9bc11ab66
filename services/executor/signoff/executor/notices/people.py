"""Who is told by themselves, by which address, and with which link."""

import time
from collections.abc import Callable

from msgspec import Struct

from signoff.access.assignees import Assignees
from signoff.access.links.links import LIFETIME, SHORTEST, DecisionLinks, PointOf, page_of
from signoff.events.types import SYSTEM
from signoff.executor.notices.matter import Matter


class Recipient(Struct, frozen=True):
    """A person who is to be told, and their e-mail address if there is one."""

    user_id: str
    address: str | None


class Recipients:
    """Finds the people of a matter, and makes their links.

    Args:
        assignees: who is meant by keys, and how they are reached.
        links: makes decision links.
        public_url: what links begin with; ``""``: nobody knows.
        clock: seconds since the epoch, UTC.
    """

    def __init__(
        self,
        assignees: Assignees,
        links: DecisionLinks,
        *,
        public_url: str,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._assignees = assignees
        self._links = links
        self._public_url = public_url
        self._clock = clock

    async def of(self, matter: Matter) -> list[Recipient]:
        """Those who have to know, each once; without who decided already, or may not.

        Raises:
            StoreError: it cannot be said now.
        """
        found = self._assignees.members_of(matter.workspace, matter.asked)
        told = [each for each in found if each not in matter.settled]
        addresses = await self._assignees.addresses(matter.workspace, told)
        return [Recipient(each, addresses.get(each)) for each in told]

    async def names(self, matter: Matter, keys: list[str]) -> list[str]:
        """How those with some keys are shown.

        Raises:
            StoreError: it cannot be said now.
        """
        if not keys:
            return []
        named = await self._assignees.named(matter.workspace, keys)
        return [named[key].name for key in keys if key in named]

    async def link(self, matter: Matter, user_id: str, *, lent: bool) -> str:
        """A new link by which a person decides, good until the point decides itself, or for a week.

        Args:
            matter: what they are told of.
            user_id: the person.
            lent: others than the person and the operator may see it on its way.

        Raises:
            TooManyLinksError: they have a great many already.
            StoreError: the database is away.
        """
        made = await self._links.make(
            PointOf(matter.workspace, matter.log_id, matter.context_id),
            user_id=user_id,
            made_by=SYSTEM,
            lifetime=self._lifetime(matter),
            lent=lent,
        )
        path = page_of(matter.workflow_id, matter.execution_id, matter.context_id, made.token)
        return self._public_url + path

    def _lifetime(self, matter: Matter) -> float:
        if matter.ends_at is None:
            return LIFETIME
        return min(max(matter.ends_at - self._clock(), SHORTEST), LIFETIME)
