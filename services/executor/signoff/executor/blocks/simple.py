"""Blocks that only look at their parameters: variables, wait, response, human_in_the_loop, api, triggers."""

from collections.abc import Mapping
from typing import Final
from uuid import UUID

import msgspec

from signoff.access.errors import UnknownAssigneeError
from signoff.engine.deciding.display import response_parts
from signoff.engine.definitions.definition import Block
from signoff.engine.definitions.forms import start_output
from signoff.engine.definitions.references import compile_value
from signoff.engine.definitions.values import assign_variables, wait_ms
from signoff.engine.errors import InvalidValueError
from signoff.engine.points.pauses import content_digest, pause_response, resume_links
from signoff.engine.points.policies import Policy, named_people, read_policy
from signoff.events.times import iso
from signoff.executor.blocks.api import ApiError, request
from signoff.executor.blocks.base import (
    BlockFailureError,
    Call,
    Done,
    Ended,
    Pause,
    Plain,
    Tools,
    Wait,
    keeper,
)
from signoff.executor.running.scope import redact

_INVALID: Final = "INVALID_VALUE"


class Variables(Plain):
    """Assigns workflow variables by their types."""

    async def run(self, call: Call, _: Tools) -> Done:
        """The output is what was assigned."""
        try:
            values = assign_variables(call.params)
        except InvalidValueError as error:
            raise BlockFailureError(str(error), code=_INVALID, retryable=False) from error
        return Done(values, variables=values)


class WaitBlock(Plain):
    """A durable timer of 1 ms to 30 days; with ``async`` a pause of kind ``time``."""

    async def run(self, call: Call, _: Tools) -> Ended:
        """Give the moment at which the wait ends."""
        try:
            due_at = call.started_at + wait_ms(call.params) / 1000
        except InvalidValueError as error:
            raise BlockFailureError(str(error), code=_INVALID, retryable=False) from error
        if call.params.get("async") is True:
            return Pause("time", {"status": "waiting", "resumeAt": iso(due_at)}, due_at=due_at)
        return Wait(due_at)


class Response(Plain):
    """The HTTP answer of the execution."""

    async def run(self, call: Call, _: Tools) -> Done:
        """The output is ``{data, status, headers}``."""
        return Done(response_parts(call.params))


class Human(Plain):
    """Waits for a person's decision.

    Attributes:
        notification: the entries of its parameter of that name: they are resolved when people are told.
    """

    def __init__(self, block: Block, names: Mapping[str, str]) -> None:
        super().__init__(block, names, apart=("notification",))
        entries = block.params.get("notification")
        self.notification = [
            compile_value(each, names) for each in (entries if isinstance(entries, list) else ())
        ]

    async def run(self, call: Call, tools: Tools) -> Pause:
        """Give what is shown, the form and the links, a digest of exactly that, and who may decide."""
        links = resume_links(
            workflow_id=call.workflow_id, execution_id=call.execution_id, context_id=call.instance
        )
        response = redact(pause_response(call.params, links), call.facts.secrets)
        policy = await _policy(call, tools)
        title = redact(policy.title, call.facts.secrets)
        digest = content_digest(response, call.definition_digest, title)
        return Pause("human", response, digest, policy=msgspec.structs.replace(policy, title=title))


async def _policy(call: Call, tools: Tools) -> Policy:
    names = named_people(call.params)
    try:
        keys = await tools.assignees.keys_of(UUID(call.workspace_id), names) if names else {}
        return read_policy(call.params, keys=keys, opened_at=call.started_at)
    except UnknownAssigneeError as error:
        raise BlockFailureError(str(error), code="ASSIGNEE_UNKNOWN", retryable=False) from error
    except InvalidValueError as error:
        raise BlockFailureError(str(error), code=_INVALID, retryable=False) from error


class Api(Plain):
    """An HTTP request behind the address guard."""

    async def run(self, call: Call, tools: Tools) -> Done:
        """The output is ``{data, status, headers}``; ``data`` is a file value where the answer is no text."""
        try:
            output = await request(
                call.params,
                session=tools.http,
                idempotency_key=call.idempotency_key,
                call_chain=call.call_chain,
                keep=keeper(call, tools),
            )
        except ApiError as error:
            raise BlockFailureError(str(error)) from error
        return Done(output)


class Trigger(Plain):
    """A start block that is reached by an edge: passes the execution's input on."""

    async def run(self, call: Call, _: Tools) -> Done:
        """The output is the typed input."""
        return Done(start_output(call.block, dict(call.params)))
