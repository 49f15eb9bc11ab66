"""What a pause point shows as the fields of a form, for who corrects it; and what they made of it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import quote, unquote

import msgspec
from msgspec import Struct

from signoff.audit.life.hiding import hide_secrets
from signoff.events.types import Json
from signoff.gateway.errors import ApiError, Detail
from signoff.gateway.http.bodies import decode_json
from signoff.gateway.pages.fields import Posted

MOST: Final = 50
"""Values that are corrected on the page; more are by the API alone."""

LONGEST: Final = 60_000
"""Characters of all of them, with their names."""

TITLE: Final = "title"
DATA: Final = "data"
_ROW: Final = "row."
"""What the names of the other fields begin with."""

_OWN: Final = ("operation", "_resume")
"""What the server has put into the data of an ``api`` block."""


class Row(Struct, frozen=True):
    """A value that is shown.

    Attributes:
        control: the name of its field.
        label: its name.
        value: as it is.
        type: as it is told to be; ``None``: what JSON says.
    """

    control: str
    label: str
    value: Json
    type: Json = None

    @property
    def text(self) -> str:
        """The value as it stands in its field: a text as it is, all else as JSON."""
        if isinstance(self.value, str):
            return self.value
        return msgspec.json.format(msgspec.json.encode(self.value), indent=2).decode()


def rows_of(response: Json) -> list[Row]:
    """The values that somebody may correct on the page; none where they are too many or too long for that.

    Nor where one of them is a secret, which no page shows.
    """
    rows = _rows(response)
    fit = len(rows) <= MOST and sum(len(row.label) + len(row.text) for row in rows) <= LONGEST
    return rows if fit and rows == _rows(hide_secrets(response, response)) else []


def _rows(response: Json) -> list[Row]:
    data = response.get("data") if isinstance(response, dict) else None
    if not isinstance(data, dict):
        return []
    return [Row(DATA, "Data", api_data(response))] if data.get("operation") == "api" else _shown(data)


def api_data(response: Json) -> Json:
    """What a point of the operation ``api`` shows, without what is the server's own."""
    data = response.get("data") if isinstance(response, dict) else None
    if not isinstance(data, dict):
        return data
    return {name: value for name, value in data.items() if name not in _OWN}


class Correctable(Struct, frozen=True):
    """What may be corrected: the title, and the values that are shown."""

    title: str
    rows: Sequence[Row]

    @property
    def texts(self) -> dict[str, str]:
        """What stands in the fields, by their names."""
        return {TITLE: _plain(self.title), **{row.control: _plain(row.text) for row in self.rows}}


class Again(Struct, frozen=True):
    """The form as it is shown once more.

    Attributes:
        texts: what stands in its fields, by their names.
        lost: what was typed and stands in none of them, by labels.
    """

    texts: Mapping[str, str]
    lost: Sequence[tuple[str, str]]


def again(now: Correctable, before: Correctable | None, posted: Posted) -> Again:
    """What was typed, and all else as it is shown now.

    Args:
        now: what is shown.
        before: what was corrected; ``None``: nobody knows, and what was typed is no correction of what is
            shown now.
        posted: what stood in the fields then.
    """
    texts, known = now.texts, {} if before is None else before.texts
    typed = {name: _text(posted, name) for name in posted if _is_control(name)}
    stays = {name for name in typed if name in texts and name in known and typed[name] != known[name]}
    was = texts if before is None else known
    lost = [
        (_label(name), text)
        for name, text in typed.items()
        if name not in stays and text and text != was.get(name)
    ]
    return Again({**texts, **{name: typed[name] for name in stays}}, lost)


def body_of(now: Correctable, posted: Posted) -> dict[str, Json]:
    """What the API would be sent: what is not other than before is left out.

    Args:
        now: what is corrected.
        posted: the fields of the form.

    Raises:
        ApiError: 422, something is no JSON that was none before.
    """
    body: dict[str, Json] = {}
    if _text(posted, "reason"):
        body["reason"] = _text(posted, "reason")
    if _text(posted, TITLE) not in ("", _plain(now.title)):
        body[TITLE] = _text(posted, TITLE)
    rows = now.rows
    values = [_value(row, posted) for row in rows]
    if all(value is row.value for row, value in zip(rows, values, strict=True)):
        return body
    if rows[0].control == DATA:
        return {**body, "data": values[0]}
    return {**body, "display": [_display(row, value) for row, value in zip(rows, values, strict=True)]}


def _shown(data: Mapping[str, Json]) -> list[Row]:
    shown, seen = data.get("responseStructure"), Counter[str]()
    rows: list[Row] = []
    for each in shown if isinstance(shown, list) else []:
        if isinstance(each, dict):
            label = str(each.get("name", ""))
            rows.append(Row(_control(label, seen[label]), label, each.get("value"), each.get("type")))
            seen[label] += 1
    return rows


def _control(label: str, number: int) -> str:
    """The name of a field: a value keeps it wherever others put theirs. ``number``: among its namesakes."""
    return f"{_ROW}{number}.{quote(label, safe='')}"


def _is_control(name: str) -> bool:
    return name in (TITLE, DATA) or name.startswith(_ROW)


def _label(control: str) -> str:
    return unquote(control.split(".", 2)[-1]) if control.startswith(_ROW) else control.capitalize()


def _display(row: Row, value: Json) -> dict[str, Json]:
    is_same_kind = isinstance(row.type, str) and type(value) is type(row.value)
    return {"name": row.label, "value": value, **({"type": row.type} if is_same_kind else {})}


def _value(row: Row, posted: Posted) -> Json:
    if row.control not in posted or _text(posted, row.control) == _plain(row.text):
        return row.value
    text = _text(posted, row.control)
    if isinstance(row.value, str):
        return text
    try:
        return decode_json(text.encode())
    except ApiError as error:
        message = f"This is no JSON: {error}"
        raise ApiError(422, message, details=[Detail(row.control, message)]) from error


def _text(posted: Posted, name: str) -> str:
    return _plain(next(iter(posted.get(name, ())), ""))


def _plain(text: str) -> str:
    """A text with the line ends that it has after it stood in a field."""
    return text.replace("\r\n", "\n").replace("\r", "\n")
