"""``signoff lint``."""

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from signoff.blocks import BlockDefinitionError, Registry
from signoff.cli.arguments.linting import Remark, lint_file
from signoff.cli.exits import CommandError, Exit
from signoff.cli.terminal.output import Output
from signoff.client import Detail
from signoff.engine.definitions.catalog import BLOCK_TYPES
from signoff.gateway.workflows.definitions import Checking
from signoff.sandbox.errors import WorkerLostError
from signoff.sandbox.pool import Sandbox


def lint(
    *files: Path,
    blocks: str | None = None,
    as_json: Annotated[bool, Parameter(name="--json", negative="")] = False,
) -> Exit:
    """Find what is wrong with workflow definitions, without a server.

    Every fault and every warning is named with its line and its place, in the words of a deploy. The code in
    functions and conditions is checked, too, without being run.

    Args:
        files: YAML or JSON files, in Signoff's spelling or in one of Sim's.
        blocks: Modules with registered blocks, by commas, in place of SIGNOFF_BLOCKS.
        as_json: Print a JSON line for each, on a terminal too.
    """
    if not files:
        raise CommandError("name at least one file to check, such as examples/refund-approval/workflow.yaml")
    types = _types(os.environ.get("SIGNOFF_BLOCKS", "") if blocks is None else blocks)
    return asyncio.run(_lint(files, types, Output(), as_json=as_json))


async def _lint(files: Sequence[Path], types: Registry, output: Output, *, as_json: bool) -> Exit:
    faults = 0
    async with await _open_sandbox() as sandbox:
        for file in files:
            remarks = await lint_file(file, checking=Checking(types, sandbox))
            for remark in remarks:
                _show(remark, output, as_json=as_json)
            faults += sum(remark.severity == "fault" for remark in remarks)
            if not remarks and output.is_terminal and not as_json:
                output.console.print(f"{file}: nothing to remark", markup=False)
    return Exit.FAILED if faults else Exit.OK


async def _open_sandbox() -> Sandbox:
    try:
        return await Sandbox.start()
    except WorkerLostError as error:
        raise CommandError(f"code cannot be checked here: {error}", code=Exit.REFUSED) from error


def _types(modules: str) -> Registry:
    names = [name.strip() for name in modules.split(",") if name.strip()]
    try:
        return Registry.discover(names, reserved=tuple(BLOCK_TYPES))
    except BlockDefinitionError as error:
        raise CommandError(str(error)) from error


def _show(remark: Remark, output: Output, *, as_json: bool) -> None:
    if as_json or not output.is_terminal:
        output.line(remark)
        return
    where = remark.file if remark.line is None else f"{remark.file}:{remark.line}"
    said = Detail(remark.path, remark.message, remark.hint)
    output.console.print(f"{where}: {remark.severity}: {said}", markup=False, soft_wrap=True)
