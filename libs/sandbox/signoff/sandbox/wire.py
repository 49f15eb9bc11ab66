"""What the pool and a worker say to each other: MessagePack frames, each after its length in four bytes."""

from typing import Literal

import msgspec

from signoff.executor.sandbox.programs import ProgramKind

LENGTH_BYTES = 4


class Job(msgspec.Struct, frozen=True, array_like=True):
    """A program on its way to a worker; units as in `programs.Program`."""

    kind: ProgramKind
    source: str
    bindings: bytes
    """A JSON object as text: JavaScript parses it, Python need not."""
    timeout: float
    memory_limit: int
    output_limit: int


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
    message: str
    line: int | None
    stdout: str


Answer = Ready | Done | Failed

_encoder = msgspec.msgpack.Encoder()
_job_decoder = msgspec.msgpack.Decoder(Job)
_answer_decoder: msgspec.msgpack.Decoder[Answer] = msgspec.msgpack.Decoder(Answer)


def frame(message: Job | Answer) -> bytes:
    """Encode a message with its length before it.

    Raises:
        UnicodeEncodeError: the source of a job holds a lone surrogate.
    """
    body = _encoder.encode(message)
    return len(body).to_bytes(LENGTH_BYTES, "big") + body


def decode_job(body: bytes) -> Job:
    """Decode what follows the length of a job."""
    return _job_decoder.decode(body)


def decode_answer(body: bytes) -> Answer:
    """Decode what follows the length of an answer.

    Raises:
        msgspec.DecodeError: it is none.
    """
    return _answer_decoder.decode(body)
