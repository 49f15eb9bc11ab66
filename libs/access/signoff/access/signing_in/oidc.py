"""Sign-in by OpenID Connect: the authorization code flow with PKCE, state and nonce, checked to the end.

OpenID Connect Core 1.0 (3.1), OAuth 2.0 Security Best Current Practice (RFC 9700), PKCE (RFC 7636), issuer
identification (RFC 9207).
"""

import asyncio
import hashlib
import hmac
import secrets
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar
from urllib.parse import quote, urlencode, urlsplit

import aiohttp
import msgspec
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from msgspec import Struct

from signoff.access.errors import ProviderError
from signoff.access.signing_in.people import folded

ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""Signatures that are taken: with a public key all of them, so that nobody signs with what all can read."""

TIME_LIMIT: Final = 10.0
"""Seconds that the provider has for one answer."""

_MAX_ANSWER: Final = 1024 * 1024
_KEEP: Final = 3600.0
_KEYS_AGAIN_AFTER: Final = 30.0
_LEEWAY: Final = 60
_RANDOM_BYTES: Final = 32

T = TypeVar("T")


class ProviderSettings(Struct, frozen=True, kw_only=True):
    """How the provider is reached, and who we are there."""

    issuer: str
    client_id: str
    client_secret: str | None = None
    scopes: tuple[str, ...] = ("email", "profile")


class Challenge(Struct, frozen=True, kw_only=True, rename="camel"):
    """What a sign-in was begun with, and its end is checked against. All but ``state`` stays with us."""

    state: str
    nonce: str
    verifier: str
    redirect_uri: str

    @classmethod
    def new(cls, redirect_uri: str) -> "Challenge":
        """A challenge of random texts."""
        state, nonce, verifier = (secrets.token_urlsafe(_RANDOM_BYTES) for _ in range(3))
        return cls(state=state, nonce=nonce, verifier=verifier, redirect_uri=redirect_uri)


class Vouched(Struct, frozen=True, kw_only=True):
    """Whom the provider vouches for; ``email`` only when the provider says that it is theirs."""

    issuer: str
    subject: str
    email: str | None
    name: str | None


class _Metadata(Struct, frozen=True):
    """What is used of the provider's discovery document (OpenID Connect Discovery 1.0, 3)."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)
    authorization_response_iss_parameter_supported: bool = False


class _Tokens(Struct, frozen=True):
    id_token: str


class _Cached(Struct, frozen=True):
    metadata: _Metadata
    keys: KeySet
    fetched_at: float


class Provider:
    """An OpenID provider. Its addresses come from the operator, so they may be private.

    Args:
        settings: of the provider.
        clock: seconds since the epoch, UTC.
    """

    def __init__(self, settings: ProviderSettings, *, clock: Callable[[], float] = time.time) -> None:
        self._settings = settings
        self._clock = clock
        self._session: aiohttp.ClientSession | None = None
        self._cached: _Cached | None = None
        self._fetching = asyncio.Lock()

    async def close(self) -> None:
        """Let go of every connection."""
        if self._session is not None:
            await self._session.close()

    async def address(self, challenge: Challenge) -> str:
        """Where to send the browser.

        Raises:
            ProviderError: the provider is away.
        """
        endpoint = (await self._known()).metadata.authorization_endpoint
        query = {
            "response_type": "code",
            "client_id": self._settings.client_id,
            "redirect_uri": challenge.redirect_uri,
            "scope": " ".join(dict.fromkeys(["openid", *self._settings.scopes])),
            "state": challenge.state,
            "nonce": challenge.nonce,
            "code_challenge": _base64url(hashlib.sha256(challenge.verifier.encode()).digest()),
            "code_challenge_method": "S256",
        }
        return f"{endpoint}{'&' if urlsplit(endpoint).query else '?'}{urlencode(query)}"

    async def vouch(self, challenge: Challenge, answer: Mapping[str, str]) -> Vouched:
        """Whom the provider vouches for, by the query that it sent the browser back with.

        Args:
            challenge: that the sign-in was begun with, and that nobody has used since.
            answer: the query: ``code``, ``state`` and, of some providers, ``iss``.

        Raises:
            ProviderError: the provider refused or is away, or something does not fit.
        """
        known = await self._known()
        if not hmac.compare_digest(answer.get("state", "").encode(), challenge.state.encode()):
            raise ProviderError("the state is another one than the sign-in began with")
        self._check_sender(known.metadata, answer)
        code = answer.get("code")
        if not code:
            raise ProviderError("the provider let nobody in")
        token = await self._redeem(known.metadata, code, challenge)
        return self._read(await self._claims(token, known), challenge)

    def _check_sender(self, metadata: _Metadata, answer: Mapping[str, str]) -> None:
        sender = answer.get("iss")
        if sender is None and not metadata.authorization_response_iss_parameter_supported:
            return
        if sender != metadata.issuer:
            raise ProviderError("the answer comes from another provider")

    async def _redeem(self, metadata: _Metadata, code: str, challenge: Challenge) -> str:
        """The ID token for a code."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": challenge.redirect_uri,
            "code_verifier": challenge.verifier,
        }
        headers = {}
        name, secret = self._settings.client_id, self._settings.client_secret
        if secret is None:
            form["client_id"] = name
        elif "client_secret_basic" in metadata.token_endpoint_auth_methods_supported:
            # RFC 6749, 2.3.1: both are form-encoded before they are put together.
            headers["Authorization"] = aiohttp.encode_basic_auth(quote(name, safe=""), quote(secret, safe=""))
        else:
            form |= {"client_id": name, "client_secret": secret}
        return (
            await self._fetch("POST", metadata.token_endpoint, _Tokens, form=form, headers=headers)
        ).id_token

    async def _claims(self, token: str, known: _Cached) -> dict[str, Any]:
        """The claims of an ID token whose signature is good. A key that is new there is fetched."""
        try:
            return _verified(token, known.keys)
        except (JoseError, ValueError):
            newer = await self._known(newer_than=known)
        try:
            return _verified(token, newer.keys)
        except (JoseError, ValueError) as error:
            raise ProviderError(f"the ID token is not the provider's ({error})") from error

    def _read(self, claims: dict[str, Any], challenge: Challenge) -> Vouched:
        """Check all that Core 1.0, 3.1.3.7 asks for, and take out what matters."""
        client = self._settings.client_id
        registry = jwt.JWTClaimsRegistry(
            now=lambda: int(self._clock()),
            leeway=_LEEWAY,
            iss={"essential": True, "value": self._settings.issuer},
            sub={"essential": True, "allow_blank": False},
            aud={"essential": True, "value": client},
            exp={"essential": True},
            iat={"essential": True},
            nonce={"essential": True, "value": challenge.nonce},
        )
        try:
            registry.validate(claims)
        except JoseError as error:
            raise ProviderError(f"the ID token cannot be taken ({error})") from error
        several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
        if (several or "azp" in claims) and claims.get("azp") != client:
            raise ProviderError("the ID token is for another client")
        return Vouched(
            issuer=claims["iss"],
            subject=claims["sub"],
            email=_address(claims),
            name=_text(claims.get("name")),
        )

    async def _known(self, *, newer_than: _Cached | None = None) -> _Cached:
        """The provider's metadata and keys, not older than an hour.

        Args:
            newer_than: these do not do; they are fetched again, but not twice within half a minute.
        """
        async with self._fetching:
            cached, now = self._cached, self._clock()
            if cached is not None:
                asked_again = cached is newer_than and now - cached.fetched_at >= _KEYS_AGAIN_AFTER
                if now - cached.fetched_at < _KEEP and not asked_again:
                    return cached
            self._cached = await self._discover()
            return self._cached

    async def _discover(self) -> _Cached:
        issuer = self._settings.issuer
        place = f"{issuer.rstrip('/')}/.well-known/openid-configuration"
        metadata = await self._fetch("GET", place, _Metadata)
        if metadata.issuer != issuer:
            raise ProviderError(
                f"the provider says that it is {metadata.issuer!r}: set SIGNOFF_OIDC_ISSUER so"
            )
        found = await self._fetch("GET", metadata.jwks_uri, dict[str, Any])
        try:
            keys = KeySet.import_key_set({"keys": [each for each in found["keys"] if _is_public(each)]})
        except (JoseError, ValueError, KeyError, TypeError) as error:
            raise ProviderError(f"the provider's keys cannot be read ({error})") from error
        return _Cached(metadata, keys, self._clock())

    async def _fetch(
        self,
        method: str,
        url: str,
        kind: type[T],
        *,
        form: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> T:
        if self._session is None:
            self._session = aiohttp.ClientSession()
        try:
            async with self._session.request(
                method,
                url,
                data=form,
                headers={"Accept": "application/json", **(headers or {})},
                timeout=aiohttp.ClientTimeout(total=TIME_LIMIT),
                allow_redirects=False,
            ) as response:
                if response.status != 200:
                    raise ProviderError(f"the provider answered {response.status} at {url}")
                return msgspec.json.decode(await _body(response), type=kind)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise ProviderError(
                f"the provider cannot be reached at {url} ({type(error).__name__})"
            ) from error
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise ProviderError(f"the provider's answer at {url} cannot be read ({error})") from error


async def _body(response: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for piece in response.content.iter_any():
        body += piece
        if len(body) > _MAX_ANSWER:
            raise ProviderError(f"the provider's answer at {response.url} is larger than {_MAX_ANSWER} bytes")
    return bytes(body)


def _verified(token: str, keys: KeySet) -> dict[str, Any]:
    return dict(jwt.decode(token, keys, algorithms=ALGORITHMS).claims)


def _is_public(key: Any) -> bool:
    """Whether a key of a JWKS is one to verify with; providers may list others, of kinds not known here."""
    return isinstance(key, dict) and key.get("kty") in ("RSA", "EC", "OKP") and key.get("use", "sig") == "sig"


def _address(claims: Mapping[str, Any]) -> str | None:
    """The address that the provider says is theirs, if it is one."""
    address = _text(claims.get("email")) if claims.get("email_verified") is True else None
    try:
        return None if address is None else folded(address) and address
    except ValueError:
        return None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _base64url(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()
