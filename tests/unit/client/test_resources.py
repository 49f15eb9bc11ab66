"""Each chapter of the API: what is asked, and lists through all their pages."""

import os
from collections.abc import AsyncGenerator, Callable, Sequence
from pathlib import Path
from typing import Any, Final

import pytest
from aiohttp import web

from signoff.client import (
    AsyncClient,
    ConfigurationError,
    Counts,
    Decision,
    NewDecisionLink,
    NewHook,
    NewKey,
    StreamToken,
    UnavailableError,
)
from unit.client.conftest import Connect, Recorder, Serve
from unit.client.test_follow import DONE, stream

DEPLOYED = {"workflowId": "w", "version": 1, "digest": "d", "deployedAt": "now"}
FILE = {"id": "f", "name": "bill.txt", "url": "/api/files/f", "size": 4, "type": "text/plain", "key": "f"}


def summary(workflow_id: str) -> dict[str, object]:
    return {"id": workflow_id, "name": "", "version": 1, "isDeployed": True, "deployedAt": "now"}


async def test_a_list_is_read_through_all_its_pages(connect: Connect) -> None:
    server = Recorder(
        {"workflows": [summary("a"), summary("b")], "nextCursor": "b"},
        {"workflows": [summary("c")], "nextCursor": None},
    )

    listed = [each.id async for each in (await connect(server)).workflows.list(page_size=2)]

    assert listed == ["a", "b", "c"]
    assert [path for _, path in server.asked] == [
        "/api/workflows?limit=2",
        "/api/workflows?limit=2&cursor=b",
    ]


async def test_a_page_that_is_not_needed_is_not_asked_for(connect: Connect) -> None:
    server = Recorder({"workflows": [summary("a"), summary("b")], "nextCursor": "b"})

    async for each in (await connect(server)).workflows.list():
        if each.id == "b":
            break

    assert len(server.asked) == 1


async def test_the_events_so_far_are_read_page_by_page(connect: Connect) -> None:
    def event(number: int) -> dict[str, object]:
        return {"type": "x", "eventId": number, "timestamp": "now", "workflowId": "w"}

    server = Recorder(
        {"events": [event(3), event(4)], "nextFrom": 4}, {"events": [event(5)], "nextFrom": None}
    )

    execution = (await connect(server)).executions.handle("e", workflow_id="w")
    events = [each async for each in execution.events(after=2, until=9)]

    assert [each.event_id for each in events] == [3, 4, 5]
    assert events[0].raw == b'{"type": "x", "eventId": 3, "timestamp": "now", "workflowId": "w"}'
    assert server.asked[1] == ("GET", "/api/executions/e/events?from=4&to=9&limit=100")


async def test_the_workflow_of_an_execution_is_asked_for_once(connect: Connect) -> None:
    named = {"events": [{"workflowId": "w"}]}
    server = Recorder(named, {"executionId": "e", "workflowId": "w", "status": "running"})

    execution = (await connect(server)).executions.handle("e")
    await execution.status()
    await execution.status(include_output=True, selected_outputs=["a.b", "c"])

    assert [path for _, path in server.asked] == [
        "/api/executions/e/events?limit=1",
        "/api/workflows/w/executions/e",
        "/api/workflows/w/executions/e?includeOutput=true&selectedOutputs=a.b,c",
    ]


@pytest.mark.parametrize(
    ("definition", "media_type"),
    [
        ("workflow: w\n", "application/yaml"),
        (b"workflow: w\n", "application/yaml"),
        ({"workflow": "w"}, "application/json"),
        ("w.yaml", "application/yaml"),
        ("w.json", "application/json"),
    ],
)
async def test_a_definition_is_a_file_a_text_or_a_value(
    serve: Serve, tmp_path: Path, definition: Any, media_type: str
) -> None:
    sent: list[tuple[str, bytes]] = []

    async def handler(request: web.Request) -> web.Response:
        sent.append((request.content_type, await request.read()))
        return web.json_response(DEPLOYED)

    if definition in ("w.yaml", "w.json"):
        definition = tmp_path / definition
        definition.write_text('{"workflow":"w"}')
    async with AsyncClient(await serve(handler)) as client:
        await client.workflows.deploy("w", definition)

    assert sent[0][0] == media_type
    assert sent[0][1] in (b"workflow: w\n", b'{"workflow":"w"}')


async def test_a_definition_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    async with AsyncClient() as client:
        with pytest.raises(ConfigurationError, match=r"missing\.yaml cannot be read: No such file"):
            await client.workflows.deploy("w", tmp_path / "missing.yaml")


async def test_a_search_names_its_filters_as_the_api_does(connect: Connect) -> None:
    found = {"executionId": "e", "workflowId": "w", "status": "failed", "attributes": {"amount": 250}}
    server = Recorder({"executions": [found], "nextCursor": None})

    client = await connect(server)
    listed = client.executions.search(
        workflows=["w", "v"],
        statuses=["failed"],
        attributes=["amount>=100"],
        error="bank",
        forked_from="f",
        sort="-duration",
    )

    assert [each.attributes async for each in listed] == [{"amount": 250}]
    assert server.asked[0][1] == (
        "/api/executions?workflowId=w&workflowId=v&status=failed&attribute=amount%3E%3D100"
        "&error=bank&forkedFrom=f&sort=-duration&limit=100"
    )


async def test_counts_are_asked_for_without_a_page(connect: Connect) -> None:
    counts = {"total": 3, "byStatus": {"failed": 3}, "exact": True}
    server = Recorder({"executions": [], "nextCursor": None, "counts": counts})

    found = await (await connect(server)).executions.counts(workflows=["w"])

    assert found == Counts(total=3, by_status={"failed": 3}, exact=True)
    assert server.asked[0][1] == "/api/executions?workflowId=w&counts=true&limit=1"


async def test_a_bulk_operation_tells_of_each_once_also_over_a_cut(connect: Connect) -> None:
    asked: list[tuple[str, Any]] = []

    def told(execution_id: str, result: str) -> bytes:
        return b'data: {"executionId":"%s","result":"%s"}\n\n' % (execution_id.encode(), result.encode())

    async def handler(request: web.Request) -> web.StreamResponse:
        asked.append((request.headers["Idempotency-Key"], await request.json()))
        if len(asked) == 1:
            return await stream(request, told("a", "cancelled"))
        totals = b'data: {"done":true,"total":2}\n\n'
        return await stream(request, told("a", "already_cancelled"), told("b", "refused"), totals, DONE)

    client = await connect(handler)
    results = [each async for each in client.executions.bulk("cancel", statuses=["paused"], reason="why")]

    assert [(each.execution_id, each.result, each.is_refused) for each in results] == [
        ("a", "cancelled", False),
        ("b", "refused", True),
    ]
    assert asked[0] == asked[1]
    assert asked[0][1] == {"action": "cancel", "filter": {"status": ["paused"]}, "reason": "why"}


async def test_a_bulk_operation_that_the_server_cut_short_is_no_success(connect: Connect) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        return await stream(request, b'data: {"done":false,"error":"no log"}\n\n', DONE)

    client = await connect(handler)
    with pytest.raises(UnavailableError, match="no log; the same request goes on"):
        async for _ in client.executions.bulk("retry"):
            pass


async def pieces() -> Any:
    yield b"bi"
    yield b"ll"


@pytest.mark.parametrize("given", ["bytes", "path", "stream", "iterable"])
async def test_a_file_is_uploaded_from_wherever_it_is(serve: Serve, tmp_path: Path, given: str) -> None:
    received: list[tuple[str | None, str, bytes]] = []

    async def handler(request: web.Request) -> web.Response:
        part = await (await request.multipart()).next()
        assert part is not None
        received.append((part.filename, part.headers["Content-Type"], bytes(await part.read())))
        return web.json_response({"files": [FILE]}, status=201)

    path = tmp_path / "bill.txt"
    path.write_bytes(b"bill")
    contents: dict[str, Any] = {
        "bytes": b"bill", "path": path, "stream": pieces(), "iterable": iter([b"bi", b"ll"]),
    }  # fmt: skip
    async with AsyncClient(await serve(handler)) as client:
        file = await client.files.upload(contents[given], name="bill.txt", media_type="text/plain")
    if given != "stream":
        await contents["stream"].aclose()

    assert received == [("bill.txt", "text/plain", b"bill")]
    assert file.value() == FILE


async def test_a_stream_is_not_uploaded_twice(serve: Serve) -> None:
    server = 0

    async def handler(request: web.Request) -> web.Response:
        nonlocal server
        server += 1
        await request.read()
        return web.json_response({"error": "away"}, status=503, headers={"Retry-After": "0"})

    async with AsyncClient(await serve(handler)) as client:
        with pytest.raises(UnavailableError):
            await client.files.upload(pieces())

    assert server == 1


async def test_a_file_is_downloaded_whole_or_not_at_all(serve: Serve, tmp_path: Path) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        if request.path.endswith("/good"):
            return web.Response(body=b"bill")
        response = web.StreamResponse(headers={"Content-Length": "9"})
        await response.prepare(request)
        await response.write(b"bi")
        assert request.transport is not None
        request.transport.close()
        return response

    async with AsyncClient(await serve(handler), max_retries=0) as client:
        good = await client.files.download("good", tmp_path / "good")
        with pytest.raises(Exception, match="broke off"):
            await client.files.download("bad", tmp_path / "bad")

    assert good == tmp_path / "good"
    assert {name: (tmp_path / name).read_bytes() for name in os.listdir(tmp_path)} == {"good": b"bill"}  # noqa: PTH208


SCHEDULE = {"workflowId": "w", "blockId": "b", "enabled": False}
KEY = {"id": "k", "name": "ci", "key": "sk-new"}
USER = {"id": "u", "roles": ["read"]}
GROUP = {"id": "g", "name": "finance"}
WORKSPACE = {"id": "ws", "name": "Team"}
HOOK = {"hookId": "h", "url": "https://example.com/in", "secret": "whsec_c2VjcmV0"}
NAMED = {"name": "TOKEN", "setAt": "now"}
MEMBERS = "/api/workspaces/ws/members"
STATE = {"eventId": 7, "executionId": "e", "contextId": "c", "newer": "than this client"}
LINK = {"id": "l", "url": "u", "token": "s3cret", "expiresAt": "then", "userId": "ann"}
ABSENCE = {"userId": "me", "delegateId": "ann", "since": "now", "until": "then"}
POINT = {
    "contextId": "c", "blockId": "c", "pauseKind": "human", "resumeStatus": "paused",
    "resumeLinks": {"apiUrl": "a", "uiUrl": "u"},
}  # fmt: skip
DETAIL = {
    "executionId": "e", "workflowId": "w", "contextId": "c", "title": "Pay", "point": POINT, "policy": {},
}  # fmt: skip
COUNTS = {
    "total": 1, "exact": True, "overdue": 0, "byPriority": {"high": 1}, "mine": {"total": 0},
    "groups": {"total": 1},
}  # fmt: skip
INBOX = "/api/inbox/e/c"
SESSION = {"id": "s", "method": "oidc", "signedInAt": "now", "current": False}
TOKEN = {"token": "t", "expiresAt": "then"}
JOB = {"taskId": "r", "status": "pending", "metadata": {"createdAt": "now"}}
EXECUTION_STATE = {
    "executionId": "e", "workflowId": "w", "status": "paused", "eventId": 17, "at": "now",
    "workflowVersion": 1, "definitionDigest": "d", "input": {}, "variables": {}, "pausePoints": [POINT],
    "queue": [{"status": "claimed", "resumeInput": {}, "newExecutionId": "r"}],
}  # fmt: skip
Call = Callable[[AsyncClient], Any]


CALLS: Final[Sequence[tuple[Call, object, str, object]]] = [
    (lambda c: c.workflows.rollback("w", 1), DEPLOYED, "POST /api/workflows/w/rollback", {"version": 1}),
    (lambda c: c.workflows.undeploy("w"), {"isDeployed": False}, "DELETE /api/workflows/w", None),
    (lambda c: c.workflows.versions("w"), {"versions": []}, "GET /api/workflows/w/versions?limit=100",
     None),
    (
        lambda c: c.executions.handle("e", workflow_id="w").retry(reason="mended"),
        {"executionId": "e", "runId": "r", "statusUrl": "/api/jobs/r"},
        "POST /api/executions/e/retry",
        {"reason": "mended"},
    ),
    (lambda c: c.executions.handle("e").state(as_of=17, include_output=True), EXECUTION_STATE,
     "GET /api/executions/e?asOf=17&includeOutput=true", None),
    (lambda c: c.executions.handle("e", run_id="r").job(), JOB, "GET /api/jobs/r", None),
    (lambda c: c.executions.handle("e").stream_token(), TOKEN, "POST /api/stream-tokens",
     {"executionId": "e"}),
    (lambda c: c.feed_token(types=["pause:*"], workflows=["w"]), TOKEN, "POST /api/stream-tokens",
     {"feed": {"types": ["pause:*"], "workflowId": ["w"], "status": [], "executionId": None}}),
    (lambda c: c.pauses.list("w", statuses=["paused"]), {"pausedExecutions": []},
     "GET /api/workflows/w/paused?status=paused", None),
    (lambda c: c.environment.set("TOKEN", "s3cret"), NAMED, "PUT /api/environment/TOKEN",
     {"value": "s3cret"}),
    (lambda c: c.environment.get("TOKEN"), NAMED, "GET /api/environment/TOKEN", None),
    (lambda c: c.environment.remove("TOKEN"), None, "DELETE /api/environment/TOKEN", None),
    (lambda c: c.environment.list(), {"environment": [NAMED]}, "GET /api/environment", None),
    (lambda c: c.schedules.switch("w", "b", enabled=False), SCHEDULE, "PATCH /api/schedules/w/b",
     {"enabled": False}),
    (lambda c: c.schedules.list(), {"schedules": [SCHEDULE]}, "GET /api/schedules?limit=50", None),
    (lambda c: c.keys.create("ci", roles=["write"]), KEY, "POST /api/keys",
     {"name": "ci", "roles": ["write"]}),
    (lambda c: c.own_keys.create("mine"), KEY, "POST /api/users/me/keys", {"name": "mine"}),
    (lambda c: c.own_keys.rotate("k", overlap_seconds=60), KEY, "POST /api/users/me/keys/k/rotate",
     {"overlapSeconds": 60}),
    (lambda c: c.own_keys.revoke("k"), None, "DELETE /api/users/me/keys/k", None),
    (lambda c: c.own_keys.list(), {"keys": [KEY]}, "GET /api/users/me/keys?limit=100", None),
    (lambda c: c.keys.rotate("k"), KEY, "POST /api/keys/k/rotate", {"overlapSeconds": 0}),
    (lambda c: c.keys.revoke("k"), None, "DELETE /api/keys/k", None),
    (lambda c: c.keys.list(), {"keys": [KEY]}, "GET /api/keys?limit=100", None),
    (lambda c: c.users.create("Ada", email="ada@example.org"), USER, "POST /api/users",
     {"name": "Ada", "service": False, "email": "ada@example.org"}),
    (lambda c: c.users.get("u"), USER, "GET /api/users/u", None),
    (lambda c: c.users.update("u", disabled=True), USER, "PATCH /api/users/u", {"disabled": True}),
    (lambda c: c.users.erase("u"), None, "DELETE /api/users/u", None),
    (lambda c: c.users.keys("u").create("ci", workspace_id="ws"), KEY, "POST /api/users/u/keys",
     {"name": "ci", "workspaceId": "ws"}),
    (lambda c: c.users.keys("u").rotate("k"), KEY, "POST /api/users/u/keys/k/rotate", {"overlapSeconds": 0}),
    (lambda c: c.users.keys("u").revoke("k"), None, "DELETE /api/users/u/keys/k", None),
    (lambda c: c.users.keys("u").list(), {"keys": [KEY]}, "GET /api/users/u/keys?limit=100", None),
    (lambda c: c.account.get(), USER, "GET /api/users/me", None),
    (lambda c: c.account.rename("Ada"), USER, "PATCH /api/users/me", {"name": "Ada"}),
    (lambda c: c.account.change_password("old", "new"), None, "POST /api/users/me/password",
     {"currentPassword": "old", "newPassword": "new"}),
    (lambda c: c.account.sessions(), {"sessions": [SESSION]}, "GET /api/users/me/sessions", None),
    (lambda c: c.account.end_session("s"), None, "DELETE /api/users/me/sessions/s", None),
    (lambda c: c.account.end_sessions(), None, "DELETE /api/users/me/sessions", None),
    (lambda c: c.users.list(email="a@b"), {"users": [USER]}, "GET /api/users?email=a@b&limit=100", None),
    (lambda c: c.groups.create("finance", user_ids=["u"]), GROUP, "POST /api/groups",
     {"name": "finance", "roles": [], "userIds": ["u"]}),
    (lambda c: c.groups.get("g"), GROUP, "GET /api/groups/g", None),
    (lambda c: c.groups.update("g", "finance", roles=["approver"], user_ids=[]), GROUP,
     "PUT /api/groups/g", {"name": "finance", "roles": ["approver"], "userIds": []}),
    (lambda c: c.groups.remove("g"), None, "DELETE /api/groups/g", None),
    (lambda c: c.groups.list(), {"groups": [GROUP]}, "GET /api/groups?limit=100", None),
    (lambda c: c.workspaces.create("Team"), WORKSPACE, "POST /api/workspaces", {"name": "Team"}),
    (lambda c: c.workspaces.get("ws"), WORKSPACE, "GET /api/workspaces/ws", None),
    (lambda c: c.workspaces.rename("ws", "Us"), WORKSPACE, "PATCH /api/workspaces/ws", {"name": "Us"}),
    (lambda c: c.workspaces.close("ws"), None, "DELETE /api/workspaces/ws", None),
    (lambda c: c.workspaces.list(), {"workspaces": [WORKSPACE]}, "GET /api/workspaces?limit=100", None),
    (lambda c: c.workspaces.members("ws"), {"members": [USER]}, f"GET {MEMBERS}?limit=100", None),
    (lambda c: c.workspaces.add_member("ws", "a@b", ["read"]), USER, f"POST {MEMBERS}",
     {"email": "a@b", "roles": ["read"]}),
    (lambda c: c.workspaces.set_member("ws", "u", ["admin"]), USER, f"PUT {MEMBERS}/u",
     {"roles": ["admin"]}),
    (lambda c: c.workspaces.remove_member("ws", "u"), None, f"DELETE {MEMBERS}/u", None),
    (lambda c: c.hooks.create("https://example.com/in", types=["pause:opened"]), HOOK, "POST /api/hooks",
     {"url": "https://example.com/in", "types": ["pause:opened"], "workflowIds": [], "enabled": True}),
    (lambda c: c.hooks.get("h"), HOOK, "GET /api/hooks/h", None),
    (lambda c: c.hooks.update("h", enabled=False), HOOK, "PUT /api/hooks/h",
     {"types": [], "workflowIds": [], "enabled": False}),
    (lambda c: c.hooks.remove("h"), None, "DELETE /api/hooks/h", None),
    (lambda c: c.hooks.rotate("h"), HOOK, "POST /api/hooks/h/rotate", {}),
    (lambda c: c.hooks.test("h"), {"delivered": True, "status": 200}, "POST /api/hooks/h/test", {}),
    (lambda c: c.hooks.replay("h", since="2026-05-04"), {"replayed": 2}, "POST /api/hooks/h/replay",
     {"from": "2026-05-04"}),
    (lambda c: c.hooks.deliveries("h", state="dead"), {"deliveries": []},
     "GET /api/hooks/h/deliveries?state=dead&limit=100", None),
    (lambda c: c.hooks.discard("h", deliveries=["a", "b"]), {"removed": 2, "more": False},
     "DELETE /api/hooks/h/deliveries?id=a,b", None),
    (lambda c: c.hooks.list(), {"hooks": [HOOK]}, "GET /api/hooks", None),
    (lambda c: c.inbox.list(scope="all", workflows=["w"], overdue=True, sort="due"), {"items": []},
     "GET /api/inbox?scope=all&workflowId=w&overdue=true&sort=due&limit=50", None),
    (lambda c: c.inbox.list(claimed="nobody"), {"items": []},
     "GET /api/inbox?claimed=nobody&sort=-priority&limit=50", None),
    (lambda c: c.inbox.counts(text="acme"), COUNTS, "GET /api/inbox/counts?text=acme", None),
    (lambda c: c.inbox.get("e", "c"), DETAIL, f"GET {INBOX}", None),
    (lambda c: c.inbox.claim("e", "c"), STATE, f"POST {INBOX}/claim", {}),
    (lambda c: c.inbox.release("e", "c"), STATE, f"POST {INBOX}/release", {}),
    (lambda c: c.inbox.delegate("e", "c", "ann@b"), STATE, f"POST {INBOX}/delegate", {"to": "ann@b"}),
    (lambda c: c.inbox.reassign("e", "c", ["group:g"], reason="r"), STATE, f"POST {INBOX}/reassign",
     {"assignees": ["group:g"], "reason": "r"}),
    (lambda c: c.inbox.return_("e", "c", reason="r"), STATE, f"POST {INBOX}/return", {"reason": "r"}),
    (lambda c: c.inbox.comment("e", "c", "well"), STATE, f"POST {INBOX}/comment", {"text": "well"}),
    (lambda c: c.inbox.amend("e", "c", reason="r", content_digest="d", display={"n": 1}), STATE,
     f"PUT {INBOX}/content", {"reason": "r", "display": {"n": 1}}),
    (lambda c: c.pauses.held("e"), {"held": []}, "GET /api/executions/e/held", None),
    (lambda c: c.links.create("e", "c", user_id="ann"), LINK, f"POST {INBOX}/links", {"userId": "ann"}),
    (lambda c: c.links.list("e", "c"), {"links": []}, f"GET {INBOX}/links?limit=100", None),
    (lambda c: c.links.revoke("e", "c", "l"), None, f"DELETE {INBOX}/links/l", None),
    (lambda c: c.absences.get(), ABSENCE, "GET /api/users/me/absence", None),
    (lambda c: c.absences.set("ann", until="then"), ABSENCE, "PUT /api/users/me/absence",
     {"delegateId": "ann", "until": "then"}),
    (lambda c: c.absences.end(), None, "DELETE /api/users/me/absence", None),
    (lambda c: c.absences.set_member("ws", "u", "ann", until="then"), ABSENCE,
     f"PUT {MEMBERS}/u/absence", {"delegateId": "ann", "until": "then"}),
    (lambda c: c.absences.end_member("ws", "u"), None, f"DELETE {MEMBERS}/u/absence", None),
]  # fmt: skip
"""A call, how it is answered, and what the server is asked: the request and its body."""


@pytest.mark.parametrize(("call", "answer", "asked", "body"), CALLS)
async def test_a_call_is_the_request_of_the_contract(
    connect: Connect, call: Call, answer: object, asked: str, body: object
) -> None:
    server = Recorder(answer)

    asked_for = call(await connect(server))
    _ = [each async for each in asked_for] if isinstance(asked_for, AsyncGenerator) else await asked_for

    assert [" ".join(each) for each in server.asked] == [asked]
    assert server.bodies == [body]


async def test_many_decisions_are_sent_a_hundred_at_once_and_each_has_its_result(connect: Connect) -> None:
    def result(number: int, status: str) -> dict[str, object]:
        return {"executionId": str(number), "contextId": "c", "status": status, "httpStatus": 200}

    server = Recorder(
        {"results": [result(number, "started") for number in range(100)]},
        {"results": [result(100, "refused")]},
    )
    decisions = [Decision(execution_id=str(number), context_id="c") for number in range(101)]

    results = await (await connect(server)).inbox.decide_many(decisions)

    assert [each.execution_id for each in results] == [each.execution_id for each in decisions]
    assert [each.is_refused for each in results][-2:] == [False, True]
    assert server.bodies[1] == {"decisions": [{"executionId": "100", "contextId": "c"}]}


@pytest.mark.parametrize(
    "shown",
    [
        NewKey(id="k", name="ci", key="s3cret"),
        NewHook(hook_id="h", url="u", secret="s3cret"),
        StreamToken(token="s3cret", expires_at="then"),
        NewDecisionLink(id="l", url="s3cret", token="s3cret", expires_at="then", user_id="u"),
    ],
)
def test_a_secret_that_is_shown_once_is_in_no_text_of_its_answer(shown: object) -> None:
    assert "s3cret" not in repr(shown)
