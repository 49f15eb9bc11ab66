"""Pause points with a policy, and the people who are to decide them."""

import itertools
from typing import Any, Final

from msgspec import Struct

from support.gateways import Server
from support.identities import DEFAULT, Caller, add_person, administrator, sign_in

_numbers = itertools.count(1)

YES_OR_NO: Final = {"approved": {"type": "boolean", "required": True}, "comments": "string"}


class Member(Struct, frozen=True):
    """A person who is signed in."""

    id: str
    address: str
    browser: Caller

    @property
    def key(self) -> str:
        return f"user:{self.id}"


class Point(Struct, frozen=True):
    """A pause point of the default workspace.

    Attributes:
        path: where it is shown, and where things are asked of it.
        resume: where it is decided.
    """

    server: Server
    workflow: str
    execution: str
    context: str

    @property
    def path(self) -> str:
        return f"/api/inbox/{self.execution}/{self.context}"

    @property
    def resume(self) -> str:
        return f"/api/resume/{self.workflow}/{self.execution}/{self.context}"

    async def shown(self, caller: Caller | None = None) -> Any:
        return await (caller or administrator(self.server)).do("GET", self.path)

    async def seen(self, caller: Caller | None = None) -> dict[str, str]:
        """The header of somebody who has looked."""
        return {"If-Match": f'"{(await self.shown(caller))["contentDigest"]}"'}

    async def events(self, kind: str) -> list[Any]:
        """The events of a type in its execution's log."""
        path = f"/api/executions/{self.execution}/events"
        found = await administrator(self.server).do("GET", path, params={"limit": "1000"})
        return [each for each in found["events"] if each["type"] == kind]


async def member(server: Server, *roles: str, workspace_id: str = DEFAULT) -> Member:
    """A new member with these roles (``approver``), signed in."""
    user_id, address = await add_person(server, *(roles or ("approver",)), workspace_id=workspace_id)
    return Member(user_id, address, await sign_in(server, address))


async def group(server: Server, *members: Member) -> str:
    """A new group; gives its name."""
    name = f"group-{next(_numbers)}"
    body = {"name": name, "userIds": [each.id for each in members]}
    await administrator(server).do("POST", "/api/groups", json=body)
    return name


async def workflow(server: Server, **policy: Any) -> str:
    """Deploy a workflow that stops for one decision, with these parameters; gives its id."""
    workflow_id, ask = f"inbox-{next(_numbers)}", {"show": {"Amount": "<start.amount>"}, "form": YES_OR_NO}
    blocks = {"ask": {"type": "human_in_the_loop", **ask, **policy}}
    await administrator(server).do("PUT", f"/api/workflows/{workflow_id}", json={"blocks": blocks})
    return workflow_id


async def start(server: Server, workflow_id: str, *, by: Caller | None = None, amount: Any = 7) -> Point:
    """Run a workflow up to its decision."""
    answer = await (by or administrator(server)).do(
        "POST", f"/api/workflows/{workflow_id}/execute", json={"input": {"amount": amount}}
    )
    return Point(server, workflow_id, answer["executionId"], "ask")


async def point(server: Server, **policy: Any) -> Point:
    """A new pause point with this policy."""
    return await start(server, await workflow(server, **policy))
