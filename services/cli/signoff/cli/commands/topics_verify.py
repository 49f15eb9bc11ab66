"""``signoff topics verify``: whether the topic says what the log says."""

import asyncio
import os
import sys
from contextlib import aclosing
from typing import Annotated, Any, Final

import msgspec
from cyclopts import Parameter
from rich.text import Text

from signoff.audit.verify.topic import TopicCompared
from signoff.cli.auditing.chosen import Partitions, logs_named, moment_of
from signoff.cli.auditing.telling import tell_fault, tell_verdict
from signoff.cli.auditing.topic_parts import compare_topic, parts_of
from signoff.cli.auditing.units import Selection
from signoff.cli.environment import require_cluster, server_settings
from signoff.cli.exits import CommandError, Exit
from signoff.cli.terminal.output import Output
from signoff.events.errors import SignoffError
from signoff.events.store import open_store
from signoff.events.times import iso
from signoff.runtime.logs import configure_logs
from signoff.runtime.settings import Settings

_EACH: Final = Parameter(consume_multiple=True, negative="")


def topics_verify(
    *,
    partition: Partitions = None,
    since: str | None = None,
    execution: Annotated[list[str] | None, _EACH] = None,
    processes: int | None = None,
) -> Exit:
    """Compare signoff.executions with the log: what is missing, out of order or other than logged is named.

    It only reads, with the right to SELECT alone. Repeated records with equal bytes are counted; what
    retention took away and what is not relayed yet is no fault. Exit code 1 when something is wrong.

    Args:
        partition: Only these partitions.
        since: Only what was published since this moment, ISO 8601; without an offset it is UTC.
        execution: Only these executions.
        processes: How many work at once; as many as processors.
    """
    settings = server_settings()
    require_cluster(settings)
    configure_logs(settings, stream=sys.stderr)
    began = None if since is None else moment_of(since, "--since")
    try:
        compared = asyncio.run(
            _verify(
                settings,
                partitions=tuple(partition or ()),
                since=began,
                executions=tuple(execution or ()),
                processes=processes or os.cpu_count() or 1,
            )
        )
    except SignoffError as error:
        raise CommandError(str(error), code=Exit.REFUSED) from error
    return Exit.FAILED if compared.faults else Exit.OK


async def _verify(
    settings: Settings,
    *,
    partitions: tuple[int, ...],
    since: float | None,
    executions: tuple[str, ...],
    processes: int,
) -> TopicCompared:
    logs = await _logs(settings, executions) if executions else ()
    selection = Selection(logs=logs, since=None if since is None else iso(since), partitions=partitions)
    output, compared, parts = Output(), TopicCompared(), len(parts_of(selection))
    async with aclosing(compare_topic(settings, selection, processes=processes)) as working:
        finished = 0
        async for done in working:
            finished += 1
            compared.add(done.compared)
            for fault in done.faults:
                tell_fault(output, fault)
            if output.is_terminal and parts > 1:
                told = f"{finished} of {parts} parts, {compared.records} records"
                output.unbroken(Text(told, style="dim"))
    _summarise(output, compared)
    return compared


async def _logs(settings: Settings, executions: tuple[str, ...]) -> tuple[Any, ...]:
    store = await open_store(settings.store_url)
    try:
        return await logs_named(store, executions)
    finally:
        await store.close()


def _summarise(output: Output, compared: TopicCompared) -> None:
    if not output.is_terminal:
        output.line({"ok": not compared.faults, **msgspec.to_builtins(compared)})
        return
    looked_at = (
        f"{compared.records} records, {compared.repeats} of them repeats; {compared.events} events, "
        f"{compared.behind} more are not on the topic yet, {compared.expired} no longer"
    )
    tell_verdict(output, compared.faults, looked_at)
