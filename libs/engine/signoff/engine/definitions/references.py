"""References in values and code: ``<block.path[0].x>``, ``<loop.index>``, ``<variable.name>``, ``{{NAME}}``.

They are found once, when a definition is loaded, and compiled into closures, so that resolving costs
no parsing. Values that a reference gives are never searched again: text that a caller sent is never
taken for a reference. The rules are Sim's (section 6 of its formats): an unknown name is text.
"""

import enum
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, Protocol, TypeAlias

from signoff.engine.definitions.catalog import find_entry
from signoff.engine.definitions.definition import Definition, normalise_name
from signoff.engine.definitions.values import to_text
from signoff.engine.errors import UnknownFieldError


class Missing(enum.Enum):
    """The type of `MISSING`."""

    MISSING = enum.auto()


MISSING: Final = Missing.MISSING
"""What a scope gives for a variable that it does not know."""

TURN_FIELDS: Final = ("index", "currentItem", "items")
"""What a block can ask of the turn that it runs in."""

MAX_REFERENCE: Final = 1000
"""Characters that stand between the brackets of a reference at most; what is longer is text."""


class Scope(Protocol):
    """What references are resolved against: the state of one execution at one moment."""

    def output(self, block_id: str) -> dict[str, Any] | None:
        """The output of a block, secrets not yet revealed; None where it did not run."""

    def reveal(self, value: Any) -> Any:
        """What a reference gives of an output, with the secrets in it."""

    def fields(self, block_id: str) -> Collection[str] | None:
        """The output fields that the block's type declares; None where any may be there."""

    def variable(self, name: str) -> Any:
        """The value of a workflow variable by its *normalised* name, or `MISSING`."""

    def environment(self, name: str) -> str | None:
        """The value of an environment variable; None where there is none."""

    def turn(
        self, container: str | None, kind: Literal["loop", "parallel"] | None
    ) -> Mapping[str, Any] | None:
        """The turn of a container that the block runs in: ``index``, ``currentItem`` and ``items``.

        Args:
            container: id of a container around the block, or None for the innermost one.
            kind: of the innermost one; None where the container is named.

        Returns:
            None where the block is in no such container.
        """


@dataclass(frozen=True, slots=True)
class BlockReference:
    """``<block.path>``. A block that did not run, and a path absent inside a value, give null.

    Inside a container its name gives the turn (`TURN_FIELDS`); outside, what the container gave.
    """

    text: str
    block: str
    name: str
    path: tuple[str, ...]

    def get(self, scope: Scope) -> Any:
        """Raises UnknownFieldError where the block ran and its type has no such field."""
        if self.path and self.path[0] in TURN_FIELDS:
            turn = scope.turn(self.block, None)
            if turn is not None:
                return _follow(turn.get(self.path[0]), self.path[1:])
        value = scope.output(self.block)
        if value is not None and self.path:
            if self.path[0] not in value:
                self._require_declared(scope)
                return None
            return scope.reveal(_follow(value, self.path))
        return scope.reveal(value)

    def _require_declared(self, scope: Scope) -> None:
        declared = scope.fields(self.block)
        # Any block may have failed into {"error": …}: on one that did not, that field is just absent.
        if declared is None or self.path[0] in declared or self.path[0] == "error":
            return
        raise UnknownFieldError(".".join(self.path), self.name, declared)


@dataclass(frozen=True, slots=True)
class VariableReference:
    """``<variable.name.path>``."""

    text: str
    name: str
    path: tuple[str, ...]

    @property
    def block(self) -> None:
        """None: a variable belongs to no block."""

    def get(self, scope: Scope) -> Any:
        """The value at the path, null where it is absent; `MISSING` for an unknown variable."""
        value = scope.variable(self.name)
        return MISSING if value is MISSING else _follow(value, self.path)


@dataclass(frozen=True, slots=True)
class TurnReference:
    """``<loop.index>``, ``<parallel.currentItem.path>``: the innermost such container around the block."""

    text: str
    kind: Literal["loop", "parallel"]
    path: tuple[str, ...]

    @property
    def block(self) -> None:
        """None: it belongs to the block that it stands in."""

    def get(self, scope: Scope) -> Any:
        """The value at the path; `MISSING` outside such a container.

        Raises:
            UnknownFieldError: a turn has no such field.
        """
        turn = scope.turn(None, self.kind)
        if turn is None:
            return MISSING
        if self.path[0] not in TURN_FIELDS:
            raise UnknownFieldError(".".join(self.path), self.kind, TURN_FIELDS)
        return _follow(turn.get(self.path[0]), self.path[1:])


@dataclass(frozen=True, slots=True)
class EnvironmentReference:
    """``{{NAME}}``."""

    text: str
    name: str

    @property
    def block(self) -> None:
        """None: the environment belongs to no block."""

    def get(self, scope: Scope) -> str | Missing:
        """The value, or `MISSING` for an unknown name."""
        value = scope.environment(self.name)
        return MISSING if value is None else value


Reference: TypeAlias = BlockReference | TurnReference | VariableReference | EnvironmentReference
"""One reference, as it was found in a text. Its block is None where it refers to none."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """What looks like a reference but names nothing, such as ``<aprove.x>``; ``name`` as it was written."""

    text: str
    name: str


@dataclass(frozen=True, slots=True)
class Template:
    """A parameter value with its references found.

    Attributes:
        evaluate: gives the value in a scope.
        constant: there is no reference in it: `evaluate` gives the very value that was compiled.
        blocks: ids of the blocks that it refers to.
    """

    evaluate: Callable[[Scope], Any]
    constant: bool
    blocks: frozenset[str]


@dataclass(frozen=True, slots=True)
class CodeTemplate:
    """Code whose references were replaced by the names of bound variables.

    Attributes:
        source: the code with every reference replaced; the same for all executions, so that a
            sandbox may keep its compiled form.
        parts: the code in pieces; a piece of text, or the slot of a reference.
        slots: the reference behind each bound name.
        blocks: ids of the blocks that it refers to.
    """

    source: str
    parts: tuple[str, ...]
    slots: Mapping[str, Reference]
    blocks: frozenset[str]


def block_names(definition: Definition) -> dict[str, str]:
    """Maps what references may call a block by to its id.

    A block's normalised name goes before another block's id. The block that a run by hand starts with is
    also called ``start``, unless another block is.
    """
    names = {block.id: block.id for block in definition.blocks}
    names |= {normalise_name(block.name): block.id for block in definition.blocks}
    entry = find_entry(definition.blocks, "manual")
    if entry is not None:
        names.setdefault("start", entry.id)
    return names


def compile_value(value: Any, names: Mapping[str, str]) -> Template:
    """Finds the references in a JSON value; keys of objects are left alone.

    Args:
        value: a parameter, at most 100 levels deep.
        names: from `block_names`.
    """
    if isinstance(value, str):
        return _compile_text(value, names)
    if isinstance(value, list):
        return _compile_list(value, [compile_value(each, names) for each in value])
    if isinstance(value, dict):
        return _compile_object(value, {key: compile_value(each, names) for key, each in value.items()})
    return _constant(value)


def resolve(template: Template, scope: Scope) -> Any:
    """Gives a parameter's value in a scope.

    A reference that is alone in its text keeps its type; within text, values stand as text.

    Returns:
        A value that may share parts with the template and with the scope: do not change it.

    Raises:
        UnknownFieldError: a reference names a field that its block, which ran, does not have.
    """
    return template.evaluate(scope)


def compile_code(source: str, names: Mapping[str, str]) -> CodeTemplate:
    """Finds the references in a function body or an expression.

    Each becomes the name of a variable to be bound, so that values never become code. The same
    reference twice is one variable. Quotes that stand right around ``{{NAME}}`` go with it.
    """
    prefix = _unused_prefix(source)
    parts: list[str] = []
    slots: dict[str, Reference] = {}
    bound: dict[str, str] = {}
    for piece in _scan(source, names, _CODE_TOKEN):
        if isinstance(piece, str):
            parts.append(piece)
            continue
        name = bound.setdefault(piece.text, f"{prefix}{len(bound)}")
        slots[name] = piece
        parts.append(name)
    return CodeTemplate("".join(parts), tuple(parts), slots, _blocks(slots.values()))


def _unused_prefix(source: str) -> str:
    """The shortest ``__ref``, ``__ref_``, … that is not in the source; one look at it, however hostile."""
    runs = [len(match[1]) for match in _PREFIX.finditer(source)]
    return f"__ref{'_' * (max(runs) + 1)}" if runs else "__ref"


def resolve_code(template: CodeTemplate, scope: Scope) -> tuple[str, dict[str, Any]]:
    """Gives code and the values to bind in a scope.

    Returns:
        The source, and the value of each variable in it by name. Unknown variables and environment
        names stay in the source as they were written.

    Raises:
        UnknownFieldError: a reference names a field that its block, which ran, does not have.
    """
    values = {name: reference.get(scope) for name, reference in template.slots.items()}
    bindings = {name: value for name, value in values.items() if value is not MISSING}
    if len(bindings) == len(values):
        return template.source, bindings
    literal = {name: template.slots[name].text for name in values.keys() - bindings.keys()}
    return "".join(literal.get(part, part) for part in template.parts), bindings


def find_references(text: str, names: Mapping[str, str]) -> Iterator[Reference | Unknown]:
    """Yields what the references in a text are, and what only looks like one, each once, in order."""
    seen: set[str] = set()
    for match in _TOKEN.finditer(text):
        whole = match[0]
        if whole in seen:
            continue
        seen.add(whole)
        found = _reference(match, names)
        if found is not None:
            yield found
        elif match["reference"] is not None:
            split = _split(match["reference"])
            if split is not None:
                yield Unknown(whole, split[0])


# A reference holds no bracket; an environment name no brace.
_INNER = rf"<(?P<reference>[^<>]{{1,{MAX_REFERENCE}}})>"
_NAME = rf"\{{\{{(?P<environment>[^{{}}]{{1,{MAX_REFERENCE}}})\}}\}}"
_TOKEN = re.compile(rf"{_INNER}|{_NAME}")
_CODE_TOKEN = re.compile(rf"""{_INNER}|(?P<quote>["'`]?){_NAME}(?P=quote)""")
# Matches overlap: the underscores after one prefix may begin the next.
_PREFIX = re.compile(r"(?=__ref(_*))")
# Name and path. ``;``, ``&&`` and ``||`` only stand in a path where ``a<b.c&&d>e`` is code.
_REFERENCE = re.compile(r"(?!\s)([^.\[\]+*/=!]+)((?:\.[^.\[\]\s+*/=!;]+|\[\d{1,9}\])*)", re.ASCII)
_OPERATOR = re.compile(r"&&|\|\|")
_NO_NAME = re.compile(r"\d+|.*\s\d.*", re.DOTALL)
_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d{1,9})\]", re.ASCII)
_INDEX = re.compile(r"\d{1,9}", re.ASCII)
# No block may be called so.
_SPECIAL = frozenset({"loop", "parallel", "variable"})


def _scan(text: str, names: Mapping[str, str], token: re.Pattern[str] = _TOKEN) -> Iterator[str | Reference]:
    """Splits a text into pieces of text and references."""
    done = position = 0
    while (match := token.search(text, position)) is not None:
        reference = _reference(match, names)
        if reference is None:
            position = match.start() + 1
            continue
        if match.start() > done:
            yield text[done : match.start()]
        yield reference
        done = position = match.end()
    if done < len(text):
        yield text[done:]


def _reference(match: re.Match[str], names: Mapping[str, str]) -> Reference | None:
    if match["environment"] is not None:
        name = match["environment"].strip()
        return EnvironmentReference(match[0], name) if name else None
    split = _split(match["reference"])
    if split is None:
        return None
    head, path = split
    name = normalise_name(head)
    if name in _SPECIAL:
        return _special(match[0], name, path) if path else None
    block = names.get(name) or names.get(head)
    return None if block is None else BlockReference(match[0], block, head, path)


def _special(text: str, name: str, path: tuple[str, ...]) -> TurnReference | VariableReference:
    if name == "loop":
        return TurnReference(text, "loop", path)
    if name == "parallel":
        return TurnReference(text, "parallel", path)
    return VariableReference(text, normalise_name(path[0]), path[1:])


def _split(inner: str) -> tuple[str, tuple[str, ...]] | None:
    """Splits what stands between the brackets into name and path; None where it is just text."""
    match = _REFERENCE.fullmatch(inner)
    if match is None or _OPERATOR.search(match[2]) or ("." not in match[2] and _NO_NAME.fullmatch(inner)):
        return None
    return match[1], tuple(step[1] or step[2] for step in _STEP.finditer(match[2]))


def _follow(value: Any, path: Sequence[str]) -> Any:
    for step in path:
        value = value.get(step) if isinstance(value, dict) else _item(value, step)
        if value is None:
            return None
    return value


def _item(value: Any, step: str) -> Any:
    if isinstance(value, list) and _INDEX.fullmatch(step) and int(step) < len(value):
        return value[int(step)]
    return None


def _blocks(references: Collection[Reference]) -> frozenset[str]:
    return frozenset(each.block for each in references if each.block is not None)


def _constant(value: Any) -> Template:
    return Template(lambda _: value, constant=True, blocks=frozenset())


def _compile_text(text: str, names: Mapping[str, str]) -> Template:
    pieces = list(_scan(text, names))
    references = [piece for piece in pieces if not isinstance(piece, str)]
    if not references:
        return _constant(text)
    evaluate = _alone(references[0]) if len(pieces) == 1 else _within(pieces)
    return Template(evaluate, constant=False, blocks=_blocks(references))


def _alone(reference: Reference) -> Callable[[Scope], Any]:
    if isinstance(reference, BlockReference):
        return reference.get

    def evaluate(scope: Scope) -> Any:
        value = reference.get(scope)
        return reference.text if value is MISSING else value

    return evaluate


def _within(pieces: list[str | Reference]) -> Callable[[Scope], str]:
    def as_text(piece: str | Reference, scope: Scope) -> str:
        if isinstance(piece, str):
            return piece
        value = piece.get(scope)
        return piece.text if value is MISSING else to_text(value)

    return lambda scope: "".join([as_text(piece, scope) for piece in pieces])


def _compile_list(value: list[Any], items: list[Template]) -> Template:
    if all(item.constant for item in items):
        return _constant(value)
    evaluators = [item.evaluate for item in items]
    blocks = frozenset[str]().union(*(item.blocks for item in items))
    return Template(lambda scope: [evaluate(scope) for evaluate in evaluators], constant=False, blocks=blocks)


def _compile_object(value: dict[str, Any], entries: dict[str, Template]) -> Template:
    dynamic = [(key, entry.evaluate) for key, entry in entries.items() if not entry.constant]
    if not dynamic:
        return _constant(value)

    def evaluate(scope: Scope) -> dict[str, Any]:
        # A copy keeps the order of the keys; only what changes is written over.
        result = value.copy()
        for key, entry in dynamic:
            result[key] = entry(scope)
        return result

    blocks = frozenset[str]().union(*(entry.blocks for entry in entries.values()))
    return Template(evaluate, constant=False, blocks=blocks)
