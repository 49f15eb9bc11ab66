"""An OpenID provider on loopback: discovery, keys, a token endpoint that checks; and lies, when told to."""

import base64
import hashlib
import itertools
import json
import secrets
import time
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlencode, urlsplit

from aiohttp import web
from aiohttp.test_utils import TestServer
from aiohttp.typedefs import Handler
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

CLIENT_ID = "signoff"
CLIENT_SECRET = "a secret: of/the client"


class OidcProvider:
    """Lets everybody in whom a test names. It keeps no connection open.

    Attributes:
        claims: put into, or with ``None`` left out of, the next ID tokens.
        algorithm: they are signed with; ``none`` and ``HS256`` are lies.
        key: that signs them; the JWKS shows ``shown``.
        asked: the forms that the token endpoint got.
        vouches: the claims of whoever comes with a browser.
    """

    def __init__(self) -> None:
        self.shown = new_key()
        self._codes: dict[str, dict[str, Any]] = {}
        self._people = itertools.count(1)
        self.be_honest()
        app = web.Application(middlewares=[_closing])
        app.router.add_get("/.well-known/openid-configuration", self._discover)
        app.router.add_get("/jwks", self._jwks)
        app.router.add_get("/authorize", self._authorize)
        app.router.add_post("/token", self._token)
        self._server = TestServer(app)

    async def __aenter__(self) -> Self:
        await self._server.start_server()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._server.close()

    def be_honest(self) -> None:
        """Tell the truth again, about another person than before."""
        self.claims: dict[str, Any] = {}
        self.algorithm = "RS256"
        self.key = self.shown
        self.asked: list[dict[str, str]] = []
        self.metadata: dict[str, Any] = {}
        self.subject = f"subject-{next(self._people)}"
        self.vouches: dict[str, Any] = {}

    @property
    def issuer(self) -> str:
        return str(self._server.make_url("")).rstrip("/")

    def consent(self, address: str, **claims: Any) -> str:
        """What the browser is sent back with, once its person has agreed: a path with its query.

        Args:
            address: where the browser was sent.
            claims: of the ID token: ``sub`` and the like.
        """
        query = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        assert address.startswith(f"{self.issuer}/authorize?")
        assert (query["response_type"], query["client_id"]) == ("code", CLIENT_ID)
        assert query["code_challenge_method"] == "S256"
        assert "openid" in query["scope"].split()
        code = secrets.token_urlsafe()
        self._codes[code] = {"query": query, "claims": claims}
        back = urlsplit(query["redirect_uri"])
        return f"{back.path}?{urlencode({'code': code, 'state': query['state'], 'iss': self.issuer})}"

    async def _discover(self, _: web.Request) -> web.Response:
        told = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/jwks",
            "authorization_response_iss_parameter_supported": True,
        }
        return web.json_response(told | self.metadata)

    async def _authorize(self, request: web.Request) -> web.Response:
        """For browsers: their person agrees at once."""
        redirect_uri = urlsplit(request.query["redirect_uri"])
        back = self.consent(f"{self.issuer}{request.path_qs}", **self.vouches)
        raise web.HTTPFound(f"{redirect_uri.scheme}://{redirect_uri.netloc}{back}")

    async def _jwks(self, _: web.Request) -> web.Response:
        return web.json_response({"keys": [self.shown.as_dict(private=False)]})

    async def _token(self, request: web.Request) -> web.Response:
        form = {name: str(value) for name, value in (await request.post()).items()}
        self.asked.append(form)
        secret = base64.b64decode(request.headers["Authorization"].removeprefix("Basic ")).decode()
        known = self._codes.pop(form["code"], None)
        if secret != "signoff:a%20secret%3A%20of%2Fthe%20client" or known is None:
            return web.json_response({"error": "invalid_grant"}, status=400)
        query = known["query"]
        digest = hashlib.sha256(form["code_verifier"].encode()).digest()
        if base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != query["code_challenge"]:
            return web.json_response({"error": "invalid_grant"}, status=400)
        assert form["redirect_uri"] == query["redirect_uri"]
        return web.json_response({"id_token": self._signed(query, known["claims"]), "token_type": "Bearer"})

    def _signed(self, query: dict[str, str], claims: dict[str, Any]) -> str:
        now = int(time.time())
        full = {
            "iss": self.issuer,
            "sub": self.subject,
            "aud": CLIENT_ID,
            "exp": now + 300,
            "iat": now,
            "nonce": query["nonce"],
            **claims,
            **self.claims,
        }
        told = {name: value for name, value in full.items() if value is not None}
        if self.algorithm == "none":
            head, body = (_part(each) for each in ({"alg": "none", "kid": "first"}, told))
            return f"{head}.{body}."
        if self.algorithm == "HS256":  # signed with what everybody can read: the public key
            key = OctKey.import_key(self.shown.as_pem(private=False))
            return jwt.encode({"alg": "HS256", "kid": "first"}, told, key, algorithms=["HS256"])
        header = {"alg": self.algorithm, "kid": self.key.kid}
        return jwt.encode(header, told, self.key, algorithms=[self.algorithm])


def new_key() -> RSAKey:
    return RSAKey.generate_key(2048, {"kid": "first", "use": "sig"})


@web.middleware
async def _closing(request: web.Request, handler: Handler) -> web.StreamResponse:
    response = await handler(request)
    response.force_close()
    return response


def _part(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()
