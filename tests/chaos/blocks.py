"""The block that tells the outside of each of its tries: `SIGNOFF_BLOCKS=chaos.blocks`."""

import aiohttp

from signoff.blocks import Context, block

_LIMIT = aiohttp.ClientTimeout(total=20)


@block("chaos.note")
async def note(ctx: Context, url: str) -> dict[str, int]:
    """Tell the desk, once for each try, as a payment would be made.

    Args:
        ctx: names the try.
        url: of the desk.
    """
    told = {"key": ctx.idempotency_key, "attempt": ctx.attempt}
    async with aiohttp.ClientSession(timeout=_LIMIT) as session, session.post(url, json=told) as answer:
        answer.raise_for_status()
    return {"attempt": ctx.attempt}
