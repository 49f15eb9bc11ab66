"""``signoff doctor``."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Annotated, Final, TypeAlias

from cyclopts import Parameter
from rich.text import Text

from signoff.access.secrets.sealing import Sealer
from signoff.blocks import BlockError
from signoff.cli.environment import require_cluster, require_data, server_settings
from signoff.cli.examination import examine
from signoff.cli.exits import CommandError, Exit
from signoff.cli.terminal.output import Output
from signoff.cli.upkeep import dead
from signoff.cli.upkeep.comparison import Table
from signoff.cli.upkeep.configuration import examine_settings
from signoff.cli.upkeep.finding import Finding
from signoff.cli.upkeep.opening import Installation, opened
from signoff.cli.upkeep.rebuild import TABLES, Progress
from signoff.cli.upkeep.rebuild import rebuild as rebuild_rows
from signoff.events.errors import SignoffError
from signoff.runtime.logs import configure_logs
from signoff.runtime.secret import secret_keys
from signoff.runtime.settings import Settings

_EACH: Final = Parameter(consume_multiple=True, negative="")

Work: TypeAlias = Callable[[Installation], Awaitable[bool]]
"""Something done to an installation; gives whether all is well."""


def doctor(
    *,
    all: Annotated[bool, Parameter(negative="")] = False,  # noqa: A002 - as it is typed
    rebuild: Annotated[list[Table] | None, _EACH] = None,
    retry_dead: Annotated[list[str] | None, _EACH] = None,
    discard_dead: Annotated[list[str] | None, _EACH] = None,
) -> Exit:
    """Look whether all is well: configuration, schema, leases, topics, logs with their rows, dead commands.

    It reads the settings of a server: give it the environment of the executors. Without options it changes
    nothing. Exit code 1 when something is wrong.

    Args:
        all: Look at every log and its large values, not only at some.
        rebuild: Make rows from the log again where they are wrong, while services run: of these projections,
            or of all.
        retry_dead: Send commands that could not be decided again: those with these ids (or
            partition/offset), or all.
        discard_dead: Give such commands up: those with these ids (or partition/offset).
    """
    settings = server_settings()
    configure_logs(settings, stream=sys.stderr)
    output = Output()
    if sum(each is not None for each in (rebuild, retry_dead, discard_dead)) > 1:
        raise CommandError("use one of --rebuild, --retry-dead and --discard-dead at a time")
    if rebuild is not None:
        work = _rebuilding(rebuild or list(TABLES), output)
    elif retry_dead is not None:
        require_cluster(settings)
        work = _retrying(retry_dead, output)
    elif discard_dead is not None:
        if not discard_dead:
            raise CommandError("say which commands to give up; `signoff doctor` lists them")
        work = _discarding(discard_dead, output)
    else:
        work = _examining(settings, output, everything=all)
    require_data(settings)
    looks = rebuild is retry_dead is discard_dead is None
    return Exit.OK if _run(settings, work, read_only=looks) else Exit.FAILED


def _run(settings: Settings, work: Work, *, read_only: bool) -> bool:
    async def within() -> bool:
        async with opened(settings, read_only=read_only) as installation:
            return await work(installation)

    try:
        return asyncio.run(within())
    except LookupError as error:
        raise CommandError(str(error.args[0])) from error
    except (SignoffError, BlockError) as error:
        raise CommandError(str(error), code=Exit.REFUSED) from error


def _examining(settings: Settings, output: Output, *, everything: bool) -> Work:
    async def work(installation: Installation) -> bool:
        sealer = Sealer(await asyncio.to_thread(secret_keys, settings))
        well = True
        for finding in examine_settings(settings, os.environ):
            well &= _tell(finding, output)
        async for finding in examine(
            installation, sealer, everything=everything, checkpoint_every=settings.checkpoint_every
        ):
            well &= _tell(finding, output)
        return well

    return work


def _rebuilding(tables: list[Table], output: Output) -> Work:
    async def work(installation: Installation) -> bool:
        progress = Progress()
        with output.console.status("") as status:
            async for each in rebuild_rows(installation, tables, progress):
                status.update(f"{progress.looked_at} logs looked at, {progress.rebuilt} rebuilt")
                what = each.problem or f"rebuilt {', '.join(each.tables)}"
                output.either(each, f"log {each.log_id}: {what}")
        output.either(
            progress,
            f"{progress.looked_at} logs looked at: {progress.rebuilt} rebuilt, {progress.failed} could not",
        )
        return not progress.failed

    return work


def _retrying(names: list[str], output: Output) -> Work:
    async def work(installation: Installation) -> bool:
        commands = await dead.chosen(installation.store, names)
        if installation.bus is None:
            raise CommandError(
                "an embedded server's commands are within it: there is no topic to send them to"
            )
        return await _settle(dead.retry(installation, installation.bus, commands), output)

    return work


def _discarding(names: list[str], output: Output) -> Work:
    async def work(installation: Installation) -> bool:
        commands = await dead.chosen(installation.store, names)
        return await _settle(dead.discard(installation, commands), output)

    return work


async def _settle(settled: AsyncIterator[dead.Settled], output: Output) -> bool:
    well = True
    async for each in settled:
        well &= each.ok
        output.either(each, f"{each.command_id or each.place}: {each.detail}")
    return well


def _tell(finding: Finding, output: Output) -> bool:
    if output.is_terminal:
        sign, style = ("✓", "green") if finding.ok else ("✗", "red")
        output.show(Text.assemble((f"{sign} {finding.subject}", style), f"  {finding.detail}"))
    else:
        output.line(finding)
    return finding.ok
