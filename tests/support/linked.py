"""A decision that somebody has a link to."""

import itertools
from typing import Any
from uuid import UUID

from msgspec import Struct

from signoff.access.links.links import DecisionLinks, NewLink, PointOf
from signoff.events.topics import DEFAULT_WORKSPACE
from signoff.events.types import SYSTEM
from signoff.gateway.people.linked import LINKED
from support.gateways import APPROVAL, Server
from support.identities import Caller, add_person, administrator

_numbers = itertools.count(1)


class Decision(Struct, frozen=True):
    """A pause point of the default workspace, what it shows, and who is to decide there."""

    server: Server
    workflow: str
    execution: str
    context: str
    seen: str
    user_id: str

    @property
    def path(self) -> str:
        return f"/api/resume/{self.workflow}/{self.execution}/{self.context}"

    @property
    def inbox(self) -> str:
        return f"/api/inbox/{self.execution}/{self.context}"

    @property
    def point(self) -> PointOf:
        return PointOf(DEFAULT_WORKSPACE, UUID(self.execution), self.context)

    async def link(self) -> NewLink:
        """A new link for the person, as a notification has it."""
        return await links_of(self.server).make(self.point, user_id=self.user_id, made_by=SYSTEM)

    async def lend(self, **asked: Any) -> dict[str, Any]:
        """A new link for the person, made by an administrator."""
        body = {"userId": self.user_id, **asked}
        made = await administrator(self.server).do("POST", f"{self.inbox}/links", json=body)
        return dict(made)

    async def caller(self) -> Caller:
        """The person by a new link."""
        return by_bearer(self.server, (await self.link()).token)

    async def decide(
        self, caller: Caller, *, approved: bool = True, params: dict[str, str] | None = None, **headers: str
    ) -> tuple[int, Any]:
        """Decide on what the point shows; ``headers`` have underscores for hyphens."""
        told = {name.replace("_", "-"): value for name, value in headers.items()}
        return await caller.post(
            self.path,
            json={"approved": approved},
            params=params or {},
            headers={"If-Match": self.seen, **told},
        )

    async def events(self) -> list[Any]:
        path = f"/api/executions/{self.execution}/events"
        found = await administrator(self.server).do("GET", path, params={"limit": "1000"})
        return list(found["events"])


def links_of(server: Server) -> DecisionLinks:
    """Makes links as the server's executors do."""
    assert server.client.app is not None
    links: DecisionLinks = server.client.app[LINKED].links
    return links


def by_bearer(server: Server, token: str) -> Caller:
    """Whoever has a link's token."""
    return Caller(server, {"Authorization": f"Bearer {token}"})


async def paused(server: Server, blocks: dict[str, Any]) -> tuple[str, Any]:
    """Run blocks as a new workflow up to a pause; gives its id and the answer."""
    workflow, admin = f"linked-{next(_numbers)}", administrator(server)
    await admin.do("PUT", f"/api/workflows/{workflow}", json={"blocks": blocks})
    body = {"input": {"amount": 7}}
    return workflow, await admin.do("POST", f"/api/workflows/{workflow}/execute", json=body)


async def pause(server: Server, *roles: str, blocks: dict[str, Any] = APPROVAL) -> Decision:
    """An execution that waits for a decision, and a new member with these roles (``approver``)."""
    workflow, answer = await paused(server, blocks)
    context = answer["output"]["data"]["_resume"]["contextId"]
    return await point(server, workflow, answer["executionId"], context, *roles)


async def point(server: Server, workflow: str, execution: str, context: str, *roles: str) -> Decision:
    """One of the points that an execution waits at, and a new member."""
    path = f"/api/resume/{workflow}/{execution}/{context}"
    _, _, headers = await administrator(server).send("GET", path)
    user_id, _ = await add_person(server, *(roles or ("approver",)))
    return Decision(server, workflow, execution, context, headers["ETag"], user_id)
