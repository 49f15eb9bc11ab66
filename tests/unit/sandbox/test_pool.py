"""How programs share workers."""

import asyncio
import contextlib
import errno
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from signoff.sandbox.errors import (
    ProgramTimeoutError,
    SandboxBusyError,
    SandboxClosedError,
    WorkerLostError,
)
from signoff.sandbox.pool import Sandbox
from signoff.sandbox.process import WorkerProcess
from signoff.sandbox.programs import Program, ProgramResult

ENDLESS = "for (;;);"


def program(source: str, timeout: float = 30.0) -> Program:
    return Program(kind="function", source=source, timeout=timeout)


async def answer(sandbox: Sandbox, workspace: str = "home") -> ProgramResult:
    return await sandbox.run(program("return 42"), workspace=workspace)


@asynccontextmanager
async def running(
    sandbox: Sandbox, *, count: int, workspace: str = "home"
) -> AsyncIterator[list[asyncio.Task]]:
    """Endless programs, all of them on a worker."""
    before = len(sandbox._busy)
    tasks = [asyncio.create_task(sandbox.run(program(ENDLESS), workspace=workspace)) for _ in range(count)]
    try:
        async with asyncio.timeout(20):
            while len(sandbox._busy) < before + count:  # noqa: ASYNC110 -- nobody tells when a program starts
                await asyncio.sleep(0.01)
        yield tasks
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def test_with_as_many_endless_programs_as_workers_another_one_still_runs_within_a_second():
    async with await Sandbox.start(workers=2) as sandbox, running(sandbox, count=2):
        async with asyncio.timeout(1.0):
            assert (await answer(sandbox)).value == 42


async def test_the_event_loop_goes_on_while_programs_run():
    async with await Sandbox.start(workers=2) as sandbox, running(sandbox, count=2):
        loop = asyncio.get_running_loop()
        start = loop.time()
        for _ in range(100):
            await asyncio.sleep(0)
        assert loop.time() - start < 1.0


async def test_an_endless_program_of_one_workspace_cannot_take_the_places_of_others():
    async with (
        await Sandbox.start(workers=1, wait_limit=0.3, patience=0.01) as sandbox,
        running(sandbox, count=3, workspace="greedy"),
    ):
        with pytest.raises(SandboxBusyError):
            await answer(sandbox, workspace="greedy")
        assert (await answer(sandbox, workspace="modest")).value == 42


async def test_a_program_beyond_the_queue_is_refused_at_once():
    async with (
        await Sandbox.start(workers=1, queue_limit=1, patience=30.0) as sandbox,
        running(sandbox, count=1),
    ):
        waiting = asyncio.create_task(answer(sandbox))
        await asyncio.sleep(0)
        with pytest.raises(SandboxBusyError, match="1 programs wait"):
            await answer(sandbox)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)


async def test_a_worker_that_does_not_let_itself_be_interrupted_is_replaced():
    async with await Sandbox.start(workers=1) as sandbox:
        stuck = sandbox._idle["javascript"][0]
        os.kill(stuck._process.pid, signal.SIGSTOP)
        with pytest.raises(ProgramTimeoutError, match="timed out after 100ms"):
            await sandbox.run(program("return 1", timeout=0.1), workspace="home")
        assert (await answer(sandbox)).value == 42
        assert sandbox._idle["javascript"] != [stuck]


async def test_a_worker_that_survives_its_program_is_kept():
    async with await Sandbox.start(workers=1) as sandbox:
        (worker,) = sandbox._idle["javascript"]
        await answer(sandbox)
        with pytest.raises(ProgramTimeoutError):
            await sandbox.run(program(ENDLESS, timeout=0.1), workspace="home")
        assert sandbox._idle["javascript"] == [worker]


async def test_a_cancelled_program_ends_with_its_process():
    async with await Sandbox.start(workers=1) as sandbox:
        async with running(sandbox, count=1) as (task,):
            (worker,) = sandbox._busy
            task.cancel()
            await asyncio.wait([task], timeout=5)
            assert task.cancelled()
        assert worker._process.returncode == -signal.SIGKILL
        assert (await answer(sandbox)).value == 42


async def test_a_program_that_is_cancelled_while_it_waits_leaves_no_trace():
    async with await Sandbox.start(workers=1, patience=30.0) as sandbox:
        async with running(sandbox, count=1):
            waiting = asyncio.create_task(answer(sandbox))
            await asyncio.sleep(0)
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)
        assert (await answer(sandbox)).value == 42


async def test_a_worker_killed_under_a_program_is_reported_as_lost():
    async with await Sandbox.start(workers=1) as sandbox:
        async with running(sandbox, count=1) as (task,):
            (worker,) = sandbox._busy
            os.kill(worker._process.pid, signal.SIGKILL)
            with pytest.raises(WorkerLostError, match=r"by signal 9; .* can be run again"):
                await task
        assert (await answer(sandbox)).value == 42


async def test_a_worker_killed_while_idle_is_replaced_unnoticed():
    async with await Sandbox.start(workers=1) as sandbox:
        (worker,) = sandbox._idle["javascript"]
        os.kill(worker._process.pid, signal.SIGKILL)
        await worker._process.wait()
        assert (await answer(sandbox)).value == 42


async def test_extra_workers_are_let_go_when_they_are_idle():
    async with await Sandbox.start(workers=1, patience=0.01) as sandbox:
        async with running(sandbox, count=3):
            assert len(sandbox._busy) == 3
        await asyncio.gather(*(answer(sandbox) for _ in range(5)))
        assert len(sandbox._idle["javascript"]) == 1


async def test_closing_ends_the_programs_that_run_and_those_that_wait():
    sandbox = await Sandbox.start(workers=1, patience=30.0)
    async with running(sandbox, count=1) as (task,):
        waiting = asyncio.create_task(answer(sandbox))
        await asyncio.sleep(0)
        await sandbox.close()
        for ended in (task, waiting):
            with pytest.raises(SandboxClosedError):
                await ended
    with pytest.raises(SandboxClosedError):
        await answer(sandbox)


async def test_many_programs_at_once_all_get_their_own_result():
    async with await Sandbox.start(workers=2) as sandbox:
        programs = [Program(kind="function", source="return n * n", bindings={"n": n}) for n in range(100)]
        results = await asyncio.gather(*(sandbox.run(p, workspace="home") for p in programs))
        assert [result.value for result in results] == [n * n for n in range(100)]


async def test_a_worker_knows_nothing_of_our_environment(monkeypatch):
    monkeypatch.setenv("SIGNOFF_ENV_SECRET", "hush")
    async with await Sandbox.start(workers=1) as sandbox:
        pid = sandbox._idle["javascript"][0]._process.pid
        environment = await asyncio.to_thread(_read, f"/proc/{pid}/environ")
        assert b"PATH=" in environment
        assert b"SIGNOFF" not in environment


async def test_a_worker_may_open_no_file_and_start_no_process():
    async with await Sandbox.start(workers=1) as sandbox:
        pid = sandbox._idle["javascript"][0]._process.pid
        limits = (await asyncio.to_thread(_read, f"/proc/{pid}/limits")).decode().splitlines()
        hard = {line[:25].strip(): line[26:].split()[1] for line in limits[1:]}
        assert hard["Max open files"] == "3"
        assert [hard[name] for name in ("Max file size", "Max processes", "Max core file size")] == ["0"] * 3


async def test_what_a_python_worker_starts_is_locked_in_and_ends_with_it():
    async with await Sandbox.start(workers=1) as sandbox:
        (worker,) = sandbox._idle["python"]
        (engine,) = await asyncio.to_thread(_others_of_group, worker._process.pid)
        limits = (await asyncio.to_thread(_read, f"/proc/{engine}/limits")).decode().splitlines()
        hard = {line[:25].strip(): line[26:].split()[1] for line in limits[1:]}
        assert hard["Max open files"] == "3"
        assert [hard[name] for name in ("Max file size", "Max processes", "Max core file size")] == ["0"] * 3
        assert await asyncio.to_thread(_read, f"/proc/{engine}/environ") == b""
        end = _watch(engine)
    await asyncio.wait_for(end, timeout=5)


async def test_a_cancelled_python_program_ends_with_its_engine():
    endless = Program(kind="function", language="python", source="while True: pass", timeout=50)
    async with await Sandbox.start(workers=1) as sandbox:
        (engine,) = await asyncio.to_thread(_others_of_group, sandbox._idle["python"][0]._process.pid)
        end = _watch(engine)
        task = asyncio.create_task(sandbox.run(endless, workspace="home"))
        while not sandbox._busy:  # noqa: ASYNC110 -- nobody tells when a program starts
            await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.wait([task], timeout=5)
        await asyncio.wait_for(end, timeout=5)


async def test_a_python_worker_whose_engine_ended_is_replaced():
    program = Program(kind="function", language="python", source="return 42")
    async with await Sandbox.start(workers=1) as sandbox:
        (worker,) = sandbox._idle["python"]
        (engine,) = await asyncio.to_thread(_others_of_group, worker._process.pid)
        os.kill(engine, signal.SIGKILL)
        with pytest.raises(WorkerLostError, match="can be run again"):
            await sandbox.run(program, workspace="home")
        assert (await sandbox.run(program, workspace="home")).value == 42


async def test_languages_keep_workers_of_their_own():
    async with await Sandbox.start(workers=1) as sandbox:
        (javascript,), (python,) = sandbox._idle["javascript"], sandbox._idle["python"]
        for language in ("python", "javascript", "python"):
            one = Program(kind="function", language=language, source="return 1")
            await sandbox.run(one, workspace="home")
        assert (sandbox._idle["javascript"], sandbox._idle["python"]) == ([javascript], [python])


async def test_where_one_language_does_not_start_nothing_is_left_of_the_other(monkeypatch):
    start, started = WorkerProcess.start, []

    async def broken(language):
        if language == "python":
            raise WorkerLostError("no engine")
        started.append(await start(language))
        return started[-1]

    monkeypatch.setattr(WorkerProcess, "start", broken)
    with pytest.raises(WorkerLostError, match="no engine"):
        await Sandbox.start(workers=1)
    assert [worker._process.returncode for worker in started] == [-signal.SIGKILL]


async def test_an_expression_in_python_is_refused():
    with pytest.raises(ValueError, match="Only functions may be Python; a condition is JavaScript"):
        Program(kind="condition", language="python", source="True")


@pytest.mark.parametrize(
    ("language", "endless"), [("javascript", "for (;;);"), ("python", "while True: pass")]
)
async def test_a_worker_ends_with_its_parent_even_in_the_midst_of_a_program(language, endless):
    parent = f"""
import asyncio
from signoff.sandbox.pool import Sandbox
from signoff.sandbox.programs import Program

async def main():
    sandbox = await Sandbox.start(workers=1)
    print(sandbox._idle["{language}"][0]._process.pid, flush=True)
    program = Program(kind="function", language="{language}", source="{endless}", timeout=50)
    await sandbox.run(program, workspace="home")

asyncio.run(main())
"""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", parent, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    worker = int(await process.stdout.readline())
    ends = [_watch(pid) for pid in (worker, *await asyncio.to_thread(_others_of_group, worker))]
    os.kill(process.pid, signal.SIGKILL)
    await process.communicate()
    await asyncio.wait_for(asyncio.gather(*ends), timeout=5)


def _watch(pid: int) -> asyncio.Future[None]:
    """Settled when the process has ended."""
    loop, ended, watch = asyncio.get_running_loop(), asyncio.Future(), os.pidfd_open(pid)

    def end() -> None:
        loop.remove_reader(watch)
        os.close(watch)
        ended.set_result(None)

    loop.add_reader(watch, end)
    return ended


def _others_of_group(leader: int) -> list[int]:
    """The processes of a group, but for its leader."""
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # it has just ended
            pid, group = int(status.parent.name), int(status.read_text().rpartition(")")[2].split()[2])
            if group == leader != pid:
                found.append(pid)
    return found


def _read(path: str) -> bytes:
    with open(path, "rb") as file:  # noqa: PTH123 -- a Path would read st_size bytes: none
        return file.read()


async def test_a_worker_that_the_system_refuses_is_a_lost_one(monkeypatch: pytest.MonkeyPatch) -> None:
    async def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EAGAIN, "Resource temporarily unavailable")

    monkeypatch.setattr(asyncio, "create_subprocess_exec", refuse)

    with pytest.raises(WorkerLostError, match="Resource temporarily unavailable"):
        await Sandbox.start(workers=1)
