"""Makes checkpoints: decides, publishes, keeps. It remembers nothing, so that it may end at any moment."""

from collections.abc import Callable
from typing import Final

import structlog
from msgspec import Struct

from signoff.audit.checkpoints import topic
from signoff.audit.checkpoints.checkpoint import (
    SHARD,
    Checkpoint,
    CheckpointError,
    HeadRecord,
    Leaf,
    Signed,
    encode_checkpoint,
    leaf_of,
    root_text,
    sha256_text,
)
from signoff.audit.checkpoints.decided import Decided
from signoff.audit.checkpoints.files import CheckpointFiles
from signoff.audit.checkpoints.signing import Signer
from signoff.events.bus.base import Bus
from signoff.events.store.base import EventStore
from signoff.events.times import from_iso, iso

WINDOW: Final = 50_000
"""Positions that one checkpoint covers at most: so a long log is covered by several, in bounded memory."""

_BACK: Final = 10_000
"""Numbers that are looked through for a checkpoint that the log still agrees with."""

_log = structlog.get_logger("signoff.checkpoints")


class _Place(Struct, frozen=True):
    """Where the next checkpoint goes on: behind which one, and above which position."""

    last: Signed | None
    after: int


class CheckpointWriter:
    """Makes the checkpoints of a log, while this process is the one to do so.

    Args:
        store: the log.
        bus: has their topic.
        files: where they are kept besides; ``None``: nowhere.
        signer: signs them.
        held: whether this process still holds what entitles it.
        clock: seconds since the epoch, UTC.
        window: positions that one checkpoint covers at most.
    """

    def __init__(
        self,
        store: EventStore,
        bus: Bus,
        files: CheckpointFiles | None,
        signer: Signer,
        *,
        held: Callable[[], bool],
        clock: Callable[[], float],
        window: int = WINDOW,
    ) -> None:
        self._store = store
        self._bus = bus
        self._files = files
        self._signer = signer
        self._held = held
        self._clock = clock
        self._window = window
        self._decided = Decided(store, signer.keys)

    async def write(self) -> int:
        """Publish what is decided, and make checkpoints of what the log has got since.

        Returns:
            How many were made.

        Raises:
            StoreError: the database is away.
            BusError: the broker is away.
            BlobError: the files' place is away.
            CheckpointError: nothing of what was published is signed by this server.
        """
        place = await self._place()
        last = await self._store.last_position()
        made, upto = 0, place.after
        while upto < last and self._held():
            upto = min(last, upto + self._window)
            leaves = await self._leaves(place.after, upto)
            if not leaves:  # positions that no event took: the next checkpoint covers them, too
                continue
            signed = self._sign(place, upto, leaves)
            if not self._held() or not await self._decided.decide(signed):
                return made  # another one holds the lease: it goes on
            await self._publish(signed, leaves)
            place = _Place(signed, upto)
            made += 1
        return made

    # Where to go on -----------------------------------------------------------------------------------

    async def _place(self) -> _Place:
        last = await self._last_decided()
        outside = await self._last_outside(last)
        if outside is not None and (last is None or outside.number > last.number):
            _log.warning(
                "the database does not know a published checkpoint: it was restored", number=outside.number
            )
            await self._decided.decide(outside)
            await self._decided.mark_published(outside.number)
            last = outside
        if last is None and (published := await self._decided.published()):
            raise CheckpointError(
                f"{published} checkpoints were published, and none is found that this server's key signed: a "
                "secret of before belongs into SIGNOFF_SECRET_KEY_PREVIOUS until one is made with the new one"
            )
        return _Place(last, 0 if last is None else await self._agreed(last))

    async def _last_decided(self) -> Signed | None:
        """The last checkpoint that was decided; all up to it are published then."""
        number = await self._decided.published()
        last = await self._decided.get(number) if number else None
        while (found := await self._decided.get(number + 1)) is not None and self._held():
            await self._publish(found, await self._leaves_of(found.checkpoint))
            last, number = found, found.number
        return last

    async def _last_outside(self, last: Signed | None) -> Signed | None:
        keys = self._signer.keys
        found = [await topic.last_on_topic(self._bus, keys)]
        if self._files is not None:
            found.append(await self._files.last(keys, after=last))
        return max((each for each in found if each is not None), key=lambda each: each.number, default=None)

    async def _agreed(self, last: Signed) -> int:
        """The position up to which the log is what was signed: usually the last checkpoint's."""
        for number in range(last.number, max(0, last.number - _BACK), -1):
            signed = last if number == last.number else await self._decided.get(number)
            if signed is None:
                continue
            if await self._leaves_of(signed.checkpoint):
                return signed.checkpoint.position
            _log.error(
                "the log is not what a checkpoint commits to: run `signoff audit verify`", number=number
            )
        return 0

    # One checkpoint -----------------------------------------------------------------------------------

    async def _leaves(self, after: int, upto: int) -> list[Leaf]:
        return [leaf_of(head) for head in await self._store.changed_heads(after=after, upto=upto)]

    async def _leaves_of(self, checkpoint: Checkpoint) -> list[Leaf]:
        """The heads that a checkpoint commits to, of the log; none where the log is no longer so."""
        leaves = await self._leaves(checkpoint.after, checkpoint.position)
        return leaves if root_text(leaves) == checkpoint.root else []

    def _sign(self, place: _Place, upto: int, leaves: list[Leaf]) -> Signed:
        previous = place.last
        earliest = 0.0 if previous is None else from_iso(previous.checkpoint.time)
        checkpoint = Checkpoint(
            shard=SHARD,
            number=1 if previous is None else previous.number + 1,
            after=place.after,
            position=upto,
            heads=len(leaves),
            root=root_text(leaves),
            time=iso(max(self._clock(), earliest)),
            previous=None if previous is None else sha256_text(previous.raw),
        )
        raw = encode_checkpoint(checkpoint)
        return Signed(checkpoint, raw, self._signer.sign(raw))

    async def _publish(self, signed: Signed, leaves: list[Leaf]) -> None:
        heads = [HeadRecord(leaf.log_id, leaf.event_id, leaf.hash, signed.number) for leaf in leaves]
        await topic.publish(self._bus, signed, heads)
        if self._files is not None:
            await self._write_file(self._files, signed, heads)
        await self._decided.mark_published(signed.number)

    async def _write_file(self, files: CheckpointFiles, signed: Signed, heads: list[HeadRecord]) -> None:
        try:
            await files.write(signed, heads)
        except CheckpointError as error:  # its other places have it, and the next ones must be made
            _log.error("the place of a checkpoint is taken: run `signoff audit verify`", reason=str(error))
