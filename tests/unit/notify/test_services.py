from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from signoff.notify import DEFAULT_SCHEMES, parse_schemes
from signoff.notify.confinement import Confinement
from signoff.notify.services import PLAIN, SERVICES, channel_of, deliver
from support.notices import notice

URLS = {
    "discord": "discord://4174216298/JHMHI8qBe7bk2ZwO5U711o3dV_js?footer=yes&thread=1",
    "gchat": "gchat://workspace/key/token?threadkey=a",
    "gotifys": "gotifys://10.0.0.1/AbCdEf123456789?priority=high",
    "json": "json://10.0.0.1/path?+X-A=b&:k=v&-q=1&method=PUT",
    "jsons": "jsons://user:pass@10.0.0.1/path",
    "mailto": "mailto://10.0.0.1?from=a@example.com&to=b@example.org",
    "mailtos": "mailtos://10.0.0.1:465?from=a@example.com&to=b@example.org&mode=ssl&name=Ann&reply=c@example.org",
    "matrixs": "matrixs://user:pass@10.0.0.1/%23general",
    "mmosts": "mmosts://10.0.0.1/3ccdd113474722377935511fc85d3dd4?channel=a",
    "ntfys": "ntfys://10.0.0.1/topic?priority=high&tags=a",
    "opsgenie": "opsgenie://8a1b2c3d-8a1b-8a1b-8a1b-8a1b2c3d8a1b/?priority=high",
    "pagerduty": "pagerduty://IntegrationKey@ApiKey/Source/Component?severity=info",
    "pover": f"pover://{'u' * 30}@{'a' * 30}?priority=high",
    "rockets": "rockets://user:pass@10.0.0.1/%23channel",
    "slack": "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ?footer=no&image=no",
    "tgram": "tgram://123456789:abcdefg_hijklmnop/12315544/?silent=yes",
    "twilio": f"twilio://AC{'a' * 32}:{'b' * 32}@+15551234567/+15557654321?method=sms",
    "webex": f"webex://{'a' * 80}",
    "workflow": "workflow://10.0.0.1:443/3ccdd113474722377935511fc85d3dd4/s1gnature",
    "workflows": "workflows://10.0.0.1/?id=3ccdd113474722377935511fc85d3dd4&sig=s1gnature&wrap=no",
    "wxteams": f"wxteams://{'a' * 80}",
    "zulip": f"zulip://botname@organization/{'a' * 32}/general",
}
"""A right URL of each service. None gets out: no address is reached, and the machine may know no names."""


class NothingReached(Confinement):
    """Lets nothing be looked up, so that no test asks for a name that is somebody's."""

    def __init__(self):
        super().__init__(())
        self.asked = []

    def check(self, event, arguments):
        if event == "socket.getaddrinfo":
            self.asked.append(arguments[0])
            self.refusal = "asked"
            raise OSError("asked")
        super().check(event, arguments)


def test_each_service_has_its_url_here():
    assert URLS.keys() == SERVICES.keys()


@pytest.mark.parametrize("url", URLS.values(), ids=URLS)
def test_a_right_url_of_a_service_gets_as_far_as_its_host(url):
    confinement = NothingReached()

    with ThreadPoolExecutor(1) as threads:
        error = threads.submit(deliver, notice(url), confinement, patience=5).result(10)

    assert error == "asked"
    assert confinement.asked


@pytest.mark.parametrize("scheme", sorted(SERVICES.keys() - PLAIN - {"mailtos"}))
def test_what_is_allowed_by_default_speaks_tls(monkeypatch, scheme):
    asked = []

    def send(_session, request, **_settings):
        asked.append(request.url)
        raise requests.ConnectionError("not sent")

    monkeypatch.setattr(requests.Session, "send", send)

    deliver(notice(URLS[scheme]), NothingReached(), patience=1)

    assert asked
    assert all(url.startswith("https://") for url in asked)


@pytest.mark.parametrize(
    "url", ["slack://T1/A1", "twilio://AC1:b@c", "mailtos:///", "jsons:///", "workflows://host/"]
)
def test_a_url_that_lacks_something_says_no_more_than_that(url):
    error = deliver(notice(url), NothingReached(), patience=1)

    assert error.startswith("url: ")


def test_what_is_not_encrypted_is_not_allowed_unless_it_is_named():
    assert not PLAIN & DEFAULT_SCHEMES
    assert {"mailtos", "slack", "workflows", "twilio", "https"} <= DEFAULT_SCHEMES


def test_the_setting_names_what_is_allowed_in_place_of_the_default():
    assert parse_schemes([]) == DEFAULT_SCHEMES
    assert parse_schemes(["mailto", "https"]) == {"mailto", "https"}


@pytest.mark.parametrize("name", ["syslog", "dbus", "file", "slack://"])
def test_a_scheme_that_is_no_channel_is_named(name):
    with pytest.raises(ValueError, match=f"SIGNOFF_NOTIFY_SCHEMES: '{name}' is no channel. Write some of"):
        parse_schemes(["slack", name])


@pytest.mark.parametrize(
    ("url", "channel"),
    [
        ("https://hooks.slack.com/services/T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ", "slack"),
        ("https://discord.com/api/webhooks/4174216298/JHMHI8qBe7bk2ZwO5U711o3dV_js", "discord"),
        ("https://example.com/hook", "https"),
        (
            "https://-/powerautomate/automations/direct/cu/1/workflows/a/triggers/manual/paths/invoke?x",
            "https",
        ),
        ("MAILTOS://me@example.com", "mailtos"),
        ("https://example.com/a b", "unknown"),
        ("mailtos://me@example.com?a=\n", "unknown"),
        ("jsons://" + "x" * 2000, "unknown"),
        ("xoxb-secret", "unknown"),
    ],
)
def test_a_channel_is_known_by_the_url(url, channel):
    assert channel_of(url) == channel
