"""Where two executions differ: what was given, decided and came of it, then block by block."""

from collections.abc import Iterable, Mapping
from typing import Final, Literal, TypeAlias

import msgspec
from msgspec import Struct

from signoff.audit.life.differences import OWN, Change

Ran: TypeAlias = Literal["only first", "only second", "differs"]
"""How a block went in two executions that differ in it."""

_FOLLOWS: Final = OWN | {"_resume", "contentDigest", "definitionDigest"}
"""Names of what differs in any two executions, or since something else does."""

_WHOLE: Final = ("status", "error", "input", "output", "variables", "workflowVersion", "definitionDigest")

_INSTANCE: Final = 2
"""Names of a path that lead to an instance of a block."""


class Group(Struct, frozen=True, kw_only=True):
    """Differences that belong together.

    Attributes:
        name: of the block; else what they are about.
        block_id: the block; empty for what is no block's.
        changes: what differs.
        follow: what differs since that does: ids and times, and values that were passed on.
    """

    name: str
    block_id: str = ""
    changes: list[Change]
    follow: list[Change]


def ran_apart(first: Iterable[str], second: Iterable[str], changed: Iterable[str]) -> dict[str, Ran]:
    """How blocks went, where they went differently.

    Args:
        first: the blocks that ran in the first execution.
        second: those of the second one.
        changed: blocks that differ by themselves.
    """
    before, after = set(first), set(second)
    found: dict[str, Ran] = {each: "differs" for each in changed if each in before and each in after}
    return found | dict.fromkeys(before - after, "only first") | dict.fromkeys(after - before, "only second")


def grouped(changes: Iterable[Change], blocks: Mapping[str, str], names: Mapping[str, str]) -> list[Group]:
    """The differences of two states (see `signoff.audit.life.shape`).

    Args:
        changes: all of them.
        blocks: the block of each instance of a block.
        names: of blocks, in the order in which they are shown.
    """
    whole: list[Change] = []
    decided: list[Change] = []
    of: dict[str, list[Change]] = {each: [] for each in names}
    for change in changes:
        match change.path:
            case ["blocks" | "pausePoints", instance, *_]:
                of.setdefault(blocks.get(instance, instance), []).append(change)
            case ["decisions", *_]:
                decided.append(change)
            case _:
                whole.append(change)
    whole.sort(key=lambda each: _WHOLE.index(each.path[0]))
    seen: set[bytes] = set()
    groups = [_group("Input, output and status", "", whole, seen), _group("Decisions", "", decided, seen)]
    groups += [_group(names.get(each, each), each, found, seen) for each, found in of.items()]
    return [each for each in groups if each.changes or each.follow]


def changed_blocks(groups: Iterable[Group], blocks: Mapping[str, str]) -> set[str]:
    """The blocks that differ by themselves: in what they gave, or in what was decided in them.

    Args:
        groups: of all differences.
        blocks: the block of each instance of a block.
    """
    found: set[str] = set()
    for group in groups:
        for change in group.changes:
            if change.path[0] == "decisions" and len(change.path) > 1:
                found.add(blocks.get(change.path[1].partition(" (")[0], ""))
            else:
                found.add(group.block_id)
    return found


def _group(name: str, block_id: str, changes: Iterable[Change], seen: set[bytes]) -> Group:
    own: list[Change] = []
    follow: list[Change] = []
    for change in changes:
        # A value is passed on under its own name; what is wholly new or gone is no copy.
        said = msgspec.json.encode((change.path[-1], change.kind, change.before, change.after))
        is_copy = said in seen and len(change.path) > _INSTANCE
        seen.add(said)
        (follow if is_copy or any(each in _FOLLOWS for each in change.path) else own).append(change)
    return Group(name=name, block_id=block_id, changes=own, follow=follow)
