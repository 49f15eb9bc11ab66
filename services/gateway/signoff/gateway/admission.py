"""Who comes in: so many at once, with a credential that is somebody's, and enough permission."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final, cast
from urllib.parse import urlsplit
from uuid import UUID

from aiohttp import web

from signoff.access.callers import Caller, Principal
from signoff.access.errors import ForeignWorkspaceError, InvalidKeyError, UnknownWorkspaceError
from signoff.access.gate import About, Gate
from signoff.access.permissions import Operation
from signoff.gateway.accesses.witness import CALLER, NOWHERE, PRINCIPAL, Witness, named_workspace
from signoff.gateway.directory import done_before
from signoff.gateway.errors import CHALLENGE, ApiError, unavailable
from signoff.gateway.http.bodies import read_bytes, read_form
from signoff.gateway.http.headers import CommandHeaders, decision_code, idempotency_key
from signoff.gateway.http.limits import Limits
from signoff.gateway.http.responses import Handler
from signoff.gateway.http.routing import Endpoint, OpenHandler, Route
from signoff.gateway.http.routing import Handler as RouteHandler
from signoff.gateway.overload.starts import PLACE, Starts
from signoff.gateway.people.identity import note_use
from signoff.gateway.people.link_cookies import kept_link
from signoff.gateway.people.linked import by_link, link_token
from signoff.runtime.settings import Settings

_SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_OPEN_FORM: Final = 16 * 1024
"""Bytes of a form that anybody may send."""

PREFERRED: Final = web.RequestKey("preferred", str)
"""The workspace that a visitor of the pages chose last: it counts where a request names none."""

MUST_CHANGE: Final = "PASSWORD_CHANGE_REQUIRED"
"""The code of a refusal: nothing goes on before the caller has a password of their own."""

_WORKFLOW_NAMES: Final = ("id", "workflowId")
_EXECUTION_NAMES: Final = ("execution", "executionId", "run", "runId")


class Admission:
    """Lets requests through to routes.

    Args:
        gate: tells who calls.
        settings: how many requests are worked on at once; the public address.
        limits: how much each caller may ask for.
        starts: how much may be started.
        witness: takes note of who was let in to what, and who was not.

    Attributes:
        under_way: requests being worked on.
    """

    def __init__(
        self, gate: Gate, settings: Settings, limits: Limits, starts: Starts, witness: Witness
    ) -> None:
        self._gate = gate
        self._settings = settings
        self._limits = limits
        self._starts = starts
        self._witness = witness
        self.under_way = 0

    def guard(self, route: Route) -> Handler:
        """A handler that lets only those through who may call the route."""
        operation = route.operation
        if operation is None:
            return self._witness.seen(route, self._open(route, cast("OpenHandler", route.handler)))
        handler = cast("RouteHandler", route.handler)
        takes_key = route.headers is not None and issubclass(route.headers, CommandHeaders)
        starts = route.starts or operation == "executions:start"

        async def admit(request: web.Request) -> web.StreamResponse:
            with self.place(starts=starts):
                caller = await self.caller(request, route)
                principal = await self._admitted(request, caller, operation)
                if route.rate is not None:
                    await self._limits.count(request, principal, route.rate)
                if takes_key:
                    idempotency_key(request)  # a bad one is refused also where nothing is to be done
                if route.takes_link:
                    decision_code(request.headers)
                with self._limits.place(principal.workspace_id):
                    if not starts:
                        return await handler(request, principal)
                    # Its handler reads it again: who sends slowly takes no place.
                    await (read_form if route.takes_form else read_bytes)(request)
                    with self.starting(request, principal.workspace_id):
                        return await handler(request, principal)

        return self._witness.seen(route, admit)

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
        if operation == "password:change" and not caller.grants:
            return _at_home(request, caller)
        principal = await self.principal(request, caller)
        if not principal.may(operation):
            raise _must_change() if principal.must_change else ApiError(403, "Access denied")
        return principal

    def _open(self, route: Route, handler: OpenHandler) -> Handler:
        async def admit(request: web.Request) -> web.StreamResponse:
            if route.takes_form:  # its handler reads it again: nobody sends slowly who has a place
                await read_form(request, most=_OPEN_FORM)
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

    async def caller(self, request: web.Request, route: Endpoint | None = None) -> Caller:
        """Who calls; of a ``route`` that takes them, by a decision link, too.

        Raises:
            ApiError: 401, nobody or nobody known; 403, another site's page sends what its visitor has.
        """
        try:
            token = link_token(request) if route is not None and route.takes_link else None
            if route is None or token is None:
                caller = await self._gate.caller(request.headers)
            else:
                if token == kept_link(request):
                    self.check_site(request)  # first: a code that another site sends counts as no attempt
                caller = await by_link(request, self._gate, token, route)
        except InvalidKeyError as error:
            raise ApiError(401, str(error), headers=CHALLENGE) from error
        if caller is None:
            raise ApiError(401, "Unauthorized", headers=CHALLENGE)
        request[CALLER] = caller
        if caller.auth_method == "session":
            self.check_site(request)
        note_use(request, caller)
        return caller

    async def known_key(self, key: str) -> Caller:
        """Who has an API key that was given in a form.

        Raises:
            ApiError: 401, nobody.
        """
        try:
            caller = await self._gate.caller({"X-API-Key": key})
        except InvalidKeyError as error:
            raise ApiError(401, str(error), headers=CHALLENGE) from error
        if caller is None:
            raise ApiError(401, "Unauthorized", headers=CHALLENGE)
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
            principal = await self._gate.principal(caller, about(request))
        except ForeignWorkspaceError as error:
            raise ApiError(403, str(error)) from error
        except UnknownWorkspaceError as error:
            raise ApiError(404, str(error)) from error
        request[PRINCIPAL] = principal
        return principal


def _at_home(request: web.Request, caller: Caller) -> Principal:
    """Somebody who is in no workspace: their password is theirs to change all the same.

    Raises:
        ApiError: 404, they are nobody who has one.
    """
    if caller.user_id is None:
        raise ApiError(404, "Workspace not found")
    principal = request[PRINCIPAL] = Principal(
        actor=caller.actor,
        workspace_id=NOWHERE,
        roles=frozenset(),
        user_id=caller.user_id,
        auth_method=caller.auth_method,
        must_change=caller.must_change,
    )
    return principal


def _must_change() -> ApiError:
    message = "Somebody else chose your password: change it first (POST /api/users/me/password)"
    return ApiError(403, message, fields={"code": MUST_CHANGE})


def _netloc(origin: str) -> str:
    try:
        return urlsplit(origin).netloc
    except ValueError:  # such as `http://[`, which no browser sends
        return ""


def about(request: web.Request) -> About:
    """What a request is about, by its path, its query and its headers."""
    path = request.match_info
    return About(
        workspace_id=named_workspace(request),
        workflow_id=_first(path, _WORKFLOW_NAMES),
        execution_id=_first(path, _EXECUTION_NAMES),
        preferred_id=request.get(PREFERRED),
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
