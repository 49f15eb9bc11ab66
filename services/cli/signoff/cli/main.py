"""The `signoff` command. Each command's module is imported only when it is called."""

import os
import sys
from importlib.metadata import version
from typing import Final

from cyclopts import App, CycloptsError, Group
from msgspec import Struct

from signoff.cli.exits import CommandError, Exit
from signoff.cli.people_commands import PEOPLE


class _Command(Struct, frozen=True):
    """``place`` is module and function; ``examples`` stand below the help."""

    name: str
    place: str
    summary: str
    examples: tuple[str, ...] = ()


_WORK: Final = (
    _Command(
        "deploy",
        "deploy:deploy",
        "Make workflow definitions the next version of their workflows.",
        (
            "signoff deploy examples/refund-approval/workflow.yaml",
            "signoff deploy exported.json --id onboarding",
        ),
    ),
    _Command(
        "rollback",
        "rollback:rollback",
        "Let an earlier version of a workflow take the executions again.",
        ("signoff rollback refund-approval --to 3",),
    ),
    _Command(
        "lint",
        "lint:lint",
        "Find what is wrong with workflow definitions, without a server.",
        (
            "signoff lint examples/*/workflow.yaml",
            "signoff lint exported.json --json | jq .message",
        ),
    ),
    _Command(
        "run",
        "run:run",
        "Start a workflow, wait until it ends or pauses, and print what came of it.",
        (
            """signoff run refund-approval --input '{"amount": 80, "customer": "Ada"}'""",
            "signoff run refund-approval --id refund-1 --input @examples/refund-approval/input.json --watch",
            "echo '{\"amount\": 80}' | signoff run refund-approval --input - | jq .output",
            "signoff run refund-approval --from-block pay",
        ),
    ),
    _Command(
        "watch",
        "watch:watch_execution",
        "Show an execution from its first event on, and each new one as it happens.",
        ("signoff watch 0198c1f0-7d3e-7c1a-9f7e-1f2e3d4c5b6a --follow",),
    ),
    _Command(
        "resume",
        "resume:resume",
        "Decide what a paused execution waits for.",
        (
            """signoff resume 0198c1f0-7d3e-7c1a-9f7e-1f2e3d4c5b6a --input '{"approved": true}'""",
            "signoff resume 0198c1f0-7d3e-7c1a-9f7e-1f2e3d4c5b6a lawyer --input @decision.json --watch",
        ),
    ),
    _Command(
        "retry",
        "retry:retry",
        "Try a failed execution again, from what failed.",
        ("""signoff retry 0198c1f0-7d3e-7c1a-9f7e-1f2e3d4c5b6a --reason 'the bank is back' --watch""",),
    ),
    _Command(
        "cancel",
        "cancel:cancel",
        "Stop an execution, whether it runs or waits for somebody.",
        ("signoff cancel 0198c1f0-7d3e-7c1a-9f7e-1f2e3d4c5b6a",),
    ),
)
_SERVERS: Final = (
    _Command(
        "serve",
        "serve:serve",
        "Run all of Signoff in this one process: nothing else to install.",
        (
            "signoff serve --examples",
            "signoff serve --port 9000 --data /var/lib/signoff --blocks my_company.blocks",
        ),
    ),
    _Command(
        "mcp",
        "mcp:mcp",
        "Let an AI agent start workflows, follow them and see what waits for people.",
        ("signoff mcp", "signoff mcp --http 127.0.0.1:8765 --decide-with-key-env APPROVER_KEY"),
    ),
    _Command("gateway", "services:gateway", "Run one gateway of a cluster.", ("signoff gateway",)),
    _Command("executor", "services:executor", "Run one executor of a cluster.", ("signoff executor",)),
    _Command("stream", "services:stream", "Run one stream service of a cluster.", ("signoff stream",)),
)
_UPKEEP: Final = (
    _Command("migrate", "upkeep:migrate", "Bring the database's schema up to date.", ("signoff migrate",)),
    _Command(
        "doctor",
        "doctor:doctor",
        "Look whether database, broker, leases and executions are well.",
        ("signoff doctor",),
    ),
    _Command("version", "version:version", "Print the versions of Signoff, Python and the drivers."),
)

_EPILOGUE: Final = (
    "Commands find the server by SIGNOFF_URL (http://127.0.0.1:8080) and act with SIGNOFF_API_KEY, or with "
    "the key that `signoff serve` keeps in its data folder. Results are JSON lines where standard output is "
    "no terminal.\n\n"
    "Exit codes: 0 done, 1 the execution failed or a file has faults, 2 wrong usage, 3 the server refused or "
    "is away, 4 paused."
)


def build() -> App:
    """The command line, nothing imported yet."""
    app = App(
        name="signoff",
        help="Workflows that stop for people, and a record that proves what happened.",
        help_epilogue=_EPILOGUE,
        help_format="plaintext",
        version=lambda: version("signoff"),
        suppress_keyboard_interrupt=False,
        error_formatter=lambda error: f"signoff: {error}",
    )
    work, people, servers, upkeep = (
        Group(name, sort_key=at) for at, name in enumerate(("Work", "People", "Servers", "Upkeep"))
    )
    for group, commands in ((work, _WORK), (servers, _SERVERS), (upkeep, _UPKEEP)):
        for command in commands:
            _add(app, command, group)
    for name, (summary, entries) in PEOPLE.items():
        family = App(name=name, help=summary, help_epilogue="", group=people)
        for called, place, told, example in entries:
            _add(family, _Command(called, place, told, (example,)), None)
        app.command(family)
    topics = App(name="topics", help="Look after the broker's topics.", help_epilogue="", group=upkeep)
    _add(
        topics,
        _Command(
            "apply",
            "upkeep:apply_topics",
            "Create the topics that do not exist.",
            ("signoff topics apply", "signoff topics apply --replication 3"),
        ),
        None,
    )
    app.command(topics)
    new = App(name="new", help="Write the beginnings of something of your own.", help_epilogue="", group=work)
    _add(
        new,
        _Command(
            "block",
            "new:block",
            "Write a package with one registered block and its test.",
            ("signoff new block payments.refund", "signoff new block greet --directory blocks/greet"),
        ),
        None,
    )
    app.command(new)
    schema = App(name="schema", help="Print what documents must look like.", help_epilogue="", group=work)
    _add(
        schema,
        _Command(
            "definition",
            "schema:definition",
            "Print the JSON Schema of workflow definitions, for editors.",
            ("signoff schema definition > definition.schema.json",),
        ),
        None,
    )
    _add(
        schema,
        _Command(
            "openapi",
            "schema:openapi",
            "Print the OpenAPI document of the HTTP API.",
            ("signoff schema openapi > openapi.json",),
        ),
        None,
    )
    app.command(schema)
    return app


def _add(app: App, command: _Command, group: Group | None) -> None:
    examples = "".join(f"\n    {example}" for example in command.examples)
    app.command(
        f"signoff.cli.commands.{command.place}",
        name=command.name,
        help=command.summary,
        group=group,
        help_epilogue=f"Examples:\n{examples}" if examples else None,
    )


def main() -> None:
    """Run the command that the arguments name, and exit with its code."""
    sys.exit(call(sys.argv[1:]))


def call(arguments: list[str]) -> Exit:
    """Run a command; what it says about errors goes to standard error, in one sentence."""
    try:
        ended: Exit | None = build()(arguments, result_action="return_value", exit_on_error=False)
    except CycloptsError:
        return Exit.USAGE  # printed already
    except CommandError as error:
        lines = (f"signoff: {error}", *(f"  {detail}" for detail in error.details))
        print(*lines, sep="\n", file=sys.stderr)  # noqa: T201 - this is where errors are shown
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
