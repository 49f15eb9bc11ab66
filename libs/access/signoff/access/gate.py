"""Who a request comes from, and which workspace it is about: asked by every service that serves callers."""

import hmac
import time
from collections.abc import Callable, Collection, Mapping
from typing import Final
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from signoff.access.callers import Caller, Principal
from signoff.access.directory.fold import Directory, Key
from signoff.access.directory.live import LiveDirectory
from signoff.access.errors import ForeignWorkspaceError, InvalidKeyError, UnknownWorkspaceError
from signoff.access.keys.making import digest_of
from signoff.access.links.links import Ticket
from signoff.access.permissions import ROLES, expanded
from signoff.access.signing_in.sessions import Sessions, session_token
from signoff.events.ids import read_uuid
from signoff.events.store.base import EventStore
from signoff.events.topics import chosen_log_id
from signoff.events.types import Actor
from signoff.runtime.settings import Settings

WORKSPACE_HEADER: Final = "X-Workspace-Id"

BOOTSTRAP: Final = Actor(type="apiKey", id="bootstrap")
"""Whoever has the key that the operator set: no directory has it."""

_KEEP: Final = 10_000
_FRESH: Final = 0.05
"""Seconds for which a key that nobody has is believed to be nobody's: guessing keys does not load the log."""


class About(Struct, frozen=True, kw_only=True):
    """What a request is about, as far as it tells its workspace.

    Attributes:
        workspace_id: named by the caller.
        workflow_id: named in the path.
        execution_id: of an execution or a run, named in the path.
        preferred_id: the workspace to take where nothing else tells, or where several have what is named.
    """

    workspace_id: str | None = None
    workflow_id: str | None = None
    execution_id: str | None = None
    preferred_id: str | None = None


class Gate:
    """Identifies callers by what their requests carry.

    Args:
        store: the log, for sessions and for finding workspaces.
        directory: who there is.
        settings: hold the bootstrap key.
        clock: seconds since the epoch, UTC.

    Attributes:
        directory: the same, for those who wait for its changes.
    """

    def __init__(
        self,
        store: EventStore,
        directory: LiveDirectory,
        settings: Settings,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.directory = directory
        self._store = store
        self._sessions = Sessions(store.records)
        self._clock = clock
        key = settings.bootstrap_api_key
        self._bootstrap = None if key is None else digest_of(key)
        self._callers: dict[str, Caller] = {}
        self._known_at = -1

    # Who --------------------------------------------------------------------------------------------

    async def caller(self, headers: Mapping[str, str]) -> Caller | None:
        """Find out who calls: by bearer token, session cookie, then ``X-API-Key`` (http-contract.md).

        Args:
            headers: of the request, names in any case.

        Returns:
            ``None`` when the request carries nothing: answer 401 ``Unauthorized``.

        Raises:
            InvalidKeyError: nobody has this key, or no longer: answer 401 ``Invalid API key``.
            StoreUnavailableError: it cannot be said now.
        """
        bearer = bearer_token(headers)
        if bearer is not None:
            return await self._by_fresh_key(bearer)
        cookies = headers.get("Cookie")
        if cookies is not None:
            caller = await self.by_cookies(cookies)
            if caller is not None:
                return caller
        key = headers.get("X-API-Key", "").strip()
        return await self._by_fresh_key(key) if key else None

    async def _by_fresh_key(self, key: str) -> Caller:
        """Who has an API key, be it made on another gateway a moment ago."""
        try:
            return self.by_key(key)
        except InvalidKeyError:
            await self.directory.look_unless_fresh(_FRESH)
            return self.by_key(key)

    def by_key(self, key: str) -> Caller:
        """Who has an API key.

        Raises:
            InvalidKeyError: nobody.
        """
        return self._by_digest(digest_of(key))

    def _by_digest(self, digest: str) -> Caller:
        state = self.directory.state
        if self._bootstrap is not None and hmac.compare_digest(digest, self._bootstrap):
            return self.by_key_id(BOOTSTRAP.id)
        key_id = state.digests.get(digest)
        if key_id is None or not state.keys[key_id].is_good(digest, self._clock()):
            raise InvalidKeyError("Invalid API key")
        return self.by_key_id(key_id)

    def by_key_id(self, key_id: str) -> Caller:
        """Who has the key with this id, as of now.

        Raises:
            InvalidKeyError: there is no such key any more, or its user may do nothing.
        """
        state = self.directory.state
        if key_id == BOOTSTRAP.id and self._bootstrap is not None:
            return self._known("", lambda: _bootstrap_caller(state))
        key = state.keys.get(key_id)
        if key is None or (key.expires_at is not None and key.expires_at <= self._clock()):
            raise InvalidKeyError("Invalid API key")
        caller = self._known(key_id, lambda: caller_of_key(state, key_id, key))
        if not caller.grants:
            raise InvalidKeyError("Invalid API key")
        return caller

    def by_user(self, user_id: str) -> Caller | None:
        """A user who proved who they are otherwise; ``None`` for one who may do nothing any more."""
        state = self.directory.state
        user = state.users.get(user_id)
        if user is None or user.disabled:
            return None
        return Caller(
            actor=Actor(type="user", id=user_id),
            user_id=user_id,
            auth_method="session",
            grants=state.grants_of(user_id),
        )

    def by_link(self, ticket: Ticket) -> Caller:
        """The person of a decision link that is good, in its workspace alone, with what they are there now.

        Raises:
            InvalidKeyError: they may do nothing there any more.
        """
        grants = self.directory.state.grants_of(ticket.user_id, within=str(ticket.workspace_id))
        if not grants:
            raise InvalidKeyError("The person of this link may do nothing here any more; sign in as another")
        return Caller(
            actor=Actor(type="user", id=ticket.user_id),
            user_id=ticket.user_id,
            auth_method="link",
            grants=grants,
            link_id=ticket.link_id,
        )

    async def by_cookies(self, cookies: str) -> Caller | None:
        """Whose session a ``Cookie`` header names; ``None`` when it names none that lasts."""
        token = session_token(cookies)
        session = None if token is None else await self._sessions.find(token)
        if session is None:
            return None
        if session.key_digest is not None:
            return self._by_kept(session.key_digest)
        caller = self.by_user(session.user_id)
        return replace(caller, must_change=True) if caller is not None and session.must_change else caller

    def _by_kept(self, digest: str) -> Caller | None:
        """Whose session was begun with an API key: it lasts as long as the key, and gives no more."""
        try:
            return replace(self._by_digest(digest), auth_method="session")
        except InvalidKeyError:
            return None

    def _known(self, name: str, make: Callable[[], Caller]) -> Caller:
        """Callers are kept until the directory changes: making one goes through all their workspaces."""
        if self._known_at != self.directory.version or len(self._callers) >= _KEEP:
            self._callers.clear()
            self._known_at = self.directory.version
        caller = self._callers.get(name)
        if caller is None:
            caller = self._callers[name] = make()
        return caller

    # Where ------------------------------------------------------------------------------------------

    async def principal(self, caller: Caller, about: About) -> Principal:
        """The caller in the workspace that a request is about.

        It is the workspace that the request names; else, of the caller's workspaces, the one that has the
        workflow or the execution in its path; else the one that is preferred; else the oldest.

        Raises:
            UnknownWorkspaceError: there is none for this caller.
            ForeignWorkspaceError: it is another workspace of the owner of a workspace's key.
            StoreUnavailableError: it cannot be said now.
        """
        if not caller.grants:
            raise UnknownWorkspaceError("Workspace not found")
        if about.workspace_id is not None:
            return _named(caller, about.workspace_id)
        own = _by_preference(caller, about.preferred_id)
        candidates = [*own, *sorted(caller.owner_grants - caller.grants.keys())]
        if len(candidates) == 1:
            return caller.within(candidates[0])
        homes = await self._homes(about, candidates)
        for workspace_id in own:
            if workspace_id in homes:
                return caller.within(workspace_id)
        if homes:
            raise ForeignWorkspaceError("API key is not authorized for this workspace")
        return caller.within(candidates[0])

    async def _homes(self, about: About, candidates: Collection[UUID]) -> frozenset[UUID]:
        """Of some workspaces, those that have what a request is about."""
        if about.workflow_id is not None:
            named = await self._store.workflows_named(about.workflow_id, candidates)
            if named or about.execution_id is None:
                return frozenset(row.workspace_id for row in named)
        if about.execution_id is None:
            return frozenset()
        ids = [chosen_log_id(str(each), about.execution_id) for each in candidates]
        given = read_uuid(about.execution_id)
        row = await self._store.locate(ids if given is None else [*ids, given])
        return frozenset() if row is None else frozenset({row.workspace_id}) & frozenset(candidates)


def _by_preference(caller: Caller, preferred_id: str | None) -> list[UUID]:
    """The caller's workspaces, oldest first after the preferred one, if that is one of them."""
    preferred = None if preferred_id is None else read_uuid(preferred_id)
    return sorted(caller.grants, key=lambda each: each != preferred)


def _named(caller: Caller, workspace_id: str) -> Principal:
    named = read_uuid(workspace_id)
    if named is not None and named in caller.grants:
        return caller.within(named)
    if named is not None and named in caller.owner_grants:
        raise ForeignWorkspaceError("API key is not authorized for this workspace")
    raise UnknownWorkspaceError("Workspace not found")


def _bootstrap_caller(state: Directory) -> Caller:
    everything = expanded(ROLES)
    return Caller(
        actor=BOOTSTRAP,
        auth_method="apiKey",
        grants={UUID(name): everything for name, each in state.workspaces.items() if not each.closed},
    )


def caller_of_key(state: Directory, key_id: str, key: Key) -> Caller:
    """Who has a key that has not expired, with what they may do."""
    actor = Actor(type="apiKey", id=key_id, owner=key.user_id or key.owner_id)
    if key.user_id is not None:
        return Caller(
            actor=actor,
            user_id=key.user_id,
            auth_method="apiKey",
            grants=state.grants_of(key.user_id, bound=key.roles, within=key.workspace_id),
        )
    workspace = state.workspaces.get(key.workspace_id or "")
    grants = {}
    if workspace is not None and not workspace.closed:
        grants = {UUID(key.workspace_id): expanded(key.roles or [])}
    owned = () if key.owner_id is None else state.memberships(key.owner_id)
    return Caller(
        actor=actor,
        auth_method="apiKey",
        grants=grants,
        bound_to=None if key.workspace_id is None else UUID(key.workspace_id),
        owner_grants=frozenset(UUID(each) for each in owned),
    )


def bearer_token(headers: Mapping[str, str]) -> str | None:
    """The token of an ``Authorization: Bearer`` header, if there is one."""
    scheme, _, token = headers.get("Authorization", "").partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None
