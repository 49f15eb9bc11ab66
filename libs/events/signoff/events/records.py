"""Small records beside the log: what must be erasable, secret, or soon forgotten.

A profile that a person may have erased, the hash of a password, a session, a sealed secret, the bucket of
a rate limit, a delivery to be tried again. The log keeps all that it is told for ever, so these are not
for the log; and whatever the log could hold belongs there and not here: these have no history and nobody
can follow them.

A record has a *kind* (what it is), a *scope* (whose it is: a workspace, a user) and a *key* within both.
:attr:`signoff.events.store.base.EventStore.records` keeps them in the log's database. Times are seconds
since the epoch, UTC; whether a record has expired is told by the database's clock.
"""

import re
from typing import Final, Protocol, TypeAlias
from uuid import UUID

from msgspec import Struct

from signoff.events.errors import ValueNotStorableError

MAX_KEY: Final = 512
"""Bytes of a key in UTF-8; an index of PostgreSQL takes no more than five times as many."""

MAX_VALUE: Final = 1024 * 1024
"""Bytes of a value; what is larger belongs into the object store."""

_KIND: Final = re.compile(r"[a-z0-9_.-]{1,32}")


class Kept(Struct, frozen=True, kw_only=True):
    """One record as it is kept.

    ``version`` is above every earlier one of the same key, also of one that was removed since.
    ``expires_at``: when it is gone, ``None`` for one that stays.
    """

    key: str
    value: bytes
    version: int
    expires_at: float | None


# A method of the port is called `list`, and would be meant by this word within the class.
Page: TypeAlias = list[Kept]
Due: TypeAlias = list[tuple[UUID, Kept]]


class Records(Protocol):
    """Records of every kind. Safe for concurrent use in one event loop; each call is one statement.

    An expired record is not there, for any method but :meth:`purge`. Every method raises
    :class:`~signoff.events.errors.StoreUnavailableError` when the database is away, within a bounded
    time. When a write raises it, the record may have been written: read it, or write it again with
    ``expected``.
    """

    async def get(self, kind: str, scope: UUID, key: str) -> Kept | None:
        """One record, ``None`` when it is not there."""
        ...

    async def put(
        self,
        kind: str,
        scope: UUID,
        key: str,
        value: bytes,
        *,
        expected: int | None = None,
        expires_at: float | None = None,
        due_at: float | None = None,
    ) -> int:
        """Keep a record in place of the one that is there: its value, its expiry and its due time.

        Args:
            kind: what it is: at most 32 of ``a-z``, ``0-9``, ``_``, ``.`` and ``-``.
            scope: whose it is.
            key: any text of 1 to :data:`MAX_KEY` bytes in UTF-8.
            value: at most :data:`MAX_VALUE` bytes.
            expected: the version that must be there, 0 for none; without it, whatever is there goes.
            expires_at: when the record is gone.
            due_at: when :meth:`due` gives it.

        Returns:
            The new version.

        Raises:
            RecordConflictError: another version is there than was expected; nothing was written.
            ValueNotStorableError: the kind, key or value is none of these.
        """
        ...

    async def remove(self, kind: str, scope: UUID, key: str, *, expected: int | None = None) -> bool:
        """Remove a record, or only its ``expected`` version; gives whether that was there."""
        ...

    async def list(self, kind: str, scope: UUID, *, after: str = "", limit: int = 100) -> Page:
        """Records of a scope by key (in the order of its bytes), from the one after ``after``."""
        ...

    async def due(self, kind: str, *, before: float, limit: int) -> Due:
        """Records of all scopes whose ``due_at`` is not after ``before``, earliest first, with the scope.

        Nobody else is kept from reading them, too. To take one, :meth:`put` it with its version as
        ``expected`` and a later ``due_at``.
        """
        ...

    async def purge(self, *, limit: int = 1000) -> int:
        """Delete up to ``limit`` expired records of all kinds, those first that expired first.

        Returns:
            How many; as many as the limit when more may be left.
        """
        ...


def check_record(kind: str, key: str, value: bytes) -> None:
    """Make sure that any database could hold a record.

    Raises:
        ValueNotStorableError: the kind is no name, the key empty or no Unicode, or something too long.
    """
    if not _KIND.fullmatch(kind):
        raise ValueNotStorableError("$.kind", f"{kind!r} is not 1 to 32 of a-z, 0-9, _, . and -")
    if not 0 < check_key(key) <= MAX_KEY:
        raise ValueNotStorableError("$.key", f"not 1 to {MAX_KEY} bytes: use a digest of it")
    if len(value) > MAX_VALUE:
        raise ValueNotStorableError("$.value", f"larger than {MAX_VALUE} bytes: keep it as a file")


def check_key(key: str) -> int:
    """Make sure that a key is a text that any database can be asked for; gives its bytes in UTF-8.

    Raises:
        ValueNotStorableError: it is no Unicode.
    """
    try:
        return len(key.encode())
    except UnicodeEncodeError as error:
        raise ValueNotStorableError("$.key", f"no Unicode ({error.reason})") from error
