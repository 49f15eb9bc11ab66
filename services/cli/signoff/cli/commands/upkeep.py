"""``signoff migrate``: what prepares a database."""

import asyncio
import sys

from signoff.cli.environment import server_settings
from signoff.cli.exits import CommandError, Exit
from signoff.cli.terminal.output import Output
from signoff.events.errors import SignoffError
from signoff.events.store import open_store
from signoff.events.topics import PARTITIONS
from signoff.runtime.logs import configure_logs


def migrate() -> Exit:
    """Bring the schema of the database up to date, and say what was done.

    It may run while services run, and twice at once: the second waits and finds nothing left to do.
    """
    settings = server_settings()
    configure_logs(settings, stream=sys.stderr)

    async def apply() -> list[str]:
        store = await open_store(settings.store_url)
        try:
            return await store.migrate(partitions=PARTITIONS)
        finally:
            await store.close()

    try:
        _tell(asyncio.run(apply()), Output())
    except SignoffError as error:
        raise CommandError(str(error), code=Exit.REFUSED) from error
    return Exit.OK


def _tell(migrated: list[str], output: Output) -> None:
    for name in migrated:
        output.either({"migration": name, "applied": True}, f"applied migration {name}")
    if not migrated:
        output.either({"migration": None, "applied": False}, "the schema is up to date")
