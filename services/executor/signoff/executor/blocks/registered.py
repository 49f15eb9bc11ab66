"""A registered Python block: a function of an installed package, run in this process."""

from collections.abc import Mapping

import msgspec
import structlog

from signoff.blocks import (
    BlockInputError,
    BlockResultError,
    BlockSpec,
    Context,
    HeartbeatError,
    PermanentError,
    SecretNotFoundError,
)
from signoff.engine.definitions.definition import Block
from signoff.executor.blocks.base import BlockFailureError, Call, Done, Plain, Tools
from signoff.executor.running.scope import redact
from signoff.runtime.settings import ENVIRONMENT_PREFIX

_log = structlog.get_logger("signoff.block")


class Registered(Plain):
    """Calls the function with the block's parameters as its arguments."""

    def __init__(self, block: Block, names: Mapping[str, str], *, spec: BlockSpec) -> None:
        super().__init__(block, names)
        self._spec = spec
        self.timeout = spec.timeout

    async def run(self, call: Call, tools: Tools) -> Done:
        """The output is what the function returns; a value that is no object stands under ``result``."""
        try:
            # A copy: what the function changes must not change what other blocks and the fold hold.
            params = msgspec.to_builtins(call.params)
            result = await self._spec.call(context_of(call), params, threads=tools.threads)
        except BlockInputError as error:
            raise BlockFailureError(str(error), code="INVALID_INPUT", retryable=False) from error
        except BlockResultError as error:
            raise BlockFailureError(str(error), code="INVALID_OUTPUT", retryable=False) from error
        except SecretNotFoundError as error:
            raise BlockFailureError(str(error), code="SECRET_NOT_FOUND", retryable=False) from error
        except PermanentError as error:
            raise BlockFailureError(str(error) or type(error).__name__, retryable=False) from error
        except HeartbeatError as error:
            raise BlockFailureError(str(error), code="HEARTBEAT_TIMEOUT") from error
        return Done(result if isinstance(result, dict) else {"result": result})


def context_of(call: Call) -> Context:
    """What a function that a block calls may know and do; its secrets and log lines are the block's."""

    def write(message: str, /, **fields: object) -> None:
        secrets = call.facts.secrets
        names = {
            "execution": call.execution_id,
            "workflow": call.workflow_id,
            "block": call.block.id,
            "attempt": call.attempt,
        }
        # Bound, not passed: a field may have the name of a parameter of `info`.
        shown = {name: _shown(value, secrets) for name, value in fields.items()}
        _log.bind(**{**names, **shown}).info(redact(message, secrets))

    def secret(name: str) -> str:
        value = call.facts.environment(name)
        if value is None:
            raise SecretNotFoundError(f"{name} is not set: give executors {ENVIRONMENT_PREFIX}{name}")
        return value

    return Context(
        execution_id=call.execution_id,
        workflow_id=call.workflow_id,
        block_id=call.block.id,
        attempt=call.attempt,
        idempotency_key=call.idempotency_key,
        cancelled=call.cancelled,
        log=write,
        secret=secret,
        emit=call.emit,
    )


def _shown(value: object, secrets: set[str]) -> object:
    """A value of a log line; what is no JSON value is shown as text, for a secret may be in it."""
    try:
        return redact(msgspec.to_builtins(value), secrets)
    except (TypeError, ValueError, RecursionError):
        return redact(str(value), secrets)
