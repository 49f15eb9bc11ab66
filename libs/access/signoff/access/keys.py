"""Who a caller is, by the API key in a request's headers."""

import hmac
from collections.abc import Mapping
from typing import Final, Literal
from uuid import UUID

from msgspec import Struct

from signoff.access.errors import InvalidKeyError
from signoff.events.topics import DEFAULT_WORKSPACE
from signoff.events.types import Actor
from signoff.runtime.settings import Settings

Permission = Literal["read", "write", "admin"]

_RANK: Final = {"read": 1, "write": 2, "admin": 3}
_BOOTSTRAP: Final = Actor(type="apiKey", id="bootstrap")


class Principal(Struct, frozen=True):
    """An authenticated caller: who acts, in which workspace, and how much they may do there."""

    actor: Actor
    workspace_id: UUID
    permission: Permission

    def may(self, needed: Permission) -> bool:
        """Whether the caller's permission covers the one needed (read < write < admin)."""
        return _RANK[self.permission] >= _RANK[needed]


def authenticate(headers: Mapping[str, str], settings: Settings) -> Principal | None:
    """Find out who calls (http-contract.md, Authentication).

    Args:
        headers: of the request, names in any case; ``Authorization: Bearer`` comes before ``X-API-Key``.
        settings: hold the bootstrap key, which administers the default workspace.

    Returns:
        ``None`` when the request carries no key: answer 401 ``Unauthorized``.

    Raises:
        InvalidKeyError: nobody has this key: answer 401 ``Invalid API key``.
    """
    key = _presented(headers)
    if key is None:
        return None
    expected = settings.bootstrap_api_key
    if expected is None or not hmac.compare_digest(_bytes(key), _bytes(expected)):
        raise InvalidKeyError("Invalid API key")
    return Principal(_BOOTSTRAP, DEFAULT_WORKSPACE, "admin")


def _presented(headers: Mapping[str, str]) -> str | None:
    scheme, _, token = headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token.strip():
        return token.strip()
    return headers.get("X-API-Key", "").strip() or None


def _bytes(key: str) -> bytes:
    # Headers may hold bytes that are no UTF-8, which arrive as lone surrogates.
    return key.encode("utf-8", "surrogateescape")
