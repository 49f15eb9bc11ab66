"""An execution read for a bundle: its log once, page by page, and what it names."""

import re
from collections.abc import AsyncGenerator
from typing import Final

from signoff.audit.bundle.layout import UNFOLDED, ChildEntry, ExecutionEntry
from signoff.audit.checkpoints.checkpoint import Leaf, Signed
from signoff.audit.checkpoints.decided import Decided, Refused
from signoff.audit.checkpoints.signing import Keyring
from signoff.audit.verify.execution import UNFOLDABLE, Proof, prove
from signoff.audit.verify.faults import Fault
from signoff.engine.evolve import evolve
from signoff.engine.state import State
from signoff.events.codec import chain_hash, decode_event
from signoff.events.deployments import find_deployment
from signoff.events.store.base import EventStore, ExecutionRow, Recorded
from signoff.events.topics import workflow_log_id
from signoff.events.types import ChildCalled

_PAGE: Final = 500
_PAGE_BYTES: Final = 1024 * 1024
_VALUE: Final = re.compile(rb'\{"\$blob":"(sha256:[0-9a-f]{64})"(?:,"size":(\d{1,18}))?')
"""No input can forge this: a user's own field would be called ``$$blob``."""


def values_in(raw: bytes) -> list[str]:
    """The digests of the large values that an event names."""
    return list(sizes_in(raw))


def sizes_in(raw: bytes) -> dict[str, int]:
    """The same with the bytes that each of them has."""
    return {digest.decode(): int(size or 0) for digest, size in _VALUE.findall(raw)}


class ExecutionReading:
    """One execution, up to the last event that it has when it is begun.

    Args:
        store: the log.
        row: of the execution.
        keys: of the server: checkpoints that it did not sign prove nothing.

    Attributes:
        values: digests of the large values that were named so far.
        children: executions that were called so far, by their ids.
        versions: of the definition that ran.
    """

    def __init__(self, store: EventStore, row: ExecutionRow, keys: Keyring) -> None:
        self.row = row
        self.log_id = str(row.log_id)
        self.values: dict[str, None] = {}
        self.children: dict[str, ChildEntry] = {}
        self.versions: dict[int, None] = {}
        self._store = store
        self._keys = keys
        self._state = State()
        self._is_whole = True
        self._covered_to = 0
        self._covered: Recorded | None = None
        self._last: Recorded | None = None

    async def pages(self) -> AsyncGenerator[list[Recorded], None]:
        """Its events, from the first.

        Raises:
            StoreUnavailableError: the database is away.
        """
        newest = await Decided(self._store, self._keys).newest()
        self._covered_to = newest.checkpoint.position if isinstance(newest, Signed) else 0
        end = (await self._store.heads([self.row.log_id])).get(self.row.log_id, 0)
        after = 0
        while after < end:
            page = await self._store.read(
                self.row.log_id, after=after, limit=min(_PAGE, end - after), size=_PAGE_BYTES
            )
            for event in page:
                self._take(event)
            yield page
            after = page[-1].version

    def _take(self, recorded: Recorded) -> None:
        self.values |= dict.fromkeys(values_in(recorded.state))
        self._last = recorded
        if recorded.position <= self._covered_to:
            self._covered = recorded
        if self._is_whole:
            self._fold(recorded)

    def _fold(self, recorded: Recorded) -> None:
        try:
            event = decode_event(recorded.state)
            evolve(self._state, event)
        except UNFOLDABLE:
            self._is_whole = False  # said in the manifest; who checks the bundle is told where and why
            return
        self.versions.setdefault(self._state.workflow_version)
        if isinstance(event.data, ChildCalled):
            called = event.data.child_execution_id
            self.children[called] = ChildEntry(
                execution_id=called, workflow_id=event.data.child_workflow_id, parent=self.log_id,
                event_id=event.event_id, included=False,
            )  # fmt: skip

    async def definitions(self) -> list[bytes]:
        """The events by which the versions that ran were deployed: their very bytes.

        Raises:
            StoreUnavailableError: the database is away.
        """
        log_id = workflow_log_id(str(self.row.workspace_id), self.row.workflow_id)
        found = [await find_deployment(self._store, log_id, version) for version in self.versions]
        raws = [each[0].state for each in found if each is not None]
        for raw in raws:
            self.values |= dict.fromkeys(values_in(raw))
        return raws

    async def proof(self) -> Proof | Fault | Refused | None:
        """That a checkpoint commits to it, or that one contradicts it; ``None`` while none covers it.

        Raises:
            StoreUnavailableError: the database is away.
        """
        return None if self._covered is None else await prove(self._store, self._covered, self._keys)

    def entry(self, proof: Proof | Fault | Refused | None) -> ExecutionEntry:
        """What the manifest says of it."""
        state = self._state
        return ExecutionEntry(
            execution_id=self.row.execution_id or self.log_id,
            head=self._head(),
            status=state.status if self._is_whole else UNFOLDED,
            workflow_id=self.row.workflow_id,
            workflow_version=state.workflow_version,
            definition_digest=state.definition_digest,
            checkpoint=proof.signed.number if isinstance(proof, Proof) else None,
            contradicted_by=proof.place.checkpoint if isinstance(proof, Fault) else None,
        )

    def _head(self) -> Leaf:
        if self._last is None:
            return Leaf(self.log_id, 0, "")
        return Leaf(self.log_id, self._last.version, chain_hash(self._last.state))
