"""Everything that a gateway lets one look at, so that each of its routes meets every fault."""

import re
from collections.abc import Sequence
from typing import Final

from signoff.gateway.routes import ALL, documentation

PATHS: Final[Sequence[str]] = [
    route.path for route in ALL if route.method == "GET" and route not in documentation.ROUTES
]
"""Of all such routes, with names in braces; but for the docs, which take long to make and need nothing."""

_NAME: Final = re.compile(r"{(\w+)[^}]*}")
_WORKFLOWS: Final = frozenset({"id", "workflow", "workflowId"})
_EXECUTIONS: Final = frozenset({"execution", "executionId", "run", "runId", "job", "jobId"})


def path_of(path: str, workflow: str, execution_id: str) -> str:
    """A path with a workflow and its execution in place of their names, and ``x`` in place of others."""

    def value(found: re.Match[str]) -> str:
        name = found[1]
        return workflow if name in _WORKFLOWS else execution_id if name in _EXECUTIONS else "x"

    return _NAME.sub(value, path)
