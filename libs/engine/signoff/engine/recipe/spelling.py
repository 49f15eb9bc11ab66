"""How a key of our own spelling is described: once, for the reader, the JSON Schema and people.

A key's schema is a fragment of JSON Schema. The reader checks the few keywords that the fragments use
(`misfit`), so that what it accepts the published schema accepts too.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from msgspec import Struct, field

from signoff.engine.definitions.faults import Findings, at

Schema = dict[str, Any]
"""A fragment of JSON Schema."""

DURATION: Final[Schema] = {
    "type": "string",
    "pattern": "^\\s*[0-9]{1,12}(\\.[0-9]{1,6})?\\s*(ms|s|m|h|d)\\s*$",
}
DURATION_HINT: Final = "such as 500ms, 10s, 30m, 12h or 2d"

_KINDS: Final[Mapping[str, tuple[type, ...]]] = {
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
    "object": (dict,),
    "array": (list,),
    "null": (type(None),),
}
_NAMES: Final = {
    "string": "a text",
    "boolean": "true or false",
    "integer": "a whole number",
    "number": "a number",
    "object": "an object",
    "array": "a list",
}


class Key(Struct, frozen=True):
    """One key of a block, of a list's entry, or of the document.

    Attributes:
        schema: what its value may be.
        about: what it is for, in a sentence for people and editors.
        required: it must be there, and not be null.
        expected: what a message says that the value must be, where the schema is not plain enough.
        hint: an example.
    """

    schema: Schema
    about: str
    required: bool = False
    expected: str | None = None
    hint: str | None = None


class Written(Struct):
    """The parameters of one block as they are read.

    Attributes:
        params: by Sim's names.
        renamed: where those stand that the document calls otherwise; see `BlockPlace`.
        branches: the edges that its cases or routes are: handle, target or targets, and path of these.
    """

    params: dict[str, Any] = field(default_factory=dict)
    renamed: dict[str, str] = field(default_factory=dict)
    branches: list[tuple[str, Any, str]] = field(default_factory=list)


class Spelling(Struct, frozen=True, kw_only=True):
    """How a block type is written.

    Attributes:
        about: what the block does, in a sentence.
        keys: those that it has besides the keys that every block has.
        read: reads what is left of a block at a path when keys that do not fit are taken out.
        type: the type in the internal form, where that has another name.
        branching: its edges stand with its cases: it has no ``then``.
    """

    about: str
    keys: Mapping[str, Key]
    read: Callable[[dict[str, Any], str, Written, Findings], None]
    type: str | None = None
    branching: bool = False


def misfit(value: Any, schema: Schema) -> bool:
    """Tells whether a value does not fit a fragment; what is inside it is not looked at."""
    if "anyOf" in schema:
        return all(misfit(value, each) for each in schema["anyOf"])
    if "enum" in schema:
        return not (isinstance(value, str) and value in schema["enum"])
    kinds = schema.get("type", tuple(_KINDS))
    return not any(_is(value, kind) for kind in _listed(kinds)) or not _is_within(value, schema)


def _is_within(value: Any, schema: Schema) -> bool:
    match value:
        case str():
            pattern = schema.get("pattern")
            return len(value) >= schema.get("minLength", 0) and bool(
                pattern is None or re.search(pattern, value)
            )
        case bool():
            return True
        case int() | float():
            return bool(schema.get("minimum", value) <= value <= schema.get("maximum", value))
        case list():
            return bool(len(value) >= schema.get("minItems", 0))
        case dict():
            return bool(len(value) >= schema.get("minProperties", 0))
    return True


def _listed(kinds: str | Iterable[str]) -> Iterable[str]:
    return (kinds,) if isinstance(kinds, str) else kinds


def read_keys(
    raw: dict[str, Any], path: str, keys: Mapping[str, Key], findings: Findings, *, closed: bool = True
) -> dict[str, Any]:
    """Checks an object by its keys.

    Args:
        raw: the object.
        path: where it stands.
        keys: those that it may have.
        findings: takes unknown, missing and misfitting keys.
        closed: a key that is not known is a fault.

    Returns:
        The keys that are known and fit, those that are null left out.
    """
    if closed:
        refuse_unknown(raw, path, keys, findings)
    fitting: dict[str, Any] = {}
    for name, key in keys.items():
        value = raw.get(name)
        if value is None:
            if key.required:
                findings.fault(at(path, name), f"is required: {_expected(key)}", key.hint)
        elif misfit(value, key.schema):
            findings.fault(at(path, name), f"must be {_expected(key)}", _hint(value, key, findings))
        else:
            fitting[name] = value
    return fitting


def refuse_unknown(raw: Iterable[str], path: str, known: Iterable[str], findings: Findings) -> None:
    """Reports keys that are not known."""
    for key in [each for each in raw if each not in known]:
        findings.fault(at(path, key), "is not known here", findings.did_you_mean(key, known))


def object_schema(keys: Mapping[str, Key], **more: Any) -> Schema:
    """The JSON Schema of an object with these keys and no others."""
    required = [name for name, key in keys.items() if key.required]
    schema: Schema = {
        "type": "object",
        "properties": {name: key_schema(key) for name, key in keys.items()},
        "additionalProperties": False,
        **more,
    }
    return schema | ({"required": required} if required else {})


def key_schema(key: Key) -> Schema:
    """The JSON Schema of a key's value, with its description; null is as good as left out."""
    schema = key.schema if key.required else _nullable(key.schema)
    return {"description": key.about, **schema}


def _nullable(schema: Schema) -> Schema:
    if "anyOf" in schema:
        return schema | {"anyOf": [*schema["anyOf"], {"type": "null"}]}
    if "enum" in schema:
        return schema | {"enum": [*schema["enum"], None]}
    kinds = schema.get("type")
    if kinds is None:
        return schema
    return schema | {"type": [*_listed(kinds), "null"]}


def _is(value: Any, kind: str) -> bool:
    return isinstance(value, _KINDS[kind]) and (kind == "boolean" or not isinstance(value, bool))


def _expected(key: Key) -> str:
    if key.expected is not None:
        return key.expected
    if "enum" in key.schema:
        return f"one of {', '.join(map(str, key.schema['enum']))}"
    kinds = key.schema["type"]
    names = " or ".join(_NAMES[kind] for kind in _listed(kinds))
    if "maximum" in key.schema:
        return f"{names} from {key.schema['minimum']:g} to {key.schema['maximum']:g}"
    return names


def _hint(value: Any, key: Key, findings: Findings) -> str | None:
    if key.hint is None and "enum" in key.schema and isinstance(value, str):
        return findings.did_you_mean(value, key.schema["enum"])
    return key.hint
