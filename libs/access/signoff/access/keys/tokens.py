"""Stream tokens: they let an ``EventSource``, which sends no headers, open one stream for its caller."""

import math
import time
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping, Sequence
from typing import Final, Literal
from uuid import UUID

import msgspec
from msgspec import Struct

from signoff.access.errors import InvalidKeyError, SealError
from signoff.access.secrets.sealing import Sealer
from signoff.events.types import Actor

LIFETIME: Final = 60.0
"""Seconds in which a token must be used. The stream that it opens may last longer."""

PARAMETER: Final = "token"
"""The query parameter that carries it."""

_CONTEXT: Final = "stream token"
_LONGEST: Final = 8000


class StreamGrant(Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """What a token is for, and whose it is. It gives no more than its maker may do when it is used.

    Attributes:
        actor_type: a user (of a session) or an API key.
        actor_id: its id.
        expires_at: seconds since the epoch, UTC.
        workspace_id: of the one execution that may be streamed.
        log_id: its log; ``None``: the token is for a feed.
        feed: the parameters of the one feed that may be opened.
    """

    actor_type: Literal["user", "apiKey"]
    actor_id: str
    expires_at: float
    workspace_id: UUID | None = None
    log_id: UUID | None = None
    feed: dict[str, list[str]] = {}


_decoder: Final = msgspec.json.Decoder(StreamGrant)
_encode: Final = msgspec.json.encode


class StreamTokens:
    """Makes tokens and reads them. A token holds all that it stands for, sealed, and is kept nowhere.

    Args:
        sealer: with the secret key that gateways and stream services share.
        clock: seconds since the epoch, UTC.
    """

    def __init__(self, sealer: Sealer, *, clock: Callable[[], float] = time.time) -> None:
        self._sealer = sealer
        self._clock = clock

    def for_execution(self, actor: Actor, *, workspace_id: UUID, log_id: UUID) -> tuple[str, float]:
        """A token to stream one execution, and when it expires (seconds since the epoch, UTC)."""
        return self._sealed(self._grant(actor, workspace_id=workspace_id, log_id=log_id))

    def for_feed(self, actor: Actor, parameters: Mapping[str, Sequence[str]]) -> tuple[str, float]:
        """A token to open one feed, and when it expires (seconds since the epoch, UTC).

        Args:
            actor: whose it is.
            parameters: of the feed, as its query would have them.
        """
        feed = {name: list(values) for name, values in parameters.items() if values}
        return self._sealed(self._grant(actor, feed=feed))

    def read(self, token: str) -> StreamGrant:
        """What a token gives that was presented just now.

        Raises:
            InvalidKeyError: it is none of this server's, or has expired.
        """
        if len(token) > _LONGEST:
            raise InvalidKeyError("Invalid stream token")
        try:
            said = self._sealer.open(b64decode(token, altchars="-_", validate=True), context=_CONTEXT)
        except (ValueError, SealError):  # where it is from does not matter, and an error may be logged
            raise InvalidKeyError("Invalid stream token") from None
        grant = _decoder.decode(said)
        if grant.expires_at <= self._clock():
            raise InvalidKeyError("Stream token expired; ask for a new one")
        return grant

    def _grant(
        self,
        actor: Actor,
        *,
        workspace_id: UUID | None = None,
        log_id: UUID | None = None,
        feed: dict[str, list[str]] | None = None,
    ) -> StreamGrant:
        if actor.type not in ("user", "apiKey"):
            raise ValueError(f"a {actor.type} opens no streams")
        return StreamGrant(
            actor_type=actor.type,
            actor_id=actor.id,
            # Whole seconds, so that the length of a token tells nothing but that of what it is for.
            expires_at=float(math.ceil(self._clock() + LIFETIME)),
            workspace_id=workspace_id,
            log_id=log_id,
            feed=feed or {},
        )

    def _sealed(self, grant: StreamGrant) -> tuple[str, float]:
        sealed = self._sealer.seal(_encode(grant), context=_CONTEXT)
        return urlsafe_b64encode(sealed).decode("ascii"), grant.expires_at
