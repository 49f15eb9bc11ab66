"""Whoever decides by the key that this server was given for it: never the agent itself."""

import hmac
from typing import Final

from signoff.cli.mcp.errors import ApproverError
from signoff.client import AsyncClient

_LIMIT: Final = 15.0
"""Seconds to find out whose a key is."""


class Approver:
    """A user whose own key decides.

    Args:
        url: of the Signoff server.
        key: the user's key.
        variable: the environment variable that it came from, for the texts of errors.
        workspace: where they decide, the same as the agent acts in.
    """

    def __init__(self, url: str, key: str, variable: str, workspace: str | None = None) -> None:
        self._url = url
        self._key = key
        self._variable = variable
        self._workspace = workspace

    def __repr__(self) -> str:
        return f"Approver({self._variable!r})"

    def client(self) -> AsyncClient:
        """A client that acts as the approver."""
        return AsyncClient(self._url, self._key, self._workspace)

    async def check(self, agent_key: str | None) -> None:
        """Make sure that the agent is somebody else: another key, and a key of another user.

        The server is asked whose the keys are, each time: keys change hands.

        Args:
            agent_key: what the agent acts with.

        Raises:
            ApproverError: they are one, or the approver's key is nobody's own.
            ClientError: the server cannot say, or knows one of the keys not.
        """
        if agent_key is not None and hmac.compare_digest(agent_key.encode(), self._key.encode()):
            raise ApproverError(
                f"{self._variable} holds the agent's own key: an agent must not approve its own work; set it "
                "to a personal key of the person who approves"
            )
        approver = await _user_of(self._url, self._key)
        if approver is None:
            raise ApproverError(
                f"the key in {self._variable} is no user's own, so that nobody would stand behind a "
                "decision: set it to a personal key of the person who approves"
            )
        if agent_key is not None and await _user_of(self._url, agent_key) == approver:
            raise ApproverError(
                f"the agent's key and the key in {self._variable} are of the same user: an agent must not "
                "approve its own work; let the agent act with a key of a service account or of a workspace"
            )


async def _user_of(url: str, key: str) -> str | None:
    """The id of the user who has a key; ``None`` for a key of a workspace or of the installation."""
    async with AsyncClient(url, key, timeout=_LIMIT, max_retries=1) as client:
        user = (await client.who_am_i()).user
    return None if user is None else user.id
