"""docs/sandbox.md says what is missing: all of that, and nothing else."""

import builtins
import re
import sys
from pathlib import Path

import pytest

from signoff.sandbox.javascript_names import ABSENT

PAGE = (Path(__file__).parents[3] / "docs/sandbox.md").read_text(encoding="utf-8")
PYTHON = PAGE.partition("## Missing in Python")[2]
SAMPLES = re.search(r"```python\n(.*?)```", PYTHON, re.DOTALL)[1].strip().split("\n\n")


def listed(start: str) -> set[str]:
    """The names in backticks after some words, up to the end of the sentence."""
    sentence = re.search(rf"{re.escape(start)}([^.]+)\.", PYTHON)[1]
    return set(re.findall(r"`(\w+)`", sentence))


def test_the_names_missing_in_javascript_are_those_that_the_check_knows():
    rows = re.findall(r"^\| `(\w+)` \| (.+) \|$", PAGE, re.MULTILINE)
    assert dict(rows) == ABSENT


@pytest.mark.parametrize("name", ABSENT)
async def test_a_name_listed_as_missing_in_javascript_is_missing_and_warned_of(run, check, name):
    assert (await run(f"return typeof {name}")).value == "undefined"
    (warning,) = await check(f"\n  {name}.x()")
    assert (warning.line, warning.column, warning.hint, warning.warning) == (2, 3, ABSENT[name], True)


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.partition("\n")[0])
async def test_what_is_listed_as_missing_in_python_is_refused_without_running_it(check, sample):
    (fault,) = await check(f"print('never')\n{sample}", language="python")
    assert not fault.warning
    assert 2 < fault.line <= 2 + sample.count("\n")


async def test_the_modules_listed_for_python_are_all_there_are(check):
    names = sorted(name for name in sys.stdlib_module_names if not name.startswith("_"))
    there = set(names)
    for start in range(0, len(names), 40):
        source = "".join(f"import {name}\n" for name in names[start : start + 40])
        faults = await check(source, language="python")
        there -= {names[start + fault.line - 1] for fault in faults}
    assert there == listed("most of them in part:")


async def test_the_built_in_names_listed_as_missing_in_python_are_all_that_are(check):
    # Of the exceptions some are missing, too: the page need not name them. Where code may come as a text,
    # the check cannot know its names.
    names = sorted(n for n in dir(builtins) if n.islower() and not n.startswith("_"))
    names = [name for name in names if name not in {"eval", "exec"}]
    missing = set()
    for start in range(0, len(names), 40):
        chunk = names[start : start + 40]
        faults = await check("".join(f"{name}\n" for name in chunk), language="python")
        missing |= {chunk[fault.line - 1] for fault in faults}
    # What an interactive interpreter adds for people is not of the language.
    assert missing - {"copyright", "credits", "exit", "license", "quit"} == listed("names do not exist:")


@pytest.mark.parametrize(
    ("source", "error"),
    [
        ("open('a')", "PermissionError"),
        ("import pathlib\npathlib.Path('/etc/passwd').read_text()", "PermissionError"),
        ("import os\nos.environ", "RuntimeError"),
        ("import os\nos.getenv('HOME')", "RuntimeError"),
        ("import os\nos.urandom(4)", "RuntimeError"),
        ("import sys\nsys.modules", "AttributeError"),
        ("().__class__", "AttributeError"),
        ("(lambda: 0).__globals__", "AttributeError"),
        ("int.__subclasses__()", "AttributeError"),
        ("import re\nre.match(r'(?:(a|aa)+)\\1$', 'a' * 5000 + 'b')", "re.PatternError"),
        ("int('1' * 5000)", "ValueError"),
    ],
)
async def test_what_the_page_says_is_refused_in_python_is_refused(fault, source, error):
    assert (await fault(source, language="python")).message.startswith(f"{error}: ")


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("return (1234.5).toLocaleString('de-DE')", "1234.5"),
        ("return new Date(0).getTimezoneOffset()", 0),
    ],
)
async def test_javascript_knows_one_locale_and_one_time_zone(run, source, value):
    assert (await run(source)).value == value


async def test_python_knows_one_time_zone(run):
    assert (await run("import time\nreturn time.tzname", language="python")).value == ["UTC", "UTC"]
