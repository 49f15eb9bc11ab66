"""Bytes to events and back: cached coders, the hash chain, unknown types, upcasts. No I/O.

An event is encoded once; those bytes are committed, published and streamed as they are.
"""

import hashlib
import math
from binascii import b2a_base64
from collections.abc import Callable, Mapping
from typing import Any, Final, cast

import msgspec
from msgspec import Raw, Struct

from signoff.events.errors import CodecError, ValueNotStorableError
from signoff.events.escapes import SecretReference
from signoff.events.topics import event_topic
from signoff.events.types import (
    COMMAND_TYPES,
    EVENT_TYPES,
    Actor,
    Command,
    CommandData,
    Copy,
    Event,
    EventData,
    Json,
    Outcome,
    Unknown,
)

MAX_DEPTH: Final = 100
"""How deep a value may nest (architecture.md, The log)."""

MAX_RECORD: Final = 512 * 1024
"""The largest event, command or outcome, in bytes."""

Upcast = Callable[[dict[str, Any]], dict[str, Any]]
"""Takes the data of an event as an older version wrote it, gives it as this version reads it."""

UPCASTS: Final[Mapping[str, Upcast]] = {}
"""By event type. None yet: no released version wrote anything else."""

_UNREADABLE: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
_encoder: Final = msgspec.json.Encoder()
_data_decoders: Final = {name: msgspec.json.Decoder(kind) for name, kind in EVENT_TYPES.items()}
_command_decoders: Final = {name: msgspec.json.Decoder(kind) for name, kind in COMMAND_TYPES.items()}
_outcome_decoder: Final = msgspec.json.Decoder(Outcome)
_mapping_decoder: Final = msgspec.json.Decoder(dict[str, Any])

TOPIC_BY_TYPE: Final = {name: event_topic(kind.__name__) for name, kind in EVENT_TYPES.items()}
"""The log's ``topic`` column for each event type."""


class Header(Struct, frozen=True, kw_only=True, rename="camel"):
    """An event's envelope with its data left as bytes: what passing an event on needs."""

    type: str
    event_id: int
    execution_id: str | None = None
    log_id: str | None = None
    run_id: str | None = None
    workflow_id: str
    timestamp: str
    causation_id: str
    correlation_id: str | None = None
    attempt: int | None = None
    copy_of: Copy | None = None
    prev: str | None = None
    data: Raw


class _CommandHeader(Struct, frozen=True, kw_only=True, rename="camel"):
    command_id: str
    type: str
    execution_id: str
    log_id: str | None = None
    issued_at: str
    not_after: str | None = None
    actor: Actor
    correlation_id: str | None = None
    request_digest: str | None = None
    traceparent: str | None = None
    reply_to: int | None = None
    data: Raw


_header_decoder: Final = msgspec.json.Decoder(Header)
_command_header_decoder: Final = msgspec.json.Decoder(_CommandHeader)


def encode(value: Event | Command | Outcome) -> bytes:
    """The bytes of an event, a command or an outcome: the same for equal values, always."""
    return _encoder.encode(value)


def encode_json(value: Json) -> bytes:
    """Any JSON value as bytes; struct fields and mapping keys in their own order."""
    return _encoder.encode(value)


def decode_header(raw: bytes) -> Header:
    """Read an event's envelope and leave its data as bytes.

    Raises:
        CodecError: the bytes are no event.
    """
    try:
        return _header_decoder.decode(raw)
    except _UNREADABLE as error:
        raise CodecError(f"not an event: {error}") from error


def decode_event(raw: bytes, *, upcasts: Mapping[str, Upcast] = UPCASTS) -> Event:
    """Read an event. A type that this version does not know becomes :class:`Unknown`.

    Args:
        raw: the bytes as the log, the topic or the stream holds them.
        upcasts: how the data of older versions is read, by event type.

    Raises:
        CodecError: the bytes are no event, or the data does not fit its type.
    """
    header = decode_header(raw)
    return Event(
        type=header.type,
        event_id=header.event_id,
        execution_id=header.execution_id,
        log_id=header.log_id,
        run_id=header.run_id,
        workflow_id=header.workflow_id,
        timestamp=header.timestamp,
        causation_id=header.causation_id,
        correlation_id=header.correlation_id,
        attempt=header.attempt,
        copy_of=header.copy_of,
        prev=header.prev,
        data=_decode_data(header, upcasts),
    )


def _decode_data(header: Header, upcasts: Mapping[str, Upcast]) -> EventData:
    decoder = _data_decoders.get(header.type)
    if decoder is None:
        return Unknown(topic=event_topic(header.type), raw=Raw(bytes(header.data)))
    try:
        if header.type in upcasts:
            data = upcasts[header.type](_mapping_decoder.decode(header.data))
            return msgspec.convert(data, EVENT_TYPES[header.type])
        return decoder.decode(header.data)
    except _UNREADABLE as error:
        raise CodecError(f"event {header.event_id} ({header.type}): {error}") from error


def decode_command(raw: bytes) -> Command:
    """Read a command.

    Raises:
        CodecError: the bytes are no command, or one of a type that this version does not know.
    """
    try:
        header = _command_header_decoder.decode(raw)
        decoder = _command_decoders.get(header.type)
        if decoder is None:
            raise CodecError(f"unknown command type {header.type!r}")
        data: CommandData = decoder.decode(header.data)
    except _UNREADABLE as error:
        raise CodecError(f"not a command: {error}") from error
    return Command(
        command_id=header.command_id,
        type=header.type,
        execution_id=header.execution_id,
        log_id=header.log_id,
        issued_at=header.issued_at,
        not_after=header.not_after,
        actor=header.actor,
        correlation_id=header.correlation_id,
        request_digest=header.request_digest,
        traceparent=header.traceparent,
        reply_to=header.reply_to,
        data=data,
    )


def decode_outcome(raw: bytes) -> Outcome:
    """Read an outcome.

    Raises:
        CodecError: the bytes are no outcome.
    """
    try:
        return _outcome_decoder.decode(raw)
    except _UNREADABLE as error:
        raise CodecError(f"not an outcome: {error}") from error


def chain_hash(raw: bytes) -> str:
    """What the next event of the same log carries as ``prev``: base64 of the SHA-256 of ``raw``."""
    return b2a_base64(hashlib.sha256(raw).digest(), newline=False).decode("ascii")


def broken_link(raws: list[bytes], *, prev: str | None = None, version: int = 0) -> int | None:
    """Check the chain of consecutive events of one log.

    Args:
        raws: the bytes of the events, in order.
        prev: the hash of the event before the first of them; ``None`` at the log's beginning.
        version: the ``eventId`` of the event before the first of them.

    Returns:
        The index in ``raws`` of the first event that does not follow, or ``None``.
    """
    for index, raw in enumerate(raws):
        header = decode_header(raw)
        if header.prev != prev or header.event_id != version + 1:
            return index
        prev, version = chain_hash(raw), header.event_id
    return None


def check_value(value: object, *, path: str = "$") -> Json:
    """Make sure that JSON and the log can hold a value, and return it.

    Checked where values enter: at the gateway, and when a block returns.

    Raises:
        ValueNotStorableError: names the place and what is wrong there.
    """
    _check(value, path, MAX_DEPTH)
    return value


def _check(value: object, path: str, depth: int) -> None:
    if value is None or isinstance(value, (bool, int)):
        if isinstance(value, int) and not -(2**63) <= value < 2**64:
            raise ValueNotStorableError(path, "an integer over 64 bits")
    elif isinstance(value, str):
        _check_text(value, path)
    elif isinstance(value, float):
        if not math.isfinite(value):
            raise ValueNotStorableError(path, f"{value} is not a JSON number")
    elif depth == 0:
        raise ValueNotStorableError(path, f"nested over {MAX_DEPTH} levels deep")
    elif isinstance(value, dict):
        _check_mapping(cast("dict[object, object]", value), path, depth)
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            _check(item, f"{path}[{index}]", depth - 1)
    elif not isinstance(value, SecretReference):
        raise ValueNotStorableError(path, f"a {type(value).__name__} is not a JSON value")


def _check_mapping(value: dict[object, object], path: str, depth: int) -> None:
    for key, item in value.items():
        if not isinstance(key, str):
            raise ValueNotStorableError(path, f"the key {key!r} is not a text")
        _check_text(key, path)
        _check(item, f"{path}.{key}", depth - 1)


def _check_text(text: str, path: str) -> None:
    if text.isascii():
        return
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueNotStorableError(path, "holds a lone surrogate, which is no Unicode text") from None
