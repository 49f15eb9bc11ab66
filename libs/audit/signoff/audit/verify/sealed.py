"""The log against the checkpoints that are held: what was deleted, cut off, rewritten, put in.

Checkpoints are gone through by number, of all places at once; only those count that the server signed. Each
is checked for itself (that it commits to the one before), against the other places, and against the log: the
root over the heads that the log has between its positions now. Where that root is another, the heads that are
held say which log it is. What contradicts a checkpoint stays a fault, whatever later ones say: a log that
somebody changed and one that was restored look alike, and only people know which it was.
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
from signoff.audit.verify.moments import Moments
from signoff.audit.verify.sources import Held, Source
from signoff.events.codec import chain_hash
from signoff.events.store.base import EventStore

_FORGER: Final = "somebody without the server's key made or changed it"
_WRITER: Final = "somebody changed the database's tables after the checkpoint was signed"
_RESTORER: Final = (
    "the database was restored to an earlier time, or somebody changed what was signed: who knows that it "
    "was a restore says so with --accept-restore"
)
_LOWEST: Final = -(2**63)
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
        places: what each source had, in words.
        accepted: for each restore that was accepted and found, what was left out for it, in words.
    """

    checkpoints: int = 0
    first: int = 0
    last: int = 0
    after: int = 0
    position: int = 0
    heads: int = 0
    unsigned: int = 0
    places: list[str] = []
    accepted: dict[int, str] = {}


class SealCheck:
    """Holds a log against the checkpoints that are at hand.

    Args:
        store: the log.
        sources: where checkpoints are held; what the first says counts where two differ.
        keys: of the server, as the sources have them.
        published: the number of the last checkpoint that the server had published, as its database says:
            live sources must have it.
        only: the logs to compare; ``None`` for all.
        accepted: numbers of the first checkpoints after restores that are known of: what earlier ones say of
            the positions that these cover anew is no fault.

    Attributes:
        compared: what was done, as far as it was.
        moments: when positions were not there yet, known once all was read.
    """

    def __init__(
        self,
        store: EventStore,
        sources: Sequence[Source],
        keys: Keyring,
        *,
        published: int = 0,
        only: Collection[UUID] | None = None,
        accepted: Collection[int] = (),
    ) -> None:
        self.compared = Compared()
        self.moments = Moments()
        self._store = store
        self._sources = sources
        self._keys = keys
        self._published = published
        self._only = None if only is None else {str(log_id) for log_id in only}
        self._accepted = frozenset(accepted)
        self._last_accepted = max(accepted, default=0)
        self._firsts: dict[str, int] = {}
        self._before: dict[str, Signed] = {}
        self._waiting: list[tuple[Checkpoint, Fault]] = []
        self._named: set[str] = set()

    @property
    def more(self) -> int:
        """Faults of sources that were counted and not told."""
        return sum(source.more for source in self._sources)

    async def run(self) -> AsyncIterator[Fault]:
        """Everything that is wrong.

        Raises:
            StoreUnavailableError: the database is away.
            BusError: the broker is away.
            BlobError: an object store is away.
        """
        async for number, held in self._by_number():
            for source, each in held:
                for fault in self._check_link(source, each.signed):
                    yield fault
            for fault in _forks(number, held):
                yield fault
            for fault in self._note(held):
                yield fault
            async for fault in self._check_log(held):
                if number < self._last_accepted:  # a restore to come may explain it
                    self._waiting.append((held[0][1].signed.checkpoint, fault))
                else:
                    yield fault
        for _, fault in self._waiting:
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

    def _check_link(self, source: Source, signed: Signed) -> list[Fault]:
        before, number = self._before.get(source.name), signed.number
        self._before[source.name] = signed
        if before is None:
            self._firsts[source.name] = number
            return []
        if number == before.number + 1 and signed.checkpoint.previous != sha256_text(before.raw):
            meaning = (
                f"checkpoint {number} commits to another checkpoint {before.number} than stands before it"
            )
            return [_fault("checkpoint", source, number, meaning, _FORGER)]
        if number > before.number + 1 and source.is_published:
            lost = f"checkpoints {before.number + 1} to {number - 1} are not there"
            return [_fault("checkpoint", source, before.number + 1, lost, _HIDER)]
        return []

    def _note(self, held: list[tuple[Source, Held]]) -> list[Fault]:
        """Go on to the next checkpoint; what is wrong with the positions that it covers."""
        source, signed = held[0][0], held[0][1].signed
        checkpoint, number, compared = signed.checkpoint, signed.number, self.compared
        if not compared.checkpoints:
            compared.first, compared.after = number, checkpoint.after
        faults = []
        if checkpoint.after > compared.position and number == compared.last + 1:
            meaning = f"positions {compared.position + 1} to {checkpoint.after} are covered by no checkpoint"
            faults = [_fault("checkpoint", source, number, meaning, _FORGER)]
        if number in self._accepted:
            self._accept(checkpoint)
        elif checkpoint.after < compared.position:
            meaning = (
                f"checkpoint {number} covers positions {checkpoint.after + 1} to {compared.position} anew, "
                f"which checkpoints up to {compared.last} cover: the log was found another than was signed"
            )
            faults = [_fault("restored", source, number, meaning, _RESTORER)]
        self.moments.add(checkpoint, is_accepted=number in self._accepted)
        compared.checkpoints += 1
        compared.unsigned += 0 if self._keys else len(held)
        compared.last, compared.position = number, checkpoint.position
        return faults

    def _accept(self, checkpoint: Checkpoint) -> None:
        """Leave out what earlier checkpoints say of positions that one covers anew."""
        left_out = [fault for before, fault in self._waiting if before.after >= checkpoint.after]
        self._waiting = [each for each in self._waiting if each[0].after < checkpoint.after]
        self._named -= {fault.place.log_id or "" for fault in left_out}
        number, left = checkpoint.number, f"{len(left_out)} faults are left out"
        self.compared.accepted[number] = (
            f"what the restore before checkpoint {number} changed behind position {checkpoint.after}, which "
            f"is accepted ({left}), and whether events put back after it, of the time since checkpoint "
            f"{number - 1}, had been there before"
        )

    # Against the log ----------------------------------------------------------------------------------

    async def _check_log(self, held: list[tuple[Source, Held]]) -> AsyncIterator[Fault]:
        source, first = held[0]
        checkpoint = first.signed.checkpoint
        records = [(of, head) for of, each in held for head in each.heads]
        if self._only is not None:
            wanted = [(of, head) for of, head in records if head.log_id in self._only]
            async for fault in self._check_heads(wanted):
                yield fault
            return
        after = checkpoint.after or _LOWEST  # the server begins with position 1: nothing lies below it
        found = await self._store.changed_heads(after=after, upto=checkpoint.position)
        leaves = await asyncio.to_thread(lambda: [leaf_of(head) for head in found])
        self.compared.heads += len(leaves)
        if await asyncio.to_thread(root_text, leaves) == checkpoint.root:
            for fault in _untrue(records, leaves, checkpoint) + _lacking(held):
                yield fault
            return
        complete = [(of, each) for of, each in held if _is_complete(each, checkpoint)]
        records = [(of, head) for of, each in complete[:1] for head in each.heads] or records
        named = set()
        async for fault in self._check_heads(records):
            named.add(fault.place.log_id)
            yield fault
        for fault in _lacking(held):
            yield fault
        if complete:
            known = {head.leaf for _, head in records}
            for leaf in leaves:
                if leaf not in known and leaf.log_id not in named:
                    yield _put_in(checkpoint, leaf)
        elif not named and self._named.isdisjoint(head.log_id for _, head in records):
            yield _unnamed(source, checkpoint)

    async def _check_heads(self, records: Sequence[tuple[Source, HeadRecord]]) -> AsyncIterator[Fault]:
        """Look for each head's event in its log."""
        seen: set[Leaf] = set()
        for source, head in records:
            if head.leaf in seen:
                continue
            seen.add(head.leaf)
            self.compared.heads += self._only is not None
            fault = await self._check_head(source, head)
            if fault is None:
                if head.checkpoint < self._last_accepted:
                    self.moments.put_back(UUID(head.log_id), head.event_id)
            elif fault.kind not in ("missing", "shortened"):
                yield fault
            elif head.log_id not in self._named:
                self._named.add(head.log_id)  # of a log that is shorter, the first such head says it all
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
        faults = []
        copied = max((self._last_of(each) for each in self._sources if not each.is_live), default=0)
        for source in self._sources:
            faults += source.faults
            first, last = self._firsts.get(source.name, 0), self._last_of(source)
            numbers = f"{first} to {last}" if first else "none"
            self.compared.places.append(f"{source.name} ({numbers})")
            if source.is_live and last < (least := max(self._published, copied)):
                meaning = f"it ends with checkpoint {last}, and checkpoint {least} was published"
                faults.append(_fault("checkpoint", source, last + 1, meaning, _HIDER))
            if not source.is_live and not last:
                faults.append(_fault("checkpoint", source, 1, "there is no checkpoint of the server", _HIDER))
        return faults + self._check_begin()

    def _last_of(self, source: Source) -> int:
        before = self._before.get(source.name)
        return 0 if before is None else before.number

    def _check_begin(self) -> list[Fault]:
        """The server's own places begin with the first; but for one that it was given later."""
        published = [each for each in self._sources if each.is_published and each.name in self._firsts]
        first = min((self._firsts[each.name] for each in published), default=1)
        live = next((each for each in published if each.is_live), None)
        if first == 1 or live is None:
            return []
        meaning = (
            f"it begins with checkpoint {self._firsts[live.name]}, and 1 to {first - 1} are nowhere: give an "
            "earlier place of them with --checkpoints, if there was one"
        )
        return [_fault("checkpoint", live, 1, meaning, _HIDER)]


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


def _lacking(held: list[tuple[Source, Held]]) -> list[Fault]:
    """Places that keep all heads of a checkpoint, and have not as many as it commits to."""
    return [
        _fault(
            "checkpoint",
            source,
            each.signed.number,
            f"{each.signed.checkpoint.heads} heads were kept with checkpoint {each.signed.number}, and "
            f"{len(each.heads)} are there",
            _FORGER,
        )
        for source, each in held
        if source.has_all_heads and len(each.heads) != each.signed.checkpoint.heads
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
