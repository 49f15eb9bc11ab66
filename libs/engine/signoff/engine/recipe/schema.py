"""The JSON Schema of our own spelling: for editors, and for people who read schemas.

It is put together from the same keys that the reader uses. It refuses nothing that the reader accepts; what
a schema cannot say, such as whether a name is that of a block, only the reader checks.
"""

from typing import Any, Final

from signoff.engine.recipe.keys import BLOCK_KEYS, FIELD, TOP_KEYS
from signoff.engine.recipe.reader import SPELLINGS, block_keys
from signoff.engine.recipe.spelling import Key, Schema, key_schema, object_schema

_TITLE: Final = "Signoff workflow"


def definition_schema() -> dict[str, Any]:
    """Builds the schema of a whole definition, draft 2020-12."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": _TITLE,
        "description": "A workflow in Signoff's own spelling, as YAML or JSON.",
        **object_schema(TOP_KEYS),
        "$defs": {
            "blocks": {"type": "object", "additionalProperties": {"$ref": "#/$defs/block"}},
            "block": _block(),
            **{f"{name}_block": _type(name) for name in SPELLINGS},
            "registered_block": {
                "description": "A Python block that is registered with the server.",
                "properties": _properties(block_keys(None)),
            },
            "field": FIELD,
            **{_common(name): key_schema(key) for name, key in BLOCK_KEYS.items()},
        },
    }


def _block() -> Schema:
    """Any block: its type says which keys it has. A disabled one may be unfinished."""
    return {
        "type": "object",
        "required": ["type"],
        "properties": {
            "type": {
                "description": BLOCK_KEYS["type"].about,
                "anyOf": [{"enum": list(SPELLINGS)}, {"type": "string", "minLength": 1}],
            }
        },
        "if": {"properties": {"enabled": {"const": False}}, "required": ["enabled"]},
        "then": {},
        "else": {"allOf": [*map(_built_in, SPELLINGS), _registered()]},
    }


def _registered() -> Schema:
    return {
        "if": {"properties": {"type": {"not": {"enum": list(SPELLINGS)}}}},
        "then": {"$ref": "#/$defs/registered_block"},
    }


def _built_in(block_type: str) -> Schema:
    return {
        "if": {"properties": {"type": {"const": block_type}}},
        "then": {"$ref": f"#/$defs/{block_type}_block"},
    }


def _type(name: str) -> Schema:
    spelling = SPELLINGS[name]
    schema = object_schema(block_keys(spelling))
    return {"description": spelling.about, **schema, "properties": _properties(block_keys(spelling))}


def _properties(keys: dict[str, Key]) -> Schema:
    """What every block has stands in the schema once."""
    properties: Schema = {
        name: {"$ref": f"#/$defs/{_common(name)}"} if BLOCK_KEYS.get(name) is key else key_schema(key)
        for name, key in keys.items()
    }
    return properties


def _common(name: str) -> str:
    return f"every_{name}"
