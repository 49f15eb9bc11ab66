from urllib.parse import parse_qs, urlsplit

import pytest

from signoff.notify import InvalidNoticeError, UnknownToolError, of_tool

SMTP = {
    "smtpHost": "mail.example.com",
    "smtpPort": "587",
    "smtpUsername": "me@example.com",
    "smtpPassword": "p@ss/w?rd&#",
    "smtpSecure": "TLS",
    "from": "ops@example.com",
    "to": "ann@example.org, bob@example.org",
    "subject": "Please decide",
    "body": "<b>Now</b>",
}
TWILIO = {"accountSid": "AC1", "authToken": "b", "fromNumber": "+1555", "phoneNumbers": "+1", "message": "m"}


def tool(tool_id, **params):
    return {"type": "x", "toolId": tool_id, "title": "A tool", "operation": "send", "params": params}


def test_mail_by_smtp_keeps_every_setting():
    notice = of_tool(
        tool("smtp_send_mail", **SMTP, fromName="Ops, Inc", cc="c@example.org", contentType="html")
    )

    url = urlsplit(notice.url)
    assert (url.scheme, url.netloc) == ("mailtos", "mail.example.com:587")
    assert parse_qs(url.query) == {
        "from": ["ops@example.com"],
        "smtp": ["mail.example.com"],
        "to": ["ann@example.org,bob@example.org"],
        "mode": ["starttls"],
        "user": ["me@example.com"],
        "pass": ["p@ss/w?rd&#"],
        "name": ["Ops, Inc"],
        "cc": ["c@example.org"],
    }
    assert (notice.title, notice.body, notice.format) == ("Please decide", "<b>Now</b>", "html")


@pytest.mark.parametrize(
    ("secure", "scheme", "mode"),
    [("TLS", "mailtos", "starttls"), ("SSL", "mailtos", "ssl"), ("None", "mailto", "insecure")],
)
def test_mail_by_smtp_is_encrypted_as_it_says(secure, scheme, mode):
    url = urlsplit(of_tool(tool("smtp_send_mail", **SMTP | {"smtpSecure": secure})).url)

    assert (url.scheme, parse_qs(url.query)["mode"]) == (scheme, [mode])


@pytest.mark.parametrize(
    ("params", "target"),
    [
        ({"channel": "C1234567890"}, "%2BC1234567890"),
        ({"channel": "general"}, "%23general"),
        ({"channel": "#general", "threadTs": "171.5"}, "%23general%3A171.5"),
        ({"destinationType": "dm", "dmUserId": "U123"}, "%2BU123"),
    ],
)
def test_a_message_to_slack_goes_to_a_channel_or_a_person(params, target):
    notice = of_tool(tool("slack_message", accessToken="xoxb-1", text="Hi", **params))

    assert notice.url == f"slack://xoxb-1/{target}"


def test_a_webhook_of_slack_needs_no_token():
    url = "https://hooks.slack.com/services/T1/A1/X1"

    assert of_tool(tool("slack_message", webhookUrl=url, text="Hi")).url == url


def test_a_newer_version_of_a_tool_is_the_same_tool():
    assert of_tool(tool("twilio_send_sms_v2", **TWILIO)).body == "m"


@pytest.mark.parametrize(
    ("tool_id", "params", "url"),
    [
        ("discord_execute_webhook", {"webhookId": "1", "webhookToken": "t", "content": "c"}, "discord://1/t"),
        ("telegram_send_message", {"botToken": "1:a", "chatId": -5, "text": "c"}, "tgram://1:a/-5"),
        ("twilio_send_sms", TWILIO, "twilio://AC1:b@%2B1555/%2B1"),
    ],
)
def test_other_tools_have_their_channels(tool_id, params, url):
    assert of_tool(tool(tool_id, **params)).url == url


@pytest.mark.parametrize("body", [{"a": 1}, '{"a": 1}'])
def test_a_web_request_posts_its_body_with_its_headers(body):
    headers = [{"cells": {"Key": "X-Key", "Value": "k"}}]

    notice = of_tool(
        tool("http_request", url="https://example.com/", method="POST", body=body, headers=headers)
    )

    assert (notice.url, notice.payload, notice.headers) == ("https://example.com/", {"a": 1}, {"X-Key": "k"})


@pytest.mark.parametrize(
    ("tool_id", "advice"),
    [
        ("gmail_send", "smtp_send_mail with smtp.gmail.com and an app password"),
        ("gmail_send_v2", "smtp_send_mail"),
        ("outlook_send", "mailtos://"),
        ("mail_send", "smtp_send_mail"),
        ("sms_send", "twilio_send_sms"),
        ("discord_send_message", "discord_execute_webhook"),
        ("notion_write", "there are discord_execute_webhook, http_request, "),
    ],
)
def test_a_tool_without_a_channel_says_what_to_take_instead(tool_id, advice):
    with pytest.raises(UnknownToolError, match=advice):
        of_tool(tool(tool_id, accessToken="canary"))


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({}, "toolId: must name a tool"),
        (tool("slack_message", botToken="t", text="x"), "slack_message: channel: is missing"),
        (tool("slack_message", channel="c", text="x"), "slack_message: botToken: is missing"),
        (tool("slack_message", botToken="t", channel="a/b", text="x"), "channel: must be the name or the id"),
        (tool("slack_message", webhookUrl="https://evil.example/", text="x"), "webhookUrl: must be"),
        (tool("smtp_send_mail", **SMTP | {"to": ""}), "smtp_send_mail: to: is missing"),
        (tool("smtp_send_mail", **SMTP | {"smtpHost": "a/b"}), "smtpHost: must be the name"),
        (tool("smtp_send_mail", **SMTP | {"smtpPort": "x"}), "smtpPort: must be a port"),
        (tool("smtp_send_mail", **SMTP | {"smtpSecure": "no"}), "smtpSecure: must be TLS, SSL or None"),
        (tool("twilio_send_sms", **TWILIO | {"authToken": None}), "authToken: is missing"),
        (tool("microsoft_teams_write_channel", accessToken="t", content="c"), "webhookUrl: is missing"),
        (tool("microsoft_teams_write_chat", webhookUrl="x", content="c"), "webhookUrl: must be"),
        (tool("http_request", url="ftp://x"), "url: must begin with"),
        (tool("http_request", url="https://x", method="GET"), "method: must be POST"),
        (tool("webhook_request", url="https://x", secret="canary"), "secret: notifications are not signed"),
    ],
)
def test_what_is_missing_or_wrong_is_told_without_its_value(entry, message):
    with pytest.raises(InvalidNoticeError, match=message) as raised:
        of_tool(entry)

    assert "canary" not in str(raised.value)
