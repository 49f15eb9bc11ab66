"""One seed: a world from its beginning to its end, and what was broken in it."""

from random import Random
from typing import Final

from msgspec import Struct

from signoff.events import faults
from simulation.chance import Chance, Weather
from simulation.hearing import have_heard, misheard
from simulation.kernel.errors import SimulationError
from simulation.kernel.loop import SimulatedLoop
from simulation.kernel.nature import Nature, rule
from simulation.proving import buried, closed, facts_of, untold_winners, wrong_rows
from simulation.workload.client import Client
from simulation.workload.crowd import Crowd
from simulation.world.world import World
from support.proof import find_violations

_STORM: Final = 15.0
"""Virtual seconds of faults."""

_SETTLES: Final = 60.0
"""Virtual seconds within which a healed world must come to rest."""

_QUIET: Final = 3.0
"""Virtual seconds without anything new after which a healed world is at rest."""

_STEPS: Final = 600_000
_SECONDS: Final = 600.0


class Result(Struct, frozen=True, kw_only=True):
    """What came of a seed.

    Attributes:
        digest: names everything that happened.
        broken: the guarantees that were broken, one sentence each.
        trace: the last steps.
        began: its services came up, so that it says something about them.
    """

    seed: int
    digest: str
    broken: list[str]
    trace: list[str]
    began: bool
    steps: int
    seconds: float
    events: int


def simulate(seed: int, *, weather: Weather | None = None, whole_trace: bool = False) -> Result:
    """Run the world of a seed.

    Args:
        seed: decides everything that happens.
        weather: which faults, instead of those of the seed.
        whole_trace: keep every line of the trace.
    """
    loop = SimulatedLoop(
        Random(f"{seed} schedule"), most_steps=_STEPS, most_seconds=_SECONDS, whole_trace=whole_trace
    )
    nature = Nature(loop.time, Random(f"{seed} chance"))
    rule(nature)
    world = World(loop, nature, seed)
    try:
        broken = loop.run_until_complete(_live(world, seed, weather)) + loop.unforeseen
    except (SimulationError, AssertionError) as error:
        broken = [f"{type(error).__name__}: {error}"]
    finally:
        faults.install(None)
        rule(None)
    return Result(
        seed=seed, digest=loop.trace.digest, broken=broken, trace=loop.trace.last(), steps=loop.steps,
        seconds=loop.time(), events=len(world.log._log), began=world.began,
    )  # fmt: skip


async def _live(world: World, seed: int, weather: Weather | None) -> list[str]:
    await world.open()
    client = Client(world.network, Random(f"{seed} client"))
    crowd, chance = Crowd(world, client, seed), Chance(world, seed, weather)
    await crowd.prepare()
    crowd.begin()
    await chance.reign(_STORM)
    chance.heal()
    broken = await _come_to_rest(world, crowd, client)
    facts = facts_of(world, client)
    broken += [*find_violations(facts, settled=not broken), *closed(world), *buried(world), *world.broken]
    broken += [*untold_winners(facts), *misheard(world, client), *client.faulty]
    return [*broken, *await wrong_rows(world)]


async def _come_to_rest(world: World, crowd: Crowd, client: Client) -> list[str]:
    """Let a healed world finish; gives what it did not finish."""
    broken: list[str] = []
    waits = (
        (
            world.rests_for(_QUIET, lambda: not crowd.busy),
            "executions come to an end or to a pause, and the topic has all that the log has",
        ),
        (lambda: client.has_read(world.heads()), "readers have all that the log has"),
        (lambda: have_heard(world, client), "who listens to everything has heard it"),
    )
    for holds, what in waits:
        try:
            await world.until(holds, _SETTLES, what)
        except SimulationError as error:
            broken.append(str(error))
    await crowd.end()
    await client.close()
    try:
        await world.until(world.is_published, _SETTLES, "the topic has what was logged of readers that left")
    except SimulationError as error:
        broken.append(str(error))
    return broken
