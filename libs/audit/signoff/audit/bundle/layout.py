"""What stands where in a bundle, and how large it may be."""

import re
from typing import Final

from msgspec import Struct

from signoff.audit.checkpoints.checkpoint import Leaf

LAYOUT: Final = 1
"""Of the bundle, for those who read it."""

README: Final = "README.txt"
SCHEMA: Final = "schemas/events.schema.json"
KEYS: Final = "keys.json"
MANIFEST: Final = "manifest.json"
SIGNATURE: Final = "manifest.jws"

UNFOLDED: Final = "unfolded"
"""The status of an execution whose events cannot have followed on each other."""

MOST_FILES: Final = 50_000
"""Files of a bundle: executions of it have some each, and large values one each."""

MOST_BYTES: Final = 16 * 1024**3
"""Bytes of all files of a bundle, not compressed."""

MOST_IN_MEMORY: Final = 64 * 1024 * 1024
"""Bytes of a file that is read whole: all but those of events."""

MOST_CHILDREN: Final = 1_000
"""Child executions that a bundle includes; more are named."""

_PATH: Final = re.compile(
    r"README\.txt|keys\.json|manifest\.(?:json|jws)|schemas/events\.schema\.json|values/[0-9a-f]{64}"
    r"|executions/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/(?:events\.jsonl|definitions\.jsonl|proof\.json)"
)


def is_known(path: str) -> bool:
    """Whether a bundle may have a file of this name."""
    return _PATH.fullmatch(path) is not None


def events_path(log_id: str) -> str:
    """The events of an execution, a line each: their very bytes."""
    return f"executions/{log_id}/events.jsonl"


def definitions_path(log_id: str) -> str:
    """The events by which the versions that ran were deployed, a line each."""
    return f"executions/{log_id}/definitions.jsonl"


def proof_path(log_id: str) -> str:
    """That a checkpoint commits to the execution."""
    return f"executions/{log_id}/proof.json"


def value_path(digest: str) -> str:
    """A large value, by ``sha256:<hex>``."""
    return f"values/{digest.removeprefix('sha256:')}"


class FileEntry(Struct, frozen=True):
    """A file with the SHA-256 of its bytes, in hexadecimal digits."""

    path: str
    size: int
    sha256: str


class ExecutionEntry(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """An execution of the bundle, up to its last event at that time.

    Attributes:
        execution_id: as its callers know it.
        head: its last event.
        status: as which it is found after that event.
        workflow_id: of its workflow.
        workflow_version: of the definition that runs.
        definition_digest: of the same.
        checkpoint: the number of the one whose proof is in the bundle; ``None`` for none.
        contradicted_by: the number of one that covers the execution and does not fit the server's log.
    """

    execution_id: str
    head: Leaf
    status: str
    workflow_id: str
    workflow_version: int
    definition_digest: str
    checkpoint: int | None = None
    contradicted_by: int | None = None


class ChildEntry(Struct, frozen=True, kw_only=True, rename="camel"):
    """A child execution that one of the bundle called.

    Attributes:
        execution_id: of the child.
        workflow_id: of its workflow.
        parent: the log that called it …
        event_id: … with this event.
        included: the bundle has the child, too.
    """

    execution_id: str
    workflow_id: str
    parent: str
    event_id: int
    included: bool


class Manifest(Struct, frozen=True, kw_only=True):
    """What is signed: all that the bundle has.

    Attributes:
        bundle: the layout.
        executions: the one that was asked for, then children.
        children: that they called.
        missing: digests of large values that the object store did not have, or had damaged.
        files: all but the manifest and its signature.
    """

    bundle: int
    executions: list[ExecutionEntry]
    children: list[ChildEntry]
    missing: list[str]
    files: list[FileEntry]
