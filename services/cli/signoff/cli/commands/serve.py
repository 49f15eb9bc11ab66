"""``signoff serve``."""

import asyncio
import os
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any

import msgspec
from cyclopts import Parameter
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from signoff.cli.connection import KEY_FILE
from signoff.cli.environment import serve_to_end, server_settings
from signoff.cli.exits import CommandError, Exit
from signoff.cli.serving.example_people import KEYS, PEOPLE, add_people
from signoff.cli.serving.examples import Example, deploy_examples, read_examples, with_surroundings
from signoff.cli.terminal.output import Output
from signoff.client import DEFAULT_URL, AsyncClient
from signoff.events.errors import SignoffError
from signoff.runtime.secret import kept_secret
from signoff.runtime.server import install_signal_handlers
from signoff.runtime.settings import Settings


def serve(
    *,
    host: str | None = None,
    port: int | None = None,
    data: Path | None = None,
    blocks: str | None = None,
    examples: Annotated[bool, Parameter(negative="")] = False,
) -> Exit:
    """Run all of Signoff in this one process: gateway, executor and stream on one port.

    The log is an SQLite file in the data folder, unless SIGNOFF_DATABASE_URL and SIGNOFF_KAFKA name a
    PostgreSQL and a Kafka. On the first start a key is made and kept in the data folder.

    Args:
        host: The address to listen on, in place of SIGNOFF_HOST.
        port: The port, in place of SIGNOFF_PORT; 0 takes a free one.
        data: The data folder, in place of SIGNOFF_DATA.
        blocks: Modules with registered blocks, by commas, in place of SIGNOFF_BLOCKS.
        examples: Deploy the workflows in examples/, let them call this server, and make the people who decide
            in them.
    """
    modules = tuple(blocks.split(",")) if blocks else None
    settings = _complete(server_settings(host=host, port=port, data=data, blocks=modules))
    chosen = read_examples() if examples else []
    if examples:
        settings = with_surroundings(settings)
    return serve_to_end(_serve(settings, chosen), settings)


async def _serve(settings: Settings, examples: list[Example]) -> None:
    from signoff.cli.serving.embedded import serve_embedded  # noqa: PLC0415 - every service, only for this

    stop = asyncio.Event()
    install_signal_handlers(stop)

    async def ready(url: str) -> None:
        async with AsyncClient(url, api_key=settings.bootstrap_api_key) as client:
            if examples:
                await add_people(settings.data, client)
            await deploy_examples(examples, client)
        _tell(url, settings, [example.workflow_id for example in examples])

    await serve_embedded(settings, stop, ready=ready)


def _complete(settings: Settings) -> Settings:
    """The settings with a key, and with links that lead to this server."""
    changes: dict[str, Any] = {}
    try:
        if settings.bootstrap_api_key is None:
            changes["bootstrap_api_key"] = kept_secret(settings.data, KEY_FILE)
    except SignoffError as error:
        raise CommandError(str(error)) from error
    if settings.public_url is None and settings.port and not _is_wildcard(settings.host):
        changes["public_url"] = f"http://{settings.host}:{settings.port}"
    return msgspec.structs.replace(settings, **changes)


def _is_wildcard(host: str) -> bool:
    try:
        return ip_address(host).is_unspecified
    except ValueError:
        return False


def _tell(url: str, settings: Settings, examples: list[str]) -> None:
    """Where the server is and how to talk to it; the key is shown to people only, not to log files."""
    output = Output()
    if not output.is_terminal:
        output.line(
            {"url": url, "data": str(settings.data.absolute()), "pid": os.getpid(), "examples": examples}
        )
        return
    rows = {
        "Signoff": f"{url} (sign in with the key below)",
        "API": f"{url}/docs",
        "key": settings.bootstrap_api_key or "",
        "data": str(settings.data),
        "log": "PostgreSQL" if settings.database_url else "SQLite",
        "bus": f"Kafka at {settings.kafka}" if settings.kafka else "in this process",
        "pid": str(os.getpid()),
    }
    table = Table.grid(padding=(0, 2))
    for name, value in rows.items():
        table.add_row(Text(name, "dim"), Text(value))
    output.show(Panel(table, expand=False, subtitle="Ctrl-C stops it"))
    where = "" if url == DEFAULT_URL else f"SIGNOFF_URL={url} "
    for example in examples:
        command = f"{where}signoff run {example} --watch --input @examples/{example}/input.json"
        output.show(Text(command, overflow="fold"))
    if examples:
        _tell_of_deciding(where, settings, output)


def _tell_of_deciding(where: str, settings: Settings, output: Output) -> None:
    """How to see what waits for a decision and what was decided, and how to be one of those who decide."""
    names = ", ".join(person.name for person in PEOPLE)
    output.show(Text("\nWhat waits for a decision, and how to take one:", "dim"))
    output.show(Text(f"{where}signoff inbox list", overflow="fold"))
    output.show(Text(f"{where}signoff resume EXECUTION", overflow="fold"))
    output.show(Text("\nWhat happened, and who decided what:", "dim"))
    output.show(Text(f"{where}signoff audit show EXECUTION", overflow="fold"))
    output.show(Text(f"\nAs one of the people of the examples ({names}):", "dim"))
    output.show(
        Text(f"export {where}SIGNOFF_API_KEY=$(cat {settings.data / KEYS / PEOPLE[0].name})", overflow="fold")
    )
