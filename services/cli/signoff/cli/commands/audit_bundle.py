"""``signoff audit bundle``."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from signoff.cli.connection import with_client
from signoff.cli.exits import Exit
from signoff.cli.terminal.output import Output
from signoff.client import AsyncClient


def bundle(
    execution: str,
    *,
    output: Annotated[Path | None, Parameter(name=["--output", "-o"])] = None,
    with_children: Annotated[bool, Parameter(negative="")] = False,
) -> Exit:
    """Fetch one execution as a signed file that proves itself without network or database.

    It takes the roles of an auditor or an administrator. `signoff audit verify FILE` checks the file.

    Args:
        execution: The execution's id.
        output: Where to write it; without it, the id with .zip, in this folder.
        with_children: Include the executions that it called.
    """
    to = output or Path(f"{execution}.zip")

    async def fetch(client: AsyncClient) -> Path:
        return await client.executions.handle(execution).bundle(to, with_children=with_children)

    written = with_client(fetch)
    size = written.stat().st_size
    Output().either({"file": str(written), "size": size}, f"{written} ({size:,} bytes)")
    return Exit.OK
