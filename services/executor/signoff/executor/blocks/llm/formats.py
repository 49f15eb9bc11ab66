"""``responseFormat``: what a model is told of it, and whether its answer keeps it.

The validator is jsonschema-rs: it needs no other package, fetches nothing, and matches patterns in linear
time, so that neither a schema nor an answer can hold up the event loop.
"""

import re
from itertools import islice
from typing import Any, Final

import jsonschema_rs
from msgspec import Struct

from signoff.engine.definitions.values import parse_json
from signoff.executor.blocks.llm.answers import Answer
from signoff.executor.blocks.llm.params import invalid

DEFAULT_NAME: Final = "response_schema"
"""As in Sim."""

_SHOWN_FAULTS: Final = 10
_FAULT_LENGTH: Final = 300
_NOT_IN_NAMES: Final = re.compile(r"[^a-zA-Z0-9_-]")
_NAME_LENGTH: Final = 64
_FENCED: Final = re.compile(r"\s*```[a-zA-Z]*\s*\n(.*?)\n?\s*```\s*", re.DOTALL)
_NONE: Final = object()


class ResponseFormat(Struct, frozen=True):
    """A JSON Schema that the answer must fit.

    Attributes:
        request: ``response_format`` of the request.
        validator: of the schema.
    """

    request: dict[str, Any]
    validator: jsonschema_rs.Draft202012Validator | Any

    def read(self, answer: Answer) -> Any:
        """The value of an answer.

        Raises:
            MisfitError: it is no JSON, or does not fit the schema.
        """
        if answer.refused:
            raise MisfitError([f"the model refused: {answer.text}"])
        value = read_json(answer.text, _NONE)
        if value is _NONE:
            cut = " (it was cut: maxTokens is too low)" if answer.finish == "length" else ""
            raise MisfitError([f"it is not JSON{cut}"])
        faults = [_fault(error) for error in islice(self.validator.iter_errors(value), _SHOWN_FAULTS)]
        if faults:
            raise MisfitError(faults)
        return value


class MisfitError(Exception):
    """An answer does not fit its format.

    Attributes:
        faults: a sentence for each, with its place.
    """

    def __init__(self, faults: list[str]) -> None:
        super().__init__("; ".join(faults))
        self.faults = faults


def response_format(given: Any) -> ResponseFormat | None:
    """Read the parameter: a JSON Schema as object or text, bare or as ``{"name", "schema", "strict"}``.

    Returns:
        None where nothing is asked for.

    Raises:
        BlockFailureError: it is no JSON Schema, or one that refers to another document.
    """
    if isinstance(given, str):
        given = parse_json(given, given) if given.strip() else None
    if given is None or given == {}:
        return None
    if not isinstance(given, dict):
        raise invalid("responseFormat must be a JSON Schema, or {name, schema, strict}")
    wrapped = "schema" in given
    schema = given["schema"] if wrapped else given
    name = _NOT_IN_NAMES.sub("_", str(given.get("name") or DEFAULT_NAME) if wrapped else DEFAULT_NAME)
    strict = given.get("strict") if wrapped else None
    described = {
        "name": name[:_NAME_LENGTH],
        "schema": schema,
        "strict": strict if isinstance(strict, bool) else _is_closed(schema),
    }
    return ResponseFormat({"type": "json_schema", "json_schema": described}, _validator(schema))


def read_json(text: str, fallback: Any) -> Any:
    """The JSON of an answer, also within a fenced code block, as models like to write it."""
    fenced = _FENCED.fullmatch(text)
    return parse_json(fenced[1] if fenced else text, fallback)


def _validator(schema: Any) -> Any:
    try:
        return jsonschema_rs.validator_for(
            schema, offline=True, pattern_options=jsonschema_rs.RegexOptions(size_limit=1 << 20)
        )
    except ValueError as problem:
        reason = str(problem).partition("\n")[0]
        raise invalid(f"responseFormat is no JSON Schema: {reason}") from problem


def _is_closed(schema: Any) -> bool:
    """Whether strict decoding can take the schema: every object names all its fields and allows no others."""
    if isinstance(schema, list):
        return all(map(_is_closed, schema))
    if not isinstance(schema, dict):
        return True
    if "properties" in schema or schema.get("type") == "object":
        named = schema.get("properties", {})
        if schema.get("additionalProperties") is not False or set(schema.get("required", ())) != set(named):
            return False
    return all(map(_is_closed, schema.values()))


def _fault(error: jsonschema_rs.ValidationError) -> str:
    place = ".".join(map(str, error.instance_path))
    return f"{place}: {error.message}"[:_FAULT_LENGTH] if place else error.message[:_FAULT_LENGTH]
