"""A registered Python block: a function of an installed package, run in this process."""

from collections.abc import Mapping

import msgspec
import structlog

from signoff.blocks import BlockInputError, BlockResultError, BlockSpec, Context
from signoff.engine.definition import Block
from signoff.executor.blocks.base import BlockFailureError, Call, Done, Plain, Tools

_log = structlog.get_logger("signoff.block")


class Registered(Plain):
    """Calls the function with the block's parameters as its arguments."""

    def __init__(self, block: Block, names: Mapping[str, str], *, spec: BlockSpec) -> None:
        super().__init__(block, names)
        self._spec = spec
        self.timeout = spec.timeout

    async def run(self, call: Call, tools: Tools) -> Done:
        """The output is what the function returns; a value that is no object stands under ``result``."""
        context = Context(
            execution_id=call.execution_id,
            workflow_id=call.workflow_id,
            block_id=call.block.id,
            attempt=call.attempt,
            idempotency_key=call.idempotency_key,
            cancelled=call.cancelled,
            log=_write,
        )
        try:
            # A copy: what the function changes must not change what other blocks and the fold hold.
            params = msgspec.to_builtins(call.params)
            result = await self._spec.call(context, params, threads=tools.threads)
        except BlockInputError as error:
            raise BlockFailureError(str(error), code="INVALID_INPUT", retryable=False) from error
        except BlockResultError as error:
            raise BlockFailureError(str(error), code="INVALID_OUTPUT", retryable=False) from error
        return Done(result if isinstance(result, dict) else {"result": result})


def _write(message: str, /, **fields: object) -> None:
    _log.info(message, **fields)
