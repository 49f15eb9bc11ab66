"""The AsyncAPI document tells of every topic as it is made, and of every message that is on it."""

import os
import re
from pathlib import Path
from typing import Any, Final

from signoff.events.schemas.documents import encode
from signoff.events.topics import CHECKPOINTS, COMMANDS, EXECUTIONS, OUTCOMES, PARTITIONS
from signoff.events.topology import TOPICS
from signoff.events.types import COMMAND_TYPES, EVENT_TYPES
from signoff.gateway.openapi.topics import build

DOCUMENT: Final = build()
PUBLISHED: Final = Path(__file__).resolve().parents[3] / "docs" / "schemas" / "asyncapi.json"


def channel(topic: str) -> dict[str, Any]:
    (found,) = [each for each in DOCUMENT["channels"].values() if each["address"] == topic]
    return found


def references(value: Any) -> set[str]:
    if isinstance(value, dict):
        own = {value["$ref"]} if isinstance(value.get("$ref"), str) else set()
        return own.union(*map(references, value.values()))
    return set().union(*map(references, value)) if isinstance(value, list) else set()


def test_the_published_document_is_up_to_date() -> None:
    if os.environ.get("SIGNOFF_UPDATE_SCHEMA"):
        PUBLISHED.write_bytes(encode(DOCUMENT))

    assert PUBLISHED.read_bytes() == encode(DOCUMENT), "run this test with SIGNOFF_UPDATE_SCHEMA=1"


def test_every_topic_is_a_channel_with_an_operation_of_its_consumers() -> None:
    assert {each["address"] for each in DOCUMENT["channels"].values()} == TOPICS.keys()
    assert {each["action"] for each in DOCUMENT["operations"].values()} == {"receive"}
    assert len(DOCUMENT["operations"]) == len(TOPICS)


def test_a_channel_tells_how_its_topic_is_made() -> None:
    bindings = {topic: channel(topic)["bindings"]["kafka"] for topic in TOPICS}

    assert bindings[EXECUTIONS]["partitions"] == PARTITIONS
    assert bindings[CHECKPOINTS]["topicConfiguration"]["cleanup.policy"] == ["compact"]
    assert [
        topic
        for topic, made in TOPICS.items()
        if bindings[topic]["topicConfiguration"].get("retention.ms") != made.retention_ms
    ] == []


def test_every_event_and_command_is_a_message_of_its_topic() -> None:
    def names(topic: str) -> set[str]:
        messages = DOCUMENT["components"]["messages"]
        return {messages[each]["name"] for each in channel(topic)["messages"]}

    assert names(EXECUTIONS) == EVENT_TYPES.keys()
    assert names(COMMANDS) == COMMAND_TYPES.keys()
    assert names(OUTCOMES) == {"Outcome"}
    assert names(CHECKPOINTS) == {"HeadRecord", "SignedCheckpoint"}


def test_every_reference_leads_somewhere() -> None:
    for reference in references(DOCUMENT):
        found: Any = DOCUMENT
        for part in reference.removeprefix("#/").split("/"):
            found = found[part]


def test_names_of_attributes_are_legal() -> None:
    headers = DOCUMENT["components"]["schemas"]["CloudEventHeaders"]["properties"]

    assert [name for name in headers if not re.fullmatch(r"ce_[a-z0-9]{1,20}|content-type", name)] == []
