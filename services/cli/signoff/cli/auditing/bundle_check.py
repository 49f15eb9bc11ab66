"""``signoff audit verify FILE``: a bundle checked where it lies."""

from pathlib import Path

from msgspec import Struct
from rich.text import Text

from signoff.audit.bundle.check import BundleReport, verify_bundle
from signoff.audit.bundle.layout import ExecutionEntry
from signoff.audit.checkpoints.checkpoint import CheckpointError
from signoff.audit.checkpoints.signing import Keyring
from signoff.cli.auditing.telling import tell_fault, tell_verdict
from signoff.cli.exits import CommandError, Exit
from signoff.cli.terminal.output import Output


class Summary(Struct, frozen=True, kw_only=True, rename="camel"):
    """What a bundle shows, for programs.

    Attributes:
        ok: nothing was found.
        faults: how many were.
        events: that were read.
        executions: of the bundle, and where each stood.
        keys: ids of the public keys in it.
        checked: what was checked, in words.
        not_shown: what this cannot show, in sentences.
    """

    ok: bool
    faults: int
    events: int
    executions: list[ExecutionEntry]
    keys: list[str]
    checked: list[str]
    not_shown: list[str]


def check_bundle(file: Path, keys: Path | None, output: Output) -> Exit:
    """Check a bundle, and tell of each fault; without network or database.

    Args:
        file: the bundle.
        keys: the server's public keys (JWKS), from elsewhere.
        output: where faults go.

    Raises:
        CommandError: there is no such file, or there are no keys in it.
    """
    if not file.is_file():
        raise CommandError(f"there is no file {file}; executions are named with --execution")
    report = verify_bundle(file, keys=None if keys is None else _keyring(keys))
    for fault in report.faults:
        tell_fault(output, fault)
    if output.is_terminal:
        _tell_people(report, output)
    else:
        output.line(_summary(report))
    return Exit.FAILED if report.faults else Exit.OK


def _keyring(path: Path) -> Keyring:
    try:
        return Keyring.read(path.read_bytes())
    except (OSError, CheckpointError) as error:
        raise CommandError(f"{path}: {error}") from error


def _summary(report: BundleReport) -> Summary:
    return Summary(
        ok=not report.faults, faults=len(report.faults), events=report.events, executions=report.executions,
        keys=report.keys, checked=report.checked, not_shown=report.not_shown,
    )  # fmt: skip


def _tell_people(report: BundleReport, output: Output) -> None:
    tell_verdict(output, len(report.faults), f"{report.events} events")
    for entry in report.executions:
        said = f"  {entry.execution_id} of {entry.workflow_id} {entry.workflow_version}: {entry.status}"
        output.unbroken(Text(f"{said} after event {entry.head.event_id}"))
    for checked in report.checked:
        output.unbroken(Text(f"  checked: {checked}"))
    for sentence in report.not_shown:
        output.unbroken(Text(f"  not shown: {sentence}"))
