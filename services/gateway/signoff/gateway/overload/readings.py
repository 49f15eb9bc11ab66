"""Who may have whole logs read now: verifications and bundles, which keep a gateway's processor busy.

Each folds or packs a log of any length in the process that answers everybody. So few run at once, and one
workspace leaves a place to others.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final
from uuid import UUID

from aiohttp import web

from signoff.gateway.errors import RETRY_AFTER, ApiError, unavailable
from signoff.runtime.shares import Shares

MOST: Final = 4
"""Logs that a gateway reads at once; a workspace that is alone gets half of them."""

_MULTIPLE: Final = 1
_OVER_SHARE: Final = (
    "This workspace has its share of the verifications and bundles that this server makes at once. "
    "Please try again later."
)


class Readings:
    """Admits verifications and bundles, each until it has been sent."""

    def __init__(self) -> None:
        self._shares: Shares[UUID] = Shares(_MULTIPLE)

    @contextmanager
    def place(self, workspace_id: UUID) -> Iterator[None]:
        """A place for one, until the block is left.

        Args:
            workspace_id: whose log is read.

        Raises:
            ApiError: 429, the workspace has its share; 503, others have all places.
        """
        if not self._shares.may_take(workspace_id, MOST):
            if self._shares.held(workspace_id):
                raise ApiError(429, _OVER_SHARE, headers=RETRY_AFTER)
            raise unavailable()
        self._shares.take(workspace_id)
        try:
            yield
        finally:
            self._shares.give_back(workspace_id)


READINGS: Final = web.AppKey("readings", Readings)
