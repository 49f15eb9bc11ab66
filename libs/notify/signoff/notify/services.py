"""The channels there are: Apprise's services, each with the options that its URL may have.

Only what is listed here can be sent with. Services that write files, run programs or talk to this machine are
not; neither are options that read files (``template``, ``pgppub`` …), turn off the check of certificates
(``verify``), follow redirects, repeat or wait.
"""

import re
import warnings
from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # it imports imghdr, which tells everybody
    from apprise import AppriseAsset, NotifyFormat, NotifyType, OverflowMode
    from apprise.plugins.base import NotifyBase
    from apprise.plugins.custom_json import NotifyJSON
    from apprise.plugins.discord import NotifyDiscord
    from apprise.plugins.email.base import NotifyEmail
    from apprise.plugins.google_chat import NotifyGoogleChat
    from apprise.plugins.gotify import NotifyGotify
    from apprise.plugins.matrix.base import NotifyMatrix
    from apprise.plugins.mattermost import NotifyMattermost
    from apprise.plugins.ntfy import NotifyNtfy
    from apprise.plugins.opsgenie import NotifyOpsgenie
    from apprise.plugins.pagerduty import NotifyPagerDuty
    from apprise.plugins.pushover import NotifyPushover
    from apprise.plugins.rocketchat import NotifyRocketChat
    from apprise.plugins.slack import NotifySlack
    from apprise.plugins.telegram import NotifyTelegram
    from apprise.plugins.twilio import NotifyTwilio
    from apprise.plugins.webexteams import NotifyWebexTeams
    from apprise.plugins.workflows import NotifyWorkflows
    from apprise.plugins.zulip import NotifyZulip
from msgspec import Struct

from signoff.notify.confinement import Confinement, confined
from signoff.notify.errors import InvalidNoticeError
from signoff.notify.notices import Notice
from signoff.notify.reasons import listening
from signoff.notify.texts import LONGEST_BODY, one_line, plain_text

SETTING: Final = "SIGNOFF_NOTIFY_SCHEMES"
UNKNOWN: Final = "unknown"
"""The channel of what is none."""

_LONGEST_URL: Final = 2_000
_LONGEST_SMS: Final = 480
_INSECURE: Final = "insecure"
_SCHEME: Final = re.compile(r"([a-z]{2,20})://[^\x00-\x20\x7f]+", re.IGNORECASE)
_ENCODED_CONTROL: Final = re.compile(r"%(?:[01][0-9a-f]|7f)", re.IGNORECASE)
_PREFIXES: Final = ("+", "-", ":")
"""Begin the names of headers, parameters and parts of a payload in an Apprise URL."""

_ASSET: Final = AppriseAsset(
    app_id="Signoff",
    app_desc="Signoff",
    app_url="",
    image_url_mask="",
    image_url_logo="",
    http_redirects=False,
    secure_logging=True,
)


class Service(Struct, frozen=True):
    """An Apprise service and the options that its URLs may have; a prefix stands for all names with it."""

    kind: type[NotifyBase]
    options: frozenset[str]


def _service(kind: type[NotifyBase], options: str) -> Service:
    return Service(kind, frozenset(options.split()) | {"format"})


_MAIL: Final = _service(NotifyEmail, "from name to cc bcc reply smtp mode user pass")
_JSON: Final = _service(NotifyJSON, "method + - :")
_WORKFLOWS: Final = _service(
    NotifyWorkflows,
    "id workflow sig signature ver api-version sp sv route routeid pa powerautomate image wrap",
)
_WEBEX: Final = _service(NotifyWebexTeams, "to token mode")

SERVICES: Final[Mapping[str, Service]] = {
    "discord": _service(
        NotifyDiscord, "avatar avatar_url botname fields flags footer footer_logo image ping thread tts"
    ),
    "gchat": _service(NotifyGoogleChat, "workspace key token thread threadkey"),
    "gotifys": _service(NotifyGotify, "priority"),
    "json": _JSON,
    "jsons": _JSON,
    "mailto": _MAIL,
    "mailtos": _MAIL,
    "matrixs": _service(NotifyMatrix, "to token mode msgtype version v"),
    "mmosts": _service(NotifyMattermost, "to channel channels team botname icon_url image mode"),
    "ntfys": _service(NotifyNtfy, "to token auth mode priority tags click email delay"),
    "opsgenie": _service(NotifyOpsgenie, "to apikey region priority alias entity tags action +"),
    "pagerduty": _service(
        NotifyPagerDuty,
        "apikey integrationkey region severity source component group class click action dedup +",
    ),
    "pover": _service(NotifyPushover, "to key priority sound url url_title expire interval"),
    "rockets": _service(NotifyRocketChat, "to mode webhook avatar"),
    "slack": _service(NotifySlack, "to token mode blocks footer image timestamp"),
    "tgram": _service(NotifyTelegram, "to thread topic silent preview content mdv image"),
    "twilio": _service(NotifyTwilio, "to from source sid token apikey method"),
    "webex": _WEBEX,
    "workflow": _WORKFLOWS,
    "workflows": _WORKFLOWS,
    "wxteams": _WEBEX,
    "zulip": _service(NotifyZulip, "to token"),
}  # fmt: skip

_INCIDENTS: Final = (NotifyOpsgenie, NotifyPagerDuty)
"""Services that open an incident for a warning, and close one, or do nothing, for what merely informs."""

WEB: Final = frozenset({"https", "http"})
"""What is posted without Apprise, by `signoff.notify.webhook`."""

PLAIN: Final = frozenset({"http", "json", "mailto"})
"""What goes over the network unencrypted: only where the setting names it."""

DEFAULT_SCHEMES: Final = (frozenset(SERVICES) | WEB) - PLAIN

_PASTED: Final = (NotifySlack, NotifyWorkflows, NotifyDiscord, NotifyGoogleChat)
"""Services whose own ``https://`` URLs, as they show them to people, are taken for what they are."""


def parse_schemes(names: Iterable[str]) -> frozenset[str]:
    """The schemes that SIGNOFF_NOTIFY_SCHEMES allows.

    Args:
        names: of schemes, without ``://``; none at all: `DEFAULT_SCHEMES`.

    Raises:
        ValueError: one is not supported; the message names it.
    """
    chosen = frozenset(names)
    known = frozenset(SERVICES) | WEB
    for name in sorted(chosen - known):
        raise ValueError(f"{SETTING}: {name!r} is no channel. Write some of {', '.join(sorted(known))}")
    return chosen or DEFAULT_SCHEMES


def channel_of(url: str) -> str:
    """By what a URL is sent: its scheme, or the service whose webhook it is; `UNKNOWN` for anything else."""
    parsed = _pasted(url)
    if parsed is not None:
        return str(parsed["schema"])
    match = _SCHEME.fullmatch(url) if len(url) <= _LONGEST_URL else None
    scheme = match[1].lower() if match else UNKNOWN
    return scheme if scheme in SERVICES or scheme in WEB else UNKNOWN


def check_channel(channel: str, allowed: Collection[str]) -> None:
    """Let a channel pass if it is allowed.

    Raises:
        InvalidNoticeError: it is none, or not allowed here.
    """
    if channel == UNKNOWN:
        raise InvalidNoticeError(
            f"url: must begin with one of {', '.join(sorted(allowed))}, then ://, without spaces, "
            f"in at most {_LONGEST_URL} characters"
        )
    if channel not in allowed:
        raise InvalidNoticeError(f"{channel}:// is not allowed here; to allow it, add it to {SETTING}")


def deliver(notice: Notice, confinement: Confinement, *, patience: float) -> str | None:
    """Send a message by Apprise; blocks its thread, which is confined meanwhile.

    Args:
        notice: whose channel is one of `SERVICES` and allowed.
        confinement: what the thread may touch.
        patience: seconds that connecting, and each wait for an answer, may take.

    Returns:
        Why it was not taken, ``None`` if it was.
    """
    with listening() as reasons, confined(confinement):
        try:
            service = _load(notice.url)
            if reasons.dropped:
                return "url: one of its addresses is none"
            service.socket_connect_timeout = service.socket_read_timeout = patience
            taken = service.notify(**_message(notice, service))
        except InvalidNoticeError as error:
            return str(error)
        except Exception as error:  # noqa: BLE001  (of 20 services; its text may hold secrets)
            return confinement.refusal or f"the channel failed with {type(error).__name__}"
    if taken:
        return None
    return reasons.last or confinement.refusal or "the channel did not take it"


def _message(notice: Notice, service: NotifyBase) -> dict[str, Any]:
    title, body = one_line(notice.title), notice.body.strip()
    if not (title or body):
        raise InvalidNoticeError("title, body: one of them must say something")
    is_sms = isinstance(service, NotifyTwilio)
    return {
        "title": title if body else "",
        "body": plain_text(body or title, _LONGEST_SMS if is_sms else LONGEST_BODY),
        "notify_type": NotifyType.WARNING if isinstance(service, _INCIDENTS) else NotifyType.INFO,
        "body_format": None if notice.format == "native" else NotifyFormat(notice.format),
        # What Apprise knows as the length of one SMS is far below what Twilio takes for one message.
        "overflow": OverflowMode.UPSTREAM if is_sms else OverflowMode.TRUNCATE,
    }


def _load(url: str) -> NotifyBase:
    channel = channel_of(url)
    try:
        loaded = _service_of(channel, url)
    except InvalidNoticeError:
        raise
    except Exception as error:  # 20 services raise what they like; its text may hold secrets
        raise InvalidNoticeError(f"url: lacks what {channel}:// needs, or has it wrong") from error
    if channel == "mailtos" and getattr(loaded, "secure_mode", _INSECURE) == _INSECURE:
        raise InvalidNoticeError("url: mailtos:// is encrypted; without mode=insecure it is")
    return loaded


def _service_of(channel: str, url: str) -> NotifyBase:
    service = SERVICES[channel]
    if _ENCODED_CONTROL.search(url):
        raise InvalidNoticeError("url: has control characters (%0A …), which no part of it may have")
    parsed = _pasted(url) or service.kind.parse_url(url)
    if not parsed:
        raise InvalidNoticeError(f"url: is no {channel}:// URL: see Apprise's page of that service")
    _check_options(channel, service, parsed)
    return service.kind(**parsed | {"asset": _ASSET})


def _pasted(url: str) -> dict[str, Any] | None:
    if not url.startswith("https://") or not _SCHEME.fullmatch(url) or len(url) > _LONGEST_URL:
        return None
    try:
        return next((parsed for kind in _PASTED if (parsed := kind.parse_native_url(url))), None)
    except Exception:  # noqa: BLE001  (it looked like one, and is none: an ordinary https:// URL)
        return None


def _check_options(channel: str, service: Service, parsed: Mapping[str, Any]) -> None:
    written = set(parsed.get("qsd", ()))
    written |= {prefix for prefix in _PREFIXES if parsed.get(f"qsd{prefix}")}
    given = {name[0] if name[:1] in _PREFIXES else name for name in written}
    if given - service.options:
        known = ", ".join(sorted(service.options))
        raise InvalidNoticeError(f"url: has options that {channel}:// may not have; it may have {known}")
