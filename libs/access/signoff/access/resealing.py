"""A new ``SIGNOFF_SECRET_KEY``: what was sealed under earlier ones is sealed again."""

from collections.abc import Callable, Mapping
from typing import Final
from uuid import UUID

from signoff.access.directory import Directory
from signoff.access.sealing import Sealer
from signoff.events.errors import RecordConflictError
from signoff.events.records import Records

_PAGE: Final = 200


async def reseal(
    state: Directory,
    records: Records,
    sealer: Sealer,
    kinds: Mapping[str, Callable[[UUID, str], str]],
) -> int:
    """Seal every secret of every workspace under the newest key, where it is not.

    May run in several processes at once, and again; whoever changes a secret meanwhile wins.

    Args:
        state: which workspaces there are.
        records: hold what is sealed.
        sealer: with the earlier keys.
        kinds: of records whose whole value is sealed → what it is bound to, by workspace and key.

    Returns:
        How many were sealed again.

    Raises:
        SealError: one does not open with any key that is known here.
    """
    count = 0
    for workspace_id in map(UUID, state.workspaces):
        for kind, context_of in kinds.items():
            count += await _reseal_kind(records, sealer, kind, workspace_id, context_of)
    return count


async def _reseal_kind(
    records: Records, sealer: Sealer, kind: str, workspace_id: UUID, context_of: Callable[[UUID, str], str]
) -> int:
    count, after = 0, ""
    while page := await records.list(kind, workspace_id, after=after, limit=_PAGE):
        after = page[-1].key
        for kept in page:
            if sealer.is_newest(kept.value):
                continue
            context = context_of(workspace_id, kept.key)
            sealed = sealer.seal(sealer.open(kept.value, context=context), context=context)
            try:
                await records.put(
                    kind, workspace_id, kept.key, sealed, expected=kept.version, expires_at=kept.expires_at
                )
            except RecordConflictError:
                continue  # it was set anew, under the newest key
            count += 1
    return count
