"""Registered blocks that are careless with a secret, for tests/isolation/test_canaries.py."""

from signoff.blocks import Context, block

_LARGE = 300_000


@block("canary.fail")
async def fail(ctx: Context) -> None:
    """Fails with the secret in its error, in that error's cause and in a line of the log."""
    secret = ctx.secret("OURS")
    ctx.log("about to fail", key=secret)
    raise RuntimeError(f"no: {secret}") from KeyError(secret)


@block("canary.tell")
async def tell(ctx: Context) -> dict[str, str]:
    """Says the secret aloud, and gives so much of it that the log holds a reference."""
    secret = ctx.secret("OURS")
    for piece in (secret[:9], secret[9:], f" {secret} "):
        ctx.emit(piece)
    return {secret: secret + " " * _LARGE + secret}
