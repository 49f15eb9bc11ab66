"""A canary in every kind of secret; whatever the server wrote or answered is searched for them."""

import asyncio
import hmac
import json
import os
import sys
from pathlib import Path
from typing import Final

import pytest
from aiohttp import web

from support.canaries import Canaries
from support.hooks import Receiver
from support.oidc_provider import OidcProvider
from support.openai_server import OpenAiServer, fails
from support.planted_server import EXECUTE, LIMIT, Planted, planted
from support.ports import unused_port


async def test_no_secret_stands_in_anything_that_is_written_or_answered(tmp_path: Path) -> None:
    async with planted(tmp_path) as (server, receiver, model, provider):
        await _people(server)
        await _sign_in_elsewhere(server, provider)
        await _keys(server)
        await _values(server, receiver)
        await _forms(server, receiver)
        await _models(server, model)
        await _outgoing_hooks(server, receiver)
        await _incoming_hooks(server)
        await _streams(server)
        await _decision_links(server)
        await _refusals(server)
        await _accesses(server)
        await _look_at_everything(server)
        found = _written(server)

    assert len(found) > 5, "nothing was written"
    leaks = {name: seen for name, text in found.items() if (seen := server.canaries.seen(text))}
    leaks |= {
        each.request: seen
        for each in server.http.answers
        if (seen := server.canaries.seen(each.everything, shown=each.shown))
    }
    assert leaks == {}


async def _people(server: Planted) -> None:
    canaries = server.canaries
    password, other = canaries.new("password"), canaries.new("new password")
    person = {"name": "Ada", "email": "ada@example.org"}
    await server.do("POST", "/api/users", json={**person, "password": password})
    await server.do("POST", f"{_DEFAULT}/members", json={"email": person["email"], "roles": ["admin"]})
    cookie = await _sign_in(server, "session", person["email"], password)
    changed = await server.http.send(
        "POST",
        "/api/users/me/password",
        json={"currentPassword": password, "newPassword": other},
        headers={"Cookie": cookie},
        shown={"next session"},
    )
    assert changed.status == 204
    _learn_session(server, "next session", changed.headers["Set-Cookie"])
    await _sign_in(server, "last session", person["email"], other)
    wrong = await server.http.send(
        "POST", "/api/auth/login", json={"email": person["email"], "password": canaries.new("wrong password")}
    )
    assert wrong.status == 401


async def _sign_in(server: Planted, name: str, email: str, password: str) -> str:
    answered = await server.http.send(
        "POST", "/api/auth/login", json={"email": email, "password": password}, shown={name}
    )
    assert answered.status == 200, answered.body
    return _learn_session(server, name, answered.headers["Set-Cookie"])


def _learn_session(server: Planted, name: str, cookie: str) -> str:
    pair = cookie.partition(";")[0]
    server.canaries.learn(name, pair.partition("=")[2])
    return pair


async def _sign_in_elsewhere(server: Planted, provider: OidcProvider) -> None:
    begun = await server.http.send("GET", "/api/auth/oidc")
    back = provider.consent(begun.headers["Location"], email="ada@example.org", email_verified=True)
    server.canaries.learn("OIDC code", back.partition("code=")[2].partition("&")[0])
    cookie = begun.headers["Set-Cookie"].partition(";")[0]
    done = await server.http.send("GET", back, headers={"Cookie": cookie}, shown={"OIDC session"})
    assert done.status == 302, done.body
    _learn_session(server, "OIDC session", done.headers["Set-Cookie"])
    again = await server.http.send("GET", back, headers={"Cookie": cookie})
    assert again.status == 401


async def _keys(server: Planted) -> None:
    made = await server.do(
        "POST", "/api/keys", json={"name": "a", "roles": ["read"]}, headers={"Idempotency-Key": "k"},
        shown={"workspace key"},
    )  # fmt: skip
    server.canaries.learn("workspace key", made["key"])
    path = f"/api/keys/{made['id']}/rotate"
    rotated = await server.do("POST", path, json={"overlapSeconds": 60}, shown={"rotated key"})
    server.canaries.learn("rotated key", rotated["key"])
    for key in (made["key"], rotated["key"]):
        assert await server.attempt("GET", "/api/workflows", headers={"X-API-Key": key}) == 200


async def _values(server: Planted, receiver: Receiver) -> None:
    """Values of the environment in every kind of block, where it works and where it fails."""
    value = server.canaries.new("environment value")
    await server.do("PUT", "/api/environment/OURS", json={"value": value})
    assert await server.run({"tell": {"type": "canary.tell"}}) == 200
    assert server.canaries.seen(await _streamed(server)) == []
    assert await server.run({"fail": {"type": "canary.fail"}}) == 500
    receiver.answer = lambda got: web.json_response({"echo": got.headers, "body": got.body.decode()})
    for name in ("OURS", "OPERATORS"):
        secret = "{{" + name + "}}"
        call = {"url": receiver.url(f"/echo?key={secret}"), "headers": {"Authorization": f"Bearer {secret}"}}
        assert (
            await server.run({"call": {"type": "api", "method": "POST", "body": {"k": secret}, **call}})
            == 200
        )
        assert await server.run({"keep": {"type": "variables", "set": {"told": secret}}}) == 200
        assert await server.run({"say": {"type": "response", "data": {"told": secret}}}) == 200
        for language, fail in (
            ("javascript", f"throw new Error({secret})"),
            ("python", f"raise ValueError({secret})"),
        ):
            assert (
                await server.run(
                    {"f": {"type": "function", "language": language, "code": f"return {secret}"}}
                )
                == 200
            )
            assert await server.run({"f": {"type": "function", "language": language, "code": fail}}) == 500
        assert await server.run({"call": {"type": "api", "url": f"http://127.0.0.1:9/{secret}"}}) == 500
    receiver.answer = lambda got: web.Response(status=500, text=repr(got.headers))
    assert await server.run({"call": {"type": "api", **call}}) == 500


async def _forms(server: Planted, receiver: Receiver) -> None:
    """What is typed into a form, where it is taken, used, told back, refused and retried."""
    secret = server.canaries.new("form's secret")
    receiver.answer = lambda got: web.json_response({"echo": got.headers, "body": got.body.decode()})
    call = {"url": receiver.url("/echo?pin=<ask.pin>"), "headers": {"X-Pin": "<ask.pin>"}}
    blocks = {
        "ask": {"type": "human_in_the_loop", "form": {"pin": {"type": "secret", "required": True}},
                "then": "call"},
        "call": {"type": "api", "method": "POST", "body": {"all": "<ask>"}, **call, "then": "fail"},
        "fail": {"type": "function", "code": "throw new Error(<ask.pin>)"},
    }  # fmt: skip
    await server.do("PUT", "/api/workflows/asking", json={"blocks": blocks})
    begun = await server.do("POST", EXECUTE.format("asking"), json={})
    path = f"/api/resume/asking/{begun['executionId']}"
    decision = {"submission": {"pin": secret}, "pin": secret}
    for point, given, key, status in (
        ("nowhere", decision, "a", 404), ("ask", {"submission": {}, "pin": secret}, "b", 422),
        ("ask", decision, "c", 200), ("ask", decision, "c", 200), ("ask", decision, "d", 409),
        ("ask", {"pin": [secret]}, "c", 409),
    ):  # fmt: skip
        headers = {"Idempotency-Key": key}
        assert await server.attempt("POST", f"{path}/{point}", json=given, headers=headers) == status
    told = receiver.received[-1]
    assert (secret in told.body.decode(), told.headers["X-Pin"]) == (True, secret)
    for shown in (path, f"{path}/ask"):
        assert await server.attempt("GET", shown) == 200


async def _streamed(server: Planted) -> bytes:
    """What a client that puts the pieces of a stream together reads."""
    asked = {"stream": True, "selectedOutputs": ["tell"]}
    headers = {"X-API-Key": server.key}
    answered = await server.http.send("POST", EXECUTE.format("told"), json=asked, headers=headers)
    frames = [
        line.removeprefix(b"data: ") for line in answered.body.splitlines() if line.startswith(b"data: {")
    ]
    pieces = [frame["chunk"] for frame in map(json.loads, frames) if "chunk" in frame]
    assert pieces, answered.body
    return "".join(pieces).encode()


async def _models(server: Planted, model: OpenAiServer) -> None:
    key = server.canaries.of("model's key")
    model.script(fails(401, f"Incorrect API key provided: {key}"))
    assert await server.run({"ask": {"type": "agent", "prompt": "why"}}) == 500
    assert await server.run({"ask": {"type": "agent", "prompt": "why"}}) == 200
    own = {"type": "agent", "prompt": "say {{OURS}}", "apiKey": "{{OURS}}", "endpoint": model.url}
    assert await server.run({"ask": own}) in (200, 500)


async def _outgoing_hooks(server: Planted, receiver: Receiver) -> None:
    canaries = server.canaries
    url = receiver.url(f"/hook?token={canaries.new('hook address')}")
    made = await server.do("POST", "/api/hooks", json={"url": url}, shown={"hook secret"})
    canaries.learn("hook secret", made["secret"])
    path = f"/api/hooks/{made['hookId']}"
    rotated = await server.do("POST", f"{path}/rotate", shown={"next hook secret"})
    canaries.learn("next hook secret", rotated["secret"])
    receiver.answer = lambda _: web.Response(status=500, text=url)
    await server.do("POST", f"{path}/test")
    assert await server.run({"keep": {"type": "variables", "set": {"a": 1}}}) == 200
    async with asyncio.timeout(LIMIT):
        while not (await server.do("GET", f"{path}/deliveries?state=pending"))["deliveries"]:  # noqa: ASYNC110
            await asyncio.sleep(0.1)
    await server.do("PUT", path, json={"enabled": False})


async def _incoming_hooks(server: Planted) -> None:
    secret = server.canaries.new("webhook secret")
    await server.do("PUT", "/api/environment/PUSHED", json={"value": secret})
    blocks = {
        "hook": {"type": "webhook", "secret": "{{PUSHED}}", "then": "note"},
        "note": {"type": "variables", "set": {"a": 1}},
    }
    await server.do("PUT", "/api/workflows/pushed", json={"blocks": blocks})
    signature = hmac.new(secret.encode(), b"{}", "sha256").hexdigest()
    for given in (f"sha256={signature}", f"sha256={'0' * 64}", secret):
        headers = {"X-Signoff-Signature": given, "Content-Type": "application/json"}
        await server.http.send("POST", "/api/webhooks/pushed/hook", data=b"{}", headers=headers)
    assert [each.status for each in server.http.answers[-3:]] == [202, 401, 401]


async def _streams(server: Planted) -> None:
    done = await server.do("POST", EXECUTE.format("told"), json={})
    made = await server.do(
        "POST", "/api/stream-tokens", json={"executionId": done["executionId"]}, shown={"stream token"}
    )
    token = server.canaries.learn("stream token", made["token"])
    stream = f"/api/workflows/told/executions/{done['executionId']}/stream"
    assert (await server.http.send("GET", stream, params={"token": token})).status == 200
    other = f"/api/workflows/told/executions/{done['executionId'][::-1]}/stream"
    assert (await server.http.send("GET", other, params={"token": token})).status >= 400
    headers = {"X-API-Key": server.key}
    await server.http.listen("/api/stream", until=b"feed:opened", headers=headers)


async def _decision_links(server: Planted) -> None:
    """Links to decisions: used, refused, revoked, and sent where they do not belong."""
    blocks = {"approve": {"type": "human_in_the_loop", "form": {"approved": "boolean"}}}
    await server.do("PUT", "/api/workflows/asked", json={"blocks": blocks})
    asked = await server.do("POST", EXECUTE.format("asked"), json={})
    person = {"name": "Bob", "email": "bob@example.org"}
    user = await server.do("POST", "/api/users", json=person)
    await server.do("POST", f"{_DEFAULT}/members", json={"email": person["email"], "roles": ["approver"]})
    inbox = f"/api/inbox/{asked['executionId']}/approve"
    point = f"/api/resume/asked/{asked['executionId']}/approve"
    for name in ("decision link", "revoked decision link"):
        made = await server.do("POST", f"{inbox}/links", json={"userId": user["id"]}, shown={name})
        token = {"token": server.canaries.learn(name, made["token"])}
        bearer = {"Authorization": f"Bearer {made['token']}"}
        for given in ({"params": token}, {"headers": bearer}):
            assert (await server.http.send("GET", point, **given)).status == 200
            assert (await server.http.send("POST", point, json={}, **given)).status == 401
            assert (await server.http.send("POST", f"{inbox}/code", **given)).status == 503
            assert (await server.http.send("GET", f"{point}x", **given)).status == 403
            assert (await server.http.send("GET", "/api/workflows", **given)).status == 401
    await server.do("DELETE", f"{inbox}/links/{made['id']}")
    assert (await server.http.send("GET", point, params=token)).status == 401


async def _refusals(server: Planted) -> None:
    """Secrets where they do not belong."""
    canaries = server.canaries
    for header, value in (
        ("X-API-Key", canaries.new("unknown key")),
        ("Authorization", f"Bearer {canaries.new('unknown bearer')}"),
        ("Authorization", f"Basic {canaries.new('basic')}"),
        ("Cookie", f"signoff_session={canaries.new('unknown session')}"),
    ):
        answered = await server.http.send("GET", "/api/workflows", headers={header: value})
        assert answered.status == 401
    key = canaries.new("key in the address")
    await server.http.send("GET", "/api/workflows", params={"api_key": key})
    await server.http.send("GET", f"/api/{key}")
    await server.attempt("GET", "/api/workflows", params={"limit": key})
    password = canaries.new("password of a bad request")
    await server.http.send("POST", "/api/auth/login", json={"email": "a@b.c", "password": [password]})
    await server.http.send("POST", "/api/auth/login", data=f'{{"password": "{password}"')
    await server.attempt("PUT", "/api/environment/BAD", json={"value": {"a": password}})
    await server.attempt("PUT", "/api/environment/1BAD", json={"value": password})
    await server.attempt("POST", "/api/users", json={"name": "B", "email": "none", "password": password})
    await server.attempt("POST", "/api/hooks", json={"url": f"https://u:{password}@example.org/"})
    await server.attempt("POST", "/api/hooks", json={"url": f"ftp://example.org/?t={password}"})


async def _accesses(server: Planted) -> None:
    """What is searched for, and a credential beside it, are in no fact of the access log."""
    words, credential = server.canaries.new("searched words"), server.canaries.new("token beside a search")
    for name in ("text", "error"):
        await server.do("GET", "/api/executions", params={name: words, "token": credential})
    async with asyncio.timeout(LIMIT):
        while True:
            found = await server.do("GET", "/api/access-log", params={"limit": "1000"})
            filters = [each.get("about", {}).get("filter", {}) for each in found["accesses"]]
            if {"text": "•••"} in filters and {"error": "•••"} in filters:
                break
            await asyncio.sleep(0.1)
    assert {"access:read", "access:ended", "access:refused", "decision:refused"} <= {
        each["type"] for each in found["accesses"]
    }


async def _look_at_everything(server: Planted) -> None:
    found = await server.do("GET", "/api/executions?limit=1000&counts=true")
    for each in found["executions"]:
        base = f"/api/workflows/{each['workflowId']}/executions/{each['executionId']}"
        await server.do("GET", f"{base}?includeOutput=true")
        await server.do("GET", f"/api/executions/{each['executionId']}/events?limit=1000")
        await server.http.send("GET", f"{base}/stream", headers={"X-API-Key": server.key})
    for path in (
        "/api/workflows", "/api/workflows/told", "/api/workflows/pushed", "/api/hooks", "/api/keys",
        "/api/environment", "/api/users", "/api/workspaces", f"{_DEFAULT}/members", "/api/auth/session",
        "/api/auth/methods", "/api/access-log",
        "/api/v2/logs", "/api/v2/audit-logs", "/api/schedules", "/metrics", "/readyz", "/openapi.json",
    ):  # fmt: skip
        assert await server.attempt("GET", path) == 200, path


def _written(server: Planted) -> dict[str, bytes]:
    """Every file of the server, as it is while it runs: the log with what is in its WAL, outputs, topics."""
    return {str(each): each.read_bytes() for each in server.folder.rglob("*") if each.is_file()}


_DEFAULT: Final = "/api/workspaces/00000000-0000-0000-0000-000000000000"


@pytest.mark.parametrize("command", ["gateway", "stream", "executor", "migrate"])
async def test_the_password_of_a_database_is_not_printed_when_it_cannot_be_reached(
    command: str, tmp_path: Path
) -> None:
    canaries, port = Canaries(), unused_port()
    url = f"postgresql://signoff:{canaries.new('password')}@127.0.0.1:{port}/signoff"
    clean = {name: value for name, value in os.environ.items() if not name.startswith("SIGNOFF_")}
    process = await asyncio.create_subprocess_exec(
        Path(sys.executable).with_name("signoff"),
        command,
        env={**clean, "SIGNOFF_DATABASE_URL": url, "SIGNOFF_KAFKA": f"127.0.0.1:{port}", "SIGNOFF_PORT": "0",
             "SIGNOFF_LOG_LEVEL": "debug", "SIGNOFF_DATA": str(tmp_path)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    assert process.stdout is not None
    said = await process.stdout.readline()
    if process.returncode is None:
        process.terminate()
    rest, _ = await process.communicate()

    assert said
    assert canaries.seen(said + rest) == []
