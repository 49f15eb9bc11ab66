"""``selectedOutputs``: which values of which blocks a caller wants to see."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from msgspec import Struct

from signoff.engine.definitions.definition import normalise_name
from signoff.events.types import Json
from signoff.gateway.errors import ApiError, Detail

_STEP: Final = re.compile(r"[^.\[\]]+")


class Selected(Struct, frozen=True):
    """One selected output: as it was written, its block, and the way to the value in its output."""

    text: str
    block_id: str
    path: tuple[str, ...]

    def pick(self, output: Json) -> Json:
        """The value in a block's output, ``None`` where there is none."""
        for step in self.path:
            if isinstance(output, dict):
                output = output.get(step)
            elif isinstance(output, list):
                index = int(step) if step.isascii() and step.isdecimal() and len(step) < 10 else len(output)
                output = output[index] if index < len(output) else None
            else:
                return None
        return output


def select(texts: Sequence[str], definition: Json) -> list[Selected]:
    """Find the blocks that are meant: ``Block.path``, ``id_path`` or ``id.path``.

    Args:
        texts: as the caller wrote them.
        definition: in Sim's serialized form.

    Raises:
        ApiError: 400 names each text that names no block.
    """
    names = block_names(definition)
    found = [(text, _find(text, names)) for text in texts]
    details = [
        Detail(f"selectedOutputs[{index}]", f'no block of the workflow is called as in "{text[:80]}"')
        for index, (text, selected) in enumerate(found)
        if selected is None
    ]
    if details:
        raise ApiError(400, "selectedOutputs names unknown blocks", details=details)
    return [selected for _, selected in found if selected is not None]


def block_names(definition: Json) -> dict[str, str]:
    """Block ids by id, and normalised names by id, of a definition in Sim's serialized form."""
    blocks = definition.get("blocks", []) if isinstance(definition, dict) else []
    return {block["id"]: normalise_name(block["metadata"]["name"]) for block in blocks}


def _find(text: str, names: Mapping[str, str]) -> Selected | None:
    by_id = _longest(block_id for block_id in names if _begins(text, block_id))
    if by_id is not None:
        return Selected(text, by_id, tuple(_STEP.findall(text[len(by_id) + 1 :])))
    head, _, path = text.partition(".")
    by_name = next((block_id for block_id, name in names.items() if name == normalise_name(head)), None)
    return None if by_name is None else Selected(text, by_name, tuple(_STEP.findall(path)))


def _begins(text: str, block_id: str) -> bool:
    return text == block_id or (text.startswith(block_id) and text[len(block_id)] in "._")


def _longest(block_ids: Iterable[str]) -> str | None:
    return max(block_ids, key=len, default=None)
