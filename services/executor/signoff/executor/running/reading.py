"""What references may read of an execution, taken from its state: that goes on, and may leave memory."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import TypeAlias
from uuid import UUID

import msgspec
from msgspec import Struct

from signoff.engine.definitions.graph import Graph
from signoff.engine.folding.places import path_of
from signoff.engine.state import State
from signoff.events.blobs import BlobStore
from signoff.events.escapes import SecretReference
from signoff.events.types import Json, Turn, TurnType
from signoff.executor.logs.loaded import Loaded
from signoff.executor.running.scope import Around, Facts

FindEnvironment: TypeAlias = Callable[[UUID], Awaitable[Mapping[str, str]]]
"""Gives the values of ``{{NAME}}`` in a workspace."""

FindSecrets: TypeAlias = Callable[[UUID, Collection[str]], Awaitable[Mapping[str, str]]]
"""Gives the secrets that were submitted to forms of a workspace, by id; not those that were erased."""


class Sources(Struct, frozen=True):
    """Where values are that a log only names: large ones, environment values, submitted secrets."""

    blobs: BlobStore
    environment: FindEnvironment
    secrets: FindSecrets


class Reading(Struct, frozen=True, kw_only=True):
    """A part of an execution's state, on its own.

    Attributes:
        outputs: of the blocks that are referred to, by id.
        around: the turns around the block that refers to them, outermost first.
        fields: declared output fields of each block, where its type declares them.
        large: some values may be elsewhere.
        environment: values of ``{{NAME}}``, once they were found.
        submitted: the submitted secrets that outputs name, by id, once they were found.
    """

    workspace: UUID
    outputs: Mapping[str, Json]
    variables: Mapping[str, Json]
    around: Sequence[Around]
    fields: Mapping[str, Collection[str] | None]
    large: bool
    environment: Mapping[str, str] = {}
    submitted: Mapping[str, str] | None = None

    def facts(self) -> Facts:
        """What references are resolved against."""
        return Facts(
            self.outputs, self.variables, self.environment, self.fields, self.around,
            submitted=self.submitted,
        )  # fmt: skip


def reading_of(
    loaded: Loaded, state: State, turns: Sequence[Turn], reads: Collection[str], *, own: Around | None = None
) -> Reading:
    """Take what the references of a block may read.

    Args:
        loaded: the execution, with its plan.
        state: its state.
        turns: around the block, outermost first.
        reads: ids of the blocks that the references name.
        own: the next turn of the block itself, where it is a container that is evaluated.
    """
    plan = loaded.plan
    if plan is None:
        raise ValueError("references are read only where the definition is known")
    branches = [turn for turn in turns if turn.iteration_type == "parallel"]
    around = turns_around(state, turns)
    return Reading(
        workspace=loaded.workspace,
        outputs={name: state.outputs.get(_output_key(plan.graph, name, branches)) for name in reads},
        variables=dict(state.variables),
        around=around if own is None else [*around, own],
        fields=plan.fields,
        large=loaded.large,
    )


async def complete(reading: Reading, sources: Sources) -> Reading:
    """The reading with every value at hand: large ones put back, environment values and secrets found.

    Raises:
        BlobError: a large value cannot be read.
        SealError: a submitted secret does not open.
        StoreError: the database is away.
    """
    if reading.large:
        reading = await _whole(reading, sources)
    return msgspec.structs.replace(reading, environment=await sources.environment(reading.workspace))


async def _whole(reading: Reading, sources: Sources) -> Reading:
    named: set[str] = set()

    def note(secret_id: str) -> Json:
        named.add(secret_id)
        return SecretReference(secret_id)

    async def whole(value: Json) -> Json:
        return await sources.blobs.resolve(value, workspace_id=reading.workspace, reveal=note)

    async def turn(each: Around) -> Around:
        return msgspec.structs.replace(each, items=await whole(each.items))

    outputs = {name: await whole(value) for name, value in reading.outputs.items()}
    variables = {name: await whole(value) for name, value in reading.variables.items()}
    around = [await turn(each) for each in reading.around]
    submitted = await sources.secrets(reading.workspace, named) if named else None
    return msgspec.structs.replace(
        reading, outputs=outputs, variables=variables, around=around, large=False, submitted=submitted
    )


def turns_around(state: State, turns: Sequence[Turn]) -> list[Around]:
    """The turns that something happens in, with what they go over; outermost first."""
    return [
        turn_of(
            state, turn.iteration_container_id, turns[:depth], turn.iteration_type, turn.iteration_current
        )
        for depth, turn in enumerate(turns)
    ]


def turn_of(state: State, container: str, outer: Sequence[Turn], kind: TurnType, index: int) -> Around:
    """One turn of a container that stands in others."""
    opened = state.containers.get(container + path_of(outer))
    return Around(container, kind, index, None if opened is None else opened.items)


def _output_key(graph: Graph, block_id: str, branches: Sequence[Turn]) -> str:
    """Where a block's output is found by another that runs in some branches; nowhere, in other branches."""
    node = graph.nodes.get(block_id)
    needed = [] if node is None else [c for c in node.around if graph.containers[c].kind == "parallel"]
    shared = branches[: len(needed)]
    if [turn.iteration_container_id for turn in shared] != needed:
        return ""
    return block_id + path_of(shared)
