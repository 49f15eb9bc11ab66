"""Schedules: listed, switched on and off."""

from collections.abc import AsyncGenerator

from signoff.client.answers.workflows import Schedule
from signoff.client.resources.resource import Paged, Resource
from signoff.client.transport import api_path


class _SchedulePage(Paged):
    schedules: list[Schedule]


class AsyncSchedules(Resource):
    """``client.schedules``."""

    async def switch(
        self, workflow_id: str, block_id: str, *, enabled: bool, idempotency_key: str | None = None
    ) -> Schedule:
        """Let a schedule fire, or not. Moments that pass while it is off are let go.

        Args:
            workflow_id: the workflow.
            block_id: its block of type ``schedule``.
            enabled: whether it fires; new deployments keep it so.
            idempotency_key: the same key and request again change nothing further.
        """
        return await self._transport.call(
            Schedule,
            "PATCH",
            api_path("schedules", workflow_id, block_id),
            json={"enabled": enabled},
            key=idempotency_key,
        )

    def list(self, *, page_size: int = 50) -> AsyncGenerator[Schedule, None]:
        """The schedules of the workspace's deployed workflows, on or off.

        Args:
            page_size: how many workflows are looked through at once.
        """
        path = api_path("schedules")
        return self._listed(path, _SchedulePage, lambda page: page.schedules, page_size=page_size)
