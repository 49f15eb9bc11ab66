"""What blocks gave in an execution after an event, in place of running them where the input is the same."""

from collections.abc import Iterable

from msgspec import Struct

from signoff.engine.folding.places import path_of, turns_of
from signoff.engine.messages import BlockFailed, BlockSucceeded
from signoff.engine.state import InFlight
from signoff.events.types import BlockCompleted, BlockError, ChildCalled, Event, Json, VariablesSet


class Given(Struct, frozen=True):
    """What a block is given; one that calls a workflow also names it."""

    input: Json
    workflow_id: str | None = None
    version: int | None = None


class Ended(Struct, frozen=True):
    """How a block ended in the past, and the variables that it set."""

    given: Given
    event: BlockCompleted | BlockError
    variables: dict[str, Json] | None

    def result(self, flight: InFlight) -> BlockSucceeded | BlockFailed:
        """The same as the result of another try."""
        if isinstance(self.event, BlockError):
            return BlockFailed(
                instance=flight.instance,
                attempt=flight.attempt,
                input=self.event.input,
                error=self.event.error,
                code=self.event.code or "BLOCK_FAILED",
                retryable=False,
            )
        return BlockSucceeded(
            instance=flight.instance,
            attempt=flight.attempt,
            input=self.event.input,
            output=self.event.output,
            variables=self.variables,
        )


class PastResults:
    """The results of an execution's blocks after an event, by instance.

    Args:
        events: of the execution's log, from the first one on.
        after: the event.
    """

    def __init__(self, events: Iterable[Event], *, after: int) -> None:
        self._ended: dict[str, Ended] = {}
        calls: dict[str, Given] = {}
        variables: tuple[str, dict[str, Json]] | None = None
        for event in events:
            data = event.data
            if isinstance(data, ChildCalled):
                instance = data.block_id + path_of(turns_of(data))
                calls[instance] = Given(data.input, data.child_workflow_id, data.child_workflow_version)
            elif isinstance(data, VariablesSet):
                variables = (event.causation_id, data.values)
            elif isinstance(data, BlockCompleted | BlockError) and event.event_id > after:
                instance = data.block_id + path_of(turns_of(data))
                own = variables[1] if variables and variables[0] == event.causation_id else None
                given = calls.get(instance) or Given(data.input)
                self._ended.setdefault(instance, Ended(given, data, own))

    def find(self, instance: str, given: Given) -> Ended | None:
        """How a block ended that was given the same; ``None``: it was not, or did not end."""
        ended = self._ended.get(instance)
        return ended if ended is not None and ended.given == given else None
