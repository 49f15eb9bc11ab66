"""The `signoff` command. Each command's module is imported only when it is called."""

import os
import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Final

from cyclopts import App, CycloptsError, Group, Parameter

from signoff.cli.catalog import Chapter, Command, Family
from signoff.cli.chapters.audit import AUDIT
from signoff.cli.chapters.decisions import DECISIONS
from signoff.cli.chapters.people import PEOPLE
from signoff.cli.chapters.servers import SERVERS, UPKEEP
from signoff.cli.chapters.work import WORK
from signoff.cli.chapters.workspace import WORKSPACE
from signoff.cli.exits import CommandError, Exit
from signoff.cli.terminal.harmless import harmless

CHAPTERS: Final[Mapping[str, Chapter]] = {
    "Work": WORK,
    "Decisions": DECISIONS,
    "Workspace": WORKSPACE,
    "People": PEOPLE,
    "Servers": SERVERS,
    "Upkeep": UPKEEP,
    "Audit": AUDIT,
}
"""All commands, by the headings that the help puts them under."""

_EPILOGUE: Final = (
    "Commands find the server by SIGNOFF_URL (http://127.0.0.1:8080) and act with SIGNOFF_API_KEY, or with "
    "the key that `signoff serve` keeps in its data folder, in the workspace SIGNOFF_WORKSPACE where the key "
    "may act in several. Results are JSON lines where standard output is "
    "no terminal.\n\n"
    "Exit codes: 0 done, 1 the execution failed, or what was checked has faults, 2 wrong usage, 3 the server "
    "refused or is away, 4 paused."
)


def build(arguments: Sequence[str] = ()) -> App:
    """The command line, nothing imported yet.

    Args:
        arguments: that it will be called with: the command that they name explains itself, in full; the
            others are a line in a list.
    """
    app = App(
        name="signoff",
        help="Workflows that stop for people, and a record that proves what happened.",
        help_epilogue=_EPILOGUE,
        help_format="plaintext",
        default_parameter=Parameter(negative=""),
        version=lambda: version("signoff"),
        suppress_keyboard_interrupt=False,
        error_formatter=lambda error: f"signoff: {error}",
    )
    for at, (heading, chapter) in enumerate(CHAPTERS.items()):
        group = Group(heading, sort_key=at)
        for entry in chapter:
            if isinstance(entry, Command):
                _add(app, entry, group, named=arguments[:1] == [entry.name])
            else:
                _add_family(app, entry, group, arguments)
    return app


def _add_family(app: App, family: Family, group: Group, arguments: Sequence[str]) -> None:
    sub = App(name=family.name, help=family.summary, help_epilogue="", group=group)
    for command in family.commands:
        _add(sub, command, None, named=arguments[:2] == [family.name, command.name])
    app.command(sub)


def _add(app: App, command: Command, group: Group | None, *, named: bool) -> None:
    examples = "".join(f"\n    {example}" for example in command.examples)
    app.command(
        f"signoff.cli.commands.{command.place}",
        name=command.name,
        help=None if named else command.summary,
        group=group,
        help_epilogue=f"Examples:\n{examples}" if examples else None,
    )


def main() -> None:
    """Run the command that the arguments name, and exit with its code."""
    sys.exit(call(sys.argv[1:]))


def call(arguments: list[str]) -> Exit:
    """Run a command; what it says about errors goes to standard error, in one sentence."""
    try:
        ended: Exit | None = build(arguments)(arguments, result_action="return_value", exit_on_error=False)
    except CycloptsError:
        return Exit.USAGE  # printed already
    except CommandError as error:
        lines = (f"signoff: {error}", *(f"  {detail}" for detail in error.details))
        print(harmless("\n".join(lines)), file=sys.stderr)  # noqa: T201 - this is where errors are shown
        return error.code
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    except BrokenPipeError:
        return _reader_gone()
    return Exit.OK if ended is None else ended


def _reader_gone() -> Exit:
    """The program that read our output has ended, as ``head`` does: no fault of anybody."""
    # Otherwise the interpreter flushes what is left at its end, and complains that it cannot.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return Exit.OK
