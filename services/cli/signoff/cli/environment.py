"""What server commands have in common: settings from environment and options, and running to an end."""

import os
import sys
from collections.abc import Coroutine
from typing import Any

import msgspec

from signoff.blocks import BlockError
from signoff.cli.exits import CommandError, Exit
from signoff.client import ClientError
from signoff.events import faults
from signoff.events.errors import SignoffError
from signoff.runtime.errors import SettingsError
from signoff.runtime.logs import configure_logs
from signoff.runtime.server import run
from signoff.runtime.settings import Settings, unknown_settings


def server_settings(**given: Any) -> Settings:
    """The settings, with what options of the command line say in place of the environment.

    Args:
        **given: fields of :class:`Settings`; ``None`` is an option that was not given.

    Raises:
        CommandError: a setting cannot be used.
    """
    try:
        settings = Settings.from_environment(os.environ)
    except SettingsError as error:
        raise CommandError(str(error)) from error
    for warning in unknown_settings(os.environ):
        print(f"signoff: {warning}", file=sys.stderr)  # noqa: T201 - before there are logs
    changes = {name: value for name, value in given.items() if value is not None}
    return msgspec.structs.replace(settings, **changes)


def require_cluster(settings: Settings, *, database: bool = True, broker: bool = True) -> None:
    """Make sure that a command that works on a cluster knows its database and its broker.

    Raises:
        CommandError: names what is not set.
    """
    missing = [
        name
        for name, wanted, value in (
            ("SIGNOFF_DATABASE_URL", database, settings.database_url),
            ("SIGNOFF_KAFKA", broker, settings.kafka),
        )
        if wanted and value is None
    ]
    if missing:
        raise CommandError(
            f"set {' and '.join(missing)}; `signoff serve` is the server that needs neither", code=Exit.USAGE
        )


def require_log(settings: Settings) -> None:
    """Make sure that a command which only looks finds a log.

    Raises:
        CommandError: names the folder that has none, and what to set.
    """
    folder = settings.data.absolute()
    if settings.database_url is None and not (folder / "signoff.db").exists():
        raise CommandError(
            f"there is no log in {folder}: set SIGNOFF_DATA as the server has it; for a cluster "
            "SIGNOFF_DATABASE_URL and SIGNOFF_KAFKA, too"
        )


def require_data(settings: Settings) -> None:
    """Make sure that a command finds all that servers keep.

    Raises:
        CommandError: names what is not there, and what to set.
    """
    require_log(settings)
    folder = settings.data.absolute()
    missing = [
        name
        for name, value, kept in (
            ("SIGNOFF_SECRET_KEY", settings.secret_key, "secret.key"),
            ("SIGNOFF_BLOBS", settings.blobs, "blobs"),
        )
        if settings.database_url is not None and value is None and not (folder / kept).exists()
    ]
    if missing:
        raise CommandError(
            f"{folder} is not the data folder of these services: set {' and '.join(missing)}, or "
            "SIGNOFF_DATA, as they have it"
        )


def serve_to_end(server: Coroutine[Any, Any, None], settings: Settings) -> Exit:
    """Run a server until it is stopped, its logs on standard error.

    Raises:
        CommandError: it cannot run; says what to change.
    """
    configure_logs(settings, stream=sys.stderr)
    try:
        faults.install_from(settings.faults or "")
        run(server)
    except (SignoffError, BlockError, ClientError) as error:
        raise CommandError(str(error), code=Exit.REFUSED) from error
    return Exit.OK
