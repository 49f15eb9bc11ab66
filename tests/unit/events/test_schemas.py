"""The JSON Schemas of events, commands and outcomes say what is written, and let what is new be."""

import json
import re
from collections.abc import Iterator
from typing import Any, Final

import jsonschema_rs
import pytest

from signoff.events.codec import encode
from signoff.events.schemas import documents
from signoff.events.schemas.structs import Schema
from signoff.events.types import (
    COMMAND_TYPES,
    EVENT_TYPES,
    SYSTEM,
    BlockCompleted,
    CancelExecution,
    Command,
    Event,
    Outcome,
    Refusal,
)

EVENTS: Final = documents.events()
COMMANDS: Final = documents.commands()
OUTCOMES: Final = documents.outcomes()
ONE_BY_ONE: Final = {
    **{name: documents.event(name) for name in EVENT_TYPES},
    **{name: documents.command(name) for name in COMMAND_TYPES},
}
ALL: Final = {"events": EVENTS, "commands": COMMANDS, "outcomes": OUTCOMES, **ONE_BY_ONE}


def completed(output: Any) -> dict[str, Any]:
    data = BlockCompleted(
        block_id="pay", block_name="Pay", block_type="function", execution_order=4, output=output,
        duration_ms=2, started_at="2026-03-02T09:00:01.482956Z", ended_at="2026-03-02T09:00:01.490379Z",
    )  # fmt: skip
    written: dict[str, Any] = json.loads(
        encode(
            Event(
                type=data.TYPE, event_id=14, execution_id="refund-1", workflow_id="refund",
                timestamp="2026-03-02T09:00:01.490379Z", causation_id="11", data=data,
            )
        )
    )  # fmt: skip
    return written


def fits(schema: Schema, value: object) -> bool:
    return jsonschema_rs.Draft202012Validator(schema).is_valid(value)


def words(schema: Any) -> Iterator[str]:
    """All that a document says to people."""
    if isinstance(schema, dict):
        yield from (text for name, text in schema.items() if name == "description" and isinstance(text, str))
    for each in schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ():
        yield from words(each)


@pytest.mark.parametrize("name", ALL)
def test_each_document_is_a_schema_that_needs_no_other(name: str) -> None:
    jsonschema_rs.meta.validate(ALL[name])

    jsonschema_rs.Draft202012Validator(ALL[name])  # looks every reference up


def test_the_ids_are_what_they_were() -> None:
    assert [
        ALL[name]["$id"] for name in ("events", "commands", "outcomes", "block:completed", "ClaimPause")
    ] == [
        "urn:signoff:schema:events",
        "urn:signoff:schema:commands",
        "urn:signoff:schema:outcomes",
        "urn:signoff:schema:event:block:completed",
        "urn:signoff:schema:command:ClaimPause",
    ]
    assert len({schema["$id"] for schema in ALL.values()}) == len(ALL)


def test_every_type_has_its_place_and_its_words() -> None:
    for document, kinds in ((EVENTS, EVENT_TYPES), (COMMANDS, COMMAND_TYPES)):
        assert document["discriminator"]["mapping"].keys() == kinds.keys()
        assert len(document["allOf"]) == len(kinds)
        assert [name for name, each in document["$defs"].items() if not each["description"]] == []


@pytest.mark.parametrize("name", ALL)
def test_the_words_are_those_of_the_wire(name: str) -> None:
    ours = re.compile(r"``|:class:|\bNone\b|ADR|`[a-z]+_[a-z_]+`")

    assert [text for text in words(ALL[name]) if ours.search(text)] == []


# What is written ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("schema", [EVENTS, documents.event("block:completed")], ids=["all", "one"])
def test_an_event_fits_as_it_is_written(schema: Schema) -> None:
    assert fits(schema, completed({"receipt": "R-1"}))


@pytest.mark.parametrize("schema", [EVENTS, documents.event("block:completed")], ids=["all", "one"])
@pytest.mark.parametrize(
    "change",
    [
        {"eventId": "14"},
        {"eventId": None},
        {"data": {"blockId": "pay"}},
        {"data": []},
        {"attempt": None},
    ],
)
def test_what_is_never_written_does_not_fit(schema: Schema, change: dict[str, Any]) -> None:
    assert not fits(schema, completed(1) | change)


def test_a_type_of_another_event_does_not_fit_a_schema_of_one() -> None:
    assert not fits(documents.event("block:started"), completed(1))


def test_a_command_and_an_outcome_fit_as_they_are_written() -> None:
    command = Command(
        command_id="1", type=CancelExecution.TYPE, execution_id="e", issued_at="now", actor=SYSTEM,
        data=CancelExecution(reason="r"),
    )  # fmt: skip
    outcome = Outcome(
        command_id="1", execution_id="e", outcome="refused", refusal=Refusal(code="C", message="no")
    )

    assert fits(COMMANDS, json.loads(encode(command)))
    assert fits(documents.command("CancelExecution"), json.loads(encode(command)))
    assert fits(OUTCOMES, json.loads(encode(outcome)))
    assert not fits(COMMANDS, json.loads(encode(command)) | {"data": {}})
    assert not fits(OUTCOMES, json.loads(encode(outcome)) | {"outcome": "lost"})


# What is new ----------------------------------------------------------------------------------------------


def test_fields_and_types_of_a_later_version_fit() -> None:
    event = completed(1)

    assert fits(EVENTS, event | {"later": [1], "data": event["data"] | {"later": {"x": 1}}})
    assert fits(EVENTS, event | {"type": "later:invented", "data": {"anything": 1}})


def test_a_choice_that_grows_takes_other_values_and_one_that_does_not_takes_none() -> None:
    robot = {"type": "robot", "id": "r2"}
    data = {"contextId": "c", "blockId": "b", "pauseKind": "tide", "priority": "high"}
    opened = completed(1) | {"type": "pause:opened", "data": data}

    assert fits({**EVENTS["$defs"]["Actor"], "$defs": EVENTS["$defs"]}, robot)
    assert fits(EVENTS, opened)
    assert not fits(EVENTS, opened | {"data": data | {"priority": "highest"}})


# Values ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value",
    [
        None,
        "•••",
        {"$$blob": "the user's own"},
        {"a": [{"$blob": f"sha256:{'0' * 64}", "size": 3, "mediaType": "application/json", "name": "a.pdf"}]},
        {"password": {"$secret": "7"}},
    ],
)
def test_values_may_be_anything_and_references(value: Any) -> None:
    assert fits(EVENTS, completed(value))


@pytest.mark.parametrize(
    "value",
    [
        {"$blob": "sha256:0", "size": 3, "mediaType": "application/json"},
        {"a": [{"$blob": f"sha256:{'0' * 64}"}]},
        {"password": {"$secret": 7}},
    ],
)
def test_a_reference_is_one_or_does_not_fit(value: Any) -> None:
    assert not fits(EVENTS, completed(value))


def test_nothing_is_found_by_a_name_that_is_none() -> None:
    assert documents.find("block:invented") is None


def test_what_is_found_is_the_document() -> None:
    assert documents.find("events") == documents.encode(EVENTS)
    assert json.loads(documents.find("StartExecution") or b"") == documents.command("StartExecution")
