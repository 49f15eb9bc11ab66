"""Every route, asked by every kind of caller, serves those whom the table of permissions names.

Whoever is refused is noted for the access log, once.
"""

from typing import Any, Final

import pytest
import pytest_asyncio
from aiohttp.test_utils import TestClient

from signoff.access.permissions import allows
from signoff.audit.accesses.gathering import Sight
from signoff.audit.accesses.recorder import AccessRecorder
from signoff.gateway.http.routing import Endpoint
from signoff.gateway.openapi.elsewhere import ELSEWHERE
from signoff.gateway.routes import ALL
from support.gateways import Server
from support.identities import Caller, add_workspace
from support.kinds import DENIED, KINDS, Kind, Refusal
from support.route_requests import PREPARED, Ask
from support.worlds import World

ROUTES: Final = {each.name: each for each in (*ALL, *ELSEWHERE)}
STREAMED: Final = frozenset({"streamExecution", "streamFeed"})
NO_PROVIDER: Final = frozenset({"beginOidc", "endOidc"})
"""Where there is no OpenID provider these are not there, for anybody."""

USERS_ONLY: Final = frozenset({"getAbsence", "getAccount", "listPersonalKeys", "listSessions"})
FREE_ONLY: Final = frozenset(
    {
        "changeAccount", "changePassword", "createPersonalKey", "endAbsence", "endOtherSessions",
        "endSession", "revokePersonalKey", "rotatePersonalKey", "setAbsence",
    }
)  # fmt: skip
OWN_OR_MANAGED: Final = frozenset({"createDecisionLink", "revokeDecisionLink"})
"""Without `links:manage` they are for the caller's own links, and who is no user has none."""

ENDS_THE_CALLER: Final = frozenset(
    {"closeWorkspace", "changePassword", "endOtherSessions", "endSession", "signIn", "signOut"}
)
"""After these a caller is none any more: they are asked by fresh callers, in fresh workspaces."""

NOT_SIGNED: Final = (401, "Invalid signature")
OF_ITS_OWN: Final = "refused for a reason of its own"


def expected(route: Endpoint, kind: Kind) -> Refusal | str | None:
    """How a kind of caller is refused in the workspace; ``None``: served."""
    if route.operation is None:
        return _of_open(route, kind)
    if not kind.known:
        return kind.outsider
    if route.operation == "installation:manage":
        return None if kind.installs else DENIED
    if kind.outsider is not None:
        return kind.outsider
    if not allows(kind.roles, route.operation):
        return DENIED
    by_itself = (route.name in USERS_ONLY and not kind.user) or (route.name in FREE_ONLY and not kind.free)
    no_own = route.name in OWN_OR_MANAGED and not (kind.user or allows(kind.roles, "links:manage"))
    return OF_ITS_OWN if by_itself or no_own else None


def _of_open(route: Endpoint, kind: Kind) -> Refusal | None:
    """The same where the route does not ask who it is, or asks by itself."""
    if route.name == "deliverWebhook":
        return _delivery(kind)
    return kind.outsider if route.name == "getSession" and not kind.known else None


def _delivery(kind: Kind) -> Refusal | None:
    """Nobody's delivery to a webhook without a secret needs a key; a session is no key."""
    if kind.name == "nobody" or "session" in kind.name:
        return NOT_SIGNED
    if kind.outsider is not None:
        return kind.outsider
    return None if allows(kind.roles, "executions:start") else DENIED


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def callers(server: Server, world: World) -> dict[str, Caller]:
    """One caller of each kind."""
    return {kind.name: await kind.make(server, world.workspace_id) for kind in KINDS}


@pytest.fixture
def noted(monkeypatch: pytest.MonkeyPatch) -> list[Sight]:
    """The refusals that are noted for the access log."""
    refusals: list[Sight] = []
    note = AccessRecorder.note

    def noting(self: AccessRecorder, sight: Sight, *, since: float | None = None) -> None:
        if sight.refused is not None:
            refusals.append(sight)
        note(self, sight, since=since)

    monkeypatch.setattr(AccessRecorder, "note", noting)
    return refusals


def test_every_route_is_asked() -> None:
    assert ROUTES.keys() == PREPARED.keys()


class Asking:
    """Sends one route's requests."""

    def __init__(self, route: Endpoint, world: World, client: TestClient[Any, Any]) -> None:
        self.route = route
        self.world = world
        self._client = client

    async def send(self, caller: Caller, ask: Ask, *, method: str = "") -> tuple[int, str]:
        """Gives the status, and the text of the refusal if it is one."""
        headers = {
            "Connection": "close",
            **self._workspace(),
            **caller.headers,
            **ask.given.get("headers", {}),
        }
        given = {name: each for name, each in ask.given.items() if name != "headers"}
        self._client.session.cookie_jar.clear()
        async with self._client.request(
            method or self.route.method, ask.path(self.route), headers=headers, allow_redirects=False, **given
        ) as response:
            if response.status < 400 or method == "HEAD":
                return response.status, ""
            error = (await response.json())["error"]
            return response.status, error if isinstance(error, str) else error["message"]

    def _workspace(self) -> dict[str, str]:
        named = "workspaceId" in self.route.path_names or self.route.operation == "installation:manage"
        return {} if named else {"X-Workspace-Id": self.world.workspace_id}


@pytest.mark.parametrize("name", sorted(ROUTES))
async def test_a_route_serves_whom_the_table_names_and_refuses_all_others(
    name: str,
    world: World,
    callers: dict[str, Caller],
    streams: TestClient[Any, Any],
    noted: list[Sight],
) -> None:
    route = ROUTES[name]
    asking = Asking(route, world, streams if name in STREAMED else world.server.client)
    served = [kind for kind in KINDS if expected(route, kind) is None]
    assert served, "nobody may ask it"
    shared = await PREPARED[name](world, callers[served[0].name])

    wrong = {
        kind.name: got
        for kind in KINDS
        if kind not in served
        and (got := await _refused(asking, callers[kind.name], shared, kind, noted)) is not None
    }
    for kind in served:
        caller, place, ask = callers[kind.name], asking, shared
        if name in ENDS_THE_CALLER:
            own = World(world.server, await add_workspace(world.server))
            caller, place = (
                await kind.make(world.server, own.workspace_id),
                Asking(route, own, world.server.client),
            )
            ask = await PREPARED[name](own, caller)
        elif kind is not served[0]:
            ask = await PREPARED[name](world, caller)
        status, text = await place.send(caller, ask)
        if status != 404 if name in NO_PROVIDER else status >= 400:
            wrong[kind.name] = (status, text)

    assert wrong == {}


async def _refused(asking: Asking, caller: Caller, ask: Ask, kind: Kind, noted: list[Sight]) -> object:
    """What is wrong with a refusal; a ``HEAD`` is refused as its ``GET``. Each is noted once."""
    noted.clear()
    wanted = expected(asking.route, kind)
    got = await asking.send(caller, ask)
    as_wanted = got[0] == 403 if wanted == OF_ITS_OWN else got == wanted
    if not as_wanted:
        return got
    if [each.refused.status for each in noted if each.refused] != [got[0]]:
        return f"noted: {noted}"
    if asking.route.method == "GET":
        head, _ = await asking.send(caller, ask, method="HEAD")
        if head != got[0]:
            return f"HEAD {head}"
    return None
