"""Tokens for streams that browsers read."""

from msgspec import Struct


class StreamToken(Struct, frozen=True, kw_only=True, rename="camel"):
    """A token for the query of one stream, as ``?token=``; until ``expires_at`` a stream opens with it."""

    token: str
    expires_at: str

    def __repr__(self) -> str:
        return f"StreamToken(expires_at={self.expires_at!r})"
