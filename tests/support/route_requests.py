"""For every route a request that it would serve: what the tests of isolation send as everybody."""

import re
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, TypeAlias
from urllib.parse import quote

from msgspec import Struct

from signoff.events.times import iso
from signoff.gateway.http.routing import Endpoint
from support.identities import DEFAULT, PASSWORD, Caller, administrator, new_address
from support.worlds import CLOSED_PORT, DEFINITIONS, UPLOAD, UPLOAD_HEADERS, World

DEFINITION: Final = {"blocks": DEFINITIONS["approval"]}
_NAME: Final = re.compile(r"\{(\w+)(?::[^{}]+)?\}")


class Ask(Struct, frozen=True):
    """What a request says.

    Attributes:
        names: of the path.
        given: to `Caller.send`: ``json``, ``params``, ``data``, ``headers``.
    """

    names: Mapping[str, str] = {}
    given: Mapping[str, Any] = {}

    def path(self, route: Endpoint) -> str:
        """Where the request goes."""
        return _NAME.sub(lambda name: quote(self.names[name[1]], safe=""), route.path)


Prepare: TypeAlias = Callable[[World, Caller], Awaitable[Ask]]
"""Makes what a request needs; the caller is its sender."""


def _ask(names: Mapping[str, str] | None = None, **given: Any) -> Prepare:
    async def prepare(_: World, __: Caller) -> Ask:
        return Ask(names or {}, given)

    return prepare


def _names(make: Callable[[World], Awaitable[Mapping[str, str]]], **given: Any) -> Prepare:
    async def prepare(world: World, _: Caller) -> Ask:
        return Ask(await make(world), given)

    return prepare


def _one(name: str, make: Callable[[World], Awaitable[str]], **given: Any) -> Prepare:
    async def names(world: World) -> Mapping[str, str]:
        return {name: await make(world)}

    return _names(names, **given)


def _path(workflow: str, name: str, make: Callable[[World], Awaitable[str]], **given: Any) -> Prepare:
    async def names(world: World) -> Mapping[str, str]:
        return {"id": workflow, name: await make(world)}

    return _names(names, **given)


async def _point(world: World) -> Mapping[str, str]:
    pause = await world.paused()
    return {"id": "approval", "execution": pause.execution, "context": pause.context}


async def _paused(world: World) -> str:
    return (await world.paused()).execution


async def _with_itself(world: World, _: Caller) -> Ask:
    execution = await _paused(world)
    return Ask({"execution": execution}, {"params": {"with": execution}})


async def _blob(world: World) -> Mapping[str, str]:
    execution, digest = await world.large()
    return {"execution": execution, "digest": digest}


async def _resume_run(world: World, _: Caller) -> Ask:
    names = await _point(world)
    body = {"contextId": names["context"], "input": {"approved": True}}
    seen = await _seen(world, names)
    return Ask({"id": "approval", "run": names["execution"]}, {"json": body, "headers": seen})


async def _claimed(world: World, caller: Caller) -> Ask:
    """A point that the caller has claimed; the administrator has it where the caller may not."""
    names = await _point(world)
    path = f"/api/inbox/{names['execution']}/{names['context']}/claim"
    status, _ = await caller.within(world.workspace_id).post(path)
    if status != 200:
        await world.admin.do("POST", path)
    return Ask(names)


async def _seen(world: World, names: Mapping[str, str]) -> dict[str, str]:
    """The header of somebody who has looked at a point."""
    shown = await world.admin.do("GET", f"/api/inbox/{names['execution']}/{names['context']}")
    return {"If-Match": f'"{shown["contentDigest"]}"'}


async def _decision(world: World, _: Caller) -> Ask:
    names = await _point(world)
    return Ask(names, {"json": {"approved": True}, "headers": await _seen(world, names)})


async def _delegated(world: World, _: Caller) -> Ask:
    return Ask(await _point(world), {"json": {"to": await world.member()}})


async def _reassigned(world: World, _: Caller) -> Ask:
    body = {"assignees": [f"user:{await world.member()}"], "reason": "they know more"}
    return Ask(await _point(world), {"json": body})


async def _amended(world: World, _: Caller) -> Ask:
    names = await _point(world)
    body = {"reason": "the amount was wrong", "display": {"Amount": 8}}
    return Ask(names, {"json": body, "headers": await _seen(world, names)})


async def _decisions(world: World, _: Caller) -> Ask:
    pause = await world.paused()
    decision = {"executionId": pause.execution, "contextId": pause.context, "input": {"approved": True}}
    return Ask(given={"json": {"decisions": [decision]}})


async def _rolled_back(world: World) -> str:
    return await world.fresh_workflow(versions=2)


async def _enabled_hook(world: World) -> str:
    return await world.hook(enabled=True)


async def _stream(world: World) -> Mapping[str, str]:
    return {"workflowId": "approval", "executionId": await _paused(world)}


async def _stream_token(world: World, _: Caller) -> Ask:
    return Ask(given={"json": {"executionId": await _paused(world)}})


async def _own_key(_: World, caller: Caller) -> Ask:
    """A key of the caller; anybody's where the caller may have none."""
    status, made = await caller.post("/api/users/me/keys", json={"name": "to go"})
    return Ask({"keyId": made["id"] if status == 201 else DEFAULT}, {"json": {}})


async def _own_session(_: World, caller: Caller) -> Ask:
    """The newest session of the caller; nobody's where there is none."""
    status, listed = await caller.get("/api/users/me/sessions")
    sessions = listed["sessions"] if status == 200 else []
    return Ask({"session": sessions[0]["id"] if sessions else "x" * 22})


async def _service_key(world: World, _: Caller) -> Ask:
    user_id = await _service(world)
    path = f"/api/users/{user_id}/keys"
    made = await administrator(world.server).do("POST", path, json={"name": "crawler"})
    return Ask({"userId": user_id, "keyId": made["id"]}, {"json": {}})


async def _here(world: World) -> Mapping[str, str]:
    return {"workspaceId": world.workspace_id}


async def _member(world: World) -> Mapping[str, str]:
    return {"workspaceId": world.workspace_id, "userId": await world.member()}


def _away(delegate_id: str) -> dict[str, Any]:
    return {"json": {"delegateId": delegate_id, "until": iso(time.time() + 86_400)}}


async def _leave(world: World, _: Caller) -> Ask:
    return Ask(given=_away(await world.member()))


async def _own_absence(world: World, caller: Caller) -> Ask:
    """An absence of the caller; nobody's where there is no user."""
    status, user = await caller.within(world.workspace_id).get("/api/users/me")
    if status == 200:
        await _send_away(world, user["id"])
    return Ask()


async def _member_to_leave(world: World, _: Caller) -> Ask:
    return Ask(await _member(world), _away(await world.member()))


async def _member_away(world: World) -> Mapping[str, str]:
    names = await _member(world)
    await _send_away(world, names["userId"])
    return names


async def _send_away(world: World, user_id: str) -> None:
    path = f"/api/workspaces/{world.workspace_id}/members/{user_id}/absence"
    await world.admin.do("PUT", path, **_away(await world.member()))


async def _new_member(world: World, _: Caller) -> Ask:
    return Ask(await _here(world), {"json": {"email": new_address(), "roles": ["read"]}})


async def _new_user(_: World, __: Caller) -> Ask:
    return Ask(given={"json": {"name": "Ada", "email": new_address()}})


async def _link_to_make(world: World, caller: Caller) -> Ask:
    """For the caller; for a member where there is no user."""
    own = await _is_user(world, caller)
    return Ask(await _point(world), {"json": {} if own else {"userId": await world.member()}})


async def _link_to_revoke(world: World, caller: Caller) -> Ask:
    names = await _point(world)
    path = f"/api/inbox/{names['execution']}/{names['context']}/links"
    if await _is_user(world, caller):
        made = await caller.within(world.workspace_id).do("POST", path, json={})
    else:
        made = await world.admin.do("POST", path, json={"userId": await world.member()})
    return Ask({**names, "link": made["id"]})


async def _is_user(world: World, caller: Caller) -> bool:
    return (await caller.within(world.workspace_id).get("/api/users/me"))[0] == 200


async def _new_group(world: World, _: Caller) -> Ask:
    return Ask(given={"json": {"name": new_address()}})


async def _group(world: World, _: Caller) -> Ask:
    return Ask({"groupId": await world.group()}, {"json": {"name": new_address()}})


async def _service(world: World) -> str:
    return await world.user(service=True)


async def _sign_in(world: World, _: Caller) -> Ask:
    user_id = await world.user()
    address = (await administrator(world.server).do("GET", f"/api/users/{user_id}"))["email"]
    return Ask(given={"json": {"email": address, "password": PASSWORD}})


async def _new_name(_: World) -> str:
    return "FRESH"


_BULK: Final = {"action": "cancel", "filter": {"workflowId": ["nothing"]}, "dryRun": True}
_PASSWORDS: Final = {"currentPassword": PASSWORD, "newPassword": f"{PASSWORD} of their own"}

PREPARED: Final[Mapping[str, Prepare]] = {
    "listWorkflows": _ask(),
    "deployWorkflow": _one("id", World.fresh_workflow, json=DEFINITION),
    "getWorkflow": _ask({"id": "approval"}),
    "undeployWorkflow": _one("id", World.fresh_workflow),
    "rollBackWorkflow": _one("id", _rolled_back, json={"version": 1}),
    "getWorkflowStatus": _ask({"id": "approval"}),
    "listVersions": _ask({"id": "approval"}),
    "executeWorkflow": _ask({"id": "approval"}, json={"input": {"amount": 1}}),
    "getExecution": _path("approval", "execution", _paused),
    "searchExecutions": _ask(params={"counts": "true"}),
    "bulkExecutions": _ask(json=_BULK),
    "cancelExecution": _path("approval", "execution", _paused),
    "retryExecution": _one("execution", World.failed, json={}),
    "forkExecution": _one("execution", _paused, json={"mode": "dry-run"}),
    "getExecutionState": _one("execution", _paused, params={"asOf": "1"}),
    "compareStates": _one("execution", _paused, params={"from": "1"}),
    "compareTimelines": _with_itself,
    "listEvents": _one("execution", _paused),
    "getLargeValue": _names(_blob),
    "verifyExecution": _one("execution", _paused),
    "bundleExecution": _one("execution", _paused),
    "getCheckpointKeys": _ask(),
    "getJob": _one("run", _paused),
    "listPaused": _ask({"id": "approval"}),
    "getPaused": _path("approval", "execution", _paused),
    "getResumable": _path("approval", "execution", _paused),
    "getPausePoint": _names(_point),
    "resumeExecution": _decision,
    "createDecisionLink": _link_to_make,
    "listDecisionLinks": _names(_point),
    "revokeDecisionLink": _link_to_revoke,
    "sendDecisionCode": _names(_point),
    "listInbox": _ask(params={"counts": "true"}),
    "countInbox": _ask(),
    "getInboxPoint": _names(_point),
    "claimPausePoint": _names(_point),
    "releasePausePoint": _claimed,
    "delegatePausePoint": _delegated,
    "reassignPausePoint": _reassigned,
    "returnPausePoint": _names(_point, json={"reason": "the invoice is missing"}),
    "commentPausePoint": _names(_point, json={"text": "fine"}),
    "amendPausePoint": _amended,
    "decideMany": _decisions,
    "listHeldDecisions": _one("execution", _paused),
    "createStreamToken": _stream_token,
    "uploadFiles": _ask(data=UPLOAD, headers=UPLOAD_HEADERS),
    "getFile": _one("key", World.file),
    "deliverWebhook": _ask({"id": "pushed", "block": "hook"}, json={"a": 1}),
    "listHooks": _ask(),
    "createHook": _ask(json={"url": CLOSED_PORT, "enabled": False}),
    "getHook": _one("hook", World.hook),
    "setHook": _one("hook", World.hook, json={"enabled": False}),
    "removeHook": _one("hook", World.hook),
    "rotateHookSecret": _one("hook", World.hook),
    "testHook": _one("hook", World.hook),
    "listHookDeliveries": _one("hook", World.hook),
    "removeHookDeadLetters": _one("hook", World.hook),
    "replayHookDeliveries": _one("hook", _enabled_hook, json={"from": "2026-05-04T09:00:00Z"}),
    "listSchedules": _ask(),
    "switchSchedule": _ask({"workflowId": "timed", "block": "nightly"}, json={"enabled": False}),
    "listEnvironment": _ask(),
    "getEnvironmentValue": _one("name", World.environment),
    "setEnvironmentValue": _one("name", _new_name, json={"value": "a value"}),
    "removeEnvironmentValue": _one("name", World.environment),
    "getUsageLimits": _ask(),
    "executeWorkflowV2": _ask({"id": "approval"}, json={"input": {"amount": 1}}),
    "listRuns": _ask({"id": "approval"}),
    "getRun": _path("approval", "run", _paused),
    "cancelRun": _path("approval", "run", _paused),
    "resumeRun": _resume_run,
    "listWorkflowsV2": _ask(),
    "getWorkflowV2": _ask({"id": "approval"}),
    "listVersionsV2": _ask({"id": "approval"}),
    "deployWorkflowV2": _one("id", World.fresh_workflow, json={"definition": DEFINITION}),
    "rollBackWorkflowV2": _one("id", _rolled_back, json={"version": 1}),
    "listLogs": _ask(),
    "getLog": _one("run", _paused),
    "listAuditLogs": _ask(),
    "listAccesses": _ask(),
    "getOpenApi": _ask(),
    "getAsyncApi": _ask(),
    "getSchema": _ask({"name": "events"}),
    "getReference": _ask(),
    "getReferenceStyle": _ask(),
    "streamExecution": _names(_stream),
    "streamFeed": _ask(),
    "getHealth": _ask(),
    "getReadiness": _ask(),
    "getMetrics": _ask(),
    "signIn": _sign_in,
    "signOut": _ask(),
    "getSession": _ask(),
    "getSignInMethods": _ask(),
    "beginOidc": _ask(),
    "endOidc": _ask(params={"state": "a", "code": "b"}),
    "getAccount": _ask(),
    "changeAccount": _ask(json={"name": "Ada"}),
    "changePassword": _ask(json=_PASSWORDS),
    "listPersonalKeys": _ask(),
    "createPersonalKey": _ask(json={"name": "laptop"}),
    "revokePersonalKey": _own_key,
    "rotatePersonalKey": _own_key,
    "listSessions": _ask(),
    "endOtherSessions": _ask(),
    "endSession": _own_session,
    "getAbsence": _own_absence,
    "setAbsence": _leave,
    "endAbsence": _own_absence,
    "setMemberAbsence": _member_to_leave,
    "endMemberAbsence": _names(_member_away),
    "listKeys": _ask(),
    "createKey": _ask(json={"name": "nightly", "roles": ["read"]}),
    "getKey": _one("keyId", World.key),
    "revokeKey": _one("keyId", World.key),
    "rotateKey": _one("keyId", World.key, json={}),
    "listUsers": _ask(),
    "createUser": _new_user,
    "getUser": _one("userId", World.user),
    "changeUser": _one("userId", World.user, json={"name": "Ada"}),
    "eraseUser": _one("userId", World.user),
    "listServiceKeys": _one("userId", _service),
    "createServiceKey": _one("userId", _service, json={"name": "crawler"}),
    "revokeServiceKey": _service_key,
    "rotateServiceKey": _service_key,
    "listMembers": _names(_here),
    "addMember": _new_member,
    "setMember": _names(_member, json={"roles": ["write"]}),
    "removeMember": _names(_member),
    "listGroups": _ask(),
    "createGroup": _new_group,
    "getGroup": _one("groupId", World.group),
    "setGroup": _group,
    "removeGroup": _one("groupId", World.group),
    "listWorkspaces": _ask(),
    "createWorkspace": _ask(json={"name": "Finance"}),
    "getWorkspace": _names(_here),
    "renameWorkspace": _names(_here, json={"name": "Accounting"}),
    "closeWorkspace": _names(_here),
}
"""By the name of the route."""
