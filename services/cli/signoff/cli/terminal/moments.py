"""Moments and durations as people read them."""


def moment(iso: str | None) -> str:
    """A moment of the API to the second, UTC; nothing where there is none.

    Args:
        iso: as the API writes it, such as ``2026-05-01T12:00:00.123456Z``.
    """
    return "" if iso is None else f"{iso[:10]} {iso[11:19]}Z"


def duration(milliseconds: float | None) -> str:
    """How long something took; nothing where that is not known."""
    if milliseconds is None:
        return ""
    if milliseconds < 1000:
        return f"{milliseconds:.0f} ms"
    if milliseconds < 120_000:
        return f"{milliseconds / 1000:.1f} s"
    return f"{milliseconds / 60_000:.0f} min"
