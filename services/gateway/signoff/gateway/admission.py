"""Who comes in: so many at once, with a credential that is somebody's, and enough permission."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final, cast
from urllib.parse import urlsplit
from uuid import UUID

from aiohttp import web

from signoff.access.callers import Caller, Principal
from signoff.access.errors import ForeignWorkspaceError, InvalidKeyError, UnknownWorkspaceError
from signoff.access.gate import WORKSPACE_HEADER, About, Gate
from signoff.access.permissions import Operation
from signoff.gateway.directory import done_before
from signoff.gateway.errors import CHALLENGE, ApiError, unavailable
from signoff.gateway.http.bodies import read_bytes
from signoff.gateway.http.headers import CommandHeaders, decision_code, idempotency_key
from signoff.gateway.http.limits import Limits
from signoff.gateway.http.responses import Handler
from signoff.gateway.http.routing import Handler as RouteHandler
from signoff.gateway.http.routing import OpenHandler, Route
from signoff.gateway.overload.starts import PLACE, Starts
from signoff.gateway.people.identity import note_use
from signoff.gateway.people.linked import by_link, link_token
from signoff.runtime.settings import Settings

_SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_WORKFLOW_NAMES: Final = ("id", "workflowId")
_EXECUTION_NAMES: Final = ("execution", "executionId", "run", "runId")


class Admission:
    """Lets requests through to routes.

    Args:
        gate: tells who calls.
        settings: how many requests are worked on at once; the public address.
        limits: how much each caller may ask for.
        starts: how much may be started.

    Attributes:
        under_way: requests being worked on.
    """

    def __init__(self, gate: Gate, settings: Settings, limits: Limits, starts: Starts) -> None:
        self._gate = gate
        self._settings = settings
        self._limits = limits
        self._starts = starts
        self.under_way = 0

    def guard(self, route: Route) -> Handler:
        """A handler that lets only those through who may call the route."""
        operation = route.operation
        if operation is None:
            return self._open(cast("OpenHandler", route.handler))
        handler = cast("RouteHandler", route.handler)
        takes_key = route.headers is not None and issubclass(route.headers, CommandHeaders)
        starts = operation == "executions:start"

        async def admit(request: web.Request) -> web.StreamResponse:
            with self.place(starts=starts):
                caller = await self.caller(request, takes_link=route.takes_link)
                principal = await self._admitted(request, caller, operation)
                if route.rate is not None:
                    await self._limits.count(request, principal, route.rate)
                if takes_key:
                    idempotency_key(request.headers)  # a bad one is refused also where nothing is to be done
                if route.takes_link:
                    decision_code(request.headers)
                with self._limits.place(principal.workspace_id):
                    if not starts:
                        return await handler(request, principal)
                    await read_bytes(request)  # its handler reads it again: who sends slowly takes no place
                    with self.starting(request, principal.workspace_id):
                        return await handler(request, principal)

        return admit

    @contextmanager
    def starting(self, request: web.Request, workspace_id: UUID) -> Iterator[None]:
        """A place for the start that a request asks for, until the block is left.

        Raises:
            ApiError: 429 or 503; see :meth:`Starts.enter`.
        """
        place = request[PLACE] = self._starts.enter(workspace_id)
        try:
            yield
        finally:
            place.leave()

    async def _admitted(self, request: web.Request, caller: Caller, operation: Operation) -> Principal:
        """The caller in the request's workspace, where they may do its operation, or have done it."""
        try:
            return await self._allowed(request, caller, operation)
        except ApiError:
            former = _former(request, caller)
            if former is None or not done_before(request, former):
                raise
            return former

    async def _allowed(self, request: web.Request, caller: Caller, operation: Operation) -> Principal:
        principal = await self.principal(request, caller)
        if not principal.may(operation):
            raise ApiError(403, "Access denied")
        return principal

    def _open(self, handler: OpenHandler) -> Handler:
        async def admit(request: web.Request) -> web.StreamResponse:
            with self.place():
                return await handler(request)

        return admit

    @contextmanager
    def place(self, *, starts: bool = False) -> Iterator[None]:
        """A place among the requests that are worked on, until the block is left.

        ``starts``: it is for a start, which does not get the last ones.

        Raises:
            ApiError: 503, there is none.
        """
        if self.under_way >= (self._starts.room if starts else self._settings.max_requests):
            raise unavailable()
        self.under_way += 1
        try:
            yield
        finally:
            self.under_way -= 1

    async def caller(self, request: web.Request, *, takes_link: bool = False) -> Caller:
        """Who calls; ``takes_link``: a decision link tells it, too.

        Raises:
            ApiError: 401, nobody or nobody known; 403, another site's page sends its visitor's session.
        """
        try:
            token = link_token(request) if takes_link else None
            if token is None:
                caller = await self._gate.caller(request.headers)
            else:
                caller = await by_link(request, self._gate, token)
        except InvalidKeyError as error:
            raise ApiError(401, str(error), headers=CHALLENGE) from error
        if caller is None:
            raise ApiError(401, "Unauthorized", headers=CHALLENGE)
        if caller.auth_method == "session":
            self.check_site(request)
        note_use(request, caller)
        return caller

    def check_site(self, request: web.Request) -> None:
        """Make sure that a change which a browser sends along with a session comes from our own pages.

        ``Sec-Fetch-Site`` says so in every browser of today, ``Origin`` in older ones (OWASP, Cross-Site
        Request Forgery Prevention, Fetch Metadata); a request with neither comes from no browser.

        Raises:
            ApiError: 403, it comes from elsewhere.
        """
        if request.method in _SAFE_METHODS:
            return
        site = request.headers.get("Sec-Fetch-Site")
        origin = request.headers.get("Origin")
        if site is not None:
            own = site in ("same-origin", "none")
        else:
            own = origin is None or _netloc(origin) in {request.host, self._public_host()} - {None, ""}
        if not own:
            raise ApiError(403, "A session may be used from this server's own pages only; use an API key")

    def _public_host(self) -> str | None:
        public = self._settings.public_url
        return None if public is None else urlsplit(public).netloc

    async def principal(self, request: web.Request, caller: Caller) -> Principal:
        """The caller in the workspace that the request is about.

        Raises:
            ApiError: 404, there is none for them; 403, it is another one than their key's.
        """
        try:
            return await self._gate.principal(caller, about(request))
        except ForeignWorkspaceError as error:
            raise ApiError(403, str(error)) from error
        except UnknownWorkspaceError as error:
            raise ApiError(404, str(error)) from error


def _netloc(origin: str) -> str:
    try:
        return urlsplit(origin).netloc
    except ValueError:  # such as `http://[`, which no browser sends
        return ""


def about(request: web.Request) -> About:
    """What a request is about, by its path, its query and its headers."""
    path = request.match_info
    named = path.get("workspaceId") or request.query.get("workspaceId")
    return About(
        workspace_id=named or request.headers.get(WORKSPACE_HEADER),
        workflow_id=_first(path, _WORKFLOW_NAMES),
        execution_id=_first(path, _EXECUTION_NAMES),
    )


def _former(request: web.Request, caller: Caller) -> Principal | None:
    """The caller of a removal, which may have taken from them what they need to ask for it again."""
    if request.method != "DELETE":
        return None
    try:
        workspace_id = UUID(about(request).workspace_id or "")
    except ValueError:
        return None
    return Principal(
        actor=caller.actor,
        workspace_id=workspace_id,
        roles=frozenset(),
        user_id=caller.user_id,
        auth_method=caller.auth_method,
    )


def _first(path: Mapping[str, str], names: tuple[str, ...]) -> str | None:
    return next((path[name] for name in names if name in path), None)


ADMISSION: Final = web.AppKey("admission", Admission)
