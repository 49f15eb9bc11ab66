"""Workspaces, who is in them, and what they are set up with."""

from typing import Literal, TypeAlias

from msgspec import Struct, field

from signoff.client.answers.decisions import Absence

Role: TypeAlias = Literal["read", "write", "admin", "approver", "auditor"]


class Workspace(Struct, frozen=True, kw_only=True, rename="camel"):
    """A workspace; ``roles`` are the caller's own there."""

    id: str
    name: str
    roles: list[Role] = []
    created_at: str | None = None


class User(Struct, frozen=True, kw_only=True, rename="camel"):
    """A person or, with ``service``, a program's account. One who was erased has no name."""

    id: str
    name: str | None = None
    email: str | None = None
    service: bool = False
    disabled: bool = False
    created_at: str | None = None


class Member(User, frozen=True, kw_only=True, rename="camel"):
    """A user with what they are in a workspace; ``absence``: now or to come."""

    roles: list[Role]
    absence: Absence | None = None


class Group(Struct, frozen=True, kw_only=True, rename="camel"):
    """Users of a workspace who have roles, and decide, together."""

    id: str
    name: str
    roles: list[Role] = []
    user_ids: list[str] = []


class Key(Struct, frozen=True, kw_only=True, rename="camel"):
    """An API key, without its secret.

    ``workspace_id`` is where alone it acts, if it is bound; ``roles`` bound what it may do.
    """

    id: str
    name: str
    workspace_id: str | None = None
    user_id: str | None = None
    roles: list[Role] | None = None
    created_at: str | None = None
    expires_at: str | None = None
    last_used_at: str | None = None


class NewKey(Key, frozen=True, kw_only=True, rename="camel"):
    """A key with its secret, which is shown this once: keep it."""

    key: str

    def __repr__(self) -> str:
        return f"NewKey(id={self.id!r}, name={self.name!r})"


class Session(Struct, frozen=True, kw_only=True, rename="camel"):
    """A browser in which somebody is signed in.

    Attributes:
        id: names it, and tells nothing of its token.
        method: how they proved who they are.
        signed_in_at: UTC, ISO 8601.
        current: it is the one that asks; never where a key does.
    """

    id: str
    method: Literal["password", "oidc", "apiKey"]
    signed_in_at: str
    current: bool = False


class EnvironmentName(Struct, frozen=True, kw_only=True, rename="camel"):
    """A secret that definitions name as ``{{NAME}}``. Its value is never returned.

    ``source`` is ``operator`` for those of the server's own configuration.
    """

    name: str
    source: str = "workspace"
    set_at: str | None = None


class Hook(Struct, frozen=True, kw_only=True, rename="camel"):
    """An outgoing webhook; what stands in its URL's query is hidden.

    ``types`` and ``workflow_ids`` filter: none of the first are the main ones, none of the second all.
    While it is rotated, ``previous_secret_until`` says how long the old secret signs, too.
    """

    hook_id: str
    url: str
    types: list[str] = []
    workflow_ids: list[str] = []
    enabled: bool = True
    set_at: str | None = None
    previous_secret_until: str | None = None


class NewHook(Hook, frozen=True, kw_only=True, rename="camel"):
    """A hook with the secret that deliveries are signed with, which is shown this once: keep it."""

    secret: str

    def __repr__(self) -> str:
        return f"NewHook(hook_id={self.hook_id!r}, url={self.url!r})"


class HookTest(Struct, frozen=True, kw_only=True, rename="camel"):
    """How the receiver answered a test: its status and after how many milliseconds, or why it did not."""

    delivered: bool
    status: int | None = None
    duration_ms: float | None = None
    error: str | None = None


class Delivery(Struct, frozen=True, kw_only=True, rename="camel"):
    """A delivery that failed so far (``pending``) or for good (``dead``).

    Attributes:
        id: its ``webhook-id``.
        state: whether it is tried again.
        log_id: the log of the execution, by which executions are found, too.
        event_id: the event; of a pending one the first that may not have come.
        type: of the event, where it is known.
        attempts: how often it failed.
        last_error: how.
        at: when it is tried next, or was given up.
    """

    id: str
    state: Literal["pending", "dead"]
    log_id: str
    event_id: int
    type: str | None = None
    attempts: int = 0
    last_error: str | None = None
    at: str | None = None


class Replayed(Struct, frozen=True, kw_only=True, rename="camel"):
    """What is sent again.

    Attributes:
        replayed: how many dead deliveries or, since a moment, executions.
        missing: the ids of dead deliveries that there are none of.
        next_cursor: there are more executions: ask again with it.
    """

    replayed: int
    missing: list[str] = []
    next_cursor: str | None = None


class RateLimit(Struct, frozen=True, kw_only=True, rename="camel"):
    """A rate: how often the caller may still ask, and when there is more; no limit has no numbers."""

    is_limited: bool
    limit: int | None = None
    remaining: int | None = None
    reset_at: str | None = None


class RateLimits(Struct, frozen=True, kw_only=True):
    """The rates of synchronous and of asynchronous executions."""

    sync: RateLimit
    asynchronous: RateLimit = field(name="async")


class Usage(Struct, frozen=True, kw_only=True, rename="camel"):
    """What the caller may still ask for."""

    rate_limit: RateLimits


class CallerUser(Struct, frozen=True, kw_only=True, rename="camel"):
    """The user behind a key. ``must_change_password``: somebody else knows it."""

    id: str
    name: str | None = None
    email: str | None = None
    must_change_password: bool = False


class Caller(Struct, frozen=True, kw_only=True):
    """Who a key acts as.

    Attributes:
        user: none for a workspace's key and for the bootstrap key.
        method: how the caller proved who they are.
        workspaces: where they may act, with their roles there.
    """

    user: CallerUser | None = None
    method: str
    workspaces: list[Workspace]
