"""Chat services and SMS: the requests of Apprise's real services, taken by a server on loopback over TLS."""

import pytest
from apprise.plugins.discord import NotifyDiscord
from apprise.plugins.slack import NotifySlack
from apprise.plugins.twilio import NotifyTwilio

from signoff.notify import of_tool
from support.notices import notice

ACCOUNT = "AC" + "a" * 32


@pytest.fixture
def base(chat):
    return f"https://127.0.0.1:{chat.port}"


async def test_a_teams_workflow_gets_a_card(new_notifier, chat):
    url = f"workflows://127.0.0.1:{chat.port}/a1b2c3/s1gnature"

    sent = await new_notifier().send(notice(url))

    assert (sent.channel, sent.success, sent.error) == ("workflows", True, None)
    assert chat.received[0][2]["attachments"][0]["content"]["type"] == "AdaptiveCard"


async def test_a_workflow_url_as_teams_shows_it_is_taken_for_one(new_notifier, chat, base):
    query = "api-version=2016-06-01&sp=%2Frun&sv=1.0&sig=s1g"
    webhook = f"{base}/workflows/a1b2c3/triggers/manual/paths/invoke?{query}"
    tool = {"toolId": "microsoft_teams_write_channel", "params": {"webhookUrl": webhook, "content": "Look"}}

    sent = await new_notifier().send(of_tool(tool))

    assert (sent.channel, sent.success) == ("workflow", True)
    assert "Look" in str(chat.received[0][2])


async def test_a_topic_of_ntfy_gets_title_and_body(new_notifier, chat):
    sent = await new_notifier().send(notice(f"ntfys://127.0.0.1:{chat.port}/approvals?priority=high"))

    assert (sent.channel, sent.success) == ("ntfys", True)
    assert {"topic": "approvals", "title": "A title", "message": "A body"}.items() <= chat.received[0][
        2
    ].items()


async def test_a_channel_of_slack_gets_a_bots_message(new_notifier, chat, base, monkeypatch):
    monkeypatch.setattr(NotifySlack, "api_url", base + "/api/{}")
    params = {"botToken": "xoxb-1234-1234-abc", "channel": "C1234567890", "text": "Please *decide*"}

    sent = await new_notifier().send(of_tool({"toolId": "slack_message", "params": params}))

    path, headers, content = chat.received[0]
    assert (sent.channel, sent.success, sent.error) == ("slack", True, None)
    assert (path, content["channel"]) == ("/api/chat.postMessage", "C1234567890")
    assert headers["Authorization"] == "Bearer xoxb-1234-1234-abc"
    assert "Please *decide*" in str(content)


async def test_plain_text_calls_nobody_in_slack(new_notifier, chat, base, monkeypatch):
    monkeypatch.setattr(NotifySlack, "webhook_url", base + "/services")
    chat.answer = "ok"

    sent = await new_notifier().send(
        notice("slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ", body="<!channel> & <@U1>")
    )

    assert sent.success
    assert "&lt;!channel&gt; &amp; &lt;@U1&gt;" in str(chat.received[0][2])


async def test_a_service_that_says_no_with_status_200_has_not_taken_it(new_notifier, chat, base, monkeypatch):
    monkeypatch.setattr(NotifySlack, "api_url", base + "/api/{}")
    chat.answer = '{"ok": false, "error": "channel_not_found"}'

    sent = await new_notifier().send(notice("slack://xoxb-1234-1234-abc/%23general"))

    assert (sent.success, sent.error) == (False, "it answered 200, but did not take the message")


async def test_discord_gets_no_more_than_it_takes(new_notifier, chat, base, monkeypatch):
    monkeypatch.setattr(NotifyDiscord, "notify_url", base + "/webhooks")

    sent = await new_notifier().send(
        notice("discord://4174216298/JHMHI8qBe7bk2ZwO5U711o3dV_js", body="x" * 9000)
    )

    assert (sent.success, len(chat.received)) == (True, 1)
    assert len(chat.received[0][2]["content"]) <= 2000


async def test_an_sms_goes_to_each_number_and_is_short(new_notifier, chat, base, monkeypatch):
    monkeypatch.setattr(NotifyTwilio, "notify_sms_url", base + "/Accounts/{sid}/Messages.json")
    params = {
        "accountSid": ACCOUNT,
        "authToken": "b" * 32,
        "fromNumber": "+15551234567",
        "phoneNumbers": "+15557654321\n+15557654322",
        "message": "https://signoff.example.org/decide " + "x" * 2000,
    }

    sent = await new_notifier().send(of_tool({"toolId": "twilio_send_sms", "params": params}))

    assert (sent.channel, sent.success, sent.error) == ("twilio", True, None)
    assert [content["To"] for _, _, content in chat.received] == ["+15557654321", "+15557654322"]
    texts = [content["Body"] for _, _, content in chat.received]
    assert all(text.startswith("https://signoff.example.org/decide ") and len(text) <= 480 for text in texts)
