"""The `api` block against a real server on loopback."""

import asyncio
import gzip
from collections.abc import AsyncIterator
from email.utils import formatdate

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestServer

from signoff.executor.blocks import api
from signoff.runtime.guard import guarded_session, parse_networks


class Service:
    """A server whose answers a test chooses, and which keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, dict[str, str], bytes]] = []
        self.answers: list[web.Response] = []
        self.server = TestServer(self._application())

    def _application(self) -> web.Application:
        application = web.Application()
        application.router.add_route("*", "/{path:.*}", self._answer)
        return application

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        self.asked.append((request.method, request.path_qs, dict(request.headers), await request.read()))
        match request.path:
            case "/silent":
                await asyncio.Event().wait()
            case "/gone":
                request.transport.abort()
            case "/flood":
                return await _flood(request)
        return self.answers.pop(0) if self.answers else web.json_response({"ok": True})

    def url(self, path: str) -> str:
        return str(self.server.make_url(path))


async def _flood(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    try:
        while True:
            await response.write(b"x" * 1_000_000)
    except ConnectionError:
        return response


@pytest_asyncio.fixture(loop_scope="session")
async def service() -> AsyncIterator[Service]:
    service = Service()
    await service.server.start_server()
    yield service
    await service.server.close()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with guarded_session(parse_networks("127.0.0.0/8")) as session:
        yield session


@pytest.fixture
def call(session):
    async def call(url: str, **params: object) -> dict[str, object]:
        return await api.request(
            {"url": url, **params}, session=session, idempotency_key="run/pay", keep=kept
        )

    return call


async def test_an_answer_is_given_with_its_data_status_and_headers(service, call):
    service.answers = [web.json_response({"n": 1}, status=201, headers={"X-Made": "yes"})]
    answer = await call(service.url("/things"))
    assert (answer["data"], answer["status"], answer["headers"]["x-made"]) == ({"n": 1}, 201, "yes")


@pytest.mark.parametrize(
    ("body", "kind", "data"),
    [
        (b'{"a": 1}', "application/json", {"a": 1}),
        (b"[1]", "application/problem+json; charset=utf-8", [1]),
        (b'{"a": 1}', "text/plain", '{"a": 1}'),
        (b"{broken", "application/json", "{broken"),
        (b"", "application/json", None),
        (b"", "text/plain", ""),
        (b"\xe9", "text/plain; charset=latin-1", "é"),
        (b"\xff", "text/plain; charset=klingon", "\N{REPLACEMENT CHARACTER}"),
    ],
)
async def test_data_is_parsed_only_if_it_is_json(service, call, body, kind, data):
    service.answers = [web.Response(body=body, headers={"Content-Type": kind})]
    assert (await call(service.url("/")))["data"] == data


async def test_an_empty_url_is_an_empty_answer(call):
    assert await call(" ") == {"data": None, "status": 200, "headers": {}}


@pytest.mark.parametrize(
    "pairs",
    [
        [{"id": "r1", "cells": {"Key": "a", "Value": "x y"}}, {"cells": {"Key": "", "Value": "dropped"}}],
        {"a": "x y"},
        '{"a": "x y"}',
    ],
)
async def test_query_and_headers_come_as_a_table_or_as_an_object(service, call, pairs):
    await call(service.url("/?b=1"), params=pairs, headers=pairs)
    ((_, path, headers, _),) = service.asked
    assert path == "/?b=1&a=x+y"
    assert headers["a"] == "x y"


@pytest.mark.parametrize(
    ("body", "sent", "kind"),
    [
        ({"a": [1, None]}, b'{"a":[1,null]}', "application/json"),
        (' {"a": 1}', b'{"a":1}', "application/json"),
        ("{not json", b"{not json", "application/octet-stream"),
        (5, b"5", "application/json"),
    ],
)
async def test_a_body_is_json_or_text(service, call, body, sent, kind):
    await call(service.url("/"), method="post", body=body)
    ((method, _, headers, received),) = service.asked
    assert (method, received, headers["Content-Type"]) == ("POST", sent, kind)


async def test_a_form_is_sent_when_its_content_type_is_given(service, call):
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    await call(service.url("/"), method="POST", body={"a": "x y", "n": 1}, headers=form)
    assert service.asked[0][3] == b"a=x+y&n=1"


@pytest.mark.parametrize(
    ("headers", "key"), [({}, "run/pay"), ({"idempotency-key": "mine"}, "mine")], ids=["ours", "given"]
)
async def test_an_idempotency_key_is_sent(service, call, headers, key):
    await call(service.url("/"), headers=headers)
    assert service.asked[0][2].get("Idempotency-Key", service.asked[0][2].get("idempotency-key")) == key


async def test_the_workflows_that_called_one_another_are_named_whatever_the_headers_say(service, session):
    params = {"url": service.url("/"), "headers": {"x-sim-via": "nobody", "X-Sim-Via": "nobody else"}}
    await api.request(params, session=session, idempotency_key="k", call_chain=["a", "b"], keep=kept)
    assert [value for name, value in service.asked[0][2].items() if name.lower() == "x-sim-via"] == ["a,b"]


async def test_a_refusal_is_worded_as_in_sim(service, call):
    service.answers = [web.json_response({"error": {"message": "no such thing"}}, status=404)]
    url = service.url("/things?id=7")
    with pytest.raises(api.ApiError) as caught:
        await call(url)
    assert str(caught.value) == (
        f"HTTP Request failed: URL: {url} | Method: GET | Error: no such thing | Status: 404"
    )
    assert caught.value.status == 404


async def test_no_answer_in_time_is_an_error(service, call):
    with pytest.raises(api.ApiError, match=r"Error: Request timed out after 50ms$"):
        await call(service.url("/silent"), timeout="50")


async def test_a_broken_connection_is_an_error(service, call):
    with pytest.raises(api.ApiError, match="Error: Server disconnected"):
        await call(service.url("/gone"), method="POST")


async def test_an_endless_response_is_cut_off(service, call):
    with pytest.raises(api.ApiError, match="larger than 10485760 bytes"):
        await call(service.url("/flood"))


async def test_a_compressed_bomb_is_cut_off(service, call):
    bomb = await asyncio.to_thread(gzip.compress, bytes(api.RESPONSE_LIMIT * 4))
    service.answers = [web.Response(body=bomb, headers={"Content-Encoding": "gzip"})]
    with pytest.raises(api.ApiError, match="larger than 10485760 bytes"):
        await call(service.url("/"))


async def test_a_passing_failure_is_mended_by_retries(service, call):
    service.answers = [web.Response(status=503), web.Response(status=429, headers={"Retry-After": "0"})]
    answer = await call(service.url("/"), retries="2", retryDelayMs=1)
    assert (answer["status"], len(service.asked)) == (200, 3)


@pytest.mark.parametrize("after", ["100", formatdate(4e9, usegmt=True), "soon"])
async def test_retry_after_is_respected_up_to_the_longest_wait(service, call, after):
    service.answers = [web.Response(status=503, headers={"Retry-After": after})]
    await call(service.url("/"), retries=1, retryDelayMs=1, retryMaxDelayMs=5)
    assert len(service.asked) == 2


async def test_when_all_retries_fail_the_last_failure_is_the_error(service, call):
    service.answers = [web.Response(status=500, text="first"), web.Response(status=502, text="last")]
    with pytest.raises(api.ApiError, match=r"Error: last \| Status: 502"):
        await call(service.url("/"), retries=1, retryDelayMs=1)


async def test_a_client_error_is_not_tried_again(service, call):
    service.answers = [web.Response(status=400)]
    with pytest.raises(api.ApiError, match="Status: 400"):
        await call(service.url("/"), retries=3)
    assert len(service.asked) == 1


@pytest.mark.parametrize(("forced", "tries"), [(False, 1), (True, 2), ("true", 2)])
async def test_a_post_is_tried_again_only_if_that_is_asked_for(service, call, forced, tries):
    service.answers = [web.Response(status=503), web.Response(status=503)]
    with pytest.raises(api.ApiError):
        await call(service.url("/"), method="POST", retries=1, retryDelayMs=1, retryNonIdempotent=forced)
    assert len(service.asked) == tries


async def test_redirects_are_followed_to_a_limit(service, call):
    service.answers = [web.Response(status=302, headers={"Location": "/next"})]
    assert (await call(service.url("/")))["status"] == 200
    service.answers = [web.Response(status=302, headers={"Location": "/next"}) for _ in range(6)]
    with pytest.raises(api.ApiError, match="more than 5 redirects"):
        await call(service.url("/"))


@pytest.mark.parametrize("target", ["http://127.0.0.1:1/", "http://localhost:1/", "http://[::1]:1/"])
async def test_an_address_that_is_not_allowed_is_refused_and_not_tried_again(target):
    async with guarded_session(()) as session:
        with pytest.raises(api.ApiError, match="is not public; to allow it"):
            await api.request({"url": target, "retries": 9}, session=session, idempotency_key="k", keep=kept)


async def test_a_redirect_to_an_address_that_is_not_allowed_is_refused(service, call):
    service.answers = [web.Response(status=302, headers={"Location": "http://10.0.0.1/"})]
    with pytest.raises(api.ApiError, match=r"Address 10\.0\.0\.1 is not public"):
        await call(service.url("/"))


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://example.com/"])
async def test_a_redirect_to_another_scheme_is_refused(service, call, target):
    service.answers = [web.Response(status=302, headers={"Location": target})]
    with pytest.raises(api.ApiError, match="invalid URL"):
        await call(service.url("/"))


@pytest.mark.parametrize("url", ["http://2130706433/", "http://127.1/", "http://0x7f.1/"])
async def test_an_address_in_disguise_is_refused(url):
    async with guarded_session(()) as session:
        with pytest.raises(api.ApiError, match=r"not public|canonical|invalid"):
            await api.request({"url": url}, session=session, idempotency_key="k", keep=kept)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"url": "example.com"}, 'Invalid URL: "example.com" - URL must include protocol'),
        ({"url": "http://"}, 'Invalid URL format: "http://"'),
        ({"url": "http://a:b:c/"}, "Invalid URL format"),
        ({"method": "BREW"}, "Unknown HTTP method 'BREW'"),
        ({"timeout": "long"}, "timeout must be a number, not 'long'"),
        ({"timeout": -1}, "timeout must not be negative"),
        ({"retries": True}, "retries must be a number"),
        ({"headers": 5}, "headers must be a table or an object"),
        ({"params": ["a"]}, "params: each row must be"),
        ({"headers": {"a": "b\r\nc: d"}}, "HTTP Request failed"),
        ({"proxyUrl": "http://proxy"}, "proxyUrl is not supported"),
        ({"method": "POST", "body": "\ud800"}, "lone surrogate"),
    ],
)
async def test_wrong_parameters_are_named(service, call, params, message):
    with pytest.raises(api.ApiError) as caught:
        await call(**{"url": service.url("/"), **params})
    assert message in str(caught.value)
    assert service.asked == []


async def test_cookies_of_one_call_do_not_reach_another(service, call):
    service.answers = [web.Response(headers={"Set-Cookie": "session=secret"})]
    await call(service.url("/"))
    await call(service.url("/"))
    assert "Cookie" not in service.asked[1][2]


async def test_a_url_in_quotes_is_read_without_them(service, call):
    assert (await call(f'"{service.url("/")}"'))["status"] == 200


async def test_a_password_in_the_url_is_not_shown_in_errors(service, call):
    service.answers = [web.Response(status=403)]
    url = service.url("/").replace("http://", "http://me:hush@")
    with pytest.raises(api.ApiError) as caught:
        await call(url)
    assert "hush" not in str(caught.value)


# Files --------------------------------------------------------------------------------------------------


async def kept(content: bytes, name: str, media_type: str) -> dict[str, object]:
    return {"content": content, "name": name, "type": media_type}


async def test_an_answer_that_is_no_text_becomes_a_file(
    service: Service, session: aiohttp.ClientSession
) -> None:
    service.answers = [
        web.Response(
            body=b"%PDF\x00\xff",
            content_type="application/pdf",
            headers={"Content-Disposition": 'attachment; filename="bill.pdf"'},
        ),
        web.Response(body=b"\x89PNG", content_type="image/png"),
        web.Response(body=b"GIF89a", content_type="image/gif"),
    ]

    files = [
        (
            await api.request(
                {"url": service.url("/pictures/1.png")}, session=session, idempotency_key="k", keep=kept
            )
        )["data"]
        for _ in range(3)
    ]

    assert files == [
        {"content": b"%PDF\x00\xff", "name": "bill.pdf", "type": "application/pdf"},
        {"content": b"\x89PNG", "name": "1.png", "type": "image/png"},
        {"content": b"GIF89a", "name": "1.png", "type": "image/gif"},
    ]


@pytest.mark.parametrize(
    ("content_type", "body", "data"),
    [
        ("text/plain", b"\xff\x00", "\ufffd\x00"),
        ("application/json", b'{"a": 1}', {"a": 1}),
        ("image/svg+xml", b"<svg/>", "<svg/>"),
        ("application/octet-stream", b"plain", "plain"),
        ("application/octet-stream", b"", ""),
    ],
)
async def test_an_answer_that_is_text_stays_text(
    service: Service, session: aiohttp.ClientSession, content_type: str, body: bytes, data: object
) -> None:
    service.answers = [web.Response(body=body, content_type=content_type)]

    answer = await api.request({"url": service.url("/")}, session=session, idempotency_key="k", keep=kept)

    assert answer["data"] == data


async def test_an_error_is_never_a_file(service: Service, session: aiohttp.ClientSession) -> None:
    service.answers = [web.Response(status=404, body=b"\x89PNG", content_type="image/png")]

    with pytest.raises(api.ApiError, match="Status: 404"):
        await api.request({"url": service.url("/")}, session=session, idempotency_key="k", keep=kept)
