"""The fields of a form as a browser has them: which control each is, and what was sent for it."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal, TypeAlias

import msgspec
from msgspec import Struct
from multidict import MultiMapping

from signoff.engine.definitions.constraints import choices_of
from signoff.engine.definitions.values import SECRET_TYPE, parse_json, parse_number, to_text
from signoff.events.types import Json

PREFIX: Final = "field."
"""What the names of controls begin with: a field may be called anything."""

Control: TypeAlias = Literal["text", "area", "code", "number", "select", "several", "secret", "files"]

MOST_OPTIONS: Final = 200
"""Choices that a control lists; one of more is typed."""

_OPTIONS_SIZE: Final = 20_000
"""Characters of all choices that a control lists."""

_LABEL: Final = 300
_HINT: Final = 2_000
"""Characters that are shown of what an author has written."""

_FILES: Final = ("files", "file[]")
_CONTROLS: Final[Mapping[str, Control]] = {
    "array": "code", "boolean": "select", "file[]": "files", "files": "files", "number": "number",
    "object": "code", SECRET_TYPE: "secret",
}  # fmt: skip
_BOOLEAN: Final = (("true", "Yes"), ("false", "No"))
_LENGTHS: Final = ("minLength", "maxLength")
_BOUNDS: Final[Mapping[str, str]] = {
    "min": "at least {}", "max": "at most {}", "minLength": "at least {} characters",
    "maxLength": "at most {} characters", "minItems": "at least {} entries", "maxItems": "at most {} entries",
    "accept": "{}",
}  # fmt: skip


class Option(Struct, frozen=True):
    """Something that may be chosen: what is sent, and what it is called."""

    value: str
    label: str


class Widget(Struct, frozen=True, kw_only=True):
    """A field as the page shows it.

    Attributes:
        field: its name in the form.
        name: of its control.
        id: of its element.
        hint: what it asks for.
        values: what stands in it; of choices: those that are chosen.
        attributes: further ones of the element.
    """

    field: str
    name: str
    id: str
    label: str
    control: Control
    hint: str
    placeholder: str
    required: bool
    values: list[str]
    options: list[Option]
    attributes: Mapping[str, str]


Posted: TypeAlias = Mapping[str, Sequence[str]]
"""The texts that were sent, by the names of their controls."""


def posted_of(form: MultiMapping[Any]) -> Posted:
    """The texts of a form that was sent, without its files."""
    return {name: [each for each in form.getall(name) if isinstance(each, str)] for name in form}


def widgets(
    fields: Sequence[Mapping[str, Any]], posted: Posted | None = None, *, without: str | None = None
) -> list[Widget]:
    """The fields of a form.

    Args:
        fields: as `signoff.engine.definitions.forms.form_fields` gives them.
        posted: what was sent before, where the form is shown again.
        without: the field that buttons stand for.
    """
    return [_widget(index, field, posted) for index, field in enumerate(fields) if field["name"] != without]


def sent_values(
    fields: Sequence[Mapping[str, Any]], posted: Posted, *, without: str | None = None
) -> dict[str, Json]:
    """What was filled in, by the names of the fields; files, and what was left empty, are not among it.

    Args:
        fields: of the form.
        posted: what was sent.
        without: the field that buttons stand for.
    """
    values: dict[str, Json] = {}
    for field in fields:
        if field["name"] == without or field["type"] in _FILES:
            continue
        texts = posted.get(PREFIX + field["name"], ())
        value = _value(field, texts)
        if value is not None:
            values[field["name"]] = value
    return values


def file_names(fields: Sequence[Mapping[str, Any]]) -> list[str]:
    """The names of the fields that take files."""
    return [field["name"] for field in fields if field["type"] in _FILES]


def _value(field: Mapping[str, Any], texts: Sequence[str]) -> Json:
    choices = {to_text(each): each for each in choices_of(field) or []}
    if choices and field["type"] == "array":
        typed = texts if _is_listed(field) else "\n".join(texts).splitlines()
        chosen = [choices.get(each, each) for each in typed if each]
        return chosen or ([] if field.get("value") else None)
    text = texts[0].replace("\r\n", "\n") if texts else ""
    if not text.strip():
        emptied = bool(field.get("value")) and field["type"] in ("string", SECRET_TYPE) and not choices
        return "" if emptied and texts else None
    return choices[text] if text in choices else _read(field["type"], text)


def _read(kind: str, text: str) -> Json:
    """A text as a value of a type; itself where it is none of that, which the engine then says."""
    if kind == "number":
        number = parse_number(text)
        return text if number is None else number
    if kind in ("object", "array"):
        return parse_json(text, fallback=text)
    return {"true": True, "false": False}.get(text, text) if kind == "boolean" else text


def _widget(index: int, field: Mapping[str, Any], posted: Posted | None) -> Widget:
    control = _control(field)
    name = PREFIX + field["name"]
    label = str(field.get("label") or field["name"])[:_LABEL]
    return Widget(
        field=field["name"],
        name=name,
        id=f"field-{index}",
        label=label,
        control=control,
        hint=_hint(field),
        placeholder=str(field.get("placeholder") or ""),
        required=bool(field.get("required")),
        values=_shown(field, control) if posted is None else _again(control, posted.get(name, ())),
        options=_options(field) if _is_listed(field) else [],
        attributes=_attributes(field, control),
    )


def _control(field: Mapping[str, Any]) -> Control:
    kind = field["type"]
    if choices_of(field) and kind not in _FILES:
        if _is_listed(field):
            return "several" if kind == "array" else "select"
        return "area" if kind == "array" else "text"
    if kind == "string" and field.get("multiline"):
        return "area"
    return _CONTROLS.get(kind, "text")


def _is_listed(field: Mapping[str, Any]) -> bool:
    """Whether its choices are few enough to be listed."""
    choices = choices_of(field) or []
    if len(choices) > MOST_OPTIONS:
        return False
    return sum(len(to_text(each)) for each in choices) <= _OPTIONS_SIZE


def _options(field: Mapping[str, Any]) -> list[Option]:
    choices = choices_of(field)
    if choices:
        given = field["options"]
        named = (each.get("label") if isinstance(each, dict) else None for each in given)
        return [
            Option(to_text(value), (to_text(label) if label else to_text(value))[:_LABEL])
            for value, label in zip(choices, named, strict=True)
        ]
    return [Option(*each) for each in _BOOLEAN] if field["type"] == "boolean" else []


def _shown(field: Mapping[str, Any], control: Control) -> list[str]:
    """What a control begins with: the field's default. A secret has none that is shown."""
    value = field.get("value")
    if value is None or control in ("secret", "files"):
        return []
    if control == "several":
        return [to_text(each) for each in value] if isinstance(value, list) else [to_text(value)]
    if control == "area" and isinstance(value, list):
        return ["\n".join(map(to_text, value))]
    if control == "code" and not isinstance(value, str):
        return [msgspec.json.format(msgspec.json.encode(value), indent=2).decode()]
    return [to_text(value)]


def _again(control: Control, texts: Sequence[str]) -> list[str]:
    return [] if control in ("secret", "files") else list(texts)


def _attributes(field: Mapping[str, Any], control: Control) -> dict[str, str]:
    if control == "number":
        bounds = {key: to_text(field[key]) for key in ("min", "max") if field.get(key) is not None}
        return {"step": "any", "inputmode": "decimal", **bounds}
    if control == "files":
        accepted = field.get("accept")
        return {"accept": ",".join(map(str, accepted))} if isinstance(accepted, list) else {}
    if control in ("text", "area"):  # browsers read patterns in another way: the server tells of those
        return {key.lower(): to_text(field[key]) for key in _LENGTHS if field.get(key) is not None}
    return {}


def _hint(field: Mapping[str, Any]) -> str:
    """The author's description, and what the value must be besides."""
    bounds = [text.format(_plain(field[key])) for key, text in _BOUNDS.items() if field.get(key) is not None]
    if _control(field) == "code":
        bounds.insert(0, "a JSON object" if field["type"] == "object" else "a JSON list")
    choices = choices_of(field) or []
    if choices and not _is_listed(field):
        each = "each in a line of its own, " if field["type"] == "array" else ""
        few = ", ".join(to_text(choice)[:_LABEL] for choice in choices[:3])
        bounds.insert(0, f"{each}of {len(choices):,} choices, such as {few}")
    told = "; ".join(bounds)
    return ". ".join(
        each
        for each in (str(field.get("description") or "")[:_HINT].rstrip("."), told[:1].upper() + told[1:])
        if each
    )


def _plain(value: Json) -> str:
    return ", ".join(map(to_text, value)) if isinstance(value, list) else to_text(value)
