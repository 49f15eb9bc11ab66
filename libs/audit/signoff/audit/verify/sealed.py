"""The log against the checkpoints that are held: what was deleted, cut off, rewritten, put in.

Checkpoints are gone through by number, of all places at once. Each is checked for itself (its signature, that
it commits to the one before), against the other places, and against the log: the root over the heads that the
log has between its positions now. Where that root is another, the heads that are held say which log it is.
"""

import asyncio
from collections.abc import AsyncIterator, Collection, Sequence
from typing import Final
from uuid import UUID

from msgspec import Struct

from signoff.audit.checkpoints.checkpoint import (
    Checkpoint,
    HeadRecord,
    Leaf,
    Signed,
    leaf_of,
    root_text,
    sha256_text,
)
from signoff.audit.checkpoints.signing import Keyring
from signoff.audit.verify.faults import Fault, Kind, Place
from signoff.audit.verify.sources import Held, Source
from signoff.events.codec import chain_hash
from signoff.events.store.base import EventStore

_FORGER: Final = "somebody without the server's key made or changed it"
_WRITER: Final = "somebody changed the database's tables after the checkpoint was signed"
_HIDER: Final = "somebody removed what was published, or the place was restored to an earlier time"


class Compared(Struct, kw_only=True):
    """What the log was held against.

    Attributes:
        checkpoints: how many.
        first: the number of the first, 0 for none.
        last: of the last.
        after: above which position the log is covered …
        position: … and up to which.
        heads: logs' heads that were compared.
        unsigned: checkpoints whose signatures could not be checked, since no key was given.
        recovered: numbers of checkpoints that cover the log anew, since it was found restored.
    """

    checkpoints: int = 0
    first: int = 0
    last: int = 0
    after: int = 0
    position: int = 0
    heads: int = 0
    unsigned: int = 0
    recovered: list[int] = []


class SealCheck:
    """Holds a log against the checkpoints that are at hand.

    Args:
        store: the log.
        sources: where checkpoints are held; what the first says counts where two differ.
        keys: of the server; an empty one checks no signatures.
        published: the number of the last checkpoint that the server had published, as its database says:
            live sources must have it.
        only: the logs to compare; ``None`` for all.

    Attributes:
        compared: what was done, as far as it was.
    """

    def __init__(
        self,
        store: EventStore,
        sources: Sequence[Source],
        keys: Keyring,
        *,
        published: int = 0,
        only: Collection[UUID] | None = None,
    ) -> None:
        self.compared = Compared()
        self._store = store
        self._sources = sources
        self._keys = keys
        self._published = published
        self._only = None if only is None else {str(log_id) for log_id in only}
        self._before: dict[str, Signed] = {}
        self._unvouched: list[Fault] = []
        self._open: list[tuple[Checkpoint, Fault]] = []
        self._restored_to: list[tuple[int, int]] = []
        self._named: set[str] = set()

    async def run(self) -> AsyncIterator[Fault]:
        """Everything that is wrong.

        Raises:
            StoreUnavailableError: the database is away.
            BusError: the broker is away.
            BlobError: an object store is away.
        """
        async for number, held in self._by_number():
            for source, each in held:
                for fault in self._check_itself(source, each.signed):
                    yield fault
            for fault in _forks(number, held):
                yield fault
            async for fault in self._check_log(held):
                yield fault
        for fault in self._late():
            yield fault

    async def _by_number(self) -> AsyncIterator[tuple[int, list[tuple[Source, Held]]]]:
        """What the sources hold of each number, side by side."""
        reading = [(source, source.held()) for source in self._sources]
        heads: list[tuple[Source, AsyncIterator[Held], Held]] = []
        for source, held in reading:
            if (first := await anext(held, None)) is not None:
                heads.append((source, held, first))
        while heads:
            number = min(each.signed.number for _, _, each in heads)
            yield number, [(source, each) for source, _, each in heads if each.signed.number == number]
            going: list[tuple[Source, AsyncIterator[Held], Held]] = []
            for source, held, each in heads:
                following = each if each.signed.number > number else await anext(held, None)
                if following is not None:
                    going.append((source, held, following))
            heads = going

    # A checkpoint for itself --------------------------------------------------------------------------

    def _check_itself(self, source: Source, signed: Signed) -> list[Fault]:
        faults = []
        before = self._before.get(source.name)
        checkpoint, number = signed.checkpoint, signed.number
        is_linked = True
        if before is not None and number != before.number + 1:
            lost = f"checkpoints {before.number + 1} to {number - 1} are not there"
            faults.append(_fault("checkpoint", source, before.number + 1, lost, _HIDER))
        elif before is not None and checkpoint.previous != sha256_text(before.raw):
            is_linked = False
            meaning = (
                f"checkpoint {number} commits to another checkpoint {before.number} than stands before it"
            )
            faults.append(_fault("checkpoint", source, number, meaning, _FORGER))
        self._before[source.name] = signed
        return faults + self._check_signature(source, signed, is_linked=is_linked)

    def _check_signature(self, source: Source, signed: Signed, *, is_linked: bool) -> list[Fault]:
        if not self._keys:
            self.compared.unsigned += 1
            return []
        verdict = self._keys.check(signed.raw, signed.signature)
        if verdict == "invalid":
            meaning = f"the signature of checkpoint {signed.number} is not one of these bytes"
            return [_fault("checkpoint", source, signed.number, meaning, _FORGER)]
        if verdict == "unknown key":
            meaning = (
                f"checkpoint {signed.number} is signed with a key that is none of the server's: give earlier "
                "ones with --keys, if there were any"
            )
            self._unvouched.append(_fault("checkpoint", source, signed.number, meaning, _FORGER))
        elif is_linked:  # it commits to all before it, whoever signed those
            self._unvouched = [each for each in self._unvouched if each.place.file != source.name]
        return []

    # Against the log ----------------------------------------------------------------------------------

    async def _check_log(self, held: list[tuple[Source, Held]]) -> AsyncIterator[Fault]:
        source, first = held[0]
        checkpoint = first.signed.checkpoint
        records = [(of, head) for of, each in held for head in each.heads]
        if checkpoint.number == self.compared.last + 1 and checkpoint.after > self.compared.position:
            meaning = (
                f"positions {self.compared.position + 1} to {checkpoint.after} are covered by no checkpoint"
            )
            yield _fault("checkpoint", source, checkpoint.number, meaning, _FORGER)
        self._note(checkpoint)
        if self._only is not None:
            wanted = [(of, head) for of, head in records if head.log_id in self._only]
            async for fault in self._check_heads(wanted):
                yield fault
            return
        found = await self._store.changed_heads(after=checkpoint.after, upto=checkpoint.position)
        leaves = await asyncio.to_thread(lambda: [leaf_of(head) for head in found])
        self.compared.heads += len(leaves)
        if await asyncio.to_thread(root_text, leaves) == checkpoint.root:
            for fault in _untrue(records, leaves, checkpoint):
                yield fault
            return
        complete = [(of, each) for of, each in held if _is_complete(each, checkpoint)]
        records = [(of, head) for of, each in complete[:1] for head in each.heads] or records
        named = set()
        async for fault in self._check_heads(records):
            named.add(fault.place.log_id)
            yield fault
        if complete:
            known = {head.leaf for _, head in records}
            more = [leaf for leaf in leaves if leaf not in known and leaf.log_id not in named]
            self._open += [(checkpoint, _put_in(checkpoint, leaf)) for leaf in more]
        elif not named:
            self._open.append((checkpoint, _unnamed(source, checkpoint)))

    def _note(self, checkpoint: Checkpoint) -> None:
        compared = self.compared
        if not compared.checkpoints:
            compared.first, compared.after = checkpoint.number, checkpoint.after
        compared.checkpoints += 1
        if checkpoint.after < compared.position:
            compared.recovered.append(checkpoint.number)
            self._restored_to.append((checkpoint.number, checkpoint.after))
        compared.last, compared.position = checkpoint.number, checkpoint.position

    async def _check_heads(self, records: Sequence[tuple[Source, HeadRecord]]) -> AsyncIterator[Fault]:
        """Look for each head's event in its log."""
        seen: set[Leaf] = set()
        for source, head in records:
            if head.leaf in seen:
                continue
            seen.add(head.leaf)
            self.compared.heads += self._only is not None
            fault = await self._check_head(source, head)
            if fault is not None:
                yield fault

    async def _check_head(self, source: Source, head: HeadRecord) -> Fault | None:
        try:
            log_id = UUID(head.log_id)
        except ValueError:
            return _fault("checkpoint", source, head.checkpoint, f"{head.log_id!r} is no log", _FORGER)
        events = await self._store.read(log_id, after=head.event_id - 1, limit=1)
        if events and events[0].version == head.event_id and chain_hash(events[0].state) == head.hash:
            return None
        if events:
            kind: Kind = "rewritten"
            meaning = (
                f"event {head.event_id}, or one before it, is another than checkpoint {head.checkpoint} "
                "commits to"
            )
        else:
            last = (await self._store.heads([log_id])).get(log_id, 0)
            if head.log_id in self._named:
                return None
            self._named.add(head.log_id)  # of a log that is shorter, the first such head says it all
            kind = "shortened" if last else "missing"
            ends = f"ends with event {last}" if last else "is gone"
            meaning = (
                f"the log {ends}, and checkpoint {head.checkpoint} commits to its event {head.event_id}: "
                "what is not there was deleted"
            )
        place = Place(
            log_id=head.log_id, event_id=head.event_id, checkpoint=head.checkpoint, file=source.name,
            position=events[0].position if events else None,
        )  # fmt: skip
        return Fault(kind=kind, place=place, meaning=meaning, cause=_WRITER)

    # Once all was read --------------------------------------------------------------------------------

    def _late(self) -> list[Fault]:
        faults = list(self._unvouched)
        for checkpoint, fault in self._open:
            if not self._was_restored(checkpoint):
                faults.append(fault)
        copied = max((self._before[each.name].number for each in self._held_elsewhere()), default=0)
        for source in self._sources:
            faults += source.faults
            before = self._before.get(source.name)
            last = 0 if before is None else before.number
            if source.is_live and last < (least := max(self._published, copied)):
                meaning = f"it ends with checkpoint {last}, and checkpoint {least} was published"
                faults.append(_fault("checkpoint", source, last + 1, meaning, _HIDER))
        return faults

    def _held_elsewhere(self) -> list[Source]:
        return [each for each in self._sources if not each.is_live and each.name in self._before]

    def _was_restored(self, checkpoint: Checkpoint) -> bool:
        """Whether a later checkpoint says that the log was found restored to a time before this one."""
        return any(
            number > checkpoint.number and after < checkpoint.position for number, after in self._restored_to
        )


def _forks(number: int, held: list[tuple[Source, Held]]) -> list[Fault]:
    source, first = held[0]
    return [
        _fault(
            "checkpoint",
            other,
            number,
            f"checkpoint {number} is another one than that of {source.name}",
            _FORGER,
        )
        for other, each in held[1:]
        if each.signed.raw != first.signed.raw
    ]


def _untrue(
    records: Sequence[tuple[Source, HeadRecord]], leaves: Sequence[Leaf], checkpoint: Checkpoint
) -> list[Fault]:
    """Held heads that are not those that the checkpoint commits to, where the log is what it was."""
    true = {leaf.log_id: leaf for leaf in leaves}
    return [
        Fault(
            kind="checkpoint",
            place=Place(
                log_id=head.log_id, event_id=head.event_id, checkpoint=checkpoint.number, file=source.name
            ),
            meaning=f"the head that is kept with checkpoint {checkpoint.number} is not the one that it "
            "commits to; the log's own is",
            cause=_FORGER,
        )
        for source, head in records
        if true.get(head.log_id) != head.leaf
    ]


def _is_complete(held: Held, checkpoint: Checkpoint) -> bool:
    leaves = sorted((head.leaf for head in held.heads), key=lambda leaf: leaf.log_id)
    return held.signed.checkpoint == checkpoint and root_text(leaves) == checkpoint.root


def _put_in(checkpoint: Checkpoint, leaf: Leaf) -> Fault:
    place = Place(log_id=leaf.log_id, event_id=leaf.event_id, checkpoint=checkpoint.number)
    meaning = (
        f"event {leaf.event_id} lies at positions {checkpoint.after + 1} to {checkpoint.position}, and "
        f"checkpoint {checkpoint.number} does not commit to it: it was put in later, and dated back"
    )
    return Fault(kind="unproven", place=place, meaning=meaning, cause=_WRITER)


def _unnamed(source: Source, checkpoint: Checkpoint) -> Fault:
    meaning = (
        f"the events at positions {checkpoint.after + 1} to {checkpoint.position} are not those that "
        f"checkpoint {checkpoint.number} commits to; a copy of its file would name the log: --checkpoints"
    )
    place = Place(checkpoint=checkpoint.number, position=checkpoint.after + 1, file=source.name)
    return Fault(kind="rewritten", place=place, meaning=meaning, cause=_WRITER)


def _fault(kind: Kind, source: Source, number: int, meaning: str, cause: str) -> Fault:
    return Fault(kind=kind, place=Place(checkpoint=number, file=source.name), meaning=meaning, cause=cause)
