"""What goes wrong in a simulated world, and when: drawn by the seed, and by nothing else."""

import asyncio
from collections.abc import Callable
from random import Random
from typing import Final

from msgspec import Struct

from signoff.events import faults
from simulation.kernel.processes import CURRENT, Process
from simulation.world.links import Rates
from simulation.world.world import Place, World

_DAY: Final = 86_400.0


class Weather(Struct, frozen=True, kw_only=True):
    """How bad it gets. Each seed leaves most kinds of faults out: what is left is not drowned by the others.

    Attributes:
        every: seconds between two faults, on average.
        kinds: what happens.
        at_points: of a thousand visits of a fault point, so many end badly.
        failing: of a thousand things done outside, so many fail.
    """

    every: float
    kinds: tuple[str, ...]
    at_points: int
    failing: int


def forecast(random: Random) -> Weather:
    """Draw what a world is in for."""
    kinds = [kind for kind in KINDS if random.random() < 0.4] or [random.choice(list(KINDS))]
    return Weather(
        every=random.choice((0.4, 1.0, 2.0)),
        kinds=tuple(kinds),
        at_points=random.choice((0, 0, 2, 10)),
        failing=random.choice((0, 0, 100, 300)),
    )


class Chance:
    """Makes things go wrong until it is told to stop; then heals everything.

    Args:
        world: whose.
        seed: decides.
        weather: how bad, instead of what the seed says.
    """

    def __init__(self, world: World, seed: int, weather: Weather | None = None) -> None:
        self._world = world
        self._random = Random(f"{seed} faults")
        self.weather = weather or forecast(self._random)
        self._over = False

    async def reign(self, seconds: float) -> None:
        """Let things go wrong for a while."""
        world, random, weather = self._world, self._random, self.weather
        world.trace.note("-", f"the weather: {weather}")
        world.outside.failing = weather.failing
        if weather.at_points:
            faults.install(self._at_point)
        end = world.loop.time() + seconds
        while world.loop.time() < end:
            await asyncio.sleep(random.expovariate(1 / weather.every))
            KINDS[random.choice(weather.kinds)](self, random.choice(list(world.places.values())))

    def heal(self) -> None:
        """Let everything go well from now on."""
        self._over = True
        faults.install(None)
        self._world.outside.failing = 0
        for place in self._world.places.values():
            for rates in place.rates.values():
                rates.heal()
            self._world.loop.thaw(place.process)
            place.process.skew = 0.0
        self._world.trace.note("-", "all is well again")

    # What may go wrong ----------------------------------------------------------------------------------

    def crash(self, place: Place) -> None:
        """Kill a process; it is started again some time later."""
        self._world.kill(place.process, back_after=self._random.random() ** 2 * 6)

    def end(self, place: Place) -> None:
        """Ask a process to end, as a rolling restart does."""
        if place.process.alive:
            self._world.trace.note(place.process.name, "is asked to end")
            place.process.stop.set()

    def freeze(self, place: Place) -> None:
        """Stop a process for a while: longer than its leases last, sometimes."""
        self._hold(place.process, self._random.random() ** 2 * 12)

    def skew(self, place: Place) -> None:
        """Set a process's wall clock wrong."""
        place.process.skew = self._random.uniform(-3, 3) if self._random.random() < 0.7 else 0.0
        self._world.trace.note(place.process.name, f"has its clock wrong by {place.process.skew:.3f} s")

    def leap(self, _: Place) -> None:
        """Let time pass at once for everybody: hours or days, as when machines are put to sleep."""
        self._world.nature.leapt += self._random.choice((5.0, 3600.0, 3 * _DAY)) * self._random.random()
        self._world.trace.note("-", f"the clocks leap to +{self._world.nature.leapt:.3f} s")

    def cut(self, _: Place) -> None:
        """Cut a connection of a client."""
        self._world.network.cut_any(self._random)

    def away(self, place: Place) -> None:
        """Take the database or the broker away from everybody, or from one process."""
        line = self._random.choice(("store", "store", "bus", "bus", "blobs"))
        places = [place] if self._random.random() < 0.5 else list(self._world.places.values())
        self._spoil([each.rates[line] for each in places], lambda rates: setattr(rates, "away", True), line)

    def losses(self, place: Place) -> None:
        """Let connections break, before, during and after what they carry."""
        line, much = self._random.choice(("store", "bus")), self._random.choice((20, 100, 300))

        def spoil(rates: Rates) -> None:
            rates.refused, rates.unsent, rates.unheard, rates.late = much, much, much, much // 2

        places = [place] if self._random.random() < 0.5 else list(self._world.places.values())
        self._spoil([each.rates[line] for each in places], spoil, line)

    def slow(self, place: Place) -> None:
        """Let everything take longer on a process's lines: longer than a lease lasts, sometimes."""
        slow = self._random.choice((0.05, 0.5, 6.0))
        self._spoil(list(place.rates.values()), lambda rates: setattr(rates, "slow", slow), "all lines")

    def _spoil(self, lines: list[Rates], spoil: Callable[[Rates], None], what: str) -> None:
        seconds = self._random.random() ** 2 * 8
        self._world.trace.note("-", f"{what} of {len(lines)} bad for {seconds:.3f} s")
        for rates in lines:
            spoil(rates)
            self._world.later(seconds, rates.heal)

    def _hold(self, process: Process, seconds: float) -> None:
        if process.alive and not process.frozen:
            self._world.loop.freeze(process)
            self._world.later(seconds, lambda: self._world.loop.thaw(process))

    async def _at_point(self, point: str) -> None:
        process = CURRENT.get()
        if self._over or process is None or self._random.randrange(1000) >= self.weather.at_points:
            return
        self._world.trace.note(process.name, f"is at {point}")
        what = self._random.choice(("kill", "kill", "freeze", "wait"))
        if what == "kill":
            self._world.kill(process, back_after=self._random.random() * 4)
        elif what == "freeze":
            self._hold(process, self._random.random() * 8)
        await asyncio.sleep(self._random.random() * 0.5)


KINDS: Final[dict[str, Callable[[Chance, Place], None]]] = {
    "crash": Chance.crash,
    "end": Chance.end,
    "freeze": Chance.freeze,
    "skew": Chance.skew,
    "leap": Chance.leap,
    "cut": Chance.cut,
    "away": Chance.away,
    "losses": Chance.losses,
    "slow": Chance.slow,
}
"""Every kind of fault."""
