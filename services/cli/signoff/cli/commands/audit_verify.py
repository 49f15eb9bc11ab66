"""``signoff audit verify``."""

import asyncio
import sys
from pathlib import Path
from typing import Annotated, Final

from cyclopts import Parameter
from cyclopts.validators import Number

from signoff.blocks import BlockError
from signoff.cli.auditing.bundle_check import check_bundle
from signoff.cli.auditing.chosen import Partitions, recorded_moment
from signoff.cli.auditing.units import Levels, Selection
from signoff.cli.auditing.verification import Options, verify_installation
from signoff.cli.environment import require_log, server_settings
from signoff.cli.exits import CommandError, Exit
from signoff.cli.terminal.output import Output
from signoff.events.errors import SignoffError
from signoff.runtime.logs import configure_logs
from signoff.runtime.settings import Settings

_EACH: Final = Parameter(consume_multiple=True, negative="")
_FLAG: Final = Parameter(negative="")


def verify(
    file: Path | None = None,
    *,
    execution: Annotated[list[str] | None, _EACH] = None,
    workflow: str | None = None,
    since: str | None = None,
    partition: Partitions = None,
    chain: Annotated[bool, _FLAG] = False,
    fold: Annotated[bool, _FLAG] = False,
    projections: Annotated[bool, _FLAG] = False,
    values: Annotated[bool, _FLAG] = False,
    topic: Annotated[bool, _FLAG] = False,
    checkpoints: Annotated[list[str] | None, _EACH] = None,
    accept_restore: Annotated[list[int] | None, _EACH] = None,
    keys: Path | None = None,
    resume: Path | None = None,
    processes: Annotated[int | None, Parameter(validator=Number(gte=1))] = None,
) -> Exit:
    """Check logs, rows, topic and checkpoints against each other, and name each fault.

    It reads the settings of a server, and its database with the right to SELECT alone; it changes
    nothing. Without options that say what to check, it checks all that is at hand. Exit code 1 when
    something is wrong.

    With a file it checks that alone: a bundle, as `signoff audit bundle` fetches it, without network or
    database. Of the options only --keys is for it.

    Args:
        file: The bundle of an execution to check, in place of the server's log.
        execution: Only these executions, by their ids or those of their logs or runs. An id that a caller
            chose is looked for in the default workspace; in others an execution is named by its log.
        workflow: Only the executions and deployments of this workflow.
        since: Only what began since this moment, ISO 8601; without an offset it is UTC.
        partition: Only these partitions.
        chain: The chain: bytes, numbers, hashes, places and times of events.
        fold: The chain, and that events can have followed on each other.
        projections: The same, and that rows are what follows from the log.
        values: The chain and the fold, and that large values are in the object store as events name them.
        topic: That the topic says what the log says.
        checkpoints: Hold the log against the checkpoints in this folder or URL, besides those of the server:
            a copy that nobody could change who could change the log.
        accept_restore: The database was restored before this checkpoint was made, and you know of it: what
            earlier ones say of the positions that it covers anew is no fault. Give the number that the fault
            names.
        keys: The server's public keys (JWKS), where its secret is not at hand.
        resume: Keep in this file how far it came, and go on from there.
        processes: How many work at once; as many as processors.
    """
    asked = chain or fold or projections or values or topic
    if file is not None:
        seals = checkpoints or accept_restore
        if asked or execution or workflow or since or partition or seals or resume or processes:
            raise CommandError("a bundle is checked whole: of the options only --keys goes with a file")
        return check_bundle(file, keys, Output())
    settings = server_settings()
    configure_logs(settings, stream=sys.stderr)
    if topic and settings.kafka is None:
        raise CommandError("--topic compares the broker's topic with the log: set SIGNOFF_KAFKA")
    if values and not _has_values(settings):
        raise CommandError("--values reads the object store: set SIGNOFF_BLOBS as the servers have it")
    options = Options(
        levels=Levels(
            fold=fold or projections or values or not asked,
            projections=projections or not asked,
            values=values or (not asked and _has_values(settings)),
        ),
        selection=Selection(
            workflow=workflow,
            since=recorded_moment(since, "--since"),
            partitions=tuple(partition or ()),
        ),
        executions=tuple(execution or ()),
        logs=chain or fold or projections or values or not asked,
        topic=topic or not asked,
        checkpoints=tuple(checkpoints or ()),
        accepted=tuple(accept_restore or ()),
        keys=keys,
        resume=resume,
        processes=processes,
    )
    require_log(settings)
    try:
        return asyncio.run(verify_installation(settings, options, Output()))
    except (SignoffError, BlockError) as error:
        raise CommandError(str(error), code=Exit.REFUSED) from error


def _has_values(settings: Settings) -> bool:
    """Whether large values are at hand: those of a cluster are where somebody said, or are not known."""
    is_known = settings.database_url is None or settings.blobs is not None
    return is_known or (settings.data / "blobs").is_dir()
