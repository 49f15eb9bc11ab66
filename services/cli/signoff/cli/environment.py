"""The settings of a server command: from its environment and options, checked."""

import os
import sys
from typing import Any

import msgspec

from signoff.cli.exits import CommandError, Exit
from signoff.runtime.errors import SettingsError
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
