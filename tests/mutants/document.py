"""docs/guarantees.md: what is promised, how it is kept, and what shows that it is."""

import tomllib
from collections.abc import Sequence
from datetime import date
from typing import Final

import msgspec
from msgspec import Struct

from mutants.evidence import breakages, faults, kinds, summary
from mutants.table import FOLDER, ROOT, Guarantee, Mutant, Table, read_table
from signoff.events.faults import POINTS

PAGE: Final = ROOT / "docs/guarantees.md"

_BEGINNING: Final = """\
# Guarantees

What Signoff promises, how it keeps it, and what shows that it does. `make guarantees` writes this page, \
from [the table of mutants](../tests/mutants/mutants.toml), [the faults that are \
tried](../tests/chaos/faults.py), [the simulation](../tests/simulation/README.md), the points of \
`SIGNOFF_FAULTS` and [the last long runs](../tests/mutants/runs.toml).

There are three kinds of evidence:

- **Mutants.** A mutant is the product without one of its mechanisms: a small patch takes it away. `make \
mutants` applies one after the other, runs the tests named here, and fails if one of them passes. So each \
mechanism is needed, and a test knows. `make mutants ONLY=writers-lock` tries one.
- **[Real faults](#faults-tried).** `pytest tests/chaos` inflicts them on a real cluster under load.
- **[Simulation](#simulation).** `pytest tests/simulation` runs the whole system on virtual time; a seed \
draws what goes wrong. The product is also broken on purpose there, to see that the simulation finds it.

After faults and seeds the same checks look at the log, the topic, what clients were told, what readers of \
streams saw and what blocks did outside. They [share no code with the product](../tests/support/proof). All \
of them look after every fault and every seed; a guarantee names the faults that strike at its mechanisms.

| guarantee | mechanisms | real faults | broken in the simulation |
|---|---|---|---|
"""

_MECHANISMS: Final = """
| mechanism | without it | noticed by |
|---|---|---|
"""

_FAULTS: Final = """\
## Faults tried

On a real cluster under load: two gateways, two executors, two streams, a Kafka, and a PostgreSQL with a \
synchronous standby. After each, clients must get through again, and nothing may be lost, nothing be there \
twice; every client saw the effect, or an error that is safe to retry. `make test` tries each once, but for \
the last two, which are made of others; `make soak` all of them at random.

| fault | |
|---|---|
"""

_SIMULATION: Final = """\
## Simulation

The services as they are in production, with in-memory ports that lose, delay and repeat, on virtual time. \
`make test` runs 100 seeds, `.ci/run` 2,000, `make soak` new ones. `PYTHONPATH=tests python -m simulation \
1234` replays one.

| what goes wrong | |
|---|---|
"""

_FAULT_POINTS: Final = """\
## Fault points

Places between two steps of which one may happen without the other. For tests, `SIGNOFF_FAULTS` lets a \
process go wrong there: `<point>=<action>[@<visit>]`, several by commas. `kill` and `stop` send it SIGKILL \
and SIGSTOP, `wait:<seconds>` holds it up at every visit from that one on, `raise` raises once. Unset, they \
cost nothing. [A server dies at each of them](../tests/chaos/test_points.py) in `make test`.

| point | there |
|---|---|
"""

_RUNS: Final = """\
## Runs

The last long ones.

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
    parts = [
        _BEGINNING + _rows([_overview(each, _mutants_of(table, each)) for each in table.guarantee]),
        *(_guarantee(each, _mutants_of(table, each)) for each in table.guarantee),
        _FAULTS + _rows([*faults().items()]),
        _SIMULATION + _rows([(f"`{name}`", meaning) for name, meaning in kinds().items()]),
        _FAULT_POINTS + _rows([(f"`{name}`", meaning) for name, meaning in POINTS.items()]),
        _runs(),
    ]
    return "\n".join(parts)


def _overview(guarantee: Guarantee, mutants: Sequence[Mutant]) -> Sequence[str]:
    amounts = (len(mutants), len(guarantee.faults), len(guarantee.breakages))
    return _link(guarantee), *(str(amount or "") for amount in amounts)


def _guarantee(guarantee: Guarantee, mutants: Sequence[Mutant]) -> str:
    rows = [(f"`{each.name}`: {each.mechanism}", each.breaks, _tests(each)) for each in mutants]
    return f"## {guarantee.promise}\n\n{guarantee.how}\n{_MECHANISMS}{_rows(rows)}\n{_evidence(guarantee)}"


def _evidence(guarantee: Guarantee) -> str:
    broken = breakages()
    found = {
        "Not promised": [guarantee.limits] if guarantee.limits else [],
        "Looked for by": [f"[{summary(each).rstrip('.')}](../{_file(each)})" for each in guarantee.proof],
        "Real faults": guarantee.faults,
        "Broken in the simulation": [f"`{each}`: {broken[each].rstrip('.')}" for each in guarantee.breakages],
    }
    return "".join(f"- {name}: {'; '.join(many).rstrip('.')}.\n" for name, many in found.items() if many)


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
    sentence = node_id.rpartition("::")[2].removeprefix("test_").replace("_", " ")
    return f"[{sentence}](../{_file(node_id)})"


def _file(node_id: str) -> str:
    return node_id.partition("::")[0]


def _rows(rows: Sequence[Sequence[str]]) -> str:
    return "".join(_row(cells) for cells in rows)


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("\n", " ").replace("|", "\\|") for cell in cells) + " |\n"
