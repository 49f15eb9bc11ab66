"""Workflows: deployed, rolled back, undeployed, listed, looked at."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from pathlib import Path

import msgspec

from signoff.client.answers.workflows import (
    Deployed,
    Workflow,
    WorkflowStatus,
    WorkflowSummary,
    WorkflowVersion,
)
from signoff.client.errors import ConfigurationError, Json
from signoff.client.resources.resource import Paged, Resource
from signoff.client.transport import api_path, query

_JSON = "application/json"
_YAML = "application/yaml"


class _WorkflowPage(Paged):
    workflows: list[WorkflowSummary]


class _VersionPage(Paged):
    versions: list[WorkflowVersion]


class AsyncWorkflows(Resource):
    """``client.workflows``."""

    async def deploy(
        self,
        workflow_id: str,
        definition: Path | str | bytes | Mapping[str, Json],
        *,
        media_type: str | None = None,
        idempotency_key: str | None = None,
    ) -> Deployed:
        """Make a definition the next version of a workflow.

        Args:
            workflow_id: the workflow, new or not.
            definition: a file of YAML or JSON, its text, or the definition itself.
            media_type: of a text, where it is not YAML (of which JSON is a part): ``application/json``.
            idempotency_key: the same key and definition again make no further version.

        Raises:
            ConfigurationError: the file cannot be read.
            InvalidRequestError: its ``details`` are all faults of the definition.
        """
        body, found = await _read(definition)
        reply = await self._transport.request(
            "PUT",
            api_path("workflows", workflow_id),
            body=body,
            headers={"Content-Type": media_type or found},
            key=idempotency_key,
        )
        return reply.decode(Deployed)

    async def rollback(
        self, workflow_id: str, version: int, *, idempotency_key: str | None = None
    ) -> Deployed:
        """Let a version of a workflow that was deployed before take the executions again.

        Those that run go on with theirs. Where it is the active version already, nothing changes.

        Args:
            workflow_id: the workflow.
            version: from 1.
            idempotency_key: the same key and version again change nothing further.

        Raises:
            NotFoundError: there is no such version.
        """
        return await self._transport.call(
            Deployed,
            "POST",
            api_path("workflows", workflow_id, "rollback"),
            json={"version": version},
            key=idempotency_key,
        )

    async def undeploy(self, workflow_id: str, *, idempotency_key: str | None = None) -> WorkflowStatus:
        """Let a workflow take no new executions. Those that run go on; a deploy or a rollback undoes it."""
        return await self._transport.call(
            WorkflowStatus, "DELETE", api_path("workflows", workflow_id), key=idempotency_key
        )

    async def get(self, workflow_id: str, *, version: int | None = None) -> Workflow:
        """A version of a workflow with its definition; the active one where none is named."""
        return await self._transport.call(
            Workflow, "GET", api_path("workflows", workflow_id), params=query(version=version)
        )

    async def status(self, workflow_id: str) -> WorkflowStatus:
        """Whether a workflow takes executions."""
        return await self._transport.call(WorkflowStatus, "GET", api_path("workflows", workflow_id, "status"))

    def versions(self, workflow_id: str, *, page_size: int = 100) -> AsyncGenerator[WorkflowVersion, None]:
        """Every version of a workflow, the newest first."""
        path = api_path("workflows", workflow_id, "versions")
        return self._listed(path, _VersionPage, lambda page: page.versions, page_size=page_size)

    def list(self, *, page_size: int = 100) -> AsyncGenerator[WorkflowSummary, None]:
        """All workflows of the workspace, by id.

        Args:
            page_size: how many are asked for at once.
        """
        path = api_path("workflows")
        return self._listed(path, _WorkflowPage, lambda page: page.workflows, page_size=page_size)


async def _read(definition: Path | str | bytes | Mapping[str, Json]) -> tuple[bytes, str]:
    """The bytes of a definition and their media type."""
    return await _read_file(definition) if isinstance(definition, Path) else _encoded(definition)


def _encoded(definition: str | bytes | Mapping[str, Json]) -> tuple[bytes, str]:
    if isinstance(definition, Mapping):
        return msgspec.json.encode(definition), _JSON
    return definition.encode() if isinstance(definition, str) else definition, _YAML


async def _read_file(file: Path) -> tuple[bytes, str]:
    try:
        raw = await asyncio.to_thread(file.read_bytes)
    except OSError as error:
        raise ConfigurationError(f"{file} cannot be read: {error.strerror}") from error
    return raw, _JSON if file.suffix == ".json" else _YAML
