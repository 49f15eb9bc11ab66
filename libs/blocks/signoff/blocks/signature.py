"""From a function's signature to the types that check its inputs and describe it."""

import inspect
from collections.abc import Callable, Sequence
from types import UnionType
from typing import Any, Union, cast, get_args, get_origin, get_type_hints

import msgspec

from signoff.blocks.context import Context
from signoff.blocks.errors import BlockDefinitionError

Schema = dict[str, object]


class Signature(msgspec.Struct, frozen=True):
    """What the signature of a block says.

    Attributes:
        context_name: name of the parameter that takes the `Context`, None if there is none.
        params_type: a struct with a field for each other parameter.
        parameters_schema: JSON Schema of the parameters, an object.
        result_schema: JSON Schema of what the function returns.
    """

    context_name: str | None
    params_type: type[msgspec.Struct]
    parameters_schema: Schema
    result_schema: Schema


def read_signature(name: str, function: Callable[..., object]) -> Signature:
    """Read the signature of the function behind the block `name`.

    Raises:
        BlockDefinitionError: it has parameters that a workflow cannot give, or types without a JSON form.
    """
    hints = _hints(name, function)
    parameters = inspect.signature(function).parameters.values()
    contexts = [parameter.name for parameter in parameters if hints.get(parameter.name) is Context]
    if len(contexts) > 1:
        raise BlockDefinitionError(f"Block {name!r}: only one parameter can be the Context, not {contexts}")
    fields = [_field(name, parameter, hints) for parameter in parameters if parameter.name not in contexts]
    params_type = _params_type(name, fields)
    return Signature(
        context_name=contexts[0] if contexts else None,
        params_type=params_type,
        parameters_schema=_at_its_root(_schema(name, params_type, "a parameter")),
        result_schema=_result_schema(name, hints.get("return", object)),
    )


def output_fields(result_schema: Schema) -> tuple[str, ...] | None:
    """The fields that a block's output has, by the schema of its result; None if it may have any.

    A result that is no object stands under ``result``.
    """
    fields = _fields(result_schema, result_schema.get("$defs", {}))
    return None if fields is None else tuple(dict.fromkeys(fields))


def _fields(schema: Any, definitions: Any) -> list[str] | None:
    if "$ref" in schema:
        return _fields(definitions[schema["$ref"].rpartition("/")[2]], definitions)
    if "anyOf" in schema:
        each = [_fields(choice, definitions) for choice in schema["anyOf"]]
        return None if None in each else [name for names in each for name in names or ()]
    if "properties" in schema:
        return list(schema["properties"])
    return None if schema.get("type", "object") == "object" else ["result"]


def _at_its_root(schema: Schema) -> Schema:
    """The schema of an object without a reference at its root, as those who call tools want it."""
    definitions: Any = schema.pop("$defs")
    root = definitions.pop(str(schema["$ref"]).rpartition("/")[2])
    return {**root, "$defs": definitions} if definitions else dict(root)


_Field = tuple[str, object] | tuple[str, object, object]


def _hints(name: str, function: Callable[..., object]) -> dict[str, object]:
    try:
        return get_type_hints(function, include_extras=True)
    except (NameError, TypeError) as problem:
        raise BlockDefinitionError(
            f"Block {name!r}: an annotation cannot be read ({problem}). "
            "Import its type at the top of the module, not under TYPE_CHECKING or inside a function."
        ) from problem


def _field(name: str, parameter: inspect.Parameter, hints: dict[str, object]) -> _Field:
    if parameter.kind in {parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD, parameter.POSITIONAL_ONLY}:
        raise BlockDefinitionError(
            f"Block {name!r}: parameter {parameter} cannot be given by name. "
            "Give each input a parameter of its own, without *, ** or /."
        )
    if parameter.name not in hints:
        raise BlockDefinitionError(
            f"Block {name!r}: parameter {parameter.name!r} has no type. Annotate it, such as "
            f"`{parameter.name}: str`, or `{parameter.name}: object` for any JSON value."
        )
    hint = hints[parameter.name]
    if parameter.default is parameter.empty:
        return parameter.name, hint
    return parameter.name, hint, parameter.default


def _params_type(name: str, fields: list[_Field]) -> type[msgspec.Struct]:
    try:
        return msgspec.defstruct(
            name, cast("list[str | tuple[str, type]]", fields), kw_only=True, forbid_unknown_fields=True
        )
    except (TypeError, ValueError) as problem:
        raise BlockDefinitionError(
            f"Block {name!r}: {problem}. Use JSON-like defaults, and an empty list or object at most."
        ) from problem


def _schema(name: str, type_: object, what: str) -> Schema:
    (schema,), definitions = _schemas(name, [type_], what)
    return {**schema, "$defs": definitions} if definitions else schema


def _result_schema(name: str, type_: object) -> Schema:
    """The choices of a union one by one: results are never decoded, so they need not be told apart."""
    if get_origin(type_) not in {Union, UnionType}:
        return _schema(name, type_, "the result")
    choices, definitions = _schemas(name, get_args(type_), "the result")
    return {"anyOf": choices, "$defs": definitions} if definitions else {"anyOf": choices}


def _schemas(name: str, types: Sequence[object], what: str) -> tuple[list[Schema], Schema]:
    try:
        schemas, definitions = msgspec.json.schema_components(
            types, schema_hook=_object_is_any, ref_template="#/$defs/{name}"
        )
    except TypeError as problem:
        raise BlockDefinitionError(
            f"Block {name!r}: {what} has a type without a JSON form ({problem}). Use numbers, texts, lists, "
            "dicts, dataclasses, TypedDicts, attrs classes or msgspec Structs."
        ) from problem
    return list(schemas), definitions


def _object_is_any(type_: type) -> Schema:
    if type_ is object:
        return {"description": "any JSON value"}
    raise NotImplementedError  # how msgspec wants to hear that we do not know the type either
