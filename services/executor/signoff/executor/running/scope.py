"""What a block's references may read: finished outputs, variables, its turns, environment values."""

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import lru_cache
from typing import Any, Literal
from urllib.parse import quote, quote_plus

from msgspec import Struct
from yarl import URL

from signoff.access.errors import SecretErasedError
from signoff.engine.definitions.definition import normalise_name
from signoff.engine.definitions.references import MISSING, Missing
from signoff.events.escapes import MASK, SecretReference
from signoff.events.types import Json, TurnType


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

    It remembers which environment values and which submitted secrets were read, so that they can be kept
    out of the log.

    Args:
        outputs: outputs of finished blocks, by id; a ``SecretReference`` in place of what is secret.
        variables: workflow variables, by name.
        environment: values of ``{{NAME}}``.
        fields: declared output fields of each block, where its type declares them.
        turns: the turns around the block, outermost first.
        submitted: the submitted secrets that outputs name, by id; not those that were erased.
    """

    __slots__ = ("_environment", "_fields", "_outputs", "_submitted", "_turns", "_variables", "secrets")

    def __init__(
        self,
        outputs: Mapping[str, Json],
        variables: Mapping[str, Json],
        environment: Mapping[str, str],
        fields: Mapping[str, Collection[str] | None],
        turns: Sequence[Around] = (),
        *,
        submitted: Mapping[str, str] | None = None,
    ) -> None:
        self._outputs = outputs
        self._variables = {normalise_name(name): value for name, value in variables.items()}
        self._environment = environment
        self._fields = fields
        self._turns = turns
        self._submitted = submitted
        self.secrets: set[str] = set()

    def output(self, block_id: str) -> dict[str, Any] | None:
        """A block's output; ``None`` when it did not run."""
        output = self._outputs.get(block_id)
        return output if output is None or isinstance(output, dict) else {"value": output}

    def reveal(self, value: Json) -> Json:
        """A part of an output with the submitted secrets in it, which are remembered as secrets.

        Raises:
            SecretErasedError: one was erased.
        """
        return value if self._submitted is None else _revealed(value, self._secret)

    def masked(self, value: Json) -> Json:
        """A part of an output with submitted secrets masked."""
        return value if self._submitted is None else _revealed(value, lambda _: MASK)

    def _secret(self, secret_id: str) -> str:
        secret = (self._submitted or {}).get(secret_id)
        if secret is None:
            raise SecretErasedError(
                "a secret that was submitted to a form, and that this block needs, was erased: "
                "have it submitted again, in a new execution"
            )
        self.secrets |= spellings(secret)
        return secret

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
        """The same facts with ``{{NAME}}`` as written, submitted secrets masked: what may be recorded."""
        masked = self._submitted and dict.fromkeys(self._submitted, MASK)
        return Facts(self._outputs, self._variables, {}, self._fields, self._turns, submitted=masked)


def _revealed(value: Json, secret: Callable[[str], str]) -> Json:
    """The value with secrets in place of references to them; the same one where it has none."""
    if isinstance(value, SecretReference):
        return secret(value.id)
    if isinstance(value, dict):
        return {key: _revealed(item, secret) for key, item in value.items()}
    if isinstance(value, list):
        return [_revealed(item, secret) for item in value]
    return value


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
