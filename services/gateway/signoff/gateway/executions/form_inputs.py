"""Secrets in decisions: what is given for a form's fields of type ``secret`` is sealed before it goes on.

The form stands in the pause. It is looked up only for workflows that have such a field at all.
"""

from collections import OrderedDict
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Final
from uuid import UUID

from msgspec import Struct

from signoff.access.secrets.form_secrets import FormSecrets
from signoff.engine.definitions.definition import decode
from signoff.engine.definitions.forms import form_fields, secret_names
from signoff.engine.definitions.values import SECRET_TYPE, coerce_value
from signoff.engine.points.decisions import read_submission, refusal_of
from signoff.engine.points.held import is_early
from signoff.engine.points.pauses import form_of
from signoff.events.blobs import BlobStore
from signoff.events.deployments import read_deployment
from signoff.events.escapes import SecretReference, escape
from signoff.events.store.base import EventStore, ExecutionRow
from signoff.events.topics import workflow_log_id
from signoff.events.types import Actor, Json, Refusal, ResumeExecution
from signoff.gateway.errors import GatewayError
from signoff.gateway.executions.history import fold

_WITHIN: Final = "submission"
_VERSIONS: Final = 1000


class Sealed(Struct, frozen=True):
    """A decision's input with references in place of secrets, or why it is refused before they are kept."""

    input: dict[str, Json]
    refusal: Refusal | None = None


class FormInputs:
    """Seals the secrets of decisions.

    Args:
        store: the log; its primary.
        blobs: holds large values.
        secrets: keeps what is sealed.
    """

    def __init__(self, store: EventStore, blobs: BlobStore, secrets: FormSecrets) -> None:
        self._store = store
        self._blobs = blobs
        self._secrets = secrets
        self._known: OrderedDict[tuple[UUID, str, int], frozenset[str]] = OrderedDict()

    async def may_hold_secrets(self, row: ExecutionRow) -> bool:
        """Whether some form of an execution's workflow asks for a secret; one read for each version."""
        return bool(await self._asked_for(row))

    async def seal(
        self,
        row: ExecutionRow,
        data: ResumeExecution,
        actor: Actor,
        given: dict[str, Json],
        *,
        command_id: str,
    ) -> Sealed:
        """Keep the secrets of a decision that may be taken, each under an id that a retry gives again.

        Args:
            row: of the execution.
            data: the decision; its input is not looked at.
            actor: who takes it.
            given: the input, not in stored form.
            command_id: of the command that the decision is sent with.

        Raises:
            BlobError: what the pause shows cannot be read.
            StoreError: the database is away.
        """
        state = (await fold(self._store, row.log_id)).state
        point = state.points.get(data.context_id)
        if point is None and is_early(state, data):  # its form is not known; whatever may be a secret is one
            return Sealed(
                await self._sealed(row.workspace_id, given, await self._asked_for(row), place=command_id)
            )
        refusal = refusal_of(state, data, actor)
        if point is None:
            return Sealed({}, refusal)
        form = form_of(await self._blobs.resolve(point.response, workspace_id=row.workspace_id))
        if command_id not in state.commands:  # else it is a retry, and the log knows what to answer
            refusal = refusal or read_submission(form, escape(given))[1]
            if refusal is not None:
                return Sealed({}, refusal)
        return Sealed(await self._sealed(row.workspace_id, given, secret_names(form), place=command_id))

    async def _sealed(
        self, workspace_id: UUID, given: Mapping[str, Json], names: AbstractSet[str], *, place: str
    ) -> dict[str, Json]:
        kept = dict(given)
        for name in sorted(names & kept.keys()):
            secret = coerce_value(SECRET_TYPE, kept[name])
            if secret:
                secret_id = await self._secrets.keep(workspace_id, secret, place=f"{place}.{name}")
                kept[name] = SecretReference(secret_id)
        inner = kept.get(_WITHIN)
        if isinstance(inner, dict):
            kept[_WITHIN] = await self._sealed(workspace_id, inner, names, place=f"{place}.{_WITHIN}")
        return kept

    async def _asked_for(self, row: ExecutionRow) -> frozenset[str]:
        """The names of all secrets that the forms of an execution's workflow ask for."""
        version = (row.workspace_id, row.workflow_id, row.workflow_version)
        known = self._known.get(version)
        if known is None:
            known = self._known[version] = await self._read_secrets(row)
            if len(self._known) > _VERSIONS:
                self._known.popitem(last=False)
        return known

    async def _read_secrets(self, row: ExecutionRow) -> frozenset[str]:
        log_id = workflow_log_id(str(row.workspace_id), row.workflow_id)
        found = await read_deployment(self._store, log_id, row.workflow_version)
        if found is None:
            raise GatewayError(f"version {row.workflow_version} of {row.workflow_id} is in no log")
        definition = await self._blobs.resolve(found[1].definition, workspace_id=row.workspace_id)
        return frozenset().union(
            *(secret_names(form_fields(block.params)) for block in decode(definition).blocks)
        )
