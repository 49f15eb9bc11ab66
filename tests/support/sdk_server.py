"""The server that Sim's SDKs are pointed at: its address, its key, and the workflows that they call."""

import json
import urllib.request
from pathlib import Path
from typing import Any, Final

from e2e.shell import Embedded

_KEY: Final = "the-key-that-sdk-tests-begin-with"
_LIMIT: Final = 20.0

_WORKFLOWS: Final = {
    "greet": """
        workflow: greet
        input: {name: string, times: {type: number, default: 1}}
        blocks:
          words: {type: function, code: "return `Hello, ${<start.name>}`", then: greet}
          greet: {type: function, code: "return {text: <words.result>, times: <start.times>}"}
        """,
    "quote": """
        workflow: quote
        blocks: {quote: {type: function, code: "return <start.input>"}}
        """,
    "measure": """
        workflow: measure
        input: {attachments: files}
        blocks:
          measure:
            type: function
            code: "return <start.attachments>.map(({name, type, size}) => ({name, type, size}))"
        """,
    "approve": """
        workflow: approve
        input: {amount: number}
        blocks:
          approve: {type: human_in_the_loop, show: {Amount: <start.amount>}, form: {approved: boolean}}
        """,
    "create": """
        workflow: create
        blocks: {answer: {type: response, status: 201, headers: {X-Made: here}, data: {made: true}}}
        """,
    "refuse": """
        workflow: refuse
        blocks: {answer: {type: response, status: 402, data: {error: pay first, code: UNPAID}}}
        """,
    "fail": """
        workflow: fail
        blocks: {charge: {type: function, code: "throw new Error('the card was declined')"}}
        """,
    "insist": """
        workflow: insist
        blocks:
          insist: {type: function, code: throw new Error('not now'), retry: {waitBetweenTriesMs: 10000}}
        """,
    "gone": """
        workflow: gone
        blocks: {nothing: {type: function, code: "return 1"}}
        """,
}


class SimServer:
    """An embedded server with the examples, and workflows for the SDKs; ``gone`` is undeployed.

    Args:
        folder: for its data.

    Attributes:
        url: its base.
        key: of its first administrator.
    """

    def __init__(self, folder: Path) -> None:
        self._embedded = Embedded(folder / "data")
        self.url = self._embedded.url
        self.key = _KEY

    def serve(self, **settings: str) -> None:
        """Start it with these variables, and deploy the workflows."""
        self._embedded.serve("--examples", SIGNOFF_BOOTSTRAP_API_KEY=self.key, **settings)
        for workflow_id, definition in _WORKFLOWS.items():
            self.ask("PUT", f"/api/workflows/{workflow_id}", definition)
        self.ask("DELETE", "/api/workflows/gone")

    def ask(self, method: str, path: str, body: str = "") -> Any:
        """What a route answers, without any SDK."""
        request = urllib.request.Request(
            self.url + path,
            method=method,
            data=body.encode() or None,
            headers={"X-API-Key": self.key, "Content-Type": "application/yaml"},
        )
        with urllib.request.urlopen(request, timeout=_LIMIT) as response:
            return json.load(response)

    def kill(self) -> None:
        """End it."""
        self._embedded.kill()
