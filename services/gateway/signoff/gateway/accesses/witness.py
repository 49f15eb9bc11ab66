"""Takes note of who was shown what, and who was turned away, as requests are answered."""

from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Final, TypeAlias
from uuid import UUID

from aiohttp import web
from msgspec.structs import fields

from signoff.access.callers import Caller, Principal
from signoff.access.directory.live import LiveDirectory
from signoff.access.gate import WORKSPACE_HEADER
from signoff.audit.accesses.gathering import Refused, Sight
from signoff.audit.accesses.recorder import AccessRecorder
from signoff.events.escapes import MASK
from signoff.events.topics import DEFAULT_WORKSPACE
from signoff.gateway.accesses.recorded import IN_OWN_WORDS, PATH_NAMES, PLACES, RECORDED, Recorded
from signoff.gateway.errors import ApiError
from signoff.gateway.http.addresses import address_of
from signoff.gateway.http.routing import Endpoint

CALLER: Final = web.RequestKey("caller", Caller)
"""Who sent a request, once that is known."""

PRINCIPAL: Final = web.RequestKey("principal", Principal)
"""The same in the workspace that the request is about."""

NOWHERE: Final = UUID(int=(1 << 128) - 1)
"""The workspace of principals who are in none: there is none of this id, so that they share nothing."""

ACCESSES: Final = web.AppKey("accesses", AccessRecorder)

_NOTED: Final = web.RequestKey("noted", bool)
"""The handler told by itself what it showed."""

_LONGEST: Final = 128
"""Characters of what a caller wrote."""

_REASON: Final = 500
_DENIED: Final = frozenset({401, 403})
_TURNED_AWAY: Final = frozenset({404, 409})
"""Statuses of those who did not even get into a workspace, besides."""

_Pairs: TypeAlias = tuple[tuple[str, str], ...]
Handler: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]


def named_workspace(request: web.Request) -> str | None:
    """The workspace that a request names, if it names one."""
    named = request.match_info.get("workspaceId") or request.query.get("workspaceId")
    return named or request.headers.get(WORKSPACE_HEADER)


class Witness:
    """Sees how requests are answered.

    Args:
        recorder: records it.
        directory: which workspaces there are.
        addresses: whether it is recorded from where a request came.
    """

    def __init__(self, recorder: AccessRecorder, directory: LiveDirectory, *, addresses: bool) -> None:
        self._recorder = recorder
        self._directory = directory
        self._addresses = addresses

    def seen(self, route: Endpoint, handler: Handler) -> Handler:
        """A handler that is watched: what it shows and whom it refuses is recorded, as the route says."""
        shown = RECORDED.get(route.name)
        parameters = _parameters(route)

        async def watched(request: web.Request) -> web.StreamResponse:
            try:
                response = await handler(request)
            except ApiError as error:
                if _turns_away(error, request, route):
                    self._refusal(error, request, route, shown)
                raise
            fits = shown is not None and response.status < 400 and shown.status in (None, response.status)
            if shown is not None and fits and not request.get(_NOTED):
                filtered = _filter(request, parameters) if request.query_string else ()
                self._showing(request, route.name, shown, _names(request), filtered)
            return response

        return watched

    def note_shown(self, request: web.Request, operation: str, names: Mapping[str, str]) -> None:
        """Record what a request shows; see `request_shown`."""
        request[_NOTED] = True
        self._showing(request, operation, RECORDED[operation], _named(names), ())

    def _showing(
        self, request: web.Request, operation: str, shown: Recorded, names: _Pairs, filtered: _Pairs
    ) -> None:
        caller = request[PRINCIPAL]
        self._recorder.note(
            Sight(
                kind=shown.kind,
                workspace_id=str(caller.workspace_id),
                actor=caller.actor,
                auth_method=caller.auth_method,
                link_id=caller.link_id,
                address=self._address(request),
                operation=operation,
                about=shown.about,
                names=names,
                filter=filtered,
            )
        )

    def _refusal(
        self, error: ApiError, request: web.Request, route: Endpoint, shown: Recorded | None
    ) -> None:
        caller = request.get(PRINCIPAL) or request.get(CALLER)
        code = error.fields.get("code")
        self._recorder.note(
            Sight(
                kind="read" if shown is None else shown.kind,
                workspace_id=self._workspace(request),
                actor=None if caller is None else caller.actor,
                auth_method=None if caller is None else caller.auth_method,
                link_id=None if caller is None else caller.link_id,
                address=self._address(request),
                operation=route.name,
                about="request" if shown is None else shown.about,
                # Whoever is nobody could fill the log with names of their own making.
                names=() if caller is None else _names(request),
                refused=Refused(
                    permission=route.operation,
                    status=error.status,
                    code=code if isinstance(code, str) else None,
                    reason=str(error)[:_REASON],
                    hidden=error.hidden,
                ),
            )
        )

    def _workspace(self, request: web.Request) -> str:
        """Where a refusal is recorded: where it was asked for, else where its caller is at home."""
        principal, caller = request.get(PRINCIPAL), request.get(CALLER)
        if principal is not None and principal.workspace_id != NOWHERE:
            return str(principal.workspace_id)
        named = named_workspace(request)
        if named in self._directory.state.workspaces:
            return named
        home = None if caller is None else next(iter(caller.grants), None)
        return str(home or DEFAULT_WORKSPACE)

    def _address(self, request: web.Request) -> str | None:
        return address_of(request) or None if self._addresses else None


WITNESS: Final = web.AppKey("witness", Witness)


def request_shown(request: web.Request, operation: str, names: Mapping[str, str] | None = None) -> None:
    """Record that a request shows something, whatever its answer's status: a form that is refused, too.

    What a handler tells so stands in place of what its route shows by the table.

    Args:
        request: of somebody who was let in.
        operation: of the API, which shows the same: one of `RECORDED`.
        names: what it is, by the names that the API's paths have for it (``execution``, ``context``), or the
            log; ``None``: what the request's own path names.
    """
    request.app[WITNESS].note_shown(request, operation, request.match_info if names is None else names)


def _turns_away(error: ApiError, request: web.Request, route: Endpoint) -> bool:
    """Whether an error is a refusal of access, and in no log yet."""
    if error.recorded:
        return False
    outside = PRINCIPAL not in request and (route.operation is not None or CALLER in request)
    return error.status in _DENIED or error.hidden or (outside and error.status in _TURNED_AWAY)


def _names(request: web.Request) -> _Pairs:
    return _named(request.match_info)


def _named(names: Mapping[str, str]) -> _Pairs:
    return tuple((PATH_NAMES.get(name, name), each[:_LONGEST]) for name, each in names.items())


def _parameters(route: Endpoint) -> frozenset[str]:
    """The parameters that a route documents: a credential is none of them."""
    if route.query is None:
        return frozenset()
    return frozenset(each.encode_name for each in fields(route.query)) - PLACES


def _filter(request: web.Request, parameters: Collection[str]) -> _Pairs:
    query = request.query
    return tuple(
        (name, MASK if name in IN_OWN_WORDS else ",".join(query.getall(name))[:_LONGEST])
        for name in sorted(parameters & query.keys())
    )
