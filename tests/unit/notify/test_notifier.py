import asyncio
import logging

import pytest
from aiohttp import web

from signoff.notify import Notifier, parse_schemes
from support.notices import LOOPBACK, notice

CANARY = "canary7f3a"


def json_url(receiver, path="/hook", scheme="json"):
    return receiver.url(path).replace("http://", f"{scheme}://")


@pytest.fixture
async def hanging():
    """A server that takes connections and says nothing; gives its port, and a way to end them."""
    writers = []
    connected = asyncio.Event()

    async def take(_reader, writer):
        writers.append(writer)
        connected.set()

    server = await asyncio.start_server(take, "127.0.0.1", 0)
    server.port = server.sockets[0].getsockname()[1]
    server.connected = connected
    server.hang_up = lambda: [writer.close() for writer in writers]
    yield server
    server.hang_up()
    server.close()
    await server.wait_closed()


async def test_a_message_by_apprise_reaches_its_server(new_notifier, receiver):
    sent = await new_notifier().send(notice(json_url(receiver)))

    assert (sent.channel, sent.success, sent.error) == ("json", True, None)
    assert sent.duration_ms > 0
    assert b'"title": "A title"' in receiver.received[0].body


async def test_a_message_to_a_web_address_is_a_posted_title_and_body(new_notifier, receiver):
    sent = await new_notifier().send(notice(receiver.url()))

    assert (sent.channel, sent.success) == ("http", True)
    assert receiver.received[0].body == b'{"title":"A title","body":"A body"}'


async def test_a_payload_and_headers_are_posted_as_they_are(new_notifier, receiver):
    await new_notifier().send(
        notice(receiver.url(), payload={"a": [1]}, headers={"x-key": "k", "content-type": "text/html"})
    )

    assert receiver.received[0].body == b'{"a":[1]}'
    assert receiver.received[0].headers["Content-Type"] == "application/json"
    assert receiver.received[0].headers["X-Key"] == "k"


@pytest.mark.parametrize("scheme", ["http", "json"])
async def test_an_answer_other_than_2xx_is_told_with_its_status(new_notifier, receiver, scheme):
    receiver.answer = lambda _: web.Response(status=503)

    sent = await new_notifier().send(notice(json_url(receiver, scheme=scheme)))

    assert (sent.success, sent.error) == (False, "it answered 503")


@pytest.mark.parametrize("scheme", ["http", "json"])
async def test_a_redirect_is_not_followed(new_notifier, receiver, scheme):
    receiver.answer = lambda _: web.Response(status=307, headers={"Location": receiver.url("/inner")})

    sent = await new_notifier().send(notice(json_url(receiver, scheme=scheme)))

    assert (sent.success, sent.error) == (False, "it answered 307")
    assert [each.path for each in receiver.received] == ["/hook"]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
@pytest.mark.parametrize("scheme", ["http", "json"])
async def test_an_address_that_is_not_public_is_not_reached(new_notifier, receiver, scheme, host):
    url = json_url(receiver, scheme=scheme).replace("127.0.0.1", host)

    sent = await new_notifier(networks=()).send(notice(url))

    assert not sent.success
    assert "is not public; to allow it, add its network to SIGNOFF_ALLOW_PRIVATE_NETWORKS" in sent.error
    assert receiver.received == []


@pytest.mark.parametrize("scheme", ["http", "json"])
async def test_a_server_that_is_not_there_is_told(new_notifier, free_port, scheme):
    sent = await new_notifier().send(notice(f"{scheme}://127.0.0.1:{free_port}/"))

    assert not sent.success
    assert "connection" in sent.error
    assert "refused" in sent.error.lower()


@pytest.mark.parametrize("scheme", ["https", "jsons"])
async def test_a_certificate_that_nobody_trusts_is_told(new_notifier, chat, monkeypatch, scheme):
    monkeypatch.delenv("REQUESTS_CA_BUNDLE")

    sent = await new_notifier().send(notice(f"{scheme}://127.0.0.1:{chat.port}/"))

    assert sent.error == "the certificate of its host is not trusted"
    assert chat.received == []


@pytest.mark.parametrize("scheme", ["http", "json"])
async def test_a_host_that_is_not_there_is_told(new_notifier, scheme):
    sent = await new_notifier().send(notice(f"{scheme}://no-such-host.invalid/"))

    assert (sent.success, sent.error) == (False, "its host was not found")


# Bounds ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["http", "json", "mailto"])
async def test_a_server_that_hangs_costs_no_more_than_the_time_limit(new_notifier, hanging, scheme):
    address = "?from=a@example.org&to=b@example.org" if scheme == "mailto" else ""

    sent = await new_notifier(time_limit=0.3).send(notice(f"{scheme}://127.0.0.1:{hanging.port}/{address}"))

    assert not sent.success
    assert "no answer" in sent.error
    assert sent.duration_ms < 5000


async def test_a_thread_that_hangs_is_counted_and_leaves_its_place_to_another(
    new_notifier, receiver, monkeypatch
):
    release, begun = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def hang(*_arguments, **_settings):
        loop.call_soon_threadsafe(begun.set)
        asyncio.run_coroutine_threadsafe(release.wait(), loop).result(30)

    notifier = new_notifier(workers=1, time_limit=0.3)
    with monkeypatch.context() as patch:
        patch.setattr("signoff.notify.notifier.deliver", hang)
        hung = await notifier.send(notice(json_url(receiver)))
    assert begun.is_set()
    assert hung.error == "there was no answer within 0.3 s; it may have been sent all the same"
    assert notifier.abandoned == 1

    assert (await notifier.send(notice(json_url(receiver)))).success

    release.set()
    await notifier.close()  # waits for threads at work
    assert notifier.abandoned == 0


async def test_one_message_more_than_may_wait_fails_at_once(new_notifier, hanging):
    notifier = new_notifier(workers=1, queue=1, time_limit=5)
    url = f"http://127.0.0.1:{hanging.port}/"
    under_way = [asyncio.create_task(notifier.send(notice(url))) for _ in range(2)]
    await hanging.connected.wait()

    sent = await notifier.send(notice(url))

    assert sent.error == "not sent: 2 notifications are waiting or under way already"
    hanging.hang_up()
    for task in under_way:
        task.cancel()
    await asyncio.gather(*under_way, return_exceptions=True)


async def test_a_message_whose_turn_does_not_come_fails(new_notifier, hanging):
    notifier = new_notifier(workers=1, time_limit=0.3)
    url = f"http://127.0.0.1:{hanging.port}/"

    sent = await asyncio.gather(*(notifier.send(notice(url)) for _ in range(3)))

    assert "not sent: its turn did not come within 0.3 s" in sent[2].error


async def test_a_notifier_that_is_closed_sends_nothing(new_notifier, receiver):
    notifier = new_notifier()
    await notifier.close()

    sent = await notifier.send(notice(receiver.url()))

    assert sent.error == "not sent: this process ends"
    assert receiver.received == []


# What is allowed ---------------------------------------------------------------------------------------


async def test_a_scheme_that_is_not_allowed_is_refused(receiver):
    notifier = Notifier(schemes=parse_schemes(["slack"]), networks=LOOPBACK)

    sent = await notifier.send(notice(json_url(receiver)))

    assert sent.error == "json:// is not allowed here; to allow it, add it to SIGNOFF_NOTIFY_SCHEMES"
    assert receiver.received == []
    await notifier.close()


@pytest.mark.parametrize("url", ["syslog://", "dbus://", "macosx://", "file:///etc/passwd", "mail to", ""])
async def test_what_stays_on_this_machine_is_no_channel(new_notifier, url):
    sent = await new_notifier().send(notice(url))

    assert sent.channel == "unknown"
    assert sent.error.startswith("url: must begin with one of discord, gchat, ")


@pytest.mark.parametrize(
    "url",
    [
        "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/?template=/etc/passwd",
        "mailtos://me:pw@example.com?pgppub=/etc/passwd",
        "mailtos://me:pw@example.com?+X-Header=value",
        "jsons://example.com?verify=no",
        "jsons://example.com?redirect=yes",
        "jsons://example.com?rto=1000",
    ],
)
async def test_an_option_that_reads_files_or_weakens_the_bounds_is_refused(new_notifier, url):
    sent = await new_notifier().send(notice(url))

    assert "url: has options that" in sent.error


async def test_a_message_that_says_nothing_is_refused(new_notifier, receiver):
    for scheme in ("json", "http"):
        sent = await new_notifier().send(notice(json_url(receiver, scheme=scheme), title=" ", body="\n"))

        assert sent.error == "title, body: one of them must say something"
    assert receiver.received == []


# Secrets -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "json://user:{canary}@127.0.0.1:{port}/{canary}?-q={canary}&+X-Key={canary}",
        "http://127.0.0.1:{port}/{canary}?q={canary}",
        "http://user:{canary}@127.0.0.1:{port}/",
        "mailto://user:{canary}@127.0.0.1:{port}?to=a@example.org",
        "mailtos://user:{canary}@127.0.0.1:{port}?to=a@example.org",
        "slack://{canary}/{canary}",
        "slack://xoxb-1-1-{canary}/%23general?template={canary}",
        "twilio://{canary}:{canary}@{canary}/{canary}",
        "https://127.0.0.1:{port}/services/{canary}",
        "{canary}://{canary}",
        "http://[{canary}/",
    ],
)
async def test_no_secret_of_a_url_is_in_a_result_or_a_log(new_notifier, receiver, caplog, url):
    caplog.set_level(logging.DEBUG)
    receiver.answer = lambda request: web.Response(status=500, text=f"{CANARY} {request.path}")
    port = receiver.url().rsplit(":", 1)[1].split("/")[0]
    message = notice(url.format(canary=CANARY, port=port))

    sent = await new_notifier(time_limit=3).send(message)

    assert not sent.success
    assert CANARY not in f"{sent!r} {message!r} {caplog.text}"
