"""Whose a key is, and what it may do where: ``GET /api/auth/session``."""

from typing import Final

from msgspec import Struct

from signoff.client.answers.workspaces import Workspace
from signoff.client.transport import Transport, api_path

_LIMIT: Final = 15.0
"""Seconds to find it out."""


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


async def who_acts(url: str, key: str | None) -> Caller:
    """Ask a server whose a key is.

    Args:
        url: of the server.
        key: the key; without one it is asked all the same, and refuses.

    Raises:
        AuthenticationError: nobody's.
        UnreachableError: no answer.
    """
    headers = {"X-API-Key": key} if key else {}
    transport = Transport(url, headers=headers, timeout=_LIMIT, max_retries=1)
    try:
        return await transport.call(Caller, "GET", api_path("auth", "session"))
    finally:
        await transport.close()
