"""The values of ``{{NAME}}``, which go in and never come out."""

from collections.abc import AsyncGenerator

from signoff.client.answers.workspaces import EnvironmentName
from signoff.client.resources.resource import Paged, Resource
from signoff.client.transport import api_path


class _Names(Paged):
    environment: list[EnvironmentName]


class AsyncEnvironment(Resource):
    """``client.environment``."""

    async def set(self, name: str, value: str) -> EnvironmentName:
        """Set a value, or another one in its place. It is kept encrypted.

        Args:
            name: letters, digits and ``_``; definitions name it as ``{{NAME}}``.
            value: the secret, at most 32 KiB of UTF-8.
        """
        return await self._transport.call(
            EnvironmentName, "PUT", api_path("environment", name), json={"value": value}
        )

    async def get(self, name: str) -> EnvironmentName:
        """That there is such a value, and since when.

        Raises:
            NotFoundError: there is none.
        """
        return await self._transport.call(EnvironmentName, "GET", api_path("environment", name))

    async def remove(self, name: str) -> None:
        """Remove a value.

        Raises:
            NotFoundError: there is none.
        """
        await self._transport.remove(api_path("environment", name))

    def list(self) -> AsyncGenerator[EnvironmentName, None]:
        """The names of the workspace's values, in order."""
        return self._listed(api_path("environment"), _Names, lambda page: page.environment)
