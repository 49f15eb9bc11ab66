"""Which appends of a group may be written: the rules of versions and epochs, the same for every store."""

from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from signoff.events.errors import LeaseLostError, StoreError, VersionConflictError
from signoff.events.store.base import Append


def expected_heads(group: Sequence[Append]) -> dict[UUID, int]:
    """The last version that each log must have now for the group to follow on it.

    A log that does not exist may begin at 1, and at 0 too, as foreign aggregates of the library do.
    """
    heads: dict[UUID, int] = {}
    for append in group:
        for event in append.events:
            if event.log_id not in heads:
                heads[event.log_id] = event.version - 1
    return heads


def refusals(
    group: Sequence[Append], *, lost: Collection[tuple[int, int]], heads: Mapping[UUID, int]
) -> dict[int, StoreError]:
    """Tell which appends of a group must not be written, and why. The others may, together.

    Args:
        group: appends in the order in which they are to be written.
        lost: leases, as partition and epoch, that are no longer held.
        heads: the last version of every log in the group, before it.

    Returns:
        The error of each refused append, by its index in ``group``.
    """
    refused: dict[int, StoreError] = {}
    heads = dict(heads)
    for index, append in enumerate(group):
        if (append.partition, append.epoch) in lost:
            refused[index] = LeaseLostError(frozenset({append.partition}))
            continue
        moved: dict[UUID, int] = {}
        for event in append.events:
            log_id = event.log_id
            head = moved[log_id] if log_id in moved else heads[log_id]
            if event.version != head + 1:
                refused[index] = conflict(log_id, event.version, head)
                break
            moved[log_id] = event.version
        else:
            heads.update(moved)
    return refused


def conflict(log_id: UUID, version: int, head: int) -> VersionConflictError:
    """The error of an event that does not follow on its log."""
    return VersionConflictError(
        f"log {log_id} is at version {head}: event {version} does not follow, read it again"
    )


def admitted(group: Sequence[Append], refused: Mapping[int, StoreError]) -> list[Append]:
    """The appends of a group that were not refused."""
    return [append for index, append in enumerate(group) if index not in refused] if refused else list(group)


def results(
    group: Sequence[Append], refused: Mapping[int, StoreError], positions: Sequence[int]
) -> list[int | StoreError]:
    """What to tell each member of a group.

    Args:
        group: all its appends.
        refused: the errors of those that were not written.
        positions: the positions of the events that were, in order.

    Returns:
        For each append its error, or the position of its last event (0 when it has none).
    """
    answers: list[int | StoreError] = []
    written = 0
    for index, append in enumerate(group):
        if index in refused:
            answers.append(refused[index])
            continue
        written += len(append.events)
        answers.append(positions[written - 1] if append.events else 0)
    return answers
