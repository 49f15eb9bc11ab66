"""Sim's TypeScript SDK as npm has it, at work in a Node process of the tests."""

import itertools
import json
import select
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from support import npm

_SOURCES: Final = Path(__file__).resolve().parents[1] / "sdk"
_CALL_LIMIT: Final = 40.0
_END_LIMIT: Final = 20.0


class TypeScriptError(Exception):
    """A ``SimStudioError`` of the TypeScript SDK.

    Attributes:
        code: as the SDK names the fault; ``None`` for none.
        status: of the HTTP answer; ``None`` where there was none.
    """

    def __init__(self, message: str, code: str | None, status: int | None) -> None:
        super().__init__(message)
        self.code = code
        self.status = status


class Node:
    """A Node process that calls the SDK, one call at a time.

    Args:
        folder: where :func:`install` has put the SDK.
    """

    def __init__(self, folder: Path) -> None:
        self._clients = itertools.count(1)
        self._process = subprocess.Popen(
            [npm.NODE, folder / "calls.mjs"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def client(self, api_key: str, base_url: str) -> "TypeScriptClient":
        """A new ``SimStudioClient``."""
        number = next(self._clients)
        self.ask({"client": number, "config": {"apiKey": api_key, "baseUrl": base_url}})
        return TypeScriptClient(self, number)

    def ask(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Send a line to calls.mjs, and read its answer."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        assert select.select([self._process.stdout], [], [], _CALL_LIMIT)[0], f"no answer to {request}"
        line = self._process.stdout.readline()
        assert line, f"Node ended at {request}"
        told: dict[str, Any] = json.loads(line)
        return told

    def close(self) -> None:
        """End the process."""
        try:
            self._process.communicate(timeout=_END_LIMIT)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()
            raise


class TypeScriptClient:
    """A ``SimStudioClient`` within a Node process.

    Args:
        node: the process.
        number: of the client in it.
    """

    def __init__(self, node: Node, number: int) -> None:
        self._node = node
        self._number = number

    def call(self, method: str, *arguments: object) -> Any:
        """Call a method by its own name; ``{"$file": {"name", "type", "text"}}`` is a ``File``.

        Raises:
            TypeScriptError: the method threw a ``SimStudioError``.
        """
        told = self._node.ask({"client": self._number, "method": method, "args": arguments})
        error = told.get("error")
        if error is not None:
            raise TypeScriptError(error["message"], error.get("code"), error.get("status"))
        return told.get("value")


def install() -> Path:
    """Have npm install the SDK, once for each state of tests/sdk/package.json; gives the folder.

    Raises:
        CalledProcessError: npm could not.
    """
    return npm.install(_SOURCES)
