"""What the references of a notification may read: also the pause block's own output, with its links."""

from collections.abc import Mapping
from typing import Any

import msgspec

from signoff.engine.points.pauses import pending_output
from signoff.events.types import Json
from signoff.executor.notices.matter import Matter
from signoff.executor.running.reading import Reading, Sources, complete
from signoff.executor.running.scope import Facts


class Scene:
    """Everything that the messages of a matter are made of, at hand.

    Args:
        reading: complete.
        block_id: of the pause block.
        own: its output.
        response: what the point shows, submitted secrets masked.
    """

    def __init__(self, reading: Reading, block_id: str, own: Mapping[str, Any], response: Json) -> None:
        self.response = response
        self._reading = reading
        self._block_id = block_id
        self._own = own

    @classmethod
    async def of(cls, matter: Matter, sources: Sources, *, base: str) -> "Scene":
        """Put everything in its place.

        Args:
            matter: what people are told of.
            sources: where values are that a log only names.
            base: what the links of the pause block's own output begin with.

        Raises:
            BlobError: a large value cannot be read.
            SealError: a submitted secret does not open.
            StoreError: the database is away.
        """
        response, block_id = matter.point.response, matter.point.block_id
        if matter.reading.large:
            response = await sources.blobs.resolve(response, workspace_id=matter.workspace)
        reading = await complete(matter.reading, sources)
        own = _own_output(response, reading.outputs.get(block_id), base)
        return cls(reading, block_id, own, response)

    @property
    def page(self) -> str | None:
        """Where people decide; ``None`` for a point without links."""
        return self._own.get("url")

    def facts(self, secrets: set[str], **own: Json) -> Facts:
        """The facts that references are resolved against.

        Args:
            secrets: where secrets are noted that are read.
            own: more fields of the pause block's own output.
        """
        outputs = {**self._reading.outputs, self._block_id: {**self._own, **own}}
        facts = msgspec.structs.replace(self._reading, outputs=outputs).facts()
        facts.secrets = secrets
        return facts


def _own_output(response: Json, ended: Json, base: str) -> Mapping[str, Any]:
    """The pause block's output with absolute links: as it waits, and as it ended if this point has."""
    waiting = pending_output(response)
    given = waiting if isinstance(waiting, dict) else {"response": response}
    if isinstance(ended, dict) and ended.get("resumeEndpoint") == given.get("resumeEndpoint"):
        given = {**given, **ended}
    links = {name: base + str(given[name]) for name in ("url", "resumeEndpoint") if name in given}
    return {**given, **links}
