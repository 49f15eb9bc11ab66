"""What an executor of a newer version wrote is shown by a gateway that does not know it."""

from uuid import UUID

import msgspec

from signoff.events.codec import chain_hash
from signoff.events.store.base import Append, NewEvent
from signoff.events.topics import partition_of
from support.gateways import APPROVAL, Server


async def write_later(server: Server, log_id: UUID) -> None:
    """Append an event to a log that only newer versions know."""
    *_, last = await server.store.read(log_id)
    later = msgspec.json.decode(last.state) | {
        "type": "later:invented",
        "eventId": last.version + 1,
        "prev": chain_hash(last.state),
        "data": {"x": [1, {"y": None}]},
    }
    (lease,) = [each for each in await server.store.leases() if each.partition == partition_of(log_id)]
    event = NewEvent(log_id, last.version + 1, "signoff:LaterInvented", msgspec.json.encode(later))
    await server.store.append(Append(partition=lease.partition, epoch=lease.epoch, events=[event]))


async def test_an_execution_and_its_pause_are_shown_past_it(server: Server) -> None:
    workflow_id = await server.deploy(APPROVAL)
    execution_id = (await server.execute(workflow_id, json={"input": {"amount": 1}}))["executionId"]
    paths = (
        f"/api/workflows/{workflow_id}/executions/{execution_id}?includeOutput=true",
        f"/api/workflows/{workflow_id}/paused/{execution_id}",
        f"/api/resume/{workflow_id}/{execution_id}/approve",
        f"/api/executions?workflowId={workflow_id}",
    )

    await write_later(server, UUID(execution_id))

    for path in paths:
        status, shown = await server.get(path)
        assert status == 200, (path, shown)
