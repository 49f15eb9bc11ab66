"""Schemas of structs: what msgspec says of them, with what their docstrings say."""

import inspect
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final, TypeAlias, get_origin

import msgspec
from msgspec import Struct
from msgspec import inspect as shapes

Schema: TypeAlias = dict[str, Any]
"""A JSON Schema, 2020-12, as a value that JSON can hold."""

StructType: TypeAlias = Any
"""A class of structs, or one with the types that it is made of."""

_ATTRIBUTE: Final = re.compile(r"^ {4}(\w+): (.*(?:\n {8}.*)*)", re.MULTILINE)
_IN_PLACE: Final = ("items", "additionalProperties", "if", "then", "else", "not")
_BY_NAME: Final = ("properties", "$defs")
_IN_LISTS: Final = ("anyOf", "oneOf", "allOf", "prefixItems")


def structs_of(kinds: Iterable[object]) -> Iterator[StructType]:
    """Every struct that a value of these types may hold, each once."""
    seen: set[object] = set()
    pending = list(shapes.multi_type_info(kinds))
    while pending:
        match pending.pop():
            case shapes.StructType(cls=cls, fields=fields) if cls not in seen:
                seen.add(cls)
                yield cls
                pending += [field.type for field in fields]
            case shapes.Metadata(type=inner):
                pending.append(inner)
            case shapes.UnionType(types=members):
                pending += members
            case shapes.CollectionType(item_type=item):
                pending.append(item)
            case shapes.DictType(value_type=value):
                pending.append(value)
            case _:
                pass


def raw_schema(kind: StructType, reference: str) -> tuple[str, Schema]:
    """How msgspec refers to a struct, and its schema.

    Args:
        kind: the struct.
        reference: how others are referred to, with ``{name}`` in it.
    """
    (referred,), schemas = msgspec.json.schema_components([kind], ref_template=reference)
    text: str = referred["$ref"]
    return text, schemas[text.rpartition("/")[2]]


def described(schema: Schema, kind: StructType) -> Schema:
    """The schema with what the docstrings of the type and its bases say of its fields."""
    told: dict[str, str] = {}
    about = ""
    for base in reversed(plain(kind).__mro__):
        about, fields = told_of(base)
        told |= fields
    names = {field.name: field.encode_name for field in msgspec.structs.fields(kind)}
    properties = dict(schema.get("properties", {}))
    for name, text in told.items():
        key = names.get(name)
        if key in properties:
            properties[key] = {**properties[key], "description": text}
    return {**schema, "description": about, "properties": properties}


def plain(kind: StructType) -> type[Struct]:
    """The class, without its parameters."""
    origin: Any = get_origin(kind)
    found: type[Struct] = kind if origin is None else origin
    return found


def mapped(schema: Schema, change: Callable[[Schema], Schema]) -> Schema:
    """The schema with every schema in it changed, the innermost first."""
    changed: Schema = dict(schema)
    for name, value in schema.items():
        if name in _BY_NAME:
            changed[name] = {key: mapped(each, change) for key, each in value.items()}
        elif name in _IN_LISTS:
            changed[name] = [mapped(each, change) for each in value]
        elif name in _IN_PLACE and isinstance(value, Mapping):
            changed[name] = mapped(dict(value), change)
    return change(changed)


def without_null(schema: Schema) -> Schema:
    """The schema of a field that is left out instead of being null."""
    if "anyOf" not in schema:
        return schema
    members = [each for each in schema["anyOf"] if each != {"type": "null"}]
    rest = {name: value for name, value in schema.items() if name != "anyOf"}
    return {**rest, **(members[0] if len(members) == 1 else {"anyOf": members})}


def told_of(kind: type) -> tuple[str, dict[str, str]]:
    """What a docstring says of a type, and of its fields by name."""
    text, _, fields = inspect.cleandoc(kind.__doc__ or "").partition("Attributes:\n")
    return _text(text), {name: _text(about) for name, about in _ATTRIBUTE.findall(fields)}


def _text(text: str) -> str:
    """A docstring as Markdown."""
    return re.sub(r"\s+", " ", text.replace("``", "`")).strip()
