"""Decision links: each lets one person, and nobody else, look at one pause point and decide there.

The token of a link holds whom and what it is for, sealed; it is kept nowhere. A record beside the log says
who made it, and whether it was revoked or used. Looking writes nothing: mail scanners and previews open
links, too. A link says who somebody is; what they may do is asked each time, as of anybody.
"""

import re
import secrets
import time
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Callable
from hashlib import sha256
from typing import Final
from urllib.parse import quote, urlencode
from uuid import UUID

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from signoff.access.callers import Principal
from signoff.access.errors import InvalidKeyError, SealError, TooManyLinksError
from signoff.access.secrets.sealing import Sealer
from signoff.events.errors import RecordConflictError, StoreUnavailableError
from signoff.events.records import Kept, Records
from signoff.events.types import Actor

KIND: Final = "decision-link"
"""Of the records; their scope is the workspace, their key the link's id."""

PARAMETER: Final = "token"
"""The query parameter that carries a link's token."""

PREFIX: Final = "signofflink_"
"""What every token begins with, so that scanners find one that leaked; no API key begins so."""

LIFETIME: Final = 7 * 24 * 3600.0
"""Seconds for which a link is good, where its maker does not say."""

SHORTEST: Final = 60.0
LONGEST: Final = 90 * 24 * 3600.0
"""Seconds for which a link may be good."""

MOST: Final = 100
"""Links that a person may have to one pause point at once."""

_CONTEXT: Final = "decision link"
_NO_LINK: Final = "This is no decision link of this server; ask for a new one or sign in"
_POINT_DIGITS: Final = 32
_PERSON_DIGITS: Final = 16
_OWN_BYTES: Final = 8
_LONGEST_TOKEN: Final = 4000
_TRIES: Final = 10
_ID: Final = re.compile(f"[0-9a-f]{{{_POINT_DIGITS + _PERSON_DIGITS + 2 * _OWN_BYTES}}}")


class PointOf(Struct, frozen=True):
    """A pause point, by the log of its execution and its id there."""

    workspace_id: UUID
    log_id: UUID
    context_id: str


class Ticket(Struct, frozen=True, array_like=True):
    """What a token holds: the link's own bytes, its point and person, and until when (whole seconds)."""

    own: bytes
    workspace_id: UUID
    log_id: UUID
    context_id: str
    user_id: str
    expires_at: int

    @property
    def point(self) -> PointOf:
        """Where it lets its person decide."""
        return PointOf(self.workspace_id, self.log_id, self.context_id)

    @property
    def link_id(self) -> str:
        """The id of its link."""
        return _id_prefix(self.point, self.user_id) + self.own.hex()


class DecisionLink(Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """A link as it is kept. Moments are in seconds since the epoch, UTC.

    Attributes:
        log_id: of the execution that it leads into.
        context_id: the one pause point that it is for.
        user_id: the one person who may use it.
        made_by: who made it; the system, for a notification.
        made_at: when.
        expires_at: until when it is good.
        lent: somebody else than its person was shown its token.
        revoked_at: since when it is not any more.
        used_at: when a decision was made with it.
        event_id: the event that recorded that decision.
        used_for: digest of what names that request, where it had an ``Idempotency-Key``.
    """

    log_id: UUID
    context_id: str
    user_id: str
    made_by: Actor
    made_at: float
    expires_at: float
    lent: bool = False
    revoked_at: float | None = None
    used_at: float | None = None
    event_id: int | None = None
    used_for: str | None = None


class NewLink(Struct, frozen=True, kw_only=True):
    """A link that was just made: the only time that its token is seen. ``expires_at``: as of a link."""

    link_id: str
    token: str
    expires_at: float

    def __repr__(self) -> str:
        return f"NewLink(link_id={self.link_id!r})"


_tickets: Final = msgspec.msgpack.Decoder(Ticket)
_ticket_encoder: Final = msgspec.msgpack.Encoder(uuid_format="bytes")
_links: Final = msgspec.json.Decoder(DecisionLink)
_encode: Final = msgspec.json.encode


class DecisionLinks:
    """Makes links, finds them by their tokens, lists and revokes them.

    Every asynchronous method raises :class:`~signoff.events.errors.StoreUnavailableError` when the database
    is away.

    Args:
        records: hold what is known of links.
        sealer: with the secret key that all services share.
        clock: seconds since the epoch, UTC.
    """

    def __init__(self, records: Records, sealer: Sealer, *, clock: Callable[[], float] = time.time) -> None:
        self._records = records
        self._sealer = sealer
        self._clock = clock

    async def make(
        self,
        point: PointOf,
        *,
        user_id: str,
        made_by: Actor,
        lifetime: float = LIFETIME,
        lent: bool = False,
    ) -> NewLink:
        """Make a link. Whether its person may do anything there is asked when it is used.

        Args:
            point: where it leads.
            user_id: whom it is for.
            made_by: who makes it.
            lifetime: seconds for which it is good, from `SHORTEST` to `LONGEST`.
            lent: somebody else than the person sees the token: it only shows, until a code that the person
                was sent goes with it.

        Raises:
            ValueError: the lifetime is none of these.
            TooManyLinksError: the person has `MOST` links to the point already.
        """
        if not SHORTEST <= lifetime <= LONGEST:
            raise ValueError(f"a link is good for {SHORTEST:g} to {LONGEST:g} seconds, not for {lifetime:g}")
        prefix = _id_prefix(point, user_id)
        if len(await self._page(point.workspace_id, prefix, after=prefix, limit=MOST)) == MOST:
            raise TooManyLinksError(MOST)
        now = self._clock()
        ticket = Ticket(
            own=secrets.token_bytes(_OWN_BYTES),
            workspace_id=point.workspace_id,
            log_id=point.log_id,
            context_id=point.context_id,
            user_id=user_id,
            expires_at=int(now + lifetime),
        )
        link = DecisionLink(
            log_id=point.log_id,
            context_id=point.context_id,
            user_id=user_id,
            made_by=made_by,
            made_at=now,
            expires_at=float(ticket.expires_at),
            lent=lent,
        )
        await self._put(point.workspace_id, ticket.link_id, link, expected=0)
        sealed = self._sealer.seal(_ticket_encoder.encode(ticket), context=_CONTEXT)
        token = PREFIX + urlsafe_b64encode(sealed).decode("ascii").rstrip("=")
        return NewLink(link_id=ticket.link_id, token=token, expires_at=link.expires_at)

    def read(self, token: str) -> Ticket:
        """What a token holds that was presented just now. Nothing is looked up.

        Raises:
            InvalidKeyError: it is none of this server's, or has expired.
        """
        ticket = self._opened(token)
        if ticket.expires_at <= self._clock():
            raise InvalidKeyError("This link has expired; ask for a new one or sign in")
        return ticket

    def _opened(self, token: str) -> Ticket:
        text = token.removeprefix(PREFIX)
        if len(token) > _LONGEST_TOKEN or not is_token(token):
            raise InvalidKeyError(_NO_LINK)
        try:
            sealed = b64decode(text + "=" * (-len(text) % 4), altchars="-_", validate=True)
            return _tickets.decode(self._sealer.open(sealed, context=_CONTEXT))
        except (ValueError, SealError):  # where it is from does not matter, and an error may be logged
            raise InvalidKeyError(_NO_LINK) from None

    async def find(self, ticket: Ticket) -> DecisionLink:
        """The link of a ticket, used or not.

        Raises:
            InvalidKeyError: it was revoked, or nothing is known of it any more.
        """
        found = await self._get(ticket.workspace_id, ticket.link_id)
        if found is None or found[0].revoked_at is not None:
            raise InvalidKeyError("This link was revoked; ask for a new one or sign in")
        return found[0]

    async def get(self, point: PointOf, link_id: str) -> DecisionLink | None:
        """A link to a point by its id; ``None`` where the point has no such link, or none any more."""
        found = await self._get(point.workspace_id, link_id) if is_at(point, link_id) else None
        return None if found is None else found[0]

    async def at(
        self, point: PointOf, *, user_id: str | None = None, after: str = "", limit: int = MOST
    ) -> list[tuple[str, DecisionLink]]:
        """The links to a point that have not expired, with their ids, from the one after ``after``.

        Args:
            point: where they lead.
            user_id: whose alone; ``None``: everybody's.
            after: the id of the last one of the page before.
            limit: how many at most.
        """
        prefix = _point_prefix(point) if user_id is None else _id_prefix(point, user_id)
        page = await self._page(point.workspace_id, prefix, after=max(after, prefix), limit=limit)
        return [(kept.key, _links.decode(kept.value)) for kept in page]

    async def revoke(self, point: PointOf, link_id: str) -> DecisionLink | None:
        """Let a link be good for nothing from now on; gives it, ``None`` where the point has no such link."""
        if not is_at(point, link_id):
            return None
        now = self._clock()
        return await self._change(
            point.workspace_id,
            link_id,
            lambda link: link if link.revoked_at is not None else replace(link, revoked_at=now),
        )

    async def used(
        self, principal: Principal, *, event_id: int | None = None, request_key: str | None = None
    ) -> None:
        """Note that a decision was recorded which came by a link: the link decides nothing more.

        The log has the decision already: a crash before this lets nobody decide twice.

        Args:
            principal: whose decision it is; one who came otherwise is let be.
            event_id: the event that recorded it.
            request_key: names its request, so that a retry is known; ``None``: none is.
        """
        if principal.link_id is None:
            return
        used_at, used_for = self._clock(), _digest_of(request_key)
        await self._change(
            principal.workspace_id,
            principal.link_id,
            lambda link: (
                link
                if link.used_at is not None
                else replace(link, used_at=used_at, event_id=event_id, used_for=used_for)
            ),
        )

    async def _change(
        self, workspace_id: UUID, link_id: str, alter: Callable[[DecisionLink], DecisionLink]
    ) -> DecisionLink | None:
        for _ in range(_TRIES):
            found = await self._get(workspace_id, link_id)
            if found is None:
                return None
            link, version = alter(found[0]), found[1]
            if link == found[0]:
                return link
            try:
                await self._put(workspace_id, link_id, link, expected=version)
            except RecordConflictError:
                continue
            return link
        raise StoreUnavailableError("the link is being changed by others")

    async def _get(self, workspace_id: UUID, link_id: str) -> tuple[DecisionLink, int] | None:
        kept = await self._records.get(KIND, workspace_id, link_id)
        return None if kept is None else (_links.decode(kept.value), kept.version)

    async def _put(self, workspace_id: UUID, link_id: str, link: DecisionLink, *, expected: int) -> None:
        await self._records.put(
            KIND, workspace_id, link_id, _encode(link), expected=expected, expires_at=link.expires_at
        )

    async def _page(self, workspace_id: UUID, prefix: str, *, after: str, limit: int) -> list[Kept]:
        page = await self._records.list(KIND, workspace_id, after=after, limit=limit)
        return [kept for kept in page if kept.key.startswith(prefix)]


def is_token(text: str) -> bool:
    """Whether a credential is meant to be a link's token."""
    return text.startswith(PREFIX)


def is_at(point: PointOf, link_id: str) -> bool:
    """Whether a text could be the id of a link to a point; any other is none."""
    return _ID.fullmatch(link_id) is not None and link_id.startswith(_point_prefix(point))


def is_retry(link: DecisionLink, request_key: str | None) -> bool:
    """Whether a request repeats the one that a link was used for."""
    return request_key is not None and link.used_for == _digest_of(request_key)


def page_of(workflow_id: str, execution_id: str, context_id: str, token: str) -> str:
    """The path and query of a link: the page of its pause point, with its token.

    Args:
        workflow_id: of the execution.
        execution_id: as callers know it.
        context_id: of the pause point.
        token: of the link.
    """
    place = f"/resume/{quote(workflow_id, safe='')}/{quote(execution_id, safe='')}"
    return f"{place}?{urlencode({'contextId': context_id, PARAMETER: token})}"


def _id_prefix(point: PointOf, user_id: str) -> str:
    """What the ids of a person's links to a point begin with, so that a page of records is theirs."""
    return _point_prefix(point) + sha256(user_id.encode()).hexdigest()[:_PERSON_DIGITS]


def _point_prefix(point: PointOf) -> str:
    named = f"{point.log_id}/{point.context_id}"
    return sha256(named.encode()).hexdigest()[:_POINT_DIGITS]


def _digest_of(request_key: str | None) -> str | None:
    return None if request_key is None else sha256(request_key.encode()).hexdigest()
