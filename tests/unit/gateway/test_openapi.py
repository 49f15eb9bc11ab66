"""The document that `/openapi.json` answers with says all there is to say, and fits its own examples."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import jsonschema_rs
import pytest
from msgspec import Struct
from openapi_spec_validator import validate

from signoff.events.schemas.structs import structs_of
from signoff.events.types import EVENT_TYPES, Event
from signoff.gateway.errors import GatewayError
from signoff.gateway.http.routing import Answer, Endpoint
from signoff.gateway.openapi.components import JSON_VALUE, Components
from signoff.gateway.openapi.document import build, encode
from signoff.gateway.openapi.elsewhere import ELSEWHERE
from signoff.gateway.openapi.parameters import parameters_of
from signoff.gateway.routes import ALL

PUBLISHED: Final = Path(__file__).resolve().parents[3] / "docs" / "schemas" / "openapi.json"
DOCUMENT: Final = build((*ALL, *ELSEWHERE))
SCHEMAS: Final = DOCUMENT["components"]["schemas"]
OF_EVENTS: Final = {each.__name__ for each in structs_of((Event, *EVENT_TYPES.values()))}


def endpoint(path: str = "/things/{id}", name: str = "getThing", **more: Any) -> Endpoint:
    given = {"method": "GET", "operation": None, "summary": "A thing.", "tag": "Things"} | more
    return Endpoint(path=path, name=name, **({"answers": {200: Answer(description="It.")}} | given))


def operations() -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in DOCUMENT["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def schemas(value: Any) -> Iterator[dict[str, Any]]:
    """Every object in a value that may be a schema."""
    if isinstance(value, dict):
        yield value
    for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from schemas(each)


def valid(schema: dict[str, Any], value: Any) -> bool:
    return jsonschema_rs.Draft202012Validator({**schema, "components": {"schemas": SCHEMAS}}).is_valid(value)


# The document as a whole ----------------------------------------------------------------------------


def test_it_is_openapi_3_1() -> None:
    validate(DOCUMENT)


def test_the_published_document_is_up_to_date() -> None:
    assert PUBLISHED.read_bytes() == encode(DOCUMENT), (
        "run `signoff schema openapi > docs/schemas/openapi.json`"
    )


def test_it_is_the_same_each_time() -> None:
    assert encode(build((*ALL, *ELSEWHERE))) == encode(DOCUMENT)


def test_it_names_the_public_address() -> None:
    assert build([endpoint()], public_url="https://signoff.example")["servers"] == [
        {"url": "https://signoff.example"}
    ]


# What every operation says --------------------------------------------------------------------------


def test_every_route_is_in_it() -> None:
    told = {operation["operationId"] for _, operation in operations()}

    assert told == {each.name for each in (*ALL, *ELSEWHERE)}


def test_every_answer_is_described_and_none_is_the_default() -> None:
    for name, operation in operations():
        assert "default" not in operation["responses"], name
        assert all(each["description"] for each in operation["responses"].values()), name


def test_every_route_that_wants_a_caller_says_what_it_refuses() -> None:
    for each in (*ALL, *ELSEWHERE):
        responses = DOCUMENT["paths"][each.path][each.method.lower()]["responses"]
        if each.operation is not None:
            assert {"401", "403", "404", "429", "500", "503"} <= responses.keys(), each.name
        if each.method in ("POST", "PUT", "PATCH"):
            assert {"400", "408", "413"} <= responses.keys(), each.name


def test_every_example_fits_its_schema() -> None:
    shown = 0
    for name, operation in operations():
        for place in (operation.get("requestBody", {}), *operation["responses"].values()):
            for content in place.get("content", {}).values():
                if "example" in content:
                    shown += 1
                    assert valid(content["schema"], content["example"]), (name, content["example"])
    assert shown > 10


def test_an_answer_of_ours_has_no_field_that_is_not_told() -> None:
    for each in ALL:
        for status, answer in each.answers.items():
            components = Components()
            if answer.body is None or answer.media != "application/json":
                continue
            components.answer(answer.body)
            for name, schema in components.schemas()[0].items():
                if name not in {JSON_VALUE, *OF_EVENTS}:
                    assert schema.get("additionalProperties") is False, (each.name, status, name)


# Events, which get other types and fields ------------------------------------------------------------


def test_an_event_of_a_later_version_fits_the_document_of_today() -> None:
    actor = {"type": "robot", "id": "r2", "model": 2}
    data = {"reason": "tired", "actor": actor, "duration": 1, "startTime": "", "endTime": "", "later": {}}
    event = {
        "type": "execution:cancelled", "eventId": 2, "workflowId": "w", "timestamp": "", "causationId": "1",
        "later": [1], "data": data,
    }  # fmt: skip

    assert valid(SCHEMAS["Event"], event)
    assert valid(SCHEMAS["ExecutionCancelled"], data)
    assert valid(SCHEMAS["Event"], event | {"type": "later:invented", "data": {"anything": 1}})


def test_the_types_of_today_are_named() -> None:
    named, others = SCHEMAS["Event"]["properties"]["type"]["anyOf"]

    assert "block:completed" in named["enum"]
    assert others == {"type": "string"}
    assert SCHEMAS["Event"]["externalDocs"]["url"] == "/api/schemas/events"


def test_no_schema_says_nothing() -> None:
    for schema in schemas(SCHEMAS):
        if schema.get("type") == "object":
            assert schema.keys() & {"properties", "additionalProperties"}, schema
        if schema.get("type") == "array":
            assert "items" in schema, schema


# Types ----------------------------------------------------------------------------------------------


class Thing(Struct):
    """A thing.

    Attributes:
        size: In metres.
    """

    size: int
    name: str = "nameless"


def test_an_answer_always_has_all_fields_and_a_body_only_those_without_a_default() -> None:
    components = Components()
    body, answer = components.body(Thing), components.answer(Thing)

    found, renamed = components.schemas()

    assert answer == {"$ref": "#/components/schemas/Thing"}
    assert renamed(body) == {"$ref": "#/components/schemas/ThingInput"}
    assert (found["Thing"]["required"], found["ThingInput"]["required"]) == (["size", "name"], ["size"])


def test_a_field_is_described_by_the_docstring() -> None:
    components = Components()
    components.answer(Thing)

    thing = components.schemas()[0]["Thing"]

    assert (thing["description"], thing["properties"]["size"]["description"]) == ("A thing.", "In metres.")


def test_two_types_of_one_name_are_refused() -> None:
    components = Components()
    components.answer(Thing)
    other = type("Thing", (Struct,), {"__annotations__": {"other": int}})

    with pytest.raises(GatewayError, match="rename one"):
        components.answer(other)


# Routes ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "other",
    [endpoint("/things/{key}", "getOther"), endpoint("/others", "getThing")],
    ids=["the same requests", "the same name"],
)
def test_routes_that_clash_are_refused(other: Endpoint) -> None:
    with pytest.raises(GatewayError, match="clash"):
        build([endpoint(), other])


def test_a_name_in_a_path_that_nobody_describes_is_refused() -> None:
    with pytest.raises(GatewayError, match=r"\{thing\}"):
        parameters_of(endpoint("/things/{thing}"))


def test_a_parameter_that_nobody_describes_is_refused() -> None:
    class Query(Struct):
        size: int = 0

    with pytest.raises(GatewayError, match="size"):
        parameters_of(endpoint(query=Query))


def test_lists_are_told_as_they_are_read() -> None:
    (parameter,) = (
        each
        for each in DOCUMENT["paths"]["/api/workflows/{id}/paused"]["get"]["parameters"]
        if each["name"] == "status"
    )

    assert (parameter["style"], parameter["explode"], parameter["schema"]["type"]) == ("form", False, "array")


def test_the_document_is_plain_json() -> None:
    assert json.loads(encode(DOCUMENT)) == DOCUMENT
