"""Histories that chance makes up, through both gateways at once, with commands delivered again."""

import asyncio
import random
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from access.conftest import Site
from signoff.access.directory.fold import Directory, evolve_directory
from signoff.events.codec import decode_command, decode_event
from signoff.events.topics import COMMANDS, directory_log_id, log_of_key
from signoff.events.types import ChangeDirectory
from support.clusters import Service

_ROUNDS = 20
_AT_ONCE = 6
_NAMES = ["one", "two", "three"]
_ROLES = ["read", "write", "admin", "approver"]


class _Chance:
    """Makes requests up that a workspace's administrator could send, many of which contradict each other."""

    def __init__(self, seed: int, users: list[str]) -> None:
        self._random = random.Random(seed)
        self._users = users
        self.keys: list[str] = []
        self.groups: list[str] = []

    def any(self, among: list[Any]) -> Any:
        return self._random.choice(among)

    def request(self) -> tuple[str, str, Any]:
        """Method, path and body."""
        make: Callable[[], tuple[str, str, Any]] = self.any(
            [self._member, self._member_removed, self._group, self._group_set, self._key, self._key_changed,
             self._value, self._value_removed, self._renamed]
        )  # fmt: skip
        return make()

    def _member(self) -> tuple[str, str, Any]:
        return "PUT", f"members/{self.any(self._users)}", {"roles": [self.any(_ROLES)]}

    def _member_removed(self) -> tuple[str, str, Any]:
        return "DELETE", f"members/{self.any(self._users)}", None

    def _group(self) -> tuple[str, str, Any]:
        return "POST", "/api/groups", self._group_body()

    def _group_set(self) -> tuple[str, str, Any]:
        group = self.any([*self.groups, "none"])
        return "PUT", f"/api/groups/{group}", self._group_body()

    def _group_body(self) -> Any:
        users = self._random.sample(self._users, k=self.any([0, 1, 2]))
        return {"name": self.any(_NAMES), "roles": [self.any(_ROLES)], "userIds": users}

    def _key(self) -> tuple[str, str, Any]:
        return "POST", "/api/keys", {"name": self.any(_NAMES), "roles": [self.any(_ROLES)]}

    def _key_changed(self) -> tuple[str, str, Any]:
        key = self.any([*self.keys, "none"])
        return self.any([("DELETE", f"/api/keys/{key}", None), ("POST", f"/api/keys/{key}/rotate", {})])

    def _value(self) -> tuple[str, str, Any]:
        return "PUT", f"/api/environment/{self.any(_NAMES)}", {"value": "a value"}

    def _value_removed(self) -> tuple[str, str, Any]:
        return "DELETE", f"/api/environment/{self.any(_NAMES)}", None

    def _renamed(self) -> tuple[str, str, Any]:
        return "PATCH", "", {"name": self.any(_NAMES)}


async def _send(service: Service, chance: _Chance, workspace_id: str) -> None:
    method, path, body = chance.request()
    if not path.startswith("/"):
        path = f"/api/workspaces/{workspace_id}/{path}".rstrip("/")
    given = {} if body is None else {"json": body}
    key = {"Idempotency-Key": str(chance.any(list(range(10_000))))}
    status, answer = await service.call(
        method, path, headers={"X-Workspace-Id": workspace_id, **key}, **given
    )
    assert status < 500, answer
    if status == 201:
        (chance.groups if path == "/api/groups" else chance.keys).append(answer["id"])


@pytest.mark.parametrize("seed", [1, 2])
async def test_all_services_fold_the_same_directory_from_a_log_without_gaps_or_repetitions(
    site: Site, seed: int
) -> None:
    workspace_id = await site.workspace()
    users = [(await site.member(workspace_id, "admin"))[0] for _ in range(3)]
    chance = _Chance(seed, users)
    gateways = [site.a, site.b]
    for each in gateways:
        each.line.sent.clear()

    for _ in range(_ROUNDS):
        asked = [_send(chance.any(gateways), chance, workspace_id) for _ in range(_AT_ONCE)]
        sent = [record for each in gateways for record in each.line.sent]
        again = [site.a.line.send(COMMANDS, *chance.any(sent)) for _ in range(_AT_ONCE) if sent]
        await asyncio.gather(*asked, *again)

    # What was delivered again last comes before this, for it is the same partition.
    await site.a.do("PATCH", f"/api/workspaces/{workspace_id}", json={"name": "the end"})
    await site.everywhere()
    folded, causes = await _folded(site)
    for each in (site.a, site.b, site.stream, *site.workers):
        assert each.directory.state == folded
    proposed = _proposed(gateways)
    assert {each: count for each, count in causes.items() if each in proposed} == {
        each: count for each, count in proposed.items() if each in causes
    }
    assert len(causes.keys() & proposed.keys()) > _ROUNDS


async def _folded(site: Site) -> tuple[Directory, Counter[str]]:
    """The fold of the whole log, and how many events each command led to."""
    state, causes = Directory(), Counter[str]()
    for recorded in await site.a.log.read(directory_log_id(), limit=100_000):
        event = decode_event(recorded.state)
        assert recorded.version == event.event_id == state.version + 1
        evolve_directory(state, event)
        causes[event.causation_id] += 1
    return state, causes


def _proposed(gateways: list[Service]) -> dict[str, int]:
    """How many facts each command proposed."""
    found = {}
    for each in gateways:
        for _, record in each.line.sent:
            command = decode_command(record.value)
            if log_of_key(record.key) == directory_log_id() and isinstance(command.data, ChangeDirectory):
                found[command.command_id] = len(command.data.proposed)
    return found
