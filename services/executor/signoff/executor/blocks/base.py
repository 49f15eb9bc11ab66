"""What every kind of block implements, and what it may use while it runs."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from concurrent.futures import Executor as ThreadPool
from typing import Any, Protocol, TypeAlias
from uuid import UUID

import aiohttp
from msgspec import Struct

from signoff.blocks import Cancellation
from signoff.engine.definitions.definition import Block
from signoff.engine.definitions.references import Template, compile_value, resolve
from signoff.engine.points.policies import Policy
from signoff.events.errors import SignoffError
from signoff.events.files import Files
from signoff.events.types import Json, PauseKind
from signoff.executor.blocks.llm.settings import Llm
from signoff.executor.running.scope import Facts
from signoff.sandbox.pool import Sandbox


class BlockFailureError(SignoffError):
    """A block failed, with the text that the log and the caller get.

    Attributes:
        code: for programs, such as ``BLOCK_FAILED`` or ``TIMEOUT``.
        retryable: whether another try may help.
    """

    def __init__(self, message: str, *, code: str = "BLOCK_FAILED", retryable: bool = True) -> None:
        super().__init__(message)
        self.code = code
        self.retryable = retryable


class Assigning(Protocol):
    """Finds the people that authors name."""

    async def keys_of(self, workspace_id: UUID, names: Collection[str]) -> Mapping[str, str]:
        """The key of each name.

        Raises:
            UnknownAssigneeError: somebody is nobody in the workspace.
        """
        ...


class Tools(Struct, frozen=True):
    """What blocks share in one executor: made once, closed by whoever made them."""

    sandbox: Sandbox
    http: aiohttp.ClientSession
    threads: ThreadPool
    llm: Llm
    files: Files
    assignees: Assigning


class Call(Struct, frozen=True, kw_only=True):
    """One try of one block.

    Attributes:
        params: the parameters, references resolved.
        instance: the block with every iteration and branch around it: what its pause point is called.
        idempotency_key: the same on every try, after a crash too.
        index: of the turn that a container is asked about; 0 for other blocks.
        emit: says a part of what the block streams; it is in the log soon after, at most ten a second.
        started_at: when the try started, as the log has it, in seconds since the epoch.
        call_chain: the workflows that called one another up to what the block calls: its own is the last.
    """

    block: Block
    params: Mapping[str, Any]
    facts: Facts
    instance: str
    workspace_id: str
    workflow_id: str
    execution_id: str
    definition_digest: str
    attempt: int
    idempotency_key: str
    started_at: float
    cancelled: Cancellation
    emit: Callable[[str], None]
    index: int = 0
    call_chain: Sequence[str] = ()


class Done(Struct, frozen=True):
    """The block's output, and the workflow variables that it assigned."""

    output: Json
    variables: dict[str, Json] | None = None


class Pause(Struct, frozen=True):
    """The block waits for somebody, by a policy; with ``due_at`` (seconds since the epoch) for a moment."""

    kind: PauseKind
    response: Json
    content_digest: str | None = None
    due_at: float | None = None
    policy: Policy | None = None


class Wait(Struct, frozen=True):
    """The block waits for a moment, and its run with it."""

    due_at: float


class Child(Struct, frozen=True, kw_only=True):
    """The block calls one version of another workflow, and waits for its execution."""

    workflow_id: str
    name: str
    version: int
    digest: str
    input: Json


class Opened(Struct, frozen=True, kw_only=True):
    """A container knows what it goes over: its items, how many, or, with neither, only whether it goes on."""

    items: list[Json] | None = None
    total: int | None = None
    at_once: int | None = None
    goes_on: bool = True


Ended = Done | Pause | Wait | Child | Opened


class Prepared(Protocol):
    """A block of one definition, its references found once for all executions."""

    params: Template
    reads: frozenset[str]
    """Ids of the blocks whose outputs it refers to."""

    async def run(self, call: Call, tools: Tools) -> Ended:
        """Run one try.

        Raises:
            BlockFailureError: it failed, with the text to record.
        """
        ...


class Prepare(Protocol):
    """How a kind of block is prepared."""

    def __call__(self, block: Block, names: Mapping[str, str]) -> Prepared:
        """Find the references of a block; ``names`` is from ``references.block_names``."""
        ...


class Plain:
    """A prepared block whose parameters are all values: the usual case."""

    def __init__(self, block: Block, names: Mapping[str, str], *, apart: Sequence[str] = ()) -> None:
        given = {name: value for name, value in block.params.items() if name not in apart}
        self.params = compile_value(given, names)
        self.reads = self.params.blocks


Keep: TypeAlias = Callable[[bytes, str, str], Awaitable[dict[str, Json]]]
"""Stores a file: its bytes, its name and its media type; gives the value that stands for it."""


def keeper(call: Call, tools: Tools) -> Keep:
    """Stores files as those of the workspace that a block runs in.

    Raises:
        BlobError: on a call, when the store is away.
    """

    async def keep(content: bytes, name: str, media_type: str) -> dict[str, Json]:
        file = await tools.files.keep(UUID(call.workspace_id), content, name=name, media_type=media_type)
        return file.value()

    return keep


def resolved(template: Template, facts: Facts) -> dict[str, Any]:
    """A template of parameters in a scope."""
    value: dict[str, Any] = resolve(template, facts)
    return value
