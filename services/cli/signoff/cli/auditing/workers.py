"""Processes that verify units, each with connections of its own; the units go to whoever is free."""

import asyncio
import multiprocessing
from collections.abc import AsyncGenerator, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from typing import Final

from msgspec import Struct

from signoff.audit.verify.moments import Moments
from signoff.blocks import BlockError
from signoff.cli.auditing.unit_check import UnitCheck
from signoff.cli.auditing.units import Done, Levels, Selection, State, Unit
from signoff.cli.exits import CommandError, Exit
from signoff.cli.upkeep.opening import Installation, opened
from signoff.events.errors import SignoffError
from signoff.runtime.settings import Settings

_END_LIMIT: Final = 5.0
_context: Final = multiprocessing.get_context("spawn")


class Task(Struct, frozen=True):
    """What a process is there for."""

    settings: Settings
    levels: Levels
    selection: Selection
    upto: int
    moments: Moments | None


async def verify_here(
    installation: Installation, state: State, moments: Moments | None = None
) -> AsyncGenerator[tuple[int, Done], None]:
    """Verify what is left in this process; gives each unit, by its place, once it is done."""
    check = UnitCheck(installation, state.levels, state.selection, upto=state.upto, moments=moments)
    for at in state.left:
        yield at, await check.run(state.units[at])


async def verify_by_processes(
    settings: Settings, state: State, moments: Moments | None = None, *, count: int
) -> AsyncGenerator[tuple[int, Done], None]:
    """The same by processes, so that all of a machine's processors work.

    Args:
        settings: of the installation. An SQLite log is one that nobody writes to meanwhile.
        state: says what is left.
        moments: by which events that were put in later are known.
        count: of processes.

    Raises:
        CommandError: a process could not do it; says why.
    """
    task = Task(settings, state.levels, state.selection, state.upto, moments)
    units = {at: state.units[at] for at in state.left}
    workers = [_Worker(task) for _ in range(min(count, len(units)))]
    waiting, results = iter(units.items()), asyncio.Queue[tuple[int, Done] | Exception](len(workers))
    with ThreadPoolExecutor(max(1, len(workers))) as threads:
        loop = asyncio.get_running_loop()

        async def serve(worker: _Worker) -> None:
            for at, unit in waiting:  # one iterator for all
                try:
                    done = await loop.run_in_executor(threads, worker.verify, unit)
                except (EOFError, OSError, CommandError) as error:
                    await results.put(error)
                    return
                await results.put((at, done))

        serving = [asyncio.create_task(serve(worker)) for worker in workers]
        try:
            for _ in units:
                result = await results.get()
                if isinstance(result, CommandError):
                    raise result
                if isinstance(result, Exception):
                    raise CommandError("a process of the verification was killed", code=Exit.REFUSED)
                yield result
        finally:
            for each in serving:
                each.cancel()
            await asyncio.gather(*(asyncio.to_thread(worker.end) for worker in workers))
            await asyncio.gather(*serving, return_exceptions=True)


class _Worker:
    """A process that verifies one unit after the other."""

    def __init__(self, task: Task) -> None:
        self._line, theirs = _context.Pipe()
        self._process = _context.Process(target=_work, args=(theirs, task), daemon=True)
        self._process.start()
        theirs.close()

    def verify(self, unit: Unit) -> Done:
        """Verify a unit; waits for the process, for as long as it lives.

        Raises:
            EOFError: it has ended.
            CommandError: it says why it could not.
        """
        self._line.send(unit)
        answer: Done | str = self._line.recv()
        if isinstance(answer, str):
            raise CommandError(answer, code=Exit.REFUSED)
        return answer

    def end(self) -> None:
        """End the process, whatever it does."""
        self._process.terminate()
        self._process.join(_END_LIMIT)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()


def _work(line: Connection, task: Task) -> None:
    """What a process does until it is ended."""
    try:
        asyncio.run(_verify(line, task))
    except EOFError:
        return  # who asked is gone
    except (SignoffError, BlockError) as error:
        line.send(str(error))


async def _verify(line: Connection, task: Task) -> None:
    async with opened(task.settings, read_only=True) as installation:
        check = UnitCheck(installation, task.levels, task.selection, upto=task.upto, moments=task.moments)
        while True:
            line.send(await check.run(await asyncio.to_thread(line.recv)))


def totals(done: Mapping[int, Done]) -> Done:
    """All units together, without their faults."""
    every: Iterable[Done] = done.values()
    return Done(
        logs=sum(each.logs for each in every),
        events=sum(each.events for each in every),
        unfolded=sum(each.unfolded for each in every),
        values=sum(each.values for each in every),
        older=sum(each.older for each in every),
        more=sum(len(each.faults) + each.more for each in every),
    )
