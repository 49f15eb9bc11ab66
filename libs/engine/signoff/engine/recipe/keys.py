"""The keys of our own spelling that stand outside single block types."""

from typing import Any, Final

from signoff.engine.definitions.constraints import MAX_ITEMS, MAX_TEXT
from signoff.engine.definitions.values import FORM_TYPES, VARIABLE_TYPES
from signoff.engine.recipe.spelling import Key, Schema, object_schema

TARGETS: Final[Schema] = {
    "anyOf": [
        {"type": "string", "minLength": 1},
        {"type": "array", "items": {"type": "string", "minLength": 1}},
    ]
}
"""Where an edge leads: a block, or several."""

_TARGETS_EXPECTED: Final = "the name of a block, or a list of names"


def targets(about: str, *, required: bool = False) -> Key:
    """A key that holds edges."""
    return Key(TARGETS, about, required=required, expected=_TARGETS_EXPECTED)


def text(about: str, *, required: bool = False, hint: str | None = None) -> Key:
    """A key that holds a text with something in it."""
    return Key({"type": "string", "minLength": 1}, about, required=required, hint=hint)


def anything(about: str) -> Key:
    """A key whose value is the author's business."""
    return Key({}, about)


RETRY_KEYS: Final = {
    "enabled": Key({"type": "boolean"}, "false: one try only."),
    "maxTries": Key({"type": "integer", "minimum": 1, "maximum": 10, "default": 3}, "Tries in all."),
    "waitBetweenTriesMs": Key(
        {"type": "integer", "minimum": 0, "maximum": 60_000, "default": 1000},
        "Milliseconds before the second try.",
    ),
    "backoff": Key(
        {"type": "number", "minimum": 1, "maximum": 10, "default": 1},
        "The factor by which each further wait grows.",
    ),
}

BLOCK_KEYS: Final = {
    "type": Key(
        {"type": "string", "minLength": 1},
        "What the block does: a built-in type, or the name of a registered Python block.",
        required=True,
    ),
    "name": text("What people see; in lower case without spaces and dots also what references call it."),
    "enabled": Key({"type": "boolean", "default": True}, "false: neither the block nor its edges exist."),
    "then": targets("What runs after it. Without it the branch ends here."),
    "catch": targets(
        "Where it goes on when the block has failed for good; its output is then {error}. "
        "Without it the execution fails."
    ),
    "retry": Key(
        {"type": "object", **object_schema(RETRY_KEYS)},
        "How often and when a failed block is tried again. Not for triggers, pauses and containers.",
        hint="such as {maxTries: 5}",
    ),
}
"""Keys that every block has; ``then`` only where no cases take its place."""


def _size(about: str, most: int) -> Key:
    schema: Schema = {"type": ["integer", "string"], "minimum": 0, "maximum": most}
    return Key(schema, about, expected=f"a whole number from 0 to {most}")


FIELD_KEYS: Final = {
    "type": Key({"enum": list(FORM_TYPES)}, "What the value must be, or is read as; secret: in a form only."),
    "required": Key({"type": "boolean"}, "A value must be given."),
    "default": anything("What it is when nothing is given."),
    "label": Key({"type": "string"}, "What people see instead of the name."),
    "description": Key({"type": "string"}, "What is to be filled in, in a sentence."),
    "placeholder": Key({"type": "string"}, "An example, shown in the empty field."),
    "options": Key({"type": "array"}, "The values that may be chosen, or objects {value, label}."),
    "min": Key({"type": ["number", "string"]}, "The least number.", expected="a number"),
    "max": Key({"type": ["number", "string"]}, "The greatest number.", expected="a number"),
    "minLength": _size("The fewest characters of a text.", MAX_TEXT),
    "maxLength": _size("The most characters of a text.", MAX_TEXT),
    "pattern": Key({"type": "string"}, "A regular expression that the whole text must match."),
    "multiline": Key({"type": "boolean"}, "true: the text may have several lines."),
    "minItems": _size("The fewest entries of a list, or files.", MAX_ITEMS),
    "maxItems": _size("The most entries of a list, or files.", MAX_ITEMS),
    "accept": Key(
        {"type": "array"},
        "The kinds of files that are taken.",
        expected="a list of kinds of files",
        hint="such as [.pdf, image/*]",
    ),
}

FIELD: Final[Schema] = {
    "anyOf": [{"enum": list(FORM_TYPES)}, object_schema(FIELD_KEYS)],
    "description": "A type, or an object with one.",
}

FIELDS: Final[Schema] = {"type": "object", "additionalProperties": {"$ref": "#/$defs/field"}}
"""Fields by name; the schema's ``$defs`` hold what a field is."""

FIELDS_EXPECTED: Final = "an object: the fields by name"

VARIABLES: Final[Schema] = {
    "type": "object",
    "additionalProperties": {
        "description": f"A value, or {{type, value}} with a type of {', '.join(VARIABLE_TYPES)}."
    },
}

TOP_KEYS: Final[dict[str, Key]] = {
    "workflow": text("The workflow's name, and the id that `signoff deploy` uses."),
    "input": Key(FIELDS, "The start block: the fields of the input by name.", expected=FIELDS_EXPECTED),
    "start": targets("The block, or the blocks, that a run starts with; the first one by default."),
    "variables": Key(
        VARIABLES,
        "The workflow's variables, as every run finds them at its start.",
        expected="an object: the values by name",
    ),
    "attributes": Key(
        {"type": "array", "items": {"type": "string", "minLength": 1}},
        "The variables by whose values executions are found, by name; at most 20.",
        expected="a list of names of variables",
        hint='such as ["customer"]',
    ),
    "blocks": Key(
        {"$ref": "#/$defs/blocks", "type": "object", "minProperties": 1},
        "The blocks by name.",
        required=True,
        expected="an object with at least one block",
    ),
}


def fields_key(about: str) -> Key:
    """A key that holds fields, of an input or of a form."""
    return Key(FIELDS, about, expected=FIELDS_EXPECTED)


def listed(item: Schema, about: str, expected: str, hint: str | None = None, **more: Any) -> Key:
    """A key that holds a list."""
    return Key({"type": "array", "items": item}, about, expected=expected, hint=hint, **more)
