"""Takes note of who reads streams, and who is turned away (docs/access-log.md)."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Final, Literal, TypeAlias
from uuid import UUID

from aiohttp import web
from msgspec.structs import replace

from signoff.access.callers import AuthMethod, Caller
from signoff.access.directory.live import LiveDirectory
from signoff.access.errors import InvalidKeyError
from signoff.access.gate import WORKSPACE_HEADER
from signoff.audit.accesses.gathering import Refused, Sight
from signoff.audit.accesses.recorder import AccessRecorder
from signoff.events.topics import DEFAULT_WORKSPACE
from signoff.runtime.proxies import client_address
from signoff.runtime.settings import Settings
from signoff.stream.callers import CALLER, WORKSPACE, Presented
from signoff.stream.errors import RefusedError

_PERMISSION: Final = "executions:read"
_LONGEST: Final = 128
"""Characters of what a caller wrote."""

_DENIED: Final = frozenset({401, 403})

Handler: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]
Operation: TypeAlias = Literal["streamExecution", "streamFeed"]
"""By its name in the OpenAPI document."""

_ABOUT: Final[Mapping[Operation, str]] = {"streamExecution": "events", "streamFeed": "feed"}


class StreamWitness:
    """Sees which streams are open, and which are refused.

    Args:
        recorder: records it.
        directory: which workspaces there are.
        settings: whether it is recorded from where a request came.
    """

    def __init__(self, recorder: AccessRecorder, directory: LiveDirectory, settings: Settings) -> None:
        self._recorder = recorder
        self._directory = directory
        self._settings = settings

    def refusals(self, operation: Operation, handler: Handler) -> Handler:
        """A handler whose refusals are recorded."""

        async def watched(request: web.Request) -> web.StreamResponse:
            try:
                return await handler(request)
            except InvalidKeyError as error:
                self._refused(request, operation, Refused(status=401, reason=str(error)))
                raise
            except RefusedError as error:
                outside = error.status == 404 and WORKSPACE not in request
                if error.status in _DENIED or error.hidden or outside:
                    refused = Refused(status=error.status, reason=str(error), hidden=error.hidden)
                    self._refused(request, operation, refused)
                raise

        return watched

    def reading(
        self,
        request: web.Request,
        operation: Operation,
        presented: Presented,
        *,
        workspaces: Collection[UUID],
        names: Mapping[str, str] | None = None,
        told: Mapping[str, Sequence[str]] | None = None,
    ) -> "Reading":
        """While a stream is read: that it begins is recorded, and that it ended.

        Args:
            request: that asked for it; its caller is known.
            operation: what it is.
            presented: by what its caller was let in.
            workspaces: whose events it has.
            names: what its path names, as the stream knows it.
            told: which of them, by the names of parameters.
        """
        caller, since = request[CALLER], self._recorder.now()
        sights = [
            Sight(
                workspace_id=str(workspace_id),
                actor=caller.actor,
                auth_method=_method(caller, presented),
                address=self._address(request),
                operation=operation,
                about=_ABOUT[operation],
                names=tuple((names or {}).items()),
                filter=tuple((name, ",".join(each)[:_LONGEST]) for name, each in (told or {}).items()),
                kind="read",
            )
            for workspace_id in sorted(workspaces)
        ]
        return Reading(self._recorder, sights, since)

    def _refused(self, request: web.Request, operation: Operation, refused: Refused) -> None:
        caller = request.get(CALLER)
        # Whoever is nobody could fill the log with names of their own making.
        names = {} if caller is None else request.match_info
        self._recorder.note(
            Sight(
                kind="read",
                workspace_id=self._workspace(request, caller),
                actor=None if caller is None else caller.actor,
                auth_method=None if caller is None else caller.auth_method,
                address=self._address(request),
                operation=operation,
                about=_ABOUT[operation],
                names=tuple((name, each[:_LONGEST]) for name, each in names.items()),
                refused=replace(refused, permission=_PERMISSION),
            )
        )

    def _workspace(self, request: web.Request, caller: Caller | None) -> str:
        found = request.get(WORKSPACE)
        if found is not None:
            return str(found)
        named = request.query.get("workspaceId") or request.headers.get(WORKSPACE_HEADER)
        if named in self._directory.state.workspaces:
            return named
        home = None if caller is None else next(iter(caller.grants), None)
        return str(home or DEFAULT_WORKSPACE)

    def _address(self, request: web.Request) -> str | None:
        if not self._settings.access_log_addresses:
            return None
        forwarded_for = ",".join(request.headers.getall("X-Forwarded-For", []))
        return client_address(request.remote, forwarded_for, self._settings.trusted_proxies) or None


class Reading:
    """An open stream: a context manager with little memory, since there is one for each of them."""

    __slots__ = ("_recorder", "_sights", "_since")

    def __init__(self, recorder: AccessRecorder, sights: Sequence[Sight], since: float) -> None:
        self._recorder = recorder
        self._sights = sights
        self._since = since

    def __enter__(self) -> None:
        """It begins."""
        for sight in self._sights:
            self._recorder.note(sight)

    def __exit__(self, *_: object) -> None:
        """It ends."""
        for sight in self._sights:
            self._recorder.note(replace(sight, kind="ended"), since=self._since)


def _method(caller: Caller, presented: Presented) -> AuthMethod:
    return caller.auth_method if presented.grant is None else "streamToken"
