"""What those were told who listen to everything: readers of feeds, and a hook."""

import json
from collections.abc import Iterator

from signoff.access.hooks import DEAD, MAIN_TYPES, delivery_id
from signoff.events.types import HookSet
from simulation.workload.client import Client
from simulation.workload.followed import Followed
from simulation.world.world import World


def have_heard(world: World, client: Client) -> bool:
    """Whether readers of feeds and the hook have been told everything, so that nobody need wait any more."""
    ends = [_wanted(world, followed)[-1:] for followed in client.followed]
    return all(
        not end or followed.frames[-1:] == end for end, followed in zip(ends, client.followed, strict=True)
    ) and not list(_untold(world))


def misheard(world: World, client: Client) -> Iterator[str]:
    """Feeds with a gap or a duplicate, and what the hook was told too late or not at all."""
    for followed in client.followed:
        wanted = _wanted(world, followed)
        given = len(followed.frames)
        if followed.frames != wanted[len(wanted) - given :]:
            yield from _first_difference(followed, wanted)
    yield from _untold(world)
    yield from _out_of_order(world)


def _wanted(world: World, followed: Followed) -> list[bytes]:
    """All events that a feed is about, from the first one in the log: of executions and workflows alone."""
    types = [each for each in followed.types.split(",") if each]
    found = []
    for recorded in world.log._log:
        event = json.loads(recorded.state)
        if event["workflowId"].startswith("$"):
            continue
        if not types or any(_matches(event["type"], each) for each in types):
            found.append(recorded.state)
    return found


def _matches(type_: str, wanted: str) -> bool:
    return type_.startswith(wanted[:-1]) if wanted.endswith("*") else type_ == wanted


def _first_difference(followed: Followed, wanted: list[bytes]) -> Iterator[str]:
    where = f"the feed of {followed.types or 'everything'}"
    first = wanted.index(followed.frames[0]) if followed.frames[0] in wanted else -1
    if first < 0:
        yield f"{where}: {followed.frames[0]!r} is none of its events"
        return
    for due, given in zip(wanted[first:], followed.frames, strict=False):
        if due != given:
            yield f"{where}: {given!r} came where {due!r} was due"
            return
    yield f"{where}: of {len(wanted) - first} events {len(followed.frames)} came"


def _owed(world: World) -> Iterator[tuple[str, bytes]]:
    """What the hook wants of all that happened since it is there, and that was not given up, by delivery."""
    given_up = {key for kind, _, key in world.log.records._rows if kind == DEAD}
    for position, hook_id in _hooks(world):
        for recorded in world.log._log[position:]:
            delivery = delivery_id(hook_id, recorded.log_id, recorded.version)
            if json.loads(recorded.state)["type"] in MAIN_TYPES and delivery not in given_up:
                yield delivery, recorded.state


def _hooks(world: World) -> Iterator[tuple[int, str]]:
    """Each hook with the number of events up to the one that set it."""
    for number, recorded in enumerate(world.log._log, 1):
        event = json.loads(recorded.state)
        if event["type"] == HookSet.TYPE:
            yield number, event["data"]["hookId"]


def _untold(world: World) -> Iterator[str]:
    told = set(world.outside.told)
    for delivery, state in _owed(world):
        if state not in told:
            yield f"the hook was never told of {delivery}"


def _out_of_order(world: World) -> Iterator[str]:
    """A hook is told of an execution's events in their order; what it is told again does not count."""
    owed = {state for _, state in _owed(world)}
    last: dict[str, int] = {}
    for raw in dict.fromkeys(world.outside.told):
        event = json.loads(raw)
        name, event_id = str(event["executionId"]), int(event["eventId"])
        if raw in owed and event_id < last.get(name, 0):
            yield f"the hook was told of event {event_id} of {name} after {last[name]}"
        last[name] = max(last.get(name, 0), event_id)
