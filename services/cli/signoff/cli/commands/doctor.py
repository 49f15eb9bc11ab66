"""``signoff doctor``."""

import asyncio
import sys

from rich.text import Text

from signoff.cli.environment import server_settings
from signoff.cli.examination import Finding, examine
from signoff.cli.exits import CommandError, Exit
from signoff.cli.output import Output
from signoff.events.bus import open_bus
from signoff.events.errors import SignoffError
from signoff.events.store import open_store
from signoff.runtime.logs import configure_logs
from signoff.runtime.settings import Settings


def doctor() -> Exit:
    """Look whether all is well: schema, leases, topics, dead commands, broken executions.

    It reads the settings of a server and changes nothing. Exit code 1 when something is wrong.
    """
    settings = server_settings()
    configure_logs(settings, stream=sys.stderr)
    try:
        findings = asyncio.run(_examine(settings))
    except SignoffError as error:
        raise CommandError(str(error), code=Exit.REFUSED) from error
    output = Output()
    for finding in findings:
        _tell(finding, output)
    return Exit.OK if all(finding.ok for finding in findings) else Exit.FAILED


async def _examine(settings: Settings) -> list[Finding]:
    store = await open_store(settings.store_url)
    try:
        bus = await open_bus(settings.bus_url) if settings.kafka else None
        try:
            return [finding async for finding in examine(store, bus)]
        finally:
            if bus is not None:
                await bus.close()
    finally:
        await store.close()


def _tell(finding: Finding, output: Output) -> None:
    if output.is_terminal:
        sign, style = ("✓", "green") if finding.ok else ("✗", "red")
        output.show(Text.assemble((f"{sign} {finding.subject}", style), f"  {finding.detail}"))
    else:
        output.line(finding)
