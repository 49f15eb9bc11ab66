"""What a block's references may read: finished outputs, variables, its turns, environment values."""

import json
from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from typing import Any, Literal
from urllib.parse import quote, quote_plus

from msgspec import Struct
from yarl import URL

from signoff.engine.definition import normalise_name
from signoff.engine.references import MISSING, Missing
from signoff.events.types import Json, TurnType

MASK = "•••"


class Around(Struct, frozen=True):
    """One turn of a container that a block runs in."""

    container: str
    kind: TurnType
    index: int
    items: Json

    def seen(self) -> dict[str, Any]:
        """The turn as references read it."""
        item = self.items[self.index] if isinstance(self.items, list) else None
        return {"index": self.index, "currentItem": item, "items": self.items}


class Facts:
    """The scope of one block's references, captured when it starts (a ``references.Scope``).

    It remembers which environment values were read, so that they can be kept out of the log.

    Args:
        outputs: outputs of finished blocks, by id.
        variables: workflow variables, by name.
        environment: values of ``{{NAME}}``.
        fields: declared output fields of each block, where its type declares them.
        turns: the turns around the block, outermost first.
    """

    __slots__ = ("_environment", "_fields", "_outputs", "_turns", "_variables", "secrets")

    def __init__(
        self,
        outputs: Mapping[str, Json],
        variables: Mapping[str, Json],
        environment: Mapping[str, str],
        fields: Mapping[str, Collection[str] | None],
        turns: Sequence[Around] = (),
    ) -> None:
        self._outputs = outputs
        self._variables = {normalise_name(name): value for name, value in variables.items()}
        self._environment = environment
        self._fields = fields
        self._turns = turns
        self.secrets: set[str] = set()

    def output(self, block_id: str) -> dict[str, Any] | None:
        """A block's output; ``None`` when it did not run."""
        output = self._outputs.get(block_id)
        return output if output is None or isinstance(output, dict) else {"value": output}

    def fields(self, block_id: str) -> Collection[str] | None:
        """The fields that a block's type declares, ``None`` when it may have any."""
        return self._fields.get(block_id)

    def variable(self, name: str) -> Json | Missing:
        """A workflow variable, by its normalised name."""
        return self._variables.get(name, MISSING)

    def turn(
        self, container: str | None, kind: Literal["loop", "parallel"] | None
    ) -> Mapping[str, Any] | None:
        """The turn of a container around the block: by its id, or the innermost one of a kind."""
        for turn in reversed(self._turns):
            if turn.container == container or (container is None and turn.kind == kind):
                return turn.seen()
        return None

    def environment(self, name: str) -> str | None:
        """The value of ``{{NAME}}``, remembered as a secret."""
        value = self._environment.get(name)
        if value:
            self.secrets |= spellings(value)
        return value

    def without_environment(self) -> "Facts":
        """The same facts with ``{{NAME}}`` left as written: what may be recorded."""
        return Facts(self._outputs, self._variables, {}, self._fields, self._turns)


@lru_cache(maxsize=1000)
def spellings(secret: str) -> frozenset[str]:
    """A secret as it is, and as URLs and JSON write it: an address or a body that echoes it shows it so."""
    return frozenset(
        {
            secret,
            quote(secret, safe=""),
            quote(secret),
            quote_plus(secret),
            URL.build(query={"k": secret}).raw_query_string.removeprefix("k="),
            URL.build(query_string=secret).raw_query_string,
            URL.build(path=f"/{secret}").raw_path.removeprefix("/"),
            json.dumps(secret)[1:-1],
            json.dumps(secret, ensure_ascii=False)[1:-1],
        }
    )


def redact(value: Json, secrets: Collection[str]) -> Json:
    """Replace every occurrence of a secret in the texts and keys of a value."""
    if isinstance(value, str):
        for secret in sorted(secrets, key=len, reverse=True):  # one may hold another
            value = value.replace(secret, MASK)
        return value
    if isinstance(value, dict):
        return {redact(key, secrets): redact(item, secrets) for key, item in value.items()}
    if isinstance(value, list):
        return [redact(item, secrets) for item in value]
    return value
