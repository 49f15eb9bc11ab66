"""API keys as callers see them; how they are made and rotated for whomever they are."""

import time
from typing import Annotated, Final
from uuid import UUID

import msgspec
from aiohttp import web
from msgspec import Meta, Struct

from signoff.access.callers import Principal
from signoff.access.directory.fold import Key
from signoff.access.keys.making import digest_of, new_key
from signoff.access.permissions import expanded
from signoff.events.errors import RecordConflictError
from signoff.events.times import iso
from signoff.events.types import Json, KeyCreated, KeyRevoked, KeyRotated, Role
from signoff.gateway.commands import request_digest
from signoff.gateway.directory import change
from signoff.gateway.errors import ApiError, bad_field
from signoff.gateway.gateway import GATEWAY
from signoff.gateway.http.headers import idempotency_key
from signoff.gateway.http.moments import read_moment
from signoff.gateway.people.identity import IDENTITY, Name, fresh_id

MAX_OVERLAP: Final = 30 * 24 * 3600
MAX_LIFE: Final = 10 * 365 * 24 * 3600
MISSING: Final = "API key not found"

_RETRY_WITHIN: Final = 3600.0
"""Seconds in which a retry under the same ``Idempotency-Key`` is told the secret again."""

_KIND: Final = "new-key"
_SCOPE: Final = UUID(int=0)


class NewKeyBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """A key to make.

    Attributes:
        name: What it is for.
        roles: What it may do at most. A workspace's key must have some; a personal key without may do all
            that its user may.
        workspace_id: Where alone a personal key acts; elsewhere it is not to be given.
        expires_in_seconds: After how long it expires.
        expires_at: When it expires, instead: UTC, ISO 8601.
    """

    name: Name
    roles: Annotated[list[Role], Meta(min_length=1)] | None = None
    workspace_id: str | None = None
    expires_in_seconds: Annotated[int, Meta(ge=1, le=MAX_LIFE)] | None = None
    expires_at: str | None = None


class RotateKeyBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """A rotation.

    Attributes:
        overlap_seconds: How long the secret before stays good, besides the new one.
    """

    overlap_seconds: Annotated[int, Meta(ge=0, le=MAX_OVERLAP)] = 0


class KeyView(Struct, frozen=True, kw_only=True, rename="camel"):
    """An API key, without its secret.

    Attributes:
        id: names the key in the log.
        name: what it is for.
        workspace_id: where alone it acts, if it is bound.
        user_id: whose it is, if it is personal.
        roles: what it may do at most.
        created_at: UTC, ISO 8601, as all times.
        expires_at: after that it is good for nothing.
        last_used_at: about a minute exact.
    """

    id: str
    name: str
    workspace_id: str | None
    user_id: str | None
    roles: list[Role] | None
    created_at: str
    expires_at: str | None
    last_used_at: str | None


class NewKeyView(KeyView, frozen=True, kw_only=True, rename="camel"):
    """A key with its secret, which is shown this once."""

    key: str


class KeyList(Struct, frozen=True, kw_only=True, rename="camel"):
    """A page of keys."""

    keys: list[KeyView]
    next_cursor: str | None


class _Secret(Struct, frozen=True):
    """A key's secret; ``digest`` names the request that it was made for."""

    key_id: str
    key: str
    digest: str


def check_roles(caller: Principal, roles: list[Role] | None) -> None:
    """Make sure that a key gets no roles which the caller has not.

    Raises:
        ApiError: 403 names them.
    """
    missing = sorted(expanded(roles or []) - caller.roles)
    if missing:
        raise ApiError(403, f"Nobody grants roles that they do not have: {', '.join(missing)}")


async def make_key(
    request: web.Request,
    caller: Principal,
    body: NewKeyBody,
    *,
    user_id: str | None = None,
    workspace_id: str | None = None,
    owner_id: str | None = None,
) -> NewKeyView:
    """Make a key, with its secret, which is shown once: also to a retry with the same ``Idempotency-Key``.

    Args:
        request: asks for it.
        caller: may make it.
        body: what it is.
        user_id: whose it is, if it is personal.
        workspace_id: where alone it acts.
        owner_id: who makes a workspace's key.

    Raises:
        ApiError: 400, it would have expired; 409, the ``Idempotency-Key`` was used for something else.
    """
    expires_at = _expiry(body)
    asked: Json = msgspec.to_builtins(body)
    secret = await _secret(request, caller, asked)
    fact = KeyCreated(
        actor=caller.actor,
        key_id=secret.key_id,
        name=body.name,
        digest=digest_of(secret.key),
        workspace_id=workspace_id,
        user_id=user_id,
        owner_id=owner_id,
        roles=body.roles,
        expires_at=expires_at,
    )
    await change(request, caller, [fact], body=asked)
    return await _show(request, secret)


async def rotate_key(request: web.Request, caller: Principal, key_id: str, body: RotateKeyBody) -> NewKeyView:
    """Give a key another secret, which is shown once; retried as `make_key`.

    Raises:
        ApiError: as `make_key`.
    """
    asked: Json = msgspec.to_builtins(body)
    secret = msgspec.structs.replace(await _secret(request, caller, asked), key_id=key_id)
    fact = KeyRotated(
        actor=caller.actor,
        key_id=key_id,
        digest=digest_of(secret.key),
        previous_until=iso(time.time() + body.overlap_seconds),
    )
    await change(request, caller, [fact], body=asked)
    return await _show(request, secret)


async def revoke_key(request: web.Request, caller: Principal, key_id: str) -> None:
    """Let a key be good for nothing from now on."""
    await change(request, caller, [KeyRevoked(actor=caller.actor, key_id=key_id)])
    await request.app[IDENTITY].key_uses.forget(key_id)


async def key_views(request: web.Request, key_ids: list[str]) -> list[KeyView]:
    """Keys as callers see them."""
    keys = request.app[GATEWAY].directory.state.keys
    found = [(key_id, keys[key_id]) for key_id in key_ids]
    used = await request.app[IDENTITY].key_uses.last(key_ids)
    return [_view(key_id, key, used.get(key_id)) for key_id, key in found]


def _view(key_id: str, key: Key, used: float | None) -> KeyView:
    return KeyView(
        id=key_id,
        name=key.name,
        workspace_id=key.workspace_id,
        user_id=key.user_id,
        roles=key.roles,
        created_at=iso(key.created_at),
        expires_at=None if key.expires_at is None else iso(key.expires_at),
        last_used_at=None if used is None else iso(used),
    )


async def _show(request: web.Request, secret: _Secret) -> NewKeyView:
    key = request.app[GATEWAY].directory.state.keys.get(secret.key_id)
    if key is None or key.digest != digest_of(secret.key):
        raise ApiError(409, "This Idempotency-Key was used before, and what it made is shown no more")
    (view,) = await key_views(request, [secret.key_id])
    return NewKeyView(**msgspec.structs.asdict(view), key=secret.key)


def _expiry(body: NewKeyBody) -> str | None:
    if body.expires_in_seconds is not None:
        if body.expires_at is not None:
            raise bad_field("expiresAt", "cannot be given with expiresInSeconds")
        return iso(time.time() + body.expires_in_seconds)
    if body.expires_at is None:
        return None
    moment = read_moment("expiresAt", body.expires_at)
    if not 0 < moment - time.time() <= MAX_LIFE:
        raise bad_field("expiresAt", "must be in the next ten years")
    return iso(moment)


async def _secret(request: web.Request, caller: Principal, asked: Json) -> _Secret:
    """A new secret, or, for a retry, the one of the first try: it is kept for an hour, sealed."""
    key_id = fresh_id(request, caller)
    secret = _Secret(key_id, new_key(), request_digest(f"{request.method} {request.path}", asked))
    if idempotency_key(request) is None:
        return secret
    gateway = request.app[GATEWAY]
    records, context = gateway.store.records, f"{_KIND}/{key_id}"
    sealed = gateway.sealer.seal(msgspec.json.encode(secret), context=context)
    try:
        await records.put(_KIND, _SCOPE, key_id, sealed, expected=0, expires_at=time.time() + _RETRY_WITHIN)
    except RecordConflictError:
        first = await _first(request, key_id, context)
        if first is None or first.digest != secret.digest:
            raise ApiError(409, "This Idempotency-Key was used with another request before") from None
        return first
    return secret


async def _first(request: web.Request, key_id: str, context: str) -> _Secret | None:
    gateway = request.app[GATEWAY]
    kept = await gateway.store.records.get(_KIND, _SCOPE, key_id)
    if kept is None:
        return None
    return msgspec.json.decode(gateway.sealer.open(kept.value, context=context), type=_Secret)
