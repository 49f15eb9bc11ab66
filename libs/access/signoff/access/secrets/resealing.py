"""A new ``SIGNOFF_SECRET_KEY``: what was sealed under earlier ones is sealed again."""

from collections.abc import AsyncIterator, Callable, Mapping
from typing import Final
from uuid import UUID

from msgspec import Struct

from signoff.access.directory.fold import Directory
from signoff.access.errors import SealError
from signoff.access.secrets.sealing import Sealer
from signoff.events.errors import RecordConflictError
from signoff.events.records import Kept, Records

_PAGE: Final = 200


class Resealed(Struct, frozen=True):
    """What came of it.

    Attributes:
        count: secrets that were sealed again.
        unopened: what those are bound to that open with no key that is known here.
    """

    count: int
    unopened: list[str]


async def reseal(
    state: Directory,
    records: Records,
    sealer: Sealer,
    kinds: Mapping[str, Callable[[UUID, str], str]],
) -> Resealed:
    """Seal every secret of every workspace under the newest key, where it is not.

    May run in several processes at once, and again; whoever changes a secret meanwhile wins. One that does
    not open keeps no other from being sealed.

    Args:
        state: which workspaces there are.
        records: hold what is sealed.
        sealer: with the earlier keys.
        kinds: of records whose whole value is sealed → what it is bound to, by workspace and key.
    """
    count, unopened = 0, list[str]()
    for workspace_id in [UUID(each) for each in state.workspaces]:  # others may come meanwhile
        for kind, context_of in kinds.items():
            async for kept in _older(records, sealer, kind, workspace_id):
                context = context_of(workspace_id, kept.key)
                try:
                    sealed = sealer.seal(sealer.open(kept.value, context=context), context=context)
                    await records.put(
                        kind,
                        workspace_id,
                        kept.key,
                        sealed,
                        expected=kept.version,
                        expires_at=kept.expires_at,
                    )
                except SealError:
                    unopened.append(context)
                except RecordConflictError:
                    continue  # it was set anew, under the newest key
                else:
                    count += 1
    return Resealed(count, unopened)


async def _older(records: Records, sealer: Sealer, kind: str, workspace_id: UUID) -> AsyncIterator[Kept]:
    """What is sealed under another key than the newest."""
    after = ""
    while page := await records.list(kind, workspace_id, after=after, limit=_PAGE):
        after = page[-1].key
        for kept in page:
            if not sealer.is_newest(kept.value):
                yield kept
