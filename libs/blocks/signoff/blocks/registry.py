"""The blocks that one executor knows."""

import importlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from importlib.metadata import EntryPoint, entry_points
from types import ModuleType

from signoff.blocks.errors import BlockDefinitionError
from signoff.blocks.spec import ATTRIBUTE, BlockSpec

ENTRY_POINTS = "signoff.blocks"


class Registry(Mapping[str, BlockSpec]):
    """Blocks by name; it does not change once it is made.

    Args:
        specs: the blocks. The same one twice is fine.
        reserved: names that blocks must not have, such as the built-in types.

    Raises:
        BlockDefinitionError: a name is reserved, or two blocks have the same one.
    """

    def __init__(self, specs: Iterable[BlockSpec] = (), *, reserved: Collection[str] = ()) -> None:
        self._specs: dict[str, BlockSpec] = {}
        for spec in specs:
            if spec.name in reserved:
                raise BlockDefinitionError(
                    f"{_origin(spec)} is named {spec.name!r}, which is built in. "
                    'Give it another name: @block("another.name").'
                )
            known = self._specs.setdefault(spec.name, spec)
            if known is not spec:
                raise BlockDefinitionError(
                    f"{_origin(known)} and {_origin(spec)} are both named {spec.name!r}. "
                    'Give one of them another name: @block("another.name").'
                )

    @classmethod
    def of(cls, blocks: Iterable[object], *, reserved: Collection[str] = ()) -> "Registry":
        """Take functions with `@block`, and every block at the top of modules.

        Raises:
            BlockDefinitionError: something is neither, or names clash.
        """
        return cls((spec for each in blocks for spec in _specs_of(each)), reserved=reserved)

    @classmethod
    def from_modules(cls, modules: Iterable[str], *, reserved: Collection[str] = ()) -> "Registry":
        """Import modules and take every block found at their top.

        Args:
            modules: dotted names.
            reserved: names that blocks must not have.

        Raises:
            BlockDefinitionError: a module cannot be imported, or names clash.
        """
        return cls(_in_modules(modules), reserved=reserved)

    @classmethod
    def discover(cls, modules: Iterable[str] = (), *, reserved: Collection[str] = ()) -> "Registry":
        """As `from_modules`, with what installed packages offer by the entry point group `signoff.blocks`.

        An entry point names a module of blocks, or one block.

        Raises:
            BlockDefinitionError: something cannot be imported or is no block, or names clash.
        """
        offered = (spec for point in entry_points(group=ENTRY_POINTS) for spec in _of_entry_point(point))
        return cls([*_in_modules(modules), *offered], reserved=reserved)

    @property
    def output_fields(self) -> dict[str, tuple[str, ...] | None]:
        """What references may read of each block's output, by name; None: anything."""
        return {name: spec.output_fields for name, spec in self._specs.items()}

    def __getitem__(self, name: str) -> BlockSpec:
        return self._specs[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._specs)

    def __len__(self) -> int:
        return len(self._specs)


def _in_modules(modules: Iterable[str]) -> Iterator[BlockSpec]:
    for name in modules:
        try:
            module = importlib.import_module(name)
        except ImportError as problem:
            raise BlockDefinitionError(
                f"The block module {name!r} cannot be imported: {problem}"
            ) from problem
        yield from _in_module(module)


def _in_module(module: ModuleType) -> Iterator[BlockSpec]:
    for value in vars(module).values():
        spec = _spec_of(value)
        if spec is not None:
            yield spec


def _of_entry_point(point: EntryPoint) -> Iterator[BlockSpec]:
    try:
        value = point.load()
    except (ImportError, AttributeError) as problem:
        raise BlockDefinitionError(
            f"The entry point {point.name!r} ({point.value}) of {ENTRY_POINTS} cannot be loaded: {problem}"
        ) from problem
    try:
        yield from _specs_of(value)
    except BlockDefinitionError as problem:
        raise BlockDefinitionError(
            f"The entry point {point.name!r} ({point.value}) of {ENTRY_POINTS}: {problem}"
        ) from problem


def _specs_of(value: object) -> Iterator[BlockSpec]:
    if isinstance(value, ModuleType):
        yield from _in_module(value)
        return
    spec = _spec_of(value)
    if spec is None:
        raise BlockDefinitionError(f"{value!r} is neither a module nor a function with @block")
    yield spec


def _spec_of(value: object) -> BlockSpec | None:
    # Not getattr: objects that answer to any name, such as mocks, are no blocks.
    spec = getattr(value, "__dict__", {}).get(ATTRIBUTE)
    return spec if isinstance(spec, BlockSpec) else None


def _origin(spec: BlockSpec) -> str:
    return f"{spec.function.__module__}.{spec.function.__qualname__}"
