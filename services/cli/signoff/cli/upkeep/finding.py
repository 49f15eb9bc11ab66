"""What `signoff doctor` says of one thing that it looked at."""

from msgspec import Struct


class Finding(Struct, frozen=True):
    """One thing that was looked at. ``detail`` says what is wrong and what to do, or how well it is."""

    subject: str
    ok: bool
    detail: str
