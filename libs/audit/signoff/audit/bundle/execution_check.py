"""One execution of a bundle: its chain, its fold, the definitions that ran, the proof of a checkpoint."""

import hashlib
from base64 import b64decode
from collections.abc import Iterator
from typing import Final
from uuid import UUID

import msgspec
from msgspec import Raw, Struct

from signoff.audit.bundle.layout import (
    MOST_IN_MEMORY,
    UNFOLDED,
    ExecutionEntry,
    definitions_path,
    events_path,
    proof_path,
    value_path,
)
from signoff.audit.bundle.opening import BundleError, OpenBundle
from signoff.audit.bundle.reading import values_in
from signoff.audit.checkpoints.checkpoint import Checkpoint, Leaf, digest_text, leaf_bytes
from signoff.audit.checkpoints.merkle import root_by_path
from signoff.audit.checkpoints.signing import Keyring
from signoff.audit.verify.chain import ChainCheck
from signoff.audit.verify.execution import UNFOLDABLE
from signoff.audit.verify.faults import Fault, Kind, Place
from signoff.engine.evolve import evolve
from signoff.engine.state import State
from signoff.events.codec import MAX_RECORD, TOPIC_BY_TYPE, chain_hash, decode_event, decode_header
from signoff.events.errors import CodecError
from signoff.events.escapes import MASK
from signoff.events.parts import references, restored
from signoff.events.store.base import Recorded
from signoff.events.topics import workflow_log_id
from signoff.events.types import Json, WorkflowDeployed

_PAGE: Final = 500
_MOST_FAULTS: Final = 1_000
_FORGER: Final = "somebody changed the log before the bundle was made, or made the bundle up"


class ProofDocument(Struct, frozen=True, kw_only=True):
    """What ``proof.json`` says."""

    checkpoint: Raw
    signature: str
    leaf: Leaf
    index: int
    path: list[str]


_proof: Final = msgspec.json.Decoder(ProofDocument)
_checkpoint: Final = msgspec.json.Decoder(Checkpoint)


class ExecutionCheck:
    """Checks one execution.

    Args:
        bundle: that has it.
        entry: what the manifest says of it.
        keys: of the server.
        digests: of the definitions of other executions, by those of their lines; this one's are added.

    Attributes:
        events: how many were read.
        committed: up to which event a checkpoint commits to them; 0 for none.
        values: digests of the large values that its events and definitions name.
    """

    def __init__(
        self, bundle: OpenBundle, entry: ExecutionEntry, keys: Keyring, digests: dict[bytes, str]
    ) -> None:
        self.events = 0
        self.committed = 0
        self.values: dict[str, None] = {}
        self._bundle = bundle
        self._entry = entry
        self._keys = keys
        self._digests = digests
        self._log_id = entry.head.log_id
        self._state = State()
        self._definitions: dict[int, str] = {}
        self._faults: list[Fault] = []

    def run(self) -> list[Fault]:
        """Check it; gives what is wrong."""
        try:
            proof = self._read_proof()
            self._check_events(proof)
            if proof is not None:
                self._check_proof(proof)
            self._tell_contradicted()
            self._check_definitions()
        except BundleError as error:
            self._fault("bundle", str(error))
        return self._faults

    # Events -------------------------------------------------------------------------------------------

    def _check_events(self, proof: ProofDocument | None) -> None:
        chain, log_id, last = ChainCheck(), UUID(self._log_id), ""
        for page in self._pages(log_id):
            self._faults += [_unplaced(fault) for fault in chain.take(page)]
            if len(self._faults) > _MOST_FAULTS:
                raise BundleError(f"more than {_MOST_FAULTS} events are at fault: no others were looked at")
            for event in page:
                self.values |= dict.fromkeys(values_in(event.state))
                self._fold(event)
            self.events += len(page)
            last = chain_hash(page[-1].state)
            if proof is not None and page[0].version <= proof.leaf.event_id <= page[-1].version:
                self._check_leaf(proof.leaf, page[proof.leaf.event_id - page[0].version])
        self._check_end(last)

    def _pages(self, log_id: UUID) -> Iterator[list[Recorded]]:
        page: list[Recorded] = []
        lines = self._bundle.lines(events_path(self._log_id), most=2 * MAX_RECORD)
        for version, line in enumerate(lines, 1):
            page.append(Recorded(log_id, version, _topic(line), line, version))
            if len(page) == _PAGE:
                yield page
                page = []
        if page:
            yield page

    def _fold(self, recorded: Recorded) -> None:
        if self._faults:
            return  # what is behind a fault of the chain says nothing
        try:
            evolve(self._state, decode_event(recorded.state))
        except UNFOLDABLE as error:
            meaning = f"event {recorded.version} cannot have followed on those before it: {error}"
            self._fault("fold", meaning, event_id=recorded.version)
        else:
            if self._state.workflow_version:
                self._definitions[self._state.workflow_version] = self._state.definition_digest

    def _check_end(self, last: str) -> None:
        head = self._entry.head
        if (self.events, last) != (head.event_id, head.hash):
            meaning = (
                f"the events end with event {self.events}, and the manifest's head is event "
                f"{head.event_id} with the hash {head.hash}"
            )
            self._fault("bundle", meaning, event_id=self.events)
        state, entry = self._state, self._entry
        if self._faults or entry.status == UNFOLDED:
            return
        names = ("execution_id", "status", "workflow_id", "workflow_version", "definition_digest")
        for name in names:
            found, said = getattr(state, name), getattr(entry, name)
            if found != said:
                self._fault("fold", f"the events lead to the {name} {found}, and the manifest says {said}")

    # The checkpoint -----------------------------------------------------------------------------------

    def _read_proof(self) -> ProofDocument | None:
        path = proof_path(self._log_id)
        if self._entry.checkpoint is None:
            return None
        try:
            return _proof.decode(self._bundle.read(path))
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise BundleError(f"{path} is no proof: {error}") from error

    def _check_leaf(self, leaf: Leaf, event: Recorded) -> None:
        if chain_hash(event.state) == leaf.hash:
            self.committed = leaf.event_id
        else:
            meaning = f"event {leaf.event_id}, or one before it, is another than the checkpoint commits to"
            self._fault("rewritten", meaning, event_id=leaf.event_id, checkpoint=self._entry.checkpoint)

    def _check_proof(self, proof: ProofDocument) -> None:
        meaning = self._refute(proof)
        if meaning is not None:
            self.committed = 0
            self._fault("checkpoint", meaning, checkpoint=self._entry.checkpoint)

    def _refute(self, proof: ProofDocument) -> str | None:
        raw = bytes(proof.checkpoint)
        verdict = self._keys.check(raw, proof.signature)
        if verdict != "valid":
            return f"the signature of checkpoint {self._entry.checkpoint} is not the server's ({verdict})"
        try:
            checkpoint = _checkpoint.decode(raw)
            path = [b64decode(each, validate=True) for each in proof.path]
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            return f"the proof cannot be read: {error}"
        root = root_by_path(leaf_bytes(proof.leaf), path, index=proof.index, size=checkpoint.heads)
        is_ours = proof.leaf.log_id == self._log_id and proof.leaf.event_id <= self.events
        if root is None or digest_text(root) != checkpoint.root or not is_ours:
            return f"the proof does not lead from these events to the root of checkpoint {checkpoint.number}"
        if checkpoint.number != self._entry.checkpoint:
            return f"the proof is of checkpoint {checkpoint.number}, and the manifest says another"
        return None

    def _tell_contradicted(self) -> None:
        number = self._entry.contradicted_by
        if number is not None:
            meaning = (
                f"checkpoint {number} covers this execution, and did not fit the log when the bundle was "
                "made: this execution, or another one of the same minute, was changed before, or the "
                "database was restored"
            )
            self._fault("unproven", meaning, checkpoint=number)

    # Definitions --------------------------------------------------------------------------------------

    def _check_definitions(self) -> None:
        if not self._definitions:
            return  # nothing of the events could be folded
        missing = dict(self._definitions)
        log_id = str(workflow_log_id(self._state.workspace_id, self._entry.workflow_id))
        for line in self._bundle.lines(definitions_path(self._log_id), most=2 * MAX_RECORD):
            self.values |= dict.fromkeys(values_in(line))
            try:
                event = decode_event(line)
            except CodecError as error:
                self._fault("unreadable", f"a definition is no event: {error}")
                continue
            if not isinstance(event.data, WorkflowDeployed) or event.log_id != log_id:
                self._fault(
                    "misplaced", "among the definitions stands what is no deployment of this workflow"
                )
                continue
            missing.pop(event.data.version, None)
            digest = self._definitions.get(event.data.version)
            if digest is not None and not event.data.digest == self._digest(line, event.data) == digest:
                meaning = f"the definition of version {event.data.version} is not the one that ran, {digest}"
                self._fault("rewritten", meaning)
        for version in missing:
            self._fault("missing", f"version {version} of the workflow ran, and its definition is not here")

    def _digest(self, line: bytes, deployed: WorkflowDeployed) -> str:
        """The digest of a definition, made of its content; its parts are read once for all executions."""
        at = hashlib.sha256(line).digest()
        if at not in self._digests:
            self._digests[at] = self._made(deployed)
        return self._digests[at]

    def _made(self, deployed: WorkflowDeployed) -> str:
        parts: dict[str, bytes] = {}
        for digest in references(deployed.definition):
            if value_path(digest) in self._bundle.paths:
                parts[digest] = self._bundle.read(value_path(digest))
                if sum(map(len, parts.values())) > MOST_IN_MEMORY:
                    raise BundleError(f"a definition is larger than {MOST_IN_MEMORY} bytes")
        try:
            whole: Json = restored(deployed.definition, parts, lambda _: MASK)
        except KeyError:
            return "unknown, since a large part of it is not here"
        return f"sha256:{hashlib.sha256(msgspec.json.encode(whole, order='sorted')).hexdigest()}"

    def _fault(
        self, kind: Kind, meaning: str, *, event_id: int | None = None, checkpoint: int | None = None
    ) -> None:
        place = Place(
            log_id=self._log_id, event_id=event_id, checkpoint=checkpoint,
            execution_id=None if self._entry.execution_id == self._log_id else self._entry.execution_id,
        )  # fmt: skip
        self._faults.append(Fault(kind=kind, place=place, meaning=meaning, cause=_FORGER))


def _topic(line: bytes) -> str:
    """The topic that an event's row has; nothing where the bytes are none."""
    try:
        return TOPIC_BY_TYPE.get(decode_header(line).type, "")
    except CodecError:
        return ""


def _unplaced(fault: Fault) -> Fault:
    """A fault of the chain as a bundle has it: without rows, without a position."""
    place = msgspec.structs.replace(fault.place, position=None)
    return msgspec.structs.replace(fault, place=place, cause=_FORGER)
