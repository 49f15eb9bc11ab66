"""What agents remember: the turns of a conversation, by workspace and conversation id.

A turn is written whole, after its answer, under the idempotency key of the block's instance: a try that
fails leaves nothing, and one that is repeated after a crash replaces its turn.
"""

import asyncio
import hashlib
from typing import Final, Protocol
from weakref import WeakValueDictionary

import msgspec
from msgspec import Struct

from signoff.events.errors import BlobError, BlobNotFoundError
from signoff.events.objects import Objects

MOST_TURNS: Final = 500
"""Turns of one conversation that are kept; the oldest go first."""

MOST_BYTES: Final = 4 * 1024 * 1024
"""Bytes of one conversation that are kept; the oldest turns go first, never the last one."""


class Remembered(Struct, frozen=True):
    """One message of a turn; ``role`` is ``user`` or ``assistant``."""

    role: str
    content: str


class Turn(Struct, frozen=True):
    """What was said in one run of an agent block.

    Attributes:
        key: names the turn: one of the same key is replaced.
        execution_id: in which it was said.
        messages: in order, the agent's answer last.
    """

    key: str
    execution_id: str
    messages: tuple[Remembered, ...]


class Memory(Protocol):
    """Keeps conversations from one execution to the next."""

    async def get(self, workspace_id: str, conversation_id: str) -> list[Turn]:
        """The turns of a conversation, oldest first; none for one that nobody began.

        Raises:
            BlobError: the store is away, or what it holds is no conversation.
        """
        ...

    async def append(self, workspace_id: str, conversation_id: str, turn: Turn) -> None:
        """Add a turn, durably. The same key again replaces its turn, in its place.

        Raises:
            BlobError: the store is away or refuses it.
        """
        ...


class StoredMemory:
    """Conversations in the object store, each one object.

    Turns that end at once in one process are all kept: each waits for the one before. Of turns that end in
    the same moment in *two* executors, the last writer's stays and the other's is forgotten: an object
    store on a file system has no compare-and-set. Both executions have their answers all the same.

    Args:
        objects: where.
    """

    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self._writers: WeakValueDictionary[tuple[str, str], asyncio.Lock] = WeakValueDictionary()

    async def get(self, workspace_id: str, conversation_id: str) -> list[Turn]:
        """As `Memory.get`."""
        try:
            raw = await self._objects.read(_path(workspace_id, conversation_id))
        except BlobNotFoundError:
            return []
        try:
            return msgspec.json.decode(raw, type=list[Turn])
        except msgspec.DecodeError as error:
            raise BlobError(
                f"the memory of conversation {conversation_id!r} cannot be read: {error}"
            ) from error

    async def append(self, workspace_id: str, conversation_id: str, turn: Turn) -> None:
        """As `Memory.append`."""
        place = workspace_id, conversation_id
        writer = self._writers.get(place)
        if writer is None:
            self._writers[place] = writer = asyncio.Lock()
        async with writer:
            turns = _with(await self.get(workspace_id, conversation_id), turn)
            await self._objects.write(_path(workspace_id, conversation_id), _encoded(turns))


def _path(workspace_id: str, conversation_id: str) -> str:
    """A path that any object store takes, whatever the id holds."""
    return f"{workspace_id}/memory/{hashlib.sha256(conversation_id.encode()).hexdigest()}"


def _with(turns: list[Turn], turn: Turn) -> list[Turn]:
    for index, known in enumerate(turns):
        if known.key == turn.key:
            return [*turns[:index], turn, *turns[index + 1 :]]
    return [*turns, turn]


def _encoded(turns: list[Turn]) -> bytes:
    """The newest turns that keep the bounds."""
    kept: list[bytes] = []
    size = 0
    for turn in reversed(turns[-MOST_TURNS:]):
        raw = msgspec.json.encode(turn)
        size += len(raw)
        if kept and size > MOST_BYTES:
            break
        kept.append(raw)
    return b"[" + b",".join(reversed(kept)) + b"]"
