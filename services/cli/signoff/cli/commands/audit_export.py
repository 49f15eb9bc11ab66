"""``signoff audit export``."""

import asyncio
import sys
from pathlib import Path
from typing import Annotated, Final, Literal
from urllib.parse import quote, urlsplit
from uuid import UUID

from cyclopts import Parameter
from msgspec import Struct
from rich.text import Text

from signoff.audit.export.errors import TargetError
from signoff.audit.export.exporter import Exported, Exporter
from signoff.audit.export.selection import Selection
from signoff.audit.export.target import Done, Options, Target
from signoff.cli.auditing.chosen import recorded_moment, require_known
from signoff.cli.environment import require_log, server_settings
from signoff.cli.exits import CommandError, Exit
from signoff.cli.terminal.output import Output
from signoff.events.errors import BlobError, SignoffError
from signoff.events.objects import Objects
from signoff.events.store import open_store
from signoff.runtime.logs import configure_logs
from signoff.runtime.settings import Settings

_SCHEMES: Final = frozenset({"file", "s3", "gs", "az"})


class Written(Struct, frozen=True, kw_only=True, rename="camel"):
    """A batch, for programs."""

    batch: int
    events: int
    files: list[str]
    position: int


def export(
    target: str,
    *,
    format_: Annotated[Literal["jsonl", "parquet"], Parameter(name="--format")] = "jsonl",
    workflow: str | None = None,
    workspace: UUID | None = None,
    since: str | None = None,
) -> Exit:
    """Write the events of the log to files, by days, and go on where the last time ended.

    It reads the settings of a server, and its database with the right to SELECT alone. Called again with
    the same target it adds what was appended since; after a break, however it came, it goes on. The
    options of a target stay what they were at first.

    Args:
        target: A folder, or the URL of an object store: s3://bucket/prefix, gs://…, az://….
        format_: JSON lines, each the very bytes of an event, or Parquet (pip install 'signoff[export]').
        workflow: Only the executions and deployments of this workflow.
        workspace: Only the executions and workflows of this workspace, by its id.
        since: Only events since this moment, ISO 8601; without an offset it is UTC.
    """
    settings = server_settings()
    configure_logs(settings, stream=sys.stderr)
    chosen = Selection(workspace=workspace, workflow=workflow, since=recorded_moment(since, "--since"))
    options, output = Options(format=format_, selection=chosen), Output()
    url = _url(target)
    require_log(settings)
    try:
        exported = asyncio.run(_export(settings, url, target, options, output))
    except TargetError as error:
        raise CommandError(str(error)) from error
    except SignoffError as error:
        raise CommandError(str(error), code=Exit.REFUSED) from error
    _tell_summary(exported, target, output)
    return Exit.OK


async def _export(settings: Settings, url: str, place: str, options: Options, output: Output) -> Exported:
    store = await open_store(settings.store_url, read_only=True)
    try:
        chosen = options.selection
        await require_known(store, workflow=chosen.workflow, workspace=chosen.workspace)
        target = Target(await asyncio.to_thread(_opened, url, place), name=place)
        # pyarrow may have to be imported, which takes a while.
        exporter = await asyncio.to_thread(
            Exporter, store, target, options, tell=lambda done: _tell(done, output)
        )
        return await exporter.run()
    finally:
        await store.close()


def _url(place: str) -> str:
    if urlsplit(place).scheme in _SCHEMES:
        return place
    if "://" in place:
        raise CommandError(f"{place} is no place to export to: give a folder, or s3://…, gs://… or az://…")
    return f"file://{quote(str(Path(place).absolute()))}"


def _opened(url: str, place: str) -> Objects:
    try:
        return Objects.open(url)
    except BlobError as error:
        raise TargetError(f"{place} cannot be written: {str(error).partition(': ')[2]}") from error


def _tell(done: Done, output: Output) -> None:
    if output.is_terminal:
        output.unbroken(Text(f"{done.events:,} events up to position {done.upto:,}", style="dim"))
    else:
        files = [file.path for file in done.files]
        output.line(Written(batch=done.number, events=done.events, files=files, position=done.upto))


def _tell_summary(exported: Exported, place: str, output: Output) -> None:
    if output.is_terminal:
        files = "1 file" if exported.files == 1 else f"{exported.files:,} files"
        said = (
            f"{exported.events:,} events in {files} ({exported.size:,} bytes); "
            f"{place} goes up to position {exported.position:,}"
        )
        output.unbroken(Text(said))
    else:
        output.line(exported)
