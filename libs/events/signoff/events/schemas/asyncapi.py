"""The AsyncAPI 3.0 document of the topics: what is on them, how it is keyed, and how long it stays."""

from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import version
from typing import Final

from msgspec import Struct

from signoff.events.bus.limits import MAX_RECORD_BYTES
from signoff.events.schemas.documents import typed
from signoff.events.schemas.structs import Schema
from signoff.events.schemas.vocabulary import about, definitions
from signoff.events.topics import CHECKPOINTS, COMMANDS, EXECUTIONS, OUTCOMES, PARTITIONS
from signoff.events.topology import TOPICS
from signoff.events.types import COMMAND_TYPES, EVENT_TYPES, Command, Event, Outcome

REFERENCE: Final = "#/components/schemas/{name}"

_BINDING: Final = "0.5.0"
_LOG_KEY: Final[Schema] = {
    "type": "string",
    "format": "uuid",
    "description": "The UUID of the log: of the execution, unless its client chose an id of its own.",
}
_ABOUT: Final = (
    "What Signoff writes to Kafka. Consumers read `signoff.executions`; the other topics are told of so that "
    "nobody has to guess what they are.\n\n"
    "A later version may add types of messages, fields and headers: pass over what you do not know. What is "
    "here stays as it is."
)
_CHANNELS: Final[Mapping[str, str]] = {
    EXECUTIONS: "Every event of every log, in the order of its log.",
    COMMANDS: "What is asked of executions and workflows.",
    OUTCOMES: "What became of commands.",
    CHECKPOINTS: "Signed heads of the log.",
}
_DETAILS: Final[Mapping[str, str]] = {
    EXECUTIONS: "The bytes of the value are those of the log. Records of one log have one key and are in one "
    "partition, the last two bytes of the key's UUID modulo the partitions, in the order of `eventId`. A "
    "record may come again, with equal bytes, after a fault: keep the last `eventId` of each key, and pass "
    "over what is not above it.",
    COMMANDS: "Between Signoff's own services: a gateway checks who asks before it writes here. Do not "
    "produce to it, and let nobody do so but them.",
    OUTCOMES: "A hint for the gateway that waits, in the partition that its command named; the log knows for "
    "sure.",
    CHECKPOINTS: "Compacted: the newest head of each log, and every checkpoint. Who keeps a copy can show "
    "later that nothing before it was changed or taken away.",
}
_COMMAND_KEY: Final[Schema] = {"type": "string", "description": "The `commandId`."}
_CHECKPOINT_KEY: Final[Schema] = {
    "type": "string",
    "description": "Of a head, the UUID of its log; of a checkpoint, `<shard>/<number>`.",
}
_HEADERS: Final[Schema] = {
    "title": "CloudEventHeaders",
    "description": "The attributes of CloudEvents 1.0 in Kafka's binary mode; the value is their data. A "
    "record without them holds bytes that somebody has changed in the log, and that are no event any more.",
    "type": "object",
    "properties": {
        "content-type": {"const": "application/json"},
        "ce_specversion": {"const": "1.0"},
        "ce_id": {"type": "string", "description": "`<key>/<eventId>`: the same each time that it comes."},
        "ce_type": {"type": "string", "description": "The event's `type`."},
        "ce_source": {
            "type": "string",
            "format": "uri-reference",
            "description": "`/workflows/<workflowId>`.",
        },
        "ce_time": {"type": "string", "format": "date-time", "description": "The event's `timestamp`."},
        "ce_subject": {
            "type": "string",
            "description": "The execution, or the workflow, as its callers know it.",
        },
        "ce_workspaceid": {"type": "string", "description": "Whose it is; empty where it is nobody's."},
        "ce_eventid": {"type": "string", "pattern": "^[1-9][0-9]*$", "description": "Its place in its log."},
        "ce_causationid": {"type": "string", "description": "The event's `causationId`."},
        "ce_correlationid": {
            "type": "string",
            "description": "What the caller named it by, else `ce_causationid`.",
        },
        "ce_attempt": {
            "type": "string",
            "pattern": "^[1-9][0-9]*$",
            "description": "Which try of its block it is of: above 1 it is a retry.",
        },
        "ce_republished": {
            "enum": ["false", "true"],
            "description": "`true`: it may have been published before.",
        },
        "ce_copyof": {
            "type": "string",
            "pattern": "^[1-9][0-9]*$",
            "description": "Only in an execution that was forked: the `eventId` of the event of its source "
            "that this one is a copy of.",
        },
    },
    "required": [
        "content-type", "ce_specversion", "ce_id", "ce_type", "ce_source", "ce_time", "ce_subject",
        "ce_workspaceid", "ce_eventid", "ce_causationid", "ce_correlationid", "ce_attempt", "ce_republished",
    ],
}  # fmt: skip


def document(checkpoints: Iterable[type[Struct]] = ()) -> Schema:
    """The document.

    Args:
        checkpoints: the types of what is on `signoff.checkpoints`, from the library that makes them.
    """
    signed = list(checkpoints)
    messages = {
        EXECUTIONS: {kind.__name__: _event(name, kind) for name, kind in EVENT_TYPES.items()},
        COMMANDS: {kind.__name__: _command(name, kind) for name, kind in COMMAND_TYPES.items()},
        OUTCOMES: {Outcome.__name__: _plain(Outcome, key=_COMMAND_KEY)},
        CHECKPOINTS: {kind.__name__: _plain(kind, key=_CHECKPOINT_KEY) for kind in signed},
    }
    kinds: list[type[Struct]] = [Event, Command, Outcome]
    kinds += [*EVENT_TYPES.values(), *COMMAND_TYPES.values(), *signed]
    return {
        "asyncapi": "3.0.0",
        "id": "urn:signoff:topics",
        "info": {
            "title": "Signoff topics",
            "version": version("signoff"),
            "description": _ABOUT,
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "servers": {"brokers": _SERVER},
        "channels": {_short(name): _channel(name, messages[name]) for name in _CHANNELS},
        "operations": dict(_operation(name) for name in _CHANNELS),
        "components": {
            "schemas": {**definitions(kinds, reference=REFERENCE), "CloudEventHeaders": _HEADERS},
            "messageTraits": {
                "cloudEvent": {"headers": {"$ref": REFERENCE.format(name="CloudEventHeaders")}}
            },
            "messages": {name: each for found in messages.values() for name, each in found.items()},
        },
    }


_SERVER: Final[Schema] = {
    "host": "{brokers}",
    "protocol": "kafka",
    "description": "The brokers that SIGNOFF_KAFKA names.",
    "variables": {"brokers": {"default": "localhost:9092", "description": "`host:port` of some of them."}},
}


def _short(topic: str) -> str:
    return topic.rpartition(".")[2]


def _channel(topic: str, messages: Iterable[str]) -> Schema:
    return {
        "address": topic,
        "summary": _CHANNELS[topic],
        "description": _DETAILS[topic],
        "servers": [{"$ref": "#/servers/brokers"}],
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in messages},
        "bindings": {"kafka": _binding(topic)},
    }


def _binding(topic: str) -> Schema:
    made = TOPICS[topic]
    configuration: Schema = {"cleanup.policy": [made.configs()["cleanup.policy"]]}
    if made.retention_ms is not None:
        configuration["retention.ms"] = made.retention_ms
    configuration["max.message.bytes"] = MAX_RECORD_BYTES
    return {
        "topic": topic,
        "partitions": made.count(PARTITIONS),
        "topicConfiguration": configuration,
        "bindingVersion": _BINDING,
    }


def _operation(topic: str) -> tuple[str, Schema]:
    """What a consumer does with a channel."""
    name = _short(topic)
    return f"receive{name.capitalize()}", {
        "action": "receive",
        "channel": {"$ref": f"#/channels/{name}"},
        "summary": _CHANNELS[topic],
    }


def _event(name: str, kind: type[Struct]) -> Schema:
    return {
        **_message(name, kind, _LOG_KEY),
        "traits": [{"$ref": "#/components/messageTraits/cloudEvent"}],
        "payload": dict(_payload(Event.__name__, name, kind)),
    }


def _command(name: str, kind: type[Struct]) -> Schema:
    return {
        **_message(name, kind, _LOG_KEY),
        "payload": dict(_payload(Command.__name__, name, kind)),
    }


def _plain(kind: type[Struct], *, key: Schema) -> Schema:
    return {**_message(kind.__name__, kind, key), "payload": {"$ref": REFERENCE.format(name=kind.__name__)}}


def _message(name: str, kind: type[Struct], key: Schema) -> Schema:
    return {
        "name": name,
        "title": name,
        "summary": about(kind),
        "contentType": "application/json",
        "bindings": {"kafka": {"key": key, "bindingVersion": _BINDING}},
    }


def _payload(envelope: str, name: str, kind: type[Struct]) -> Iterator[tuple[str, object]]:
    """The envelope of one type. What it is, its message says already."""
    for key, value in typed(envelope, name, kind, REFERENCE).items():
        if key not in ("title", "description"):
            yield key, value
