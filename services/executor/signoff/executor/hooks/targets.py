"""Where hooks lead, opened once for each time that a hook was set."""

from collections import OrderedDict
from typing import Final
from uuid import UUID

from signoff.access.hooks import HookRecords, Target
from signoff.executor.hooks.subscriptions import Subscription

_KEEP: Final = 1000


class Targets:
    """Finds where hooks lead, and keeps those asked for last.

    Args:
        kept: what is kept of hooks.
    """

    def __init__(self, kept: HookRecords) -> None:
        self._kept = kept
        self._known: OrderedDict[tuple[UUID, str, float], Target] = OrderedDict()

    async def of(self, subscription: Subscription) -> Target | None:
        """Where a hook leads; ``None`` when it was removed meanwhile.

        A hook is set anew in the directory whenever its URL or its secrets change.

        Raises:
            SealError: it was sealed under another secret key.
            StoreUnavailableError: the database is away.
        """
        key = (subscription.workspace_id, subscription.hook_id, subscription.set_at)
        target = self._known.get(key)
        if target is None:
            found = await self._kept.target(subscription.workspace_id, subscription.hook_id)
            if found is None:
                return None
            target = self._known[key] = found[0]
        self._known.move_to_end(key)
        if len(self._known) > _KEEP:
            self._known.popitem(last=False)
        return target
