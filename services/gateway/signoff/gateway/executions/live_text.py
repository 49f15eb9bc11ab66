"""What blocks say, sent on while they say it, and in the end equal to what they said.

A try that failed, or that another executor took over, takes back what it had said: ``chunk_reset`` (a word of
Sim's stream protocol) says that what came for this block so far is void.
"""

import hashlib
from collections.abc import Iterator, Sequence
from typing import Final, Literal

from msgspec import UNSET, Struct, UnsetType

from signoff.engine.definitions.values import to_text
from signoff.engine.folding.places import path_of, turns_of
from signoff.events.types import BlockError, BlockEvent, BlockRetrying, Json, Placed, StreamChunk
from signoff.gateway.executions.selection import Selected

SAYING: Final = frozenset({StreamChunk.TYPE, BlockRetrying.TYPE, BlockError.TYPE})
"""Types of events that matter here, besides the end of a block."""

_CONTENT: Final = ("content",)


class Chunk(Struct, frozen=True, rename="camel"):
    """A part of a selected output, as text. ``instance`` tells turns of a loop or parallel apart."""

    block_id: str
    chunk: str
    instance: str | UnsetType = UNSET


class Reset(Struct, frozen=True, rename="camel"):
    """What came for a block, or for one turn of it, is void."""

    block_id: str
    instance: str | UnsetType = UNSET
    event: Literal["chunk_reset"] = "chunk_reset"


class _Said:
    """What was sent of one block's text: how much, and its digest."""

    def __init__(self) -> None:
        self.length = 0
        self._digest = hashlib.sha256()

    def add(self, text: str) -> None:
        self.length += len(text)
        self._digest.update(text.encode())

    def begins(self, text: str) -> bool:
        """Whether a text goes on from what was sent."""
        said = text[: self.length]
        return len(said) == self.length and hashlib.sha256(said.encode()).digest() == self._digest.digest()


class LiveText:
    """The selected outputs of one run as a stream sends them.

    Args:
        selected: which.
    """

    def __init__(self, selected: Sequence[Selected]) -> None:
        self._selected = selected
        self._blocks = {each.block_id for each in selected}
        self._streamed = {each.block_id for each in selected if each.path == _CONTENT}
        self._said: dict[str, _Said] = {}

    def wants(self, block_id: str) -> bool:
        """Whether an output of the block is selected."""
        return block_id in self._blocks

    def hear(self, data: StreamChunk | BlockRetrying | BlockError) -> Iterator[Chunk | Reset]:
        """What a part of a block's text, or the end of a try, leads to."""
        if data.block_id not in self._streamed:
            return
        instance = data.block_id + path_of(turns_of(data))
        if not isinstance(data, StreamChunk):
            if self._said.pop(instance, None) is not None:
                yield Reset(data.block_id, _turn(data, instance))
            return
        said = self._said.setdefault(instance, _Said())
        if data.offset == 0 and said.length:  # a new try, of an executor that took over
            yield Reset(data.block_id, _turn(data, instance))
            said = self._said[instance] = _Said()
        said.add(data.chunk)
        yield Chunk(data.block_id, data.chunk, _turn(data, instance))

    def end(self, data: BlockEvent, output: Json) -> Iterator[Chunk | Reset]:
        """What the end of a block leads to: its selected outputs, less what was sent of them.

        Args:
            data: of the event.
            output: the block's, large values put back.
        """
        instance = data.block_id + path_of(turns_of(data))
        said = self._said.pop(instance, None)
        turn = _turn(data, instance)
        for each in self._selected:
            value = each.pick(output) if each.block_id == data.block_id else None
            if value is None:
                continue
            text = to_text(value)
            if said is None or each.path != _CONTENT:
                yield Chunk(data.block_id, text, turn)
            elif not said.begins(text):
                yield Reset(data.block_id, turn)
                yield Chunk(data.block_id, text, turn)
            elif len(text) > said.length:
                yield Chunk(data.block_id, text[said.length :], turn)


def _turn(data: Placed, instance: str) -> str | UnsetType:
    return UNSET if data.iteration_type is None else instance
