"""What goes into a Python program and what comes out."""

import pytest

JSON_VALUES = [
    None,
    True,
    0,
    -1.5,
    2**53,
    2**70,
    "",
    "naïve 😀 \u2028",
    "NUL \0 inside",
    [],
    {},
    [1, [2, {"a": None}]],
    {"__proto__": {"x": 1}, "with space": 2, "__class__": 3},
]


@pytest.fixture
def language() -> str:
    return "python"


@pytest.mark.parametrize("value", JSON_VALUES, ids=repr)
async def test_a_binding_comes_back_as_it_went_in(run, value):
    assert (await run("return it", bindings={"it": value})).value == value


async def test_a_text_of_a_megabyte_passes_both_ways(run):
    text = "é" * 500_000
    assert (await run("return it", bindings={"it": text})).value == text


@pytest.mark.parametrize("source", ["", "return", "return None", "1 + 1", "# nothing", "x = 1\n'a text'"])
async def test_a_function_without_a_value_gives_none(run, source):
    assert (await run(source)).value is None


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("return 1 + 1", 2),
        ("if True:\n    return 'early'\nreturn 'late'", "early"),
        ("__sim_result__ = {'a': 1}", {"a": 1}),
        ("def work():\n    global __sim_result__\n    __sim_result__ = 3\nwork()", 3),
        ("__sim_result__ = 1\nreturn 2", 2),
        ("async def work(): return 4\nreturn await work()", 4),
        ("text = '''a\n  b'''\nreturn text", "a\n  b"),
        ("return [1]  # and a comment", [1]),
    ],
)
async def test_the_value_is_what_is_returned_or_assigned(run, source, value):
    assert (await run(source)).value == value


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("return (1, {2})", [1, [2]]),
        ("return {1: 'a', 1.5: 'b'}", {"1": "a", "1.5": "b"}),
        ("return [float('nan'), float('inf')]", [None, None]),
        ("return b'ab'", "YWI="),
        ("import datetime\nreturn datetime.date(2020, 1, 2)", "2020-01-02"),
        ("import datetime\nreturn datetime.datetime(2020, 1, 2, 3)", "2020-01-02T03:00:00"),
        ("from decimal import Decimal\nreturn Decimal('1.10')", "1.10"),
        ("from dataclasses import dataclass\n@dataclass\nclass Row:\n  n: int\nreturn [Row(1)]", [{"n": 1}]),
        ("from collections import Counter\nreturn Counter('aab')", {"a": 2, "b": 1}),
        ("rows = []\nrows.append(rows)\nreturn rows", ["[...]"]),
        ("return '\\ud800'", "\N{REPLACEMENT CHARACTER}"),
    ],
)
async def test_what_has_no_json_of_its_own_comes_as_the_page_says(run, source, value):
    assert (await run(source)).value == value


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("return 1j", "The result is not JSON: it holds a value of the type complex"),
        ("class Row: pass\nreturn Row()", "The result is not JSON: it holds an object of the class Row"),
        ("return {(1, 2): 3}", "The result is not JSON"),
        ("return len", "The result is not JSON"),
        ("return ValueError('x')", "The result is not JSON: it holds a value of the type ValueError"),
        ("all = 1\nfor _ in range(1000): all = [all]\nreturn all", "The result is nested too deeply"),
        ("all = 1\nfor _ in range(1000): all = {'a': all}\nreturn all", "The result is nested too deeply"),
    ],
)
async def test_a_result_that_is_not_json_is_an_error_that_says_so(fault, source, message):
    assert (await fault(source)).message.startswith(message)


async def test_a_result_below_the_depth_comes_whole(run):
    value = (await run("all = 'end'\nfor _ in range(900): all = [all]\nreturn all")).value
    while isinstance(value, list):
        (value,) = value
    assert value == "end"


async def test_a_binding_with_half_a_character_is_an_error_that_says_so(fault):
    assert "lone surrogate" in (await fault("return it", bindings={"it": "\ud800"})).message


async def test_printed_text_is_collected(run):
    source = "import sys\nprint('a', 1, sep='-', end='!')\nprint()\nprint('e', file=sys.stderr)"
    assert (await run(source)).stdout == "a-1!\ne\n"


@pytest.mark.parametrize(
    ("source", "message", "line"),
    [
        ("raise ValueError('no money')", "ValueError: no money", 1),
        ("x = 1\n\nx.y", "AttributeError: 'int' object has no attribute 'y'", 3),
        ("def f():\n  return 1 / 0\n\nf()", "ZeroDivisionError: division by zero", 2),
        ("missing()", "NameError: name 'missing' is not defined", 1),
        ("x = 1\nx = = 2", "SyntaxError: Expected an expression", 2),
        ("x = (1,\n2,", "SyntaxError: unexpected EOF while parsing", 2),
        ("x = 1\nx = \\", "SyntaxError: Expected an expression", 2),
        ("x = 1\ndel x", "Not in the sandbox's Python: the 'del' statement", 2),
        ("\nimport numpy", "ModuleNotFoundError: No module named 'numpy'", 2),
        ("assert 1 == 2", "AssertionError", 1),
        ("\neval('1 +')", "SyntaxError: Expected an expression (<string>, line 1)", 2),
        ("raise TimeoutError('mine')", "TimeoutError: mine", 1),
        ("import json\njson.loads('{')", "json.JSONDecodeError: Expecting", 2),
    ],
)
async def test_a_failure_gives_its_message_and_line(fault, source, message, line):
    error = await fault(source)
    assert error.message.startswith(message)
    assert error.line == line


async def test_a_failed_program_still_shows_what_it_printed(fault):
    assert (await fault("print('so far')\nraise ValueError")).stdout == "so far\n"


async def test_sleeping_takes_of_the_programs_time(run, fault):
    assert (await run("import asyncio\nawait asyncio.sleep(0.01)\nreturn 1", timeout=5.0)).value == 1
    error = await fault("import time\n\ntime.sleep(6)", timeout=5.0)
    assert (error.message, error.line) == ("TimeoutError: sleep limit exceeded: 6s > 5s", 3)


@pytest.mark.parametrize(("source", "truthy"), [("return [0]", True), ("return ''", False), ("", False)])
async def test_a_result_has_a_truth_as_python_sees_it(run, source, truthy):
    assert (await run(source)).truthy is truthy
