"""docs/guarantees.md: what is promised, how it is kept, and what shows that it is."""

import inspect
import tomllib
from collections.abc import Sequence
from datetime import date
from typing import Final

import msgspec
from msgspec import Struct

from chaos.faults import FAULTS, MORE_FAULTS
from mutants.table import FOLDER, ROOT, Guarantee, Mutant, Table, read_table
from signoff.events.faults import POINTS

PAGE: Final = ROOT / "docs/guarantees.md"

_BEGINNING: Final = """\
# Guarantees

What Signoff promises, how it keeps it, and what shows that it does. `make guarantees` writes this page, \
from [the table of mutants](../tests/mutants/mutants.toml), [the faults that are \
tried](../tests/chaos/faults.py), the points of `SIGNOFF_FAULTS` and [the last long \
runs](../tests/mutants/runs.toml).

A mutant is the product without one of its mechanisms: a small patch takes it away. `make mutants` applies \
one after the other, runs the tests named here, and fails if one of them passes. So each mechanism is \
needed, and a test knows. `make mutants ONLY=writers-lock` tries one.

| guarantee | mechanisms |
|---|---|
"""

_MECHANISMS: Final = """
| mechanism | without it | noticed by |
|---|---|---|
"""

_FAULTS: Final = """\
## Faults tried

On a real cluster under load. A checker that shares no code with the product then reads the log, the topic, \
what clients were told and what blocks did outside: nothing was lost, nothing is there twice, and every \
client saw the effect, or an error that is safe to retry.

| fault | |
|---|---|
"""

_FAULT_POINTS: Final = """\
## Fault points

Places between two steps of which one may happen without the other. For tests, `SIGNOFF_FAULTS` lets a \
process go wrong there: `<point>=<action>[@<visit>]`, several by commas. `kill` and `stop` send it SIGKILL \
and SIGSTOP, `wait:<seconds>` holds it up at every visit from that one on, `raise` raises once. Unset, they \
cost nothing.

| point | there |
|---|---|
"""

_RUNS: Final = """\
## Runs

| run | ended | amount | lost | doubled | |
|---|---|---|---|---|---|
"""


class Run(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A long run and what it found.

    Attributes:
        what: which tests.
        day: on which it ended.
        amount: seeds, or hours and faults.
        lost: events, effects and answers that were lost.
        doubled: those that were there twice.
        note: what else was measured.
    """

    what: str
    day: date
    amount: str
    lost: int
    doubled: int
    note: str = ""


class Runs(Struct, frozen=True, forbid_unknown_fields=True):
    """``runs.toml``."""

    run: list[Run] = []


def document() -> str:
    """The page."""
    table = read_table()
    overview = [(_link(each), str(len(_mutants_of(table, each)))) for each in table.guarantee]
    faults = {**FAULTS, **{fault.__name__.replace("_", " "): fault for fault in MORE_FAULTS}}
    parts = [
        _BEGINNING + _rows(overview),
        *(_guarantee(each, _mutants_of(table, each)) for each in table.guarantee),
        _FAULTS + _rows([(name, inspect.getdoc(fault) or "") for name, fault in faults.items()]),
        _FAULT_POINTS + _rows([(f"`{name}`", meaning) for name, meaning in POINTS.items()]),
        _runs(),
    ]
    return "\n".join(parts)


def _guarantee(guarantee: Guarantee, mutants: Sequence[Mutant]) -> str:
    rows = [(f"`{each.name}`: {each.mechanism}", each.breaks, _tests(each)) for each in mutants]
    return f"## {guarantee.promise}\n\n{guarantee.how}\n{_MECHANISMS}{_rows(rows)}"


def _runs() -> str:
    recorded = tomllib.loads((FOLDER / "runs.toml").read_text(encoding="utf-8"))
    runs = msgspec.convert(recorded, Runs, builtin_types=(date,)).run
    return _RUNS + _rows(
        [
            (each.what, str(each.day), each.amount, str(each.lost), str(each.doubled), each.note)
            for each in runs
        ]
    )


def _mutants_of(table: Table, guarantee: Guarantee) -> list[Mutant]:
    return [mutant for mutant in table.mutant if mutant.guarantee == guarantee.id]


def _link(guarantee: Guarantee) -> str:
    anchor = "".join(each for each in guarantee.promise.lower() if each.isalnum() or each in " -_")
    return f"[{guarantee.promise}](#{anchor.replace(' ', '-')})"


def _tests(mutant: Mutant) -> str:
    return "; ".join(map(_test, mutant.tests))


def _test(node_id: str) -> str:
    path, _, name = node_id.partition("::")
    sentence = name.rpartition("::")[2].removeprefix("test_").replace("_", " ")
    return f"[{sentence}](../{path})"


def _rows(rows: Sequence[Sequence[str]]) -> str:
    return "".join(_row(cells) for cells in rows)


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("\n", " ").replace("|", "\\|") for cell in cells) + " |\n"
