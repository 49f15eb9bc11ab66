"""Whether an execution is as it was recorded, and the keys that checkpoints are signed with."""

from aiohttp import web
from msgspec import Struct

from signoff.audit.checkpoints.checkpoint import Checkpoint, Leaf
from signoff.audit.checkpoints.signing import LABEL, Jwks, Signer
from signoff.audit.verify.execution import Proof, Verified, verify_execution
from signoff.audit.verify.faults import Fault
from signoff.events.store.base import ExecutionRow
from signoff.gateway.gateway import GATEWAY, Gateway
from signoff.gateway.overload.readings import READINGS


class ProofView(Struct, frozen=True, kw_only=True):
    """That a checkpoint commits to an execution up to an event.

    Attributes:
        checkpoint: What was signed.
        signature: A detached JWS over the checkpoint's bytes: this JSON without blanks.
        leaf: The event that the checkpoint commits to, and by its chain to all before it.
        index: Of the leaf in the tree of `checkpoint.heads` leaves.
        path: The hashes that lead from the leaf to `checkpoint.root`, as RFC 6962 has them, in base64.
    """

    checkpoint: Checkpoint
    signature: str
    leaf: Leaf
    index: int
    path: list[str]


class VerificationView(Struct, frozen=True, kw_only=True, rename="camel"):
    """What became of the verification of an execution.

    Attributes:
        execution_id: Of the execution.
        ok: Nothing is wrong.
        events: How many were read.
        head: The last of them.
        faults: What is wrong, with its place and its meaning.
        proof: None while no checkpoint covers the execution, or where one contradicts the log: then a fault
            says so.
        unproven: Why no checkpoint proves it, in a sentence; None where `proof` is given, or a fault says so.
    """

    execution_id: str
    ok: bool
    events: int
    head: Leaf | None
    faults: list[Fault]
    proof: ProofView | None
    unproven: str | None


async def verification_of(request: web.Request, row: ExecutionRow) -> VerificationView:
    """What the verification of an execution finds, as it is now.

    Raises:
        ApiError: 429 or 503, too many logs are read as it is.
        StoreUnavailableError: the database is away.
    """
    gateway = request.app[GATEWAY]
    with request.app[READINGS].place(row.workspace_id):
        verified = await verify_execution(gateway.store, row, _signer(gateway).keys)
    return VerificationView(
        execution_id=row.execution_id or str(row.log_id),
        ok=not verified.faults,
        events=verified.events,
        head=verified.head,
        faults=verified.faults,
        proof=None if verified.proof is None else _shown(verified.proof),
        unproven=_unproven(verified),
    )


def _unproven(verified: Verified) -> str | None:
    if verified.proof is not None or any(fault.kind == "unproven" for fault in verified.faults):
        return None
    refused = verified.refused
    if refused is None:
        return "No checkpoint under a key of this server covers it yet. That takes about a minute."
    return (
        f"The record of checkpoint {refused.number} in the database {refused.reason}, and proves nothing: "
        "`signoff audit verify` holds the log against what the topic, files and auditors have."
    )


def _shown(proof: Proof) -> ProofView:
    return ProofView(
        checkpoint=proof.signed.checkpoint,
        signature=proof.signed.signature,
        leaf=proof.leaf,
        index=proof.index,
        path=proof.path,
    )


def checkpoint_keys(gateway: Gateway) -> Jwks:
    """The public keys of checkpoints, the one that signs first."""
    return _signer(gateway).keys.jwks()


def _signer(gateway: Gateway) -> Signer:
    return Signer(gateway.sealer.keys_for(LABEL))
