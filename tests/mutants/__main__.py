"""``python -m mutants [NAME...]`` tries the mutants, ``--docs`` writes docs/guarantees.md instead."""

import argparse
import sys
from collections import Counter
from collections.abc import Sequence

from mutants.document import PAGE, document
from mutants.table import Mutant, read_table
from mutants.trial import Result, begin, check_tests, try_all


def main() -> int:
    """Run it; gives the exit code."""
    parser = argparse.ArgumentParser(prog="python -m mutants", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="try these alone")
    parser.add_argument("--docs", action="store_true", help="write docs/guarantees.md")
    asked = parser.parse_args()
    if asked.docs:
        PAGE.write_text(document(), encoding="utf-8")
        return 0
    mutants = read_table().mutant
    unknown = set(asked.names) - {mutant.name for mutant in mutants}
    if unknown:
        parser.error(f"there is no mutant {', '.join(sorted(unknown))} in tests/mutants/mutants.toml")
    return run([mutant for mutant in mutants if not asked.names or mutant.name in asked.names])


def run(mutants: Sequence[Mutant]) -> int:
    """Try mutants, show how each fares, and give the exit code."""
    with begin() as trial:
        tests = sorted({test for mutant in mutants for test in mutant.tests})
        print(f"Unmutated: {len(tests)} tests", flush=True)
        if faults := check_tests(trial, tests):
            print("These tests prove nothing, for they do not pass as it is:", *faults, sep="\n  ")
            return 1
        results = list(map(show, try_all(trial, mutants)))
    counts = Counter(result.verdict for result in results)
    print(", ".join(f"{verdict}: {count}" for verdict, count in counts.items()))
    return 0 if counts["caught"] == len(results) else 1


def show(result: Result) -> Result:
    """Print a row of the table."""
    print(f"{result.verdict:15} {result.seconds:5.1f} s  {result.mutant.name}", flush=True)
    if result.reason:
        print(f"    {result.reason}", flush=True)
    return result


if __name__ == "__main__":
    sys.exit(main())
