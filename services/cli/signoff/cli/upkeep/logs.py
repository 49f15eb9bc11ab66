"""Whether logs are whole, can be folded, and have the rows and the large values that follow from them."""

from collections.abc import AsyncIterator, Iterable
from typing import Final
from uuid import UUID

from signoff.cli.upkeep.comparison import Compared, compare
from signoff.cli.upkeep.finding import Finding
from signoff.cli.upkeep.opening import Installation
from signoff.cli.upkeep.walking import every_log, for_each, some_logs
from signoff.events.errors import BlobError

SAMPLE: Final = 200
"""Events whose logs are looked at, unless all are asked for."""


async def examine_logs(installation: Installation, *, everything: bool) -> AsyncIterator[Finding]:
    """Read logs from their first event on: numbers, hash chain, fold, rows, large values.

    Args:
        installation: whose.
        everything: all logs, and whether their large values are there; otherwise some logs.
    """
    looked_at = wrong = 0
    async for page in _pages(installation, everything=everything):
        async for compared in for_each(lambda log_id: _compare(installation, log_id), page):
            looked_at += 1
            found = [each async for each in _findings(installation, compared, everything=everything)]
            wrong += bool(found)
            for finding in found:
                yield finding
    of_all = "all" if everything else "by chance; look at all with --all"
    yield Finding(
        "logs",
        ok=not wrong,
        detail=f"{looked_at} looked at ({of_all}): {looked_at - wrong} are whole, with their rows",
    )


async def _pages(installation: Installation, *, everything: bool) -> AsyncIterator[list[UUID]]:
    if not everything:
        yield await some_logs(installation.store, SAMPLE)
        return
    async for page in every_log(installation.store):
        yield page


async def _compare(installation: Installation, log_id: UUID) -> Compared:
    return await compare(installation.store, installation.deriver, log_id)


async def _findings(
    installation: Installation, compared: Compared, *, everything: bool
) -> AsyncIterator[Finding]:
    name = f"log {compared.log_id}"
    if compared.unfoldable is not None:
        yield Finding(
            name,
            ok=False,
            detail=f"it cannot be folded: {compared.unfoldable}; its commands are refused until it can: "
            "run this with the version and the blocks (SIGNOFF_BLOCKS) of the executors, restore what is "
            "missing, then `signoff doctor --rebuild`",
        )
        return
    if compared.differing:
        tables = ", ".join(sorted(compared.differing))
        what = "marked as broken, and can be folded" if compared.is_marked_broken else f"wrong in {tables}"
        yield Finding(name, ok=False, detail=f"its rows are {what}: run `signoff doctor --rebuild`")
    if everything and compared.reading is not None and compared.reading.workspace is not None:
        lost = await _lost(installation, compared.reading.workspace, compared.reading.digests)
        if lost:
            detail = f"large values cannot be read: {'; '.join(lost)}; restore them in the object store"
            yield Finding(name, ok=False, detail=detail)


async def _lost(installation: Installation, workspace_id: UUID, digests: Iterable[str]) -> list[str]:
    lost = []
    for digest in sorted(digests):
        try:
            await installation.blobs.get(workspace_id, digest)
        except BlobError as error:
            lost.append(str(error))
    return lost
