"""What the routes of identity stand on: people, passwords, sessions, and the OpenID provider."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from heapq import nsmallest
from typing import Annotated, Final, TypeVar

from aiohttp import web
from msgspec import Meta, Struct

from signoff.access.callers import Caller, Principal
from signoff.access.keys.uses import KeyUses
from signoff.access.signing_in.attempts import Attempts
from signoff.access.signing_in.oidc import Provider, ProviderSettings
from signoff.access.signing_in.passwords import MAX_LENGTH, MIN_LENGTH, Passwords
from signoff.access.signing_in.people import MAX_ADDRESS, People
from signoff.access.signing_in.sessions import Sessions
from signoff.events.ids import new_id
from signoff.gateway.directory import keyed_command_id
from signoff.gateway.errors import ApiError
from signoff.gateway.gateway import GATEWAY
from signoff.runtime.settings import Settings

MAX_PAGE: Final = 100

Name = Annotated[str, Meta(min_length=1, max_length=200)]
Address = Annotated[str, Meta(min_length=3, max_length=MAX_ADDRESS, description="An e-mail address.")]
NewPassword = Annotated[str, Meta(min_length=MIN_LENGTH, max_length=MAX_LENGTH)]

T = TypeVar("T")


class Identity(Struct, frozen=True, kw_only=True):
    """Everything that the routes of identity need besides the `Gateway`."""

    people: People
    passwords: Passwords
    sessions: Sessions
    attempts: Attempts
    key_uses: KeyUses
    provider: Provider | None


IDENTITY: Final = web.AppKey("identity", Identity)


class PageQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A page of a list.

    Attributes:
        cursor: `nextCursor` of the page before.
        limit: At most so many items.
    """

    cursor: Annotated[str, Meta(max_length=200)] = ""
    limit: Annotated[int, Meta(ge=1, le=MAX_PAGE)] = MAX_PAGE


def open_identity(app: web.Application, watch: Callable[[asyncio.Task[None], str], None]) -> None:
    """Give the application what its routes of identity need, for as long as it runs.

    Args:
        app: has its `Gateway` already.
        watch: is told of the task behind it, as :meth:`signoff.runtime.health.Health.watch` is.
    """
    gateway = app[GATEWAY]
    records = gateway.store.records
    identity = Identity(
        people=People(records),
        passwords=Passwords(),
        sessions=Sessions(records),
        attempts=Attempts(records),
        key_uses=KeyUses(records),
        provider=_provider(gateway.settings),
    )
    app[IDENTITY] = identity

    async def running(_: web.Application) -> AsyncIterator[None]:
        task = asyncio.create_task(identity.key_uses.follow(), name="uses of keys")
        watch(task, task.get_name())
        yield
        task.cancel()
        await asyncio.wait([task])
        if identity.provider is not None:
            await identity.provider.close()

    app.cleanup_ctx.append(running)


def _provider(settings: Settings) -> Provider | None:
    if settings.oidc_issuer is None or settings.oidc_client_id is None:
        return None
    return Provider(
        ProviderSettings(
            issuer=settings.oidc_issuer,
            client_id=settings.oidc_client_id,
            client_secret=settings.oidc_client_secret,
            scopes=settings.oidc_scopes,
        )
    )


def note_use(request: web.Request, caller: Caller) -> None:
    """Note that a key was used, if the caller has one."""
    if caller.actor.type == "apiKey":
        request.app[IDENTITY].key_uses.note(caller.actor.id)


def page_of(ids: Iterable[str], query: PageQuery) -> tuple[list[str], str | None]:
    """The ids of a page, in their order, and the cursor of the next one."""
    found = nsmallest(query.limit + 1, (each for each in ids if each > query.cursor))
    return found[: query.limit], found[query.limit - 1] if len(found) > query.limit else None


def fresh_id(request: web.Request, caller: Principal) -> str:
    """The id of what a request makes; a retry with the same ``Idempotency-Key`` makes it again."""
    return str(keyed_command_id(request, caller) or new_id())


def made(found: T | None) -> T:
    """What a request made, as the directory has it.

    Raises:
        ApiError: 409, it is not there: another request was sent with the same key before.
    """
    if found is None:
        raise ApiError(409, "This Idempotency-Key was used with another request before")
    return found
