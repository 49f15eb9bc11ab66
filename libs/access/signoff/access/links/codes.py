"""Step-up codes: whoever decides by a link may have to show that they read the mail of its person."""

import hmac
import math
import secrets
import time
from collections.abc import Awaitable, Callable
from typing import Final, TypeAlias
from uuid import UUID

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from signoff.access.errors import TooManyCodesError, WrongCodeError
from signoff.access.secrets.sealing import Sealer
from signoff.events.codec import encode_json
from signoff.events.errors import RecordConflictError, StoreUnavailableError
from signoff.events.records import Records

GOOD_FOR: Final = 600.0
"""Seconds for which a code is good."""

ATTEMPTS: Final = 5
"""Wrong codes after which the one that was sent is good for nothing."""

SENDS: Final = 5
WINDOW: Final = 3600.0
"""Codes that are sent for a link within so many seconds."""

MOST_WRONG: Final = 25
"""Wrong codes after which a link takes no more: a million are possible, so that guessing is hopeless."""

DIGITS: Final = 6

SendCode: TypeAlias = Callable[[str, str, str], Awaitable[None]]
"""Sends a text: takes an e-mail address, a title, a body. Raises CodeNotSentError when it cannot."""

_KIND: Final = "decision-code"
_TRIES: Final = 16
_TITLE: Final = "Your code for a decision"
_BODY: Final = (
    "{code} is your code. It is good for {minutes:g} minutes.\n\n"
    "If you have not asked for it, somebody else has your link: do not pass the code on, "
    "and tell whoever sent you the link to revoke it.\n"
)


class _Known(Struct, frozen=True, kw_only=True):
    """What is known of a link's codes: the last one's digest, until when it is good, what was tried.

    ``tried`` counts attempts at this code; ``wrong`` those at all; ``sent_at`` are moments within `WINDOW`.
    """

    digest: str = ""
    until: float = 0.0
    tried: int = 0
    wrong: int = 0
    sent_at: list[float] = []


_decoder: Final = msgspec.json.Decoder(_Known)
_encode: Final = msgspec.json.encode


class DecisionCodes:
    """Sends codes and checks them. Only a keyed digest of a code is kept.

    Every method raises :class:`~signoff.events.errors.StoreUnavailableError` when the database is away.

    Args:
        records: hold what is known of codes, for all gateways together.
        sealer: makes the digests.
        send: sends a text to an address.
        clock: seconds since the epoch, UTC.
    """

    def __init__(
        self,
        records: Records,
        sealer: Sealer,
        send: SendCode,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._records = records
        self._sealer = sealer
        self._send = send
        self._clock = clock

    async def send(self, workspace_id: UUID, link_id: str, address: str, *, keep_until: float) -> float:
        """Send a new code; the one before is good for nothing any more.

        Args:
            workspace_id: of the link.
            link_id: the link that it is for.
            address: the person's.
            keep_until: when the link ends, and what was tried may be forgotten (seconds since the epoch).

        Returns:
            Until when it is good, seconds since the epoch.

        Raises:
            TooManyCodesError: there were `SENDS` within `WINDOW`, or `MOST_WRONG` wrong ones.
            CodeNotSentError: it could not be sent; ask for another one.
        """
        code = f"{secrets.randbelow(10**DIGITS):0{DIGITS}}"
        for _ in range(_TRIES):
            known, version = await self._known(workspace_id, link_id)
            now = self._clock()
            recent = [each for each in known.sent_at if each > now - WINDOW]
            if known.wrong >= MOST_WRONG:
                raise TooManyCodesError
            if len(recent) >= SENDS:
                raise TooManyCodesError(max(1, math.ceil(recent[0] + WINDOW - now)))
            until = now + GOOD_FOR
            following = _Known(
                digest=self._digest(link_id, code), until=until, wrong=known.wrong, sent_at=[*recent, now]
            )
            if await self._keep(workspace_id, link_id, following, expected=version, until=keep_until):
                await self._send(address, _TITLE, _BODY.format(code=code, minutes=GOOD_FOR / 60))
                return until
        raise StoreUnavailableError("codes for the link are being sent by others")

    async def check(self, workspace_id: UUID, link_id: str, code: str, *, keep_until: float) -> None:
        """Make sure that a code is the one that was sent last.

        An attempt is counted before it is looked at, so that many at once get no more than one after the
        other; a right one is uncounted.

        Args:
            workspace_id: of the link.
            link_id: the link that the code is to be for.
            code: as it was given.
            keep_until: as of `send`.

        Raises:
            WrongCodeError: it is not, or is not good any more.
        """
        for _ in range(_TRIES):
            known, version = await self._known(workspace_id, link_id)
            if known.until <= self._clock() or known.tried >= ATTEMPTS or known.wrong >= MOST_WRONG:
                raise WrongCodeError("There is no code that is still good; ask for a new one")
            counted = replace(known, tried=known.tried + 1, wrong=known.wrong + 1)
            if not await self._keep(workspace_id, link_id, counted, expected=version, until=keep_until):
                continue
            if not hmac.compare_digest(known.digest, self._digest(link_id, code)):
                raise WrongCodeError("The code is wrong; look at the last one that was sent")
            await self._uncount(workspace_id, link_id, known.digest, until=keep_until)
            return
        raise StoreUnavailableError("the link's code is being tried by others")

    async def _uncount(self, workspace_id: UUID, link_id: str, digest: str, *, until: float) -> None:
        """Uncount an attempt at a code; where others try it at the same moment it may stay counted."""
        known, version = await self._known(workspace_id, link_id)
        if known.digest == digest:
            fewer = replace(known, tried=max(0, known.tried - 1), wrong=max(0, known.wrong - 1))
            await self._keep(workspace_id, link_id, fewer, expected=version, until=until)

    async def _known(self, workspace_id: UUID, link_id: str) -> tuple[_Known, int]:
        kept = await self._records.get(_KIND, workspace_id, link_id)
        return (_Known(), 0) if kept is None else (_decoder.decode(kept.value), kept.version)

    async def _keep(
        self, workspace_id: UUID, link_id: str, known: _Known, *, expected: int, until: float
    ) -> bool:
        try:
            await self._records.put(
                _KIND, workspace_id, link_id, _encode(known), expected=expected, expires_at=until
            )
        except RecordConflictError:
            return False
        return True

    def _digest(self, link_id: str, code: str) -> str:
        return self._sealer.digest(encode_json([_KIND, link_id, code]))
