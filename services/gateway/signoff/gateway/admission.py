"""Who comes in: so many at once, with a key that is somebody's, and enough permission."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Final

from aiohttp import web

from signoff.access.errors import InvalidKeyError
from signoff.access.keys import Permission, Principal, authenticate
from signoff.gateway.errors import ApiError, unavailable
from signoff.gateway.responses import Handler
from signoff.runtime.settings import Settings

Route = Callable[[web.Request, Principal], Awaitable[web.StreamResponse]]
"""A handler that is told who calls."""


class Admission:
    """Lets requests through to routes.

    Args:
        settings: hold the keys, and how many requests are worked on at once.

    Attributes:
        under_way: requests being worked on.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.under_way = 0

    def guard(self, route: Route, needed: Permission = "read") -> Handler:
        """A handler that lets only those through who may call the route.

        Args:
            route: what is called.
            needed: the permission that its caller must have in the workspace.
        """

        async def admit(request: web.Request) -> web.StreamResponse:
            with self.place():
                caller = self._caller(request)
                if not caller.may(needed):
                    raise ApiError(403, "Access denied")
                return await route(request, caller)

        return admit

    @contextmanager
    def place(self) -> Iterator[None]:
        """A place among the requests that are worked on, until the block is left.

        Raises:
            ApiError: 503, there is none.
        """
        if self.under_way >= self._settings.max_requests:
            raise unavailable()
        self.under_way += 1
        try:
            yield
        finally:
            self.under_way -= 1

    def _caller(self, request: web.Request) -> Principal:
        try:
            caller = authenticate(request.headers, self._settings)
        except InvalidKeyError as error:
            raise ApiError(401, str(error), headers=_CHALLENGE) from error
        if caller is None:
            raise ApiError(401, "Unauthorized", headers=_CHALLENGE)
        return caller


ADMISSION: Final = web.AppKey("admission", Admission)
_CHALLENGE: Final = {"WWW-Authenticate": "Bearer"}
