"""Large values: kept in an object store under their digest, and named in events by a reference.

A reference is ``{"$blob": "sha256:<hex>", "size": n, "mediaType": s}``. A field of a user's own that
begins with ``$`` is written with one ``$`` more wherever references may stand, so that no input can
forge one. The values themselves are stored as the user gave them; those that name secrets, as an event
would hold them, under a media type of their own.
"""

import asyncio
import re
from collections.abc import Callable, Collection, Coroutine, Iterable, Mapping
from typing import Final, TypeVar
from uuid import UUID

from signoff.events.codec import MAX_RECORD, encode_json
from signoff.events.errors import BlobDamagedError, BlobNotFoundError
from signoff.events.escapes import MASK
from signoff.events.objects import Objects
from signoff.events.parts import (
    Reveal,
    digest_of,
    fit,
    is_object,
    largest_parts,
    make_plan,
    may_need_escapes,
    move_whole,
    reference_to,
    references,
    restored,
    with_parts,
)
from signoff.events.types import Json

Item = TypeVar("Item")

ENVELOPE_ALLOWANCE: Final = 16 * 1024
"""Bytes of an event, command or outcome that are not its large values."""

ALWAYS_OVER: Final = 256 * 1024
"""A value of more bytes than this always moves to the store (architecture.md, The log)."""

_PARALLEL: Final = 8
_DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}")


class BlobStore:
    """Values by workspace and digest.

    Args:
        objects: where.

    Attributes:
        objects: the same.
    """

    def __init__(self, objects: Objects) -> None:
        self.objects = objects

    @classmethod
    def open(cls, url: str, *, read_only: bool = False) -> "BlobStore":
        """The store that a setting names, as :meth:`Objects.open` takes both.

        Raises:
            BlobError: there is no such store.
        """
        return cls(Objects.open(url, read_only=read_only))

    async def put(self, workspace_id: UUID, value: bytes, media_type: str) -> dict[str, Json]:
        """Store a value durably and give the reference to it. The same value again is the same reference.

        Raises:
            BlobError: the store is away or refuses it.
        """
        digest = digest_of(value)
        await self._write(workspace_id, digest, value)
        return reference_to(digest, len(value), media_type)

    async def get(self, workspace_id: UUID, digest: str) -> bytes:
        """Read a value and check it.

        Args:
            workspace_id: whose value.
            digest: ``sha256:<hex>``, as the reference has it.

        Raises:
            BlobNotFoundError: the workspace has no such value.
            BlobDamagedError: what the store holds is not what was stored.
            BlobError: the store is away.
        """
        if not _DIGEST.fullmatch(digest):
            raise BlobNotFoundError(f"not a digest, sha256:<hex>: {digest[:80]!r}")
        value = await self.objects.read(_path(workspace_id, digest))
        if digest_of(value) != digest:
            raise BlobDamagedError(
                f"the value {digest} is damaged in the blob store: restore it from a backup"
            )
        return value

    async def offload(
        self,
        value: Json,
        *,
        workspace_id: UUID,
        budget: int = MAX_RECORD - ENVELOPE_ALLOWANCE,
        always_over: int = ALWAYS_OVER,
        encoded: bytes | None = None,
    ) -> Json:
        """Make a value fit for an event: large parts in the store, the user's ``$`` fields escaped.

        Every value that enters has to pass here, however small: it could hold a forged reference.

        Bottom-up, every part over ``always_over`` moves: a text as it is, an object or array by its largest
        children until it is small enough, and whole if that does not help. If the rest is still over the
        budget, that limit is halved until it is not. The value itself may move.

        Args:
            value: a JSON value that has passed :func:`~signoff.events.codec.check_value`.
            workspace_id: where the parts are stored.
            budget: bytes that the encoded result may take.
            always_over: bytes.
            encoded: the value as :func:`~signoff.events.codec.encode_json` wrote it (by nobody else: other
                spellings of ``$`` would pass), where the caller has it already.

        Returns:
            The value itself when nothing had to be done, which costs one encoding at most.

        Raises:
            BlobError: a part could not be stored.
        """
        raw = encode_json(value) if encoded is None else encoded
        moved = await self._offload(
            {"": value}, [raw], workspace_id=workspace_id, budget=budget, always_over=always_over
        )
        return moved[""]

    async def offload_fields(
        self,
        fields: Mapping[str, Json],
        *,
        workspace_id: UUID,
        budget: int = MAX_RECORD - ENVELOPE_ALLOWANCE,
        always_over: int = ALWAYS_OVER,
    ) -> dict[str, Json]:
        """:meth:`offload` for values that go into one event: together they keep the budget.

        Args:
            fields: values by a name of ours, such as ``input`` and ``output``.
            workspace_id: where the parts are stored.
            budget: bytes that all of the encoded result may take.
            always_over: bytes.

        Raises:
            BlobError: a part could not be stored.
        """
        return await self._offload(
            fields,
            [encode_json(value) for value in fields.values()],
            workspace_id=workspace_id,
            budget=budget,
            always_over=always_over,
        )

    async def shrink(self, stored: Mapping[str, Json], *, workspace_id: UUID, budget: int) -> dict[str, Json]:
        """Make stored values, taken from several events, fit into one: more of them move to the store.

        The largest fields of any of them move first; a value that is no object moves whole. What is small
        stays in its place, so that an object keeps its own fields.

        Args:
            stored: values as events hold them, by name.
            workspace_id: where the parts are stored.
            budget: bytes that all of the encoded result should take; it is more where the small parts alone
                are over it.

        Raises:
            BlobError: a part cannot be read, or could not be stored.
        """
        excess = len(encode_json(stored)) - budget
        kept = {name: dict(value) if is_object(value) else value for name, value in stored.items()}
        for size, name, key in largest_parts(kept) if excess > 0 else ():
            if excess <= 0:
                break
            part = kept[name] if key is None else kept[name][key]
            moved: dict[str, bytes] = {}
            reference = move_whole(await self._whole(part, workspace_id), moved)
            await self._keep(moved, workspace_id)
            if key is None:
                kept[name] = reference
            else:
                kept[name][key] = reference
            excess -= size - len(encode_json(reference))
        return kept

    async def refit(self, stored: Mapping[str, Json], *, workspace_id: UUID) -> dict[str, Json]:
        """:meth:`offload_fields` for stored values, each of which fits into an event, but not all into one.

        Raises:
            BlobError: a part cannot be read, or could not be stored.
        """
        whole = {name: await self._whole(value, workspace_id) for name, value in stored.items()}
        plan = await asyncio.to_thread(fit, whole, MAX_RECORD - ENVELOPE_ALLOWANCE, ALWAYS_OVER)
        await self._keep(plan.parts, workspace_id)
        return plan.fields

    async def resolve(
        self,
        value: Json,
        *,
        workspace_id: UUID,
        encoded: bytes | None = None,
        reveal: Reveal = lambda _: MASK,
    ) -> Json:
        """Put back what :meth:`offload` moved, and take the escapes off.

        References to anything but JSON stay as they are.

        Args:
            value: as an event holds it.
            workspace_id: where the parts are stored.
            encoded: the value as :func:`~signoff.events.codec.encode_json` wrote it, if at hand.
            reveal: gives what takes the place of secrets; without it they are masked.

        Raises:
            BlobNotFoundError: a part is not in the store.
            BlobError: a part is damaged, or the store is away.
        """
        if not may_need_escapes(encode_json(value) if encoded is None else encoded):
            return value
        return restored(value, await self._parts(value, workspace_id), reveal)

    async def _whole(self, stored: Json, workspace_id: UUID) -> Json:
        """A stored value with its parts put back, in stored form still."""
        return with_parts(stored, await self._parts(stored, workspace_id))

    async def _parts(self, stored: Json, workspace_id: UUID) -> dict[str, bytes]:
        parts: dict[str, bytes] = {}

        async def read(digest: str) -> None:
            parts[digest] = await self.get(workspace_id, digest)

        await _for_each(read, set(references(stored)))
        return parts

    async def _offload(
        self,
        fields: Mapping[str, Json],
        raws: Collection[bytes],
        *,
        workspace_id: UUID,
        budget: int,
        always_over: int,
    ) -> dict[str, Json]:
        fits = sum(map(len, raws)) <= min(budget, always_over)
        if fits and not any(map(may_need_escapes, raws)):
            return dict(fields)
        if fits:
            plan = make_plan(fields, budget, always_over)
        else:  # tens of milliseconds for a large value
            plan = await asyncio.to_thread(make_plan, fields, budget, always_over)
        await self._keep(plan.parts, workspace_id)
        return plan.fields

    async def _keep(self, parts: Mapping[str, bytes], workspace_id: UUID) -> None:
        await _for_each(lambda part: self._write(workspace_id, *part), parts.items())

    async def _write(self, workspace_id: UUID, digest: str, value: bytes) -> None:
        # Written even if it is there: what a crash cut short before it was durable is healed.
        await self.objects.write(_path(workspace_id, digest), value)


def _path(workspace_id: UUID, digest: str) -> str:
    return f"{workspace_id}/{digest.removeprefix('sha256:')}"


async def _for_each(work: Callable[[Item], Coroutine[None, None, None]], items: Iterable[Item]) -> None:
    """Do the work for all items, some at a time; the first error ends it."""
    gate = asyncio.Semaphore(_PARALLEL)

    async def gated(item: Item) -> None:
        async with gate:
            await work(item)

    try:
        async with asyncio.TaskGroup() as group:
            for item in items:
                group.create_task(gated(item))
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from errors
