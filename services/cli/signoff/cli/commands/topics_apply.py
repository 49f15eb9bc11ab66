"""``signoff topics apply``: what prepares a broker."""

import asyncio
import sys
from collections.abc import Iterator
from typing import Annotated, Any, Final

import msgspec
from cyclopts import Parameter

from signoff.cli.environment import require_cluster, server_settings
from signoff.cli.exits import CommandError, Exit
from signoff.cli.terminal.output import Output
from signoff.events.bus import open_bus
from signoff.events.errors import SignoffError
from signoff.events.topics import EXECUTIONS
from signoff.events.topology import Alteration, Creation, Plan, carry_out, make_plan
from signoff.runtime.logs import configure_logs
from signoff.runtime.settings import Settings

_DAY: Final = 24 * 3_600_000


def topics_apply(
    *,
    replication: int | None = None,
    retention_days: int | None = None,
    dry_run: Annotated[bool, Parameter(negative="")] = False,
) -> Exit:
    """Create the topics that do not exist, and bring the settings of the others to what is wanted.

    It tells what differs before it changes it. Partitions and copies of a topic that exists are never
    changed, and a retention that somebody has made longer stays.

    Args:
        replication: Copies of each partition of a new topic, 1 without it: 3 on a cluster of brokers that
            must lose nothing.
        retention_days: Days that signoff.executions keeps events for consumers, at least 7. The log keeps
            them for ever.
        dry_run: Only tell what differs; exit code 1 when something does.
    """
    settings = server_settings()
    require_cluster(settings, database=False)
    configure_logs(settings, stream=sys.stderr)
    retention = None if retention_days is None else {EXECUTIONS: retention_days * _DAY}
    try:
        plan = asyncio.run(_apply(settings, replication, retention, Output(), dry_run=dry_run))
    except ValueError as error:
        raise CommandError(str(error)) from error
    except SignoffError as error:
        raise CommandError(str(error), code=Exit.REFUSED) from error
    return Exit.FAILED if dry_run and not plan.is_empty else Exit.OK


async def _apply(
    settings: Settings,
    replication: int | None,
    retention: dict[str, int] | None,
    output: Output,
    *,
    dry_run: bool,
) -> Plan:
    bus = await open_bus(settings.bus_url)
    try:
        plan = await make_plan(bus, replication=replication, retention_ms=retention)
        if output.is_terminal:
            _show(plan, output)
        if not dry_run:
            await carry_out(bus, plan)
    finally:
        await bus.close()
    if not output.is_terminal:
        _list(plan, output, applied=not dry_run)
    elif not dry_run and not plan.is_empty:
        output.either(None, "applied")
    return plan


def _show(plan: Plan, output: Output) -> None:
    for change in _changes(plan):
        output.either(None, _words(change))
    for remark in plan.remarks:
        output.either(None, remark)
    if plan.is_empty:
        output.either(None, "all topics are as they should be")


def _list(plan: Plan, output: Output, *, applied: bool) -> None:
    for change in _changes(plan):
        action = "create" if isinstance(change, Creation) else "alter"
        record: dict[str, Any] = msgspec.to_builtins(change)
        output.line({"action": action, **record, "applied": applied})
    for remark in plan.remarks:
        output.line({"action": None, "remark": remark, "applied": False})
    if plan.is_empty:
        output.line({"action": None, "topic": None, "applied": False})


def _changes(plan: Plan) -> Iterator[Creation | Alteration]:
    yield from plan.creations
    yield from plan.alterations


def _words(change: Creation | Alteration) -> str:
    if isinstance(change, Alteration):
        return f"alter {change.topic}: {change.setting} from {change.found} to {change.wanted}"
    settings = ", ".join(f"{name}={value}" for name, value in change.configs.items())
    return f"create {change.topic}: {change.partitions} partitions, {change.replication} copies, {settings}"
