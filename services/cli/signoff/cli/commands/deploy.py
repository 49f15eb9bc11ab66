"""``signoff deploy``."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from signoff.cli.arguments.documents import Document, read_document
from signoff.cli.connection import with_client
from signoff.cli.exits import CommandError, Exit
from signoff.cli.terminal.output import Output
from signoff.client import AsyncClient, RefusedError


def deploy(*files: Path, workflow_id: Annotated[str | None, Parameter(name="--id")] = None) -> Exit:
    """Make workflow definitions the next version of their workflows.

    A definition with faults changes nothing: every fault is listed with its place. All files are read
    before the first is sent.

    Args:
        files: YAML or JSON files, in Signoff's spelling, Sim's serialized form or Sim's exported state.
        workflow_id: The workflow's id, where the file has no `workflow` key; for one file only.
    """
    if not files:
        raise CommandError("name at least one file to deploy, such as examples/refund-approval/workflow.yaml")
    if workflow_id is not None and len(files) > 1:
        raise CommandError("--id names one workflow: deploy one file with it")
    documents = [read_document(file, workflow_id) for file in files]
    output = Output()

    async def send(client: AsyncClient) -> Exit:
        for document in documents:
            await _deploy(client, document, output)
        return Exit.OK

    return with_client(send)


async def _deploy(client: AsyncClient, document: Document, output: Output) -> None:
    try:
        deployed = await client.workflows.deploy(
            document.workflow_id, document.raw, media_type=document.media_type
        )
    except RefusedError as error:
        if not error.details:
            raise
        raise CommandError(
            f"{document.file} is not deployed: {error.message}",
            code=Exit.REFUSED,
            details=tuple(map(str, error.details)),
        ) from error
    record = {
        "workflowId": deployed.workflow_id,
        "version": deployed.version,
        "digest": deployed.digest,
        "warnings": deployed.warnings,
    }
    warnings = "".join(f"\n  warning: {warning}" for warning in deployed.warnings)
    output.either(record, f"deployed {deployed.workflow_id} version {deployed.version}{warnings}")
