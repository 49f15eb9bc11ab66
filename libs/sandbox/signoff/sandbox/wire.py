"""What the pool and a worker say to each other: MessagePack frames, each after its length in four bytes."""

from typing import Literal

import msgspec

from signoff.sandbox.programs import CodeFault, Language, ProgramKind

LENGTH_BYTES = 4


class Job(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """A program on its way to a worker; units as in `programs.Program`."""

    language: Language
    kind: ProgramKind
    source: str
    bindings: bytes
    """A JSON object as text: JavaScript parses it, its worker need not."""
    timeout: float
    memory_limit: int
    output_limit: int


class Check(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """A text whose faults are to be found without running it; units as in `programs.Program`."""

    language: Language
    kind: ProgramKind
    source: str
    names: frozenset[str]
    """Variables that will be bound when the program runs."""
    timeout: float
    memory_limit: int
    output_limit: int


Request = Job | Check


class Ready(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """The worker has started and locked itself in."""


class Done(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """The program ran to its end."""

    value: bytes
    """JSON text of the result."""
    truthy: bool
    stdout: str


class Failed(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """The program did not."""

    reason: Literal["error", "timeout", "memory"]
    message: str = ""
    line: int | None = None
    stdout: str = ""
    spent: bool = False
    """The worker takes no further request."""


class Checked(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """The text was read to its end, or to its first fault."""

    faults: list[CodeFault]


Answer = Ready | Done | Failed | Checked

_encoder = msgspec.msgpack.Encoder()
_request_decoder: msgspec.msgpack.Decoder[Request] = msgspec.msgpack.Decoder(Request)
_answer_decoder: msgspec.msgpack.Decoder[Answer] = msgspec.msgpack.Decoder(Answer)


def frame(message: Request | Answer) -> bytes:
    """Encode a message with its length before it.

    Raises:
        UnicodeEncodeError: the source of a request holds a lone surrogate.
    """
    body = _encoder.encode(message)
    return len(body).to_bytes(LENGTH_BYTES, "big") + body


def decode_request(body: bytes) -> Request:
    """Decode what follows the length of a request."""
    return _request_decoder.decode(body)


def decode_answer(body: bytes) -> Answer:
    """Decode what follows the length of an answer.

    Raises:
        msgspec.DecodeError: it is none.
    """
    return _answer_decoder.decode(body)
