"""What another system sends to a webhook, as the input of a run: JSON, a form, or text."""

from urllib.parse import parse_qsl

from signoff.events.types import Json
from signoff.gateway.errors import ApiError, bad_request
from signoff.gateway.http.bodies import check_storable, decode_json

_MOST_FIELDS = 1000


def read_payload(raw: bytes, content_type: str, charset: str | None) -> Json:
    """A body as a JSON value.

    A form's fields are texts; one that is there several times is a list. A form whose field ``payload`` is a
    JSON object or array is that, as GitHub sends it.

    Args:
        raw: the body.
        content_type: without parameters, in lower case; ``application/octet-stream`` where none was given.
        charset: of a form or text; UTF-8 where none was given.

    Raises:
        ApiError: 400 names the place that is at fault; 415 for what is neither JSON nor a form nor text.
    """
    if not raw.strip():
        return {}
    if content_type.endswith(("/json", "+json")) or content_type == "application/octet-stream":
        return decode_json(raw)
    if content_type == "application/x-www-form-urlencoded":
        return _form(_text(raw, charset))
    if content_type.startswith("text/"):
        return check_storable(_text(raw, charset))
    raise ApiError(415, f"A webhook takes JSON, a form or text, not {content_type}")


def _text(raw: bytes, charset: str | None) -> str:
    try:
        return raw.decode(charset or "utf-8")
    except (UnicodeDecodeError, LookupError) as error:
        raise bad_request(f"The body is no text: {error}") from error


def _form(text: str) -> Json:
    try:
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=_MOST_FIELDS, errors="strict")
    except ValueError as error:
        raise bad_request(f"The body is no form: {error}") from error
    fields: dict[str, list[str]] = {}
    for name, value in pairs:
        fields.setdefault(name, []).append(value)
    payload = fields.get("payload", [""])[0]
    if payload.lstrip().startswith(("{", "[")):
        return decode_json(payload.encode())
    return check_storable({name: values if len(values) > 1 else values[0] for name, values in fields.items()})
