"""One execution verified: its chain, its fold, its row, and the proof that a checkpoint commits to it."""

import asyncio
from typing import Final

from msgspec import Struct

from signoff.audit.checkpoints.checkpoint import (
    Leaf,
    Signed,
    digest_text,
    leaf_bytes,
    leaf_of,
    root_text,
)
from signoff.audit.checkpoints.decided import Decided, Refused
from signoff.audit.checkpoints.merkle import audit_path
from signoff.audit.checkpoints.signing import Keyring
from signoff.audit.verify.chain import ChainCheck
from signoff.audit.verify.faults import WRITER, Fault, Place
from signoff.engine.evolve import evolve
from signoff.engine.state import State
from signoff.events.codec import chain_hash, decode_event
from signoff.events.errors import CodecError
from signoff.events.store.base import EventStore, ExecutionRow, Recorded
from signoff.events.store.paging import PAGE_BYTES, is_full

_PAGE: Final = 500
_DELETER: Final = (
    "somebody deleted events of the log, or wrote to the row: compare with checkpoints, with `signoff audit "
    "verify`, and with a backup"
)
UNFOLDABLE: Final = (CodecError, ValueError, LookupError, TypeError, AttributeError, RecursionError)
"""What events raise that cannot have followed on each other."""


class Proof(Struct, frozen=True, kw_only=True):
    """That a checkpoint commits to an event of a log, and by its chain to all before it.

    Attributes:
        signed: the checkpoint with its signature.
        leaf: the head that it commits to.
        index: of the leaf in the tree.
        path: base64 of the hashes that lead from the leaf to the root (RFC 6962).
    """

    signed: Signed
    leaf: Leaf
    index: int
    path: list[str]


class Verified(Struct, frozen=True, kw_only=True):
    """What became of an execution's verification.

    Attributes:
        events: how many it has.
        head: its last event; ``None`` for one without events.
        faults: what is wrong.
        proof: ``None`` while no checkpoint covers it, or where one contradicts the log: then that is a fault.
        refused: the checkpoint that should commit to it, and counts for nothing.
    """

    events: int
    head: Leaf | None
    faults: list[Fault]
    proof: Proof | None
    refused: Refused | None


class _Reading(Struct):
    last: Recorded | None = None
    covered: Recorded | None = None
    state: State | None = None


async def verify_execution(store: EventStore, row: ExecutionRow, keys: Keyring) -> Verified:
    """Verify an execution, from its first event on, in bounded memory.

    Args:
        store: the log.
        row: of the execution, read before: its log is no shorter.
        keys: of the server: checkpoints that it did not sign prove nothing.

    Raises:
        StoreUnavailableError: the database is away.
    """
    newest = await Decided(store, keys).newest()
    covered_to = newest.checkpoint.position if isinstance(newest, Signed) else 0
    chain, faults = ChainCheck(), list[Fault]()
    reading = _Reading(state=State())
    more = True
    while more:
        after = 0 if reading.last is None else reading.last.version
        page = await store.read(row.log_id, after=after, limit=_PAGE, size=PAGE_BYTES)
        faults += chain.take(page)
        if not faults:
            faults += _fold(reading, page)
        for event in page:
            reading.last = event
            reading.covered = event if event.position <= covered_to else reading.covered
        more = is_full(page, limit=_PAGE, size=PAGE_BYTES)
    if not faults:
        faults += _compare(reading, row)
    last = reading.last
    proof: Proof | Fault | Refused | None = newest if isinstance(newest, Refused) else None
    if reading.covered is not None:
        proof = await prove(store, reading.covered, keys)
    return Verified(
        events=chain.events,
        head=None if last is None else Leaf(str(last.log_id), last.version, chain_hash(last.state)),
        faults=[*faults, proof] if isinstance(proof, Fault) else faults,
        proof=proof if isinstance(proof, Proof) else None,
        refused=proof if isinstance(proof, Refused) else None,
    )


def _fold(reading: _Reading, page: list[Recorded]) -> list[Fault]:
    for event in page:
        try:
            if reading.state is not None:
                evolve(reading.state, decode_event(event.state), None)
        except UNFOLDABLE as error:
            place = Place(log_id=str(event.log_id), event_id=event.version, position=event.position)
            meaning = f"event {event.version} cannot have followed on those before it: {error}"
            return [Fault(kind="fold", place=place, meaning=meaning)]
    return []


def _compare(reading: _Reading, row: ExecutionRow) -> list[Fault]:
    """What of the row anybody can tell from the fold alone, where the row is as new."""
    state = reading.state
    if state is not None and state.version < row.version:
        place = Place(log_id=str(row.log_id), event_id=state.version + 1, table="executions")
        ends = f"ends with event {state.version}" if state.version else "is gone"
        meaning = f"the log {ends}, and its row in executions is of event {row.version}"
        return [Fault(kind="shortened", place=place, meaning=meaning, cause=_DELETER)]
    if state is None or state.version != row.version:
        return []
    wrong = [
        name
        for name, kept, folded in (
            ("status", row.status, state.status),
            ("workflow_id", row.workflow_id, state.workflow_id),
            ("workflow_version", row.workflow_version, state.workflow_version),
            ("trigger", row.trigger, state.trigger),
            ("mode", row.mode, state.mode),
            ("workspace_id", str(row.workspace_id), state.workspace_id),
        )
        if kept != folded
    ]
    if not wrong:
        return []
    place = Place(log_id=str(row.log_id), table="executions")
    meaning = f"its row in executions is not what follows from the log, in {', '.join(wrong)}"
    return [Fault(kind="projection", place=place, meaning=meaning)]


async def prove(store: EventStore, event: Recorded, keys: Keyring) -> Proof | Fault | Refused | None:
    """That a checkpoint commits to an event, or to a later one of its log.

    Args:
        store: the log.
        event: the last one of its log that a checkpoint covers, for the shortest way there.
        keys: of the server.

    Returns:
        The proof, or the fault where the checkpoint that covers the event does not fit the log, or the
        checkpoint that should cover it and counts for nothing; ``None`` while none covers it.

    Raises:
        StoreUnavailableError: the database is away.
    """
    signed = await Decided(store, keys).covering(event.position)
    if not isinstance(signed, Signed):
        return signed
    checkpoint = signed.checkpoint
    heads = await store.changed_heads(after=checkpoint.after, upto=checkpoint.position)
    return await asyncio.to_thread(lambda: _proof(signed, event, [leaf_of(head) for head in heads]))


def _proof(signed: Signed, event: Recorded, leaves: list[Leaf]) -> Proof | Fault:
    at = next((at for at, leaf in enumerate(leaves) if leaf.log_id == str(event.log_id)), None)
    if at is None or root_text(leaves) != signed.checkpoint.root:
        return _contradicted(signed, event)
    path = audit_path([leaf_bytes(leaf) for leaf in leaves], at)
    return Proof(signed=signed, leaf=leaves[at], index=at, path=[digest_text(each) for each in path])


def _contradicted(signed: Signed, event: Recorded) -> Fault:
    """Heads of all logs are under one root: it tells that one is another, not which."""
    place = Place(
        log_id=str(event.log_id), event_id=event.version, position=event.position, checkpoint=signed.number
    )
    meaning = (
        f"checkpoint {signed.number} covers this execution up to event {event.version}, and does not fit the "
        "log: this execution, or another one of the same minute, was changed since, or the database was "
        "restored; `signoff audit verify` tells which"
    )
    return Fault(kind="unproven", place=place, meaning=meaning, cause=WRITER)
