"""What else shows that a guarantee holds: checks, faults on a real cluster, a simulation that is broken."""

import ast
import inspect
from collections.abc import Mapping
from typing import Final

from chaos.faults import FAULTS, MORE_FAULTS
from mutants.table import definition_of

_BREAKAGES: Final = "tests/simulation/breakages.py"
_CHANCE: Final = "tests/simulation/chance.py"


def faults() -> Mapping[str, str]:
    """What goes wrong on a real cluster: names, and what they mean."""
    more = {fault.__name__.replace("_", " "): fault for fault in MORE_FAULTS}
    return {name: inspect.getdoc(fault) or "" for name, fault in {**FAULTS, **more}.items()}


def breakages() -> Mapping[str, str]:
    """How the simulation breaks the product on purpose, to see that it finds that."""
    return {
        name.replace("_", "-"): meaning
        for name, meaning in _functions(_BREAKAGES).items()
        if not name.startswith("_")
    }


def kinds() -> Mapping[str, str]:
    """What goes wrong in the simulation."""
    module = definition_of(_CHANCE)
    assert module is not None, f"{_CHANCE} is not there"
    table = next(
        each.value
        for each in module.body
        if isinstance(each, ast.AnnAssign) and getattr(each.target, "id", None) == "KINDS"
    )
    assert isinstance(table, ast.Dict), f"KINDS of {_CHANCE} is no table"
    names = [str(each.value) for each in table.keys if isinstance(each, ast.Constant)]
    meanings = _functions(f"{_CHANCE}::Chance")
    return {name: meanings[name] for name in names}


def summary(place: str) -> str:
    """The first line that a module or function says of itself.

    Args:
        place: a ``path``, or ``path::function``.
    """
    definition = definition_of(place)
    assert definition is not None, f"{place} is not there"
    return (ast.get_docstring(definition) or "").partition("\n")[0].replace("``", "`")


def _functions(place: str) -> Mapping[str, str]:
    definition = definition_of(place)
    assert definition is not None, f"{place} is not there"
    functions = [each for each in definition.body if isinstance(each, ast.FunctionDef)]
    return {each.name: ast.get_docstring(each) or "" for each in functions}
