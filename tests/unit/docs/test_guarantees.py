"""docs/guarantees.md is generated; the mutants that it tells of can be tried, and their tests are there."""

import subprocess
from typing import Final

import pytest

from mutants.document import PAGE, document
from mutants.evidence import breakages, faults
from mutants.table import FOLDER, ROOT, Guarantee, Mutant, definition_of, read_table

TABLE: Final = read_table()
GUARANTEES: Final = [pytest.param(guarantee, id=guarantee.id) for guarantee in TABLE.guarantee]
MUTANTS: Final = [pytest.param(mutant, id=mutant.name) for mutant in TABLE.mutant]


def test_the_page_is_the_generated_one() -> None:
    assert PAGE.read_text(encoding="utf-8") == document(), "make it anew: `make guarantees`"


def test_each_patch_has_one_row_and_each_row_a_patch() -> None:
    assert sorted(mutant.patch for mutant in TABLE.mutant) == sorted(FOLDER.glob("*.patch"))


def test_each_guarantee_has_a_mutant_and_each_mutant_a_guarantee() -> None:
    assert {mutant.guarantee for mutant in TABLE.mutant} == {each.id for each in TABLE.guarantee}


@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_patch_applies_to_the_code_as_it_is(mutant: Mutant) -> None:
    check = ["git", "apply", "--check", str(mutant.patch)]
    applied = subprocess.run(check, cwd=ROOT, check=False, capture_output=True, text=True, timeout=10)

    assert applied.returncode == 0, applied.stderr


@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_patch_changes_the_product_and_nothing_else(mutant: Mutant) -> None:
    lines = mutant.patch.read_text(encoding="utf-8").splitlines()
    changed = [line[6:] for line in lines if line.startswith("+++ b/")]

    assert changed != []
    assert [path for path in changed if not path.startswith(("libs/", "services/"))] == []


@pytest.mark.parametrize("mutant", MUTANTS)
def test_the_tests_that_notice_a_mutant_are_there(mutant: Mutant) -> None:
    assert mutant.tests != []
    assert [test for test in mutant.tests if "::" not in test or definition_of(test) is None] == []


@pytest.mark.parametrize("guarantee", GUARANTEES)
def test_what_shows_a_guarantee_is_there(guarantee: Guarantee) -> None:
    assert guarantee.proof != []
    assert [place for place in guarantee.proof if definition_of(place) is None] == []
    assert set(guarantee.faults) <= faults().keys()
    assert set(guarantee.breakages) <= breakages().keys()


def test_each_fault_and_each_breakage_strikes_at_a_guarantee() -> None:
    assert {name for each in TABLE.guarantee for name in each.faults} == faults().keys()
    assert {name for each in TABLE.guarantee for name in each.breakages} == breakages().keys()
