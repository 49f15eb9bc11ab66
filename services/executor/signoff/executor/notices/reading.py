"""What the references of a pause block may read, as it was when people were to be told."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from msgspec import Struct

from signoff.engine.pauses import pending_output
from signoff.engine.places import path_of
from signoff.engine.state import PausePoint, State
from signoff.events.blobs import BlobStore
from signoff.events.escapes import SecretReference
from signoff.events.types import Json, Turn
from signoff.executor.jobs import output_key
from signoff.executor.loaded import Loaded
from signoff.executor.plans import Plan
from signoff.executor.runner import FindEnvironment, FindSecrets
from signoff.executor.scope import Around, Facts


class Sources(Struct, frozen=True):
    """Where values are that a log only names: large ones, environment values, submitted secrets."""

    blobs: BlobStore
    environment: FindEnvironment
    secrets: FindSecrets


class Reading(Struct, frozen=True, kw_only=True):
    """A part of an execution's state, on its own.

    Attributes:
        block_id: of the pause block, whose own output is made from ``response``.
        outputs: of the other blocks that are referred to, by id, and of the pause block once it ended.
        large: some values may be elsewhere.
    """

    workspace: UUID
    block_id: str
    response: Json
    outputs: Mapping[str, Json]
    variables: Mapping[str, Json]
    around: Sequence[Around]
    fields: Mapping[str, Collection[str] | None]
    large: bool


def reading_of(
    loaded: Loaded, plan: Plan, state: State, point: PausePoint, reads: Collection[str]
) -> Reading:
    """Take what references may read before the state goes on, or leaves memory.

    Args:
        loaded: the execution.
        plan: its definition.
        state: its state.
        point: whose block the references stand in.
        reads: ids of the blocks that they name.
    """
    branches = [turn for turn in point.turns if turn.iteration_type == "parallel"]
    names = {*reads, point.block_id}
    return Reading(
        workspace=loaded.workspace,
        block_id=point.block_id,
        response=point.response,
        outputs={name: state.outputs.get(output_key(plan.graph, name, branches)) for name in names},
        variables=dict(state.variables),
        around=[_around(state, turn, point.turns[:depth]) for depth, turn in enumerate(point.turns)],
        fields=plan.fields,
        large=loaded.large,
    )


def _around(state: State, turn: Turn, outer: Sequence[Turn]) -> Around:
    opened = state.containers.get(turn.iteration_container_id + path_of(outer))
    items = None if opened is None else opened.items
    return Around(turn.iteration_container_id, turn.iteration_type, turn.iteration_current, items)


class Scene:
    """A reading with every value at hand: gives the facts that references are resolved against.

    Attributes:
        response: what the point shows, submitted secrets masked.
    """

    def __init__(
        self, reading: Reading, own: Mapping[str, Any], environment: Mapping[str, str],
        submitted: Mapping[str, str] | None, response: Json,
    ) -> None:  # fmt: skip
        self.response = response
        self._reading = reading
        self._own = own
        self._environment = environment
        self._submitted = submitted

    @classmethod
    async def of(cls, reading: Reading, sources: Sources, *, base: str) -> "Scene":
        """Put everything in its place.

        Args:
            reading: what was taken from the state.
            sources: where the rest is.
            base: what the links of the pause block's own output begin with.

        Raises:
            BlobError: a large value cannot be read.
            SealError: a submitted secret does not open.
            StoreError: the database is away.
        """
        environment = await sources.environment(reading.workspace)
        response, submitted = reading.response, None
        if reading.large:
            response = await sources.blobs.resolve(reading.response, workspace_id=reading.workspace)
            reading, submitted = await _resolved(reading, sources)
        return cls(reading, _own_output(reading, response, base), environment, submitted, response)

    @property
    def page(self) -> str | None:
        """Where people decide; ``None`` for a point without links."""
        return self._own.get("url")

    def facts(self, secrets: set[str], **own: Json) -> Facts:
        """The facts.

        Args:
            secrets: where secrets are noted that are read.
            own: more fields of the pause block's own output.
        """
        reading = self._reading
        outputs = {**reading.outputs, reading.block_id: {**self._own, **own}}
        facts = Facts(
            outputs, reading.variables, self._environment, reading.fields, reading.around,
            submitted=self._submitted,
        )  # fmt: skip
        facts.secrets = secrets
        return facts


async def _resolved(reading: Reading, sources: Sources) -> tuple[Reading, Mapping[str, str] | None]:
    """The reading with large values put back, and the submitted secrets that outputs name."""
    named: set[str] = set()

    def note(secret_id: str) -> Json:
        named.add(secret_id)
        return SecretReference(secret_id)

    async def whole(value: Json) -> Json:
        return await sources.blobs.resolve(value, workspace_id=reading.workspace, reveal=note)

    found = Reading(
        workspace=reading.workspace,
        block_id=reading.block_id,
        response=reading.response,
        outputs={name: await whole(value) for name, value in reading.outputs.items()},
        variables={name: await whole(value) for name, value in reading.variables.items()},
        around=[
            Around(each.container, each.kind, each.index, await whole(each.items)) for each in reading.around
        ],
        fields=reading.fields,
        large=False,
    )
    return found, await sources.secrets(reading.workspace, named) if named else None


def _own_output(reading: Reading, response: Json, base: str) -> Mapping[str, Any]:
    """The pause block's output with absolute links: as it waits, and as it ended if this point has."""
    waiting = pending_output(response)
    given = waiting if isinstance(waiting, dict) else {"response": response}
    ended = reading.outputs.get(reading.block_id)
    if isinstance(ended, dict) and ended.get("resumeEndpoint") == given.get("resumeEndpoint"):
        given = {**given, **ended}
    links = {name: base + str(given[name]) for name in ("url", "resumeEndpoint") if name in given}
    return {**given, **links}
