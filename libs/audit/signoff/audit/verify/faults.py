"""What verification names: a fault, where it is, what it means and what it says of its cause."""

from typing import Final, Literal, TypeAlias

from msgspec import Struct

Kind: TypeAlias = Literal[
    "unreadable",
    "version",
    "chain",
    "misplaced",
    "time",
    "fold",
    "projection",
    "missing",
    "shortened",
    "rewritten",
    "unproven",
    "restored",
    "checkpoint",
    "value",
    "topic",
    "bundle",
]
"""What is wrong:

* ``unreadable``: bytes that are no event;
* ``version``: an ``eventId`` is left out, doubled, or another than its row's;
* ``chain``: an event does not carry the hash of the one before it;
* ``misplaced``: an event stands in the log of another execution, or before the one that it follows;
* ``time``: an event is older than the one before it, or than a checkpoint that it lies behind;
* ``fold``: the events cannot have followed on each other;
* ``projection``: a row is not what follows from the log;
* ``missing``: a log that a checkpoint commits to is not there;
* ``shortened``: a log ends before the event that a checkpoint commits to, or that its row is of;
* ``rewritten``: an event is another one than a checkpoint commits to;
* ``unproven``: an event lies where a checkpoint commits to other events;
* ``restored``: a checkpoint covers positions anew that earlier ones cover: the log was another then;
* ``checkpoint``: a checkpoint, or a head that it commits to, is not what was signed;
* ``value``: a large value that an event names is not in the object store, or is another there;
* ``topic``: the topic does not say what the log says;
* ``bundle``: a file of a bundle is not what was signed, is not there, or was put in.
"""


WRITER: Final = "somebody wrote to the database's tables; the server itself never changes an event"
"""What a changed row says of its cause."""


class Place(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """Where a fault is: as much as is known of it.

    Attributes:
        log_id: the log, as text.
        execution_id: of the log, where it is an execution's and differs from the log's.
        event_id: the event's number in its log.
        position: of the event in the whole log.
        table: the projection whose row it is.
        value: the digest of a large value.
        topic: of the broker.
        partition: of the topic.
        offset: of the record.
        checkpoint: the number of a checkpoint.
        file: the file or the URL that holds it.
    """

    log_id: str | None = None
    execution_id: str | None = None
    event_id: int | None = None
    position: int | None = None
    table: str | None = None
    value: str | None = None
    topic: str | None = None
    partition: int | None = None
    offset: int | None = None
    checkpoint: int | None = None
    file: str | None = None

    def __str__(self) -> str:
        """The place in words, from the large to the small."""
        words = {
            "checkpoint": self.checkpoint, "file": self.file, "topic": self.topic, "partition":
            self.partition, "offset": self.offset, "log": self.log_id, "execution": self.execution_id,
            "event": self.event_id, "position": self.position, "table": self.table,
            "value": self.value,
        }  # fmt: skip
        return ", ".join(f"{word} {value}" for word, value in words.items() if value is not None)


class Fault(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing that is not as it should be.

    Attributes:
        kind: what kind of fault.
        place: where it is.
        meaning: what was found and what that means, in one sentence for people.
        cause: what it says of who or what did it; empty where it says nothing.
    """

    kind: Kind
    place: Place
    meaning: str
    cause: str = ""
