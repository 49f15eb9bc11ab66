"""What the pages of the benchmark show: executions that are large, long or often decided, run on a server."""

from typing import Any, Final

import aiohttp
from benchmarks.large import graph, turns
from benchmarks.page_server import PageServer
from msgspec import Struct

from support.browser_server import KEY, Person

BLOCKS: Final = 300
WAITS: Final = 800
DECISIONS: Final = 300
_LONG_TURNS: Final = 830
_ROWS: Final = 2_000
_INPUT: Final = {"amount": "number", "customer": "string"}
_REFUND: Final[dict[str, Any]] = {
    "know": {"type": "variables", "set": {"customer": "<start.customer>"}, "then": "check"},
    "check": {
        "type": "condition",
        "cases": [{"when": "<start.amount> <= 100", "then": "pay"}, {"else": "approve"}],
    },
    "approve": {
        "type": "human_in_the_loop", "show": {"Amount": "<start.amount>"}, "form": {"approved": "boolean"},
        "then": "pay",
    },
    "pay": {"type": "function", "code": "if (<start.amount> < 0) throw new Error('no'); return {paid: true}"},
}  # fmt: skip
_STEP: Final = {"type": "variables", "set": {"at": "<loop.index>"}}
_SHOWN: Final = {
    "type": "human_in_the_loop",
    "show": {"Rows": "<start.rows>"},
    "form": {"approved": "boolean"},
}


class Names(Struct, frozen=True, kw_only=True):
    """What addresses are made of.

    Attributes:
        workflow: of the executions that are copied: `done`, `failed` and `waiting`.
        long: two executions of 10,000 events that wait, and their workflow.
        displayed: one that shows 2,000 rows, and its workflow.
        large: an execution of 300 blocks, and its workflow.
        waits: an execution with 800 waits behind it.
    """

    workflow: str
    done: str
    failed: str
    waiting: str
    long_workflow: str
    long: tuple[str, str]
    display_workflow: str
    displayed: str
    large_workflow: str
    large: str
    waits: str


async def run_samples(server: PageServer) -> Names:
    """Deploy the workflows, and run what is shown of them."""
    workflow = await server.deploy(
        _REFUND, name="refund", input=_INPUT, variables={"customer": ""}, attributes=["customer"]
    )
    long = await server.deploy(
        {
            **{
                name: {**turns(_LONG_TURNS, **{f"step{name}": _STEP}), "then": then}
                for name, then in (("a", "b"), ("b", "c"), ("c", "d"), ("d", "approve"))
            },
            "approve": {"type": "human_in_the_loop", "form": {"approved": "boolean"}},
        },
        name="long",
    )
    displaying = await server.deploy({"approve": _SHOWN}, name="displaying", input={"rows": "array"})
    large = await server.deploy(graph(BLOCKS), name="large", start="b0")
    waiting = await server.deploy({"again": turns(WAITS, rest={"type": "wait", "for": "1ms"})}, name="waits")
    rows = [
        {"id": n, "name": f"item {n}", "price": n / 8, "note": "so much of it " * 4} for n in range(_ROWS)
    ]
    return Names(
        workflow=workflow,
        done=await _run(server, workflow, amount=80, customer="ACME"),
        failed=await _run(server, workflow, amount=-1, customer="ACME"),
        waiting=await _run(server, workflow, amount=250, customer="ACME"),
        long_workflow=long,
        long=(await _run(server, long), await _run(server, long)),
        display_workflow=displaying,
        displayed=await _run(server, displaying, rows=rows),
        large_workflow=large,
        large=await _run(server, large),
        waits=await _run(server, waiting),
    )


async def decide_often(server: PageServer, person: Person, workflow: str) -> None:
    """Let somebody approve as many executions as there are decisions on several pages of a list."""
    cookies = {"signoff_session": await server.session(person)}
    async with aiohttp.ClientSession(server.url, cookies=cookies) as session:
        for _ in range(DECISIONS):
            execution_id = await _run(server, workflow, amount=250, customer="ACME")
            path = f"/api/resume/{workflow}/{execution_id}/approve"
            async with session.get(path) as looked:
                seen = looked.headers["ETag"]
            given = {"input": {"approved": True}}
            async with session.post(path, json=given, headers={"If-Match": seen}) as answer:
                answer.raise_for_status()
                await answer.read()


async def _run(server: PageServer, workflow: str, **given: Any) -> str:
    """Run a workflow to a pause or its end; a failure is one, too."""
    async with (
        aiohttp.ClientSession(server.url, headers={"X-API-Key": KEY}) as session,
        session.post(f"/api/workflows/{workflow}/execute", json={"input": given}) as answer,
    ):
        await answer.read()
        return answer.headers["X-Execution-Id"]
