"""Names and numbers that everybody must agree on: topics, derived ids, partitions.

This is the one place where a log's UUID becomes a partition, and where ids are derived.
"""

from typing import Final
from uuid import UUID, uuid5

COMMANDS: Final = "signoff.commands"
EXECUTIONS: Final = "signoff.executions"
OUTCOMES: Final = "signoff.outcomes"
CHECKPOINTS: Final = "signoff.checkpoints"

PARTITIONS: Final = 64
"""Partitions of the log and of every topic that follows it, fixed when a cluster is made."""

DEFAULT_WORKSPACE: Final = UUID(int=0)
"""The one workspace of an embedded server."""

_NAMESPACE: Final = UUID("9a4c1f0e-6a0b-5d0e-8c64-5b1f6f0d7e11")


def partition_of(log_id: UUID, partitions: int = PARTITIONS) -> int:
    """The partition of a log: its last two bytes, modulo the number of partitions."""
    return (log_id.int & 0xFFFF) % partitions


def _derived(*parts: str) -> UUID:
    return uuid5(_NAMESPACE, "\x1f".join(parts))


def chosen_log_id(workspace_id: str, execution_id: str) -> UUID:
    """The log of an execution whose id the client chose (unique in its workspace only)."""
    return _derived("execution", workspace_id, execution_id)


def idempotent_log_id(workspace_id: str, workflow_id: str, key: str) -> UUID:
    """The log that an ``Idempotency-Key`` starts: a retry reaches the same one."""
    return _derived("start", workspace_id, workflow_id, key)


def idempotent_command_id(log_id: UUID, route: str, key: str) -> UUID:
    """The id of any later command with an ``Idempotency-Key``."""
    return _derived("command", str(log_id), route, key)


def workflow_log_id(workspace_id: str, workflow_id: str) -> UUID:
    """The log of a workflow: its deployments, one after the other."""
    return _derived("workflow", workspace_id, workflow_id)


def directory_log_id() -> UUID:
    """The log of the installation's directory: workspaces, users, groups, keys."""
    return _derived("directory")


def recovery_log_id(partition: int) -> UUID:
    """The log of what operators decided where a partition's log and topics contradicted each other.

    It lies in that partition, for any number of partitions above it.
    """
    return UUID(int=_derived("recovery").int & ~0xFFFF | partition)


def access_log_id(workspace_id: str, partition: int, day: str) -> UUID:
    """The log of who read what in a workspace, and who was refused what, as one partition's owner records it.

    It lies in that partition, for any number of partitions above it.

    Args:
        workspace_id: the workspace.
        partition: whose owner writes it.
        day: of the accesses, such as ``2026-07-26`` (UTC).
    """
    return UUID(int=_derived("access", workspace_id, day).int & ~0xFFFF | partition)


def scheduled_log_id(workflow_log: UUID, block_id: str, due_at: str) -> UUID:
    """The log of the execution that a schedule starts: one for each of its moments, whoever fires it.

    Args:
        workflow_log: of the workflow that has the schedule.
        block_id: of the schedule.
        due_at: the moment, as events write it.
    """
    return _derived("schedule", str(workflow_log), block_id, due_at)


def delivery_log_id(workflow_log: UUID, block_id: str, delivery: str) -> UUID:
    """The log of the execution that a delivery to a webhook starts: a repetition reaches the same one."""
    return _derived("webhook", str(workflow_log), block_id, delivery)


def child_log_id(parent: UUID, instance: str, attempt: int) -> UUID:
    """The log of a child execution: of the block that called it and, when it is tried again, of the try."""
    return _derived("child", str(parent), instance, *([str(attempt)] if attempt > 1 else []))


def message_id(log_id: UUID, event_id: int) -> UUID:
    """The id of the command that follows from an event, for another log: always the same."""
    return _derived("message", str(log_id), str(event_id))


def run_id_of(log_id: UUID, command_id: UUID) -> UUID:
    """The id of the run that a resume command begins.

    It is the command's id with the last two bytes of the log's, so that it is the same on every
    retry, lies in the root's partition, and is ordered by time when the command's id is.
    """
    return UUID(int=command_id.int & ~0xFFFF | log_id.int & 0xFFFF)


def forked_run_id(log_id: UUID, run_id: str) -> UUID:
    """The id in a fork's log of a run that its source had; in the fork's partition."""
    return run_id_of(log_id, _derived("forked run", str(log_id), run_id))


def event_topic(event_name: str) -> str:
    """The stable name in the log's ``topic`` column of an event class, such as ``signoff:BlockCompleted``."""
    return f"signoff:{event_name}"


def record_key(log_id: UUID) -> bytes:
    """The key of every record about a log: its UUID as text, so that any consumer can read it."""
    return str(log_id).encode("ascii")


def log_of_key(key: bytes) -> UUID:
    """The log that a record's key names.

    Raises:
        ValueError: the key is no UUID.
    """
    return UUID(key.decode("ascii"))
