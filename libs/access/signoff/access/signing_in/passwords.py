"""Passwords: Argon2id, worked out in threads, a few at once."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from signoff.access.errors import PasswordsBusyError

MIN_LENGTH: Final = 10
MAX_LENGTH: Final = 200
"""Characters of a password. Length is all that is asked of it (NIST SP 800-63B, 3.1.1.2)."""

_AT_ONCE: Final = 2
_MOST_WAITING: Final = 64

T = TypeVar("T")


class Passwords:
    """Hashes and verifies passwords. One for a process, since each hash takes 64 MiB and a core.

    Args:
        hasher: with the parameters of new hashes; the library's defaults otherwise.
        at_once: how many hashes are worked out at the same time.
        most_waiting: how many wait for that; more are refused.
    """

    def __init__(
        self,
        hasher: PasswordHasher | None = None,
        *,
        at_once: int = _AT_ONCE,
        most_waiting: int = _MOST_WAITING,
    ) -> None:
        self._hasher = hasher or PasswordHasher()
        self._places = asyncio.Semaphore(at_once)
        self._most = at_once + most_waiting
        self._inside = 0
        self._nobodys: str | None = None

    async def hash(self, password: str) -> str:
        """The hash of a new password, with its parameters and its salt.

        Raises:
            PasswordsBusyError: too many are waiting.
        """
        return await self._in_thread(lambda: self._hasher.hash(password))

    async def verify(self, kept: str | None, password: str) -> bool:
        """Whether a password is the one that was hashed.

        Args:
            kept: the hash; ``None`` for somebody who has none, or is not there: it takes as long, so that
                nobody can tell by the time.
            password: as it was presented.

        Raises:
            PasswordsBusyError: too many are waiting.
        """
        if self._nobodys is None:
            self._nobodys = await self.hash(secrets.token_urlsafe())
        against = kept or self._nobodys
        return await self._in_thread(lambda: self._matches(against, password)) and kept is not None

    def is_outdated(self, kept: str) -> bool:
        """Whether a hash has other parameters than new ones: hash its password again at the next sign-in."""
        return self._hasher.check_needs_rehash(kept)

    def _matches(self, kept: str, password: str) -> bool:
        try:
            return self._hasher.verify(kept, password)
        except (VerificationError, InvalidHashError):
            return False

    async def _in_thread(self, work: Callable[[], T]) -> T:
        async with self._place():
            return await asyncio.to_thread(work)

    @asynccontextmanager
    async def _place(self) -> AsyncIterator[None]:
        if self._inside >= self._most:
            raise PasswordsBusyError("Too many sign-ins at once")
        self._inside += 1
        try:
            async with self._places:
                yield
        finally:
            self._inside -= 1
