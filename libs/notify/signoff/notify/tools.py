"""Sim's notification tools, each as the message that it stands for here.

A notification of Sim's is a call of a tool, ``{type, toolId, title, operation, params}``. What a tool does
with an access token of a provider (Gmail, Outlook, Teams by Graph) has no channel here; its error says what
has.
"""

import re
from collections.abc import Callable, Mapping
from typing import Final, TypeAlias
from urllib.parse import quote, urlencode

import msgspec

from signoff.engine.definitions.values import table
from signoff.events.types import Json
from signoff.notify.errors import InvalidNoticeError, UnknownToolError
from signoff.notify.notices import Format, Notice

_Tool: TypeAlias = Callable[["_Params"], Notice]

_NO_CHANNEL: Final[Mapping[str, str]] = {
    "gmail_send": "mail with an access token of Google is not sent from here: use smtp_send_mail with "
    "smtp.gmail.com and an app password, or notify: mailtos://…",
    "outlook_send": "mail with an access token of Microsoft is not sent from here: use smtp_send_mail, or "
    "notify: mailtos://…",
    "mail_send": "there is no mail service of our own: use smtp_send_mail, or notify: mailtos://…",
    "sms_send": "there is no SMS service of our own: use twilio_send_sms, or notify: twilio://…",
    "discord_send_message": "a bot of Discord does not write from here: use discord_execute_webhook",
}
_SLACK_WEBHOOK: Final = re.compile(r"https://hooks\.slack(-gov)?\.com/")


def of_tool(entry: Mapping[str, Json]) -> Notice:
    """The message that one of Sim's notifications stands for.

    Args:
        entry: ``{"type", "toolId", "title", "operation", "params"}``, with its references resolved.

    Raises:
        UnknownToolError: no channel stands for the tool.
        InvalidNoticeError: a parameter is missing, or not as it must be.
    """
    tool_id, params = entry.get("toolId"), entry.get("params")
    if not isinstance(tool_id, str) or not tool_id:
        raise InvalidNoticeError("toolId: must name a tool, such as smtp_send_mail")
    base = re.sub(r"_v\d+$", "", tool_id)  # Sim's newer versions of a tool take what the first one took
    if base in _NO_CHANNEL:
        raise UnknownToolError(f"{base}: {_NO_CHANNEL[base]}")
    tool = _TOOLS.get(base)
    if tool is None:
        raise UnknownToolError(f"toolId: no channel stands for it; there are {', '.join(sorted(_TOOLS))}")
    return tool(_Params(base, params if isinstance(params, dict) else {}))


class _Params:
    """The parameters of a tool. What is wrong with one is said with its name, never with its value."""

    def __init__(self, tool: str, values: Mapping[str, Json]) -> None:
        self._tool = tool
        self._values = values

    def get(self, *names: str) -> str | None:
        """The first that is set, as text."""
        for name in names:
            value = self._values.get(name)
            if isinstance(value, str | int | float) and not isinstance(value, bool) and str(value).strip():
                return str(value).strip()
        return None

    def need(self, *names: str) -> str:
        """The first that is set; one must be."""
        value = self.get(*names)
        if value is None:
            raise self.error(names[0], "is missing")
        return value

    def many(self, name: str) -> list[str]:
        """The parts of one that must be set, by commas, line breaks or as a list."""
        value = self._values.get(name)
        texts = value if isinstance(value, list) else re.split(r"[,;\n]", self.need(name))
        return [str(text).strip() for text in texts if str(text).strip()]

    def raw(self, name: str) -> Json:
        """One as it is."""
        return self._values.get(name)

    def error(self, name: str, text: str) -> InvalidNoticeError:
        """What is wrong with one."""
        return InvalidNoticeError(f"{self._tool}: {name}: {text}")


def _slack(params: _Params) -> Notice:
    text = params.need("text")
    webhook = params.get("webhookUrl")
    if webhook is not None:
        if not _SLACK_WEBHOOK.match(webhook):
            raise params.error(
                "webhookUrl", "must be an incoming webhook of Slack, https://hooks.slack.com/…"
            )
        return Notice(url=webhook, title="", body=text, format="native")
    token, thread = params.need("botToken", "accessToken"), params.get("threadTs")
    target = _slack_target(params) + (f":{thread}" if thread else "")
    if not re.fullmatch(r"[#+][\w-]{1,32}(:[\d.]+)?", target, re.ASCII):
        raise params.error("channel", "must be the name or the id of one channel or user")
    return Notice(url=f"slack://{_part(token)}/{_part(target)}", title="", body=text, format="native")


def _slack_target(params: _Params) -> str:
    if params.get("destinationType") == "dm":
        return "+" + params.need("dmUserId").lstrip("@")
    channel = params.need("channel").lstrip("#")
    return f"+{channel}" if re.fullmatch(r"[CDG][A-Z0-9]{8,}", channel) else f"#{channel}"


def _smtp(params: _Params) -> Notice:
    secure = (params.get("smtpSecure") or "tls").lower()
    modes = {"tls": "starttls", "starttls": "starttls", "ssl": "ssl", "none": "insecure"}
    if secure not in modes:
        raise params.error("smtpSecure", "must be TLS, SSL or None")
    options = {
        "from": params.need("from"),
        "smtp": params.need("smtpHost"),
        "to": ",".join(params.many("to")),
        "mode": modes[secure],
    }
    optional = {"user": "smtpUsername", "pass": "smtpPassword", "name": "fromName", "reply": "replyTo"}
    options |= {option: value for option, name in optional.items() if (value := params.get(name))}
    options |= {name: ",".join(params.many(name)) for name in ("cc", "bcc") if params.get(name)}
    scheme = "mailto" if options["mode"] == "insecure" else "mailtos"
    return Notice(
        url=f"{scheme}://{_host(params)}?{urlencode(options, quote_via=quote)}",
        title=params.need("subject"),
        body=params.need("body"),
        format=_format(params),
    )


def _host(params: _Params) -> str:
    host, port = params.need("smtpHost"), params.get("smtpPort")
    if not re.fullmatch(r"[\w.-]+", host, re.ASCII):
        raise params.error("smtpHost", "must be the name or the IPv4 address of a mail server")
    if port is not None and not re.fullmatch(r"\d{1,5}(\.0)?", port, re.ASCII):
        raise params.error("smtpPort", "must be a port, such as 587")
    return host if port is None else f"{host}:{int(float(port))}"


def _format(params: _Params) -> Format:
    return "html" if (params.get("contentType") or "").lower() in {"html", "text/html"} else "text"


def _twilio(params: _Params) -> Notice:
    account, token = params.need("accountSid"), params.need("authToken")
    numbers = "/".join(_part(number) for number in params.many("phoneNumbers"))
    url = f"twilio://{_part(account)}:{_part(token)}@{_part(params.need('fromNumber'))}/{numbers}"
    return Notice(url=url, title="", body=params.need("message"))


def _teams(params: _Params) -> Notice:
    content, webhook = params.need("content"), params.get("webhookUrl")
    if webhook is None:
        raise params.error(
            "webhookUrl",
            "is missing: with an access token of Microsoft nothing is sent from here. Make a webhook for the "
            "channel (Teams, Workflows) and give its URL",
        )
    if not webhook.startswith("https://"):
        raise params.error("webhookUrl", "must be the https:// URL of a workflow of Teams")
    return Notice(url=webhook, title="", body=content)


def _discord(params: _Params) -> Notice:
    url = f"discord://{_part(params.need('webhookId'))}/{_part(params.need('webhookToken'))}"
    return Notice(url=url, title="", body=params.need("content"), format="native")


def _telegram(params: _Params) -> Notice:
    url = f"tgram://{_part(params.need('botToken'), ':')}/{_part(params.need('chatId'))}"
    return Notice(url=url, title="", body=params.need("text"), format="markdown")


def _web(params: _Params) -> Notice:
    url = params.need("url")
    if not url.startswith(("https://", "http://")):
        raise params.error("url", "must begin with https://")
    if params.get("secret") is not None:
        raise params.error("secret", "notifications are not signed: set up an outgoing webhook, which is")
    if (params.get("method") or "POST").upper() != "POST":
        raise params.error("method", "must be POST")
    headers = {name: str(value) for name, value in table(_decoded(params.raw("headers"))).items()}
    return Notice(url=url, title="", body="", payload=_payload(params), headers=headers)


def _payload(params: _Params) -> Json:
    payload = _decoded(params.raw("body"))
    return {} if payload is None else payload


def _decoded(value: Json) -> Json:
    """A value that the editor kept as JSON text."""
    if not isinstance(value, str):
        return value
    try:
        return msgspec.json.decode(value)
    except msgspec.DecodeError:
        return value


def _part(text: str, safe: str = "") -> str:
    return quote(text, safe=safe)


_TOOLS: Final[Mapping[str, _Tool]] = {
    "discord_execute_webhook": _discord,
    "http_request": _web,
    "microsoft_teams_write_channel": _teams,
    "microsoft_teams_write_chat": _teams,
    "slack_message": _slack,
    "smtp_send_mail": _smtp,
    "telegram_send_message": _telegram,
    "twilio_send_sms": _twilio,
    "webhook_request": _web,
}
