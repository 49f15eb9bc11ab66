"""Events as a line of a list tells them."""

from signoff.client import StreamEvent


def block_of(event: StreamEvent) -> str:
    """The block, or the pause point, that an event is about; empty for the execution itself."""
    place: str = event.data.get("contextId") or event.data.get("blockId") or ""
    return place


def remark_on(event: StreamEvent) -> str:
    """What else there is to know: who did it, or what went wrong, in one line."""
    said = event.data.get("error") or event.data.get("reason")
    if said:
        return " ".join(str(said).split())
    actor = event.data.get("actor")
    return f"by {actor['type']} {actor.get('name') or actor['id']}" if isinstance(actor, dict) else ""
