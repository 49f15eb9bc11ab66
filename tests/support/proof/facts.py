"""What a proof looks at: the log, the topic, what clients and the outside saw; bytes, and no code of ours.

A load that puts the key of a start into its input as ``ticket`` has it proven that each started once.
"""

from typing import Any

from msgspec import Struct


class Logged(Struct, frozen=True):
    """One row of ``stored_events``."""

    log_id: str
    version: int
    topic: str
    state: bytes
    position: int


class Published(Struct, frozen=True):
    """One record of ``signoff.executions``, in the order of its partition."""

    partition: int
    offset: int
    key: bytes
    value: bytes
    headers: dict[str, bytes] = {}


class Answered(Struct, frozen=True, kw_only=True):
    """What a client was told at last about one thing that it asked for, after all its retries.

    Attributes:
        kind: ``start``, ``resume``, ``cancel``, ``pause``, ``deploy``, …
        execution_id: the log's UUID as text, where it is known.
        key: the ``Idempotency-Key`` of all tries.
        context_id: of the pause point, for a resume.
        status: of HTTP; 0 when no answer ever came.
        tries: how often it was asked.
        body: the JSON of the answer.
    """

    kind: str
    execution_id: str | None
    key: str | None = None
    context_id: str | None = None
    status: int
    tries: int = 1
    body: dict[str, Any] = {}


class Streamed(Struct, frozen=True, kw_only=True):
    """What one SSE reader was given over all its connections: (id, data) of each frame, in order."""

    execution_id: str
    after: int = 0
    frames: list[tuple[int, bytes]] = []
    ended: bool = False


class Ran(Struct, frozen=True, kw_only=True):
    """One try of a block as the outside saw it (a recording server, a registered block's file).

    Attributes:
        idempotency_key: ``<executionId>/<block instance>``.
        attempt: from 1; 0 where the outside was not told.
        at: when it came, seconds since the epoch; 0 where nobody looked.
    """

    idempotency_key: str
    attempt: int
    at: float = 0.0


class Facts(Struct, kw_only=True):
    """All that is known after a run.

    Attributes:
        log: every row, by position.
        topic: every record, by partition and offset.
        answers: what clients were told.
        streams: what readers were given.
        runs: what blocks did outside.
    """

    log: list[Logged] = []
    topic: list[Published] = []
    answers: list[Answered] = []
    streams: list[Streamed] = []
    runs: list[Ran] = []
