"""What goes into a program and what comes out."""

import pytest

JSON_VALUES = [
    None,
    True,
    0,
    -1.5,
    2**53,
    "",
    "naïve 😀 \u2028",
    "NUL \0 inside",
    [],
    {},
    [1, [2, {"a": None}]],
    {"__proto__": {"x": 1}, "with space": 2},
]


@pytest.mark.parametrize("value", JSON_VALUES, ids=repr)
async def test_a_binding_comes_back_as_it_went_in(run, value):
    assert (await run("return it", bindings={"it": value})).value == value


async def test_a_text_of_a_megabyte_passes_both_ways(run):
    text = "é" * 500_000
    assert (await run("return it", bindings={"it": text})).value == text


@pytest.mark.parametrize("source", ["", "return", "return undefined", "1 + 1", "return null"])
async def test_a_function_without_a_value_gives_none(run, source):
    assert (await run(source)).value is None


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("return [NaN, Infinity, undefined, () => 1]", [None, None, None, None]),
        ("return {kept: 1, dropped: undefined, method() {}}", {"kept": 1}),
        ("return new Date(0)", "1970-01-01T00:00:00.000Z"),
        ("return {toJSON: () => 'as it likes'}", "as it likes"),
        ("return new Map([[1, 2]])", {}),
    ],
)
async def test_a_result_is_what_json_stringify_makes_of_it(run, source, value):
    assert (await run(source)).value == value


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("return 10n", "BigInt"),
        ("return () => 1", "it is a function"),
        ("return Symbol('s')", "it is a symbol"),
        ("const a = {}; a.a = a; return a", "circular"),
        ("return '\\ud800'", "lone surrogate"),
        ("let a = []; for (let i = 0; i < 1200; i++) a = [a]; return a", "nested too deeply"),
    ],
)
async def test_a_result_that_is_not_json_is_an_error_that_says_so(fault, source, message):
    assert message in (await fault(source)).message


async def test_a_binding_with_half_a_character_is_an_error_that_says_so(fault):
    assert "lone surrogate" in (await fault("return it", bindings={"it": "\ud800"})).message


async def test_a_binding_that_javascript_cannot_define_is_an_error(fault):
    assert "not configurable" in (await fault("return 1", bindings={"undefined": 1})).message


async def test_promises_are_awaited_to_the_end(run):
    source = """
      const doubled = await Promise.all([1, 2].map(async (n) => { await null; return n * 2 }));
      return Promise.resolve(doubled);
    """
    assert (await run(source)).value == [2, 4]


async def test_a_promise_that_nothing_settles_is_an_error_at_once(fault):
    assert "promise that nothing settles" in (await fault("await new Promise(() => {})")).message


async def test_printed_lines_are_collected(run):
    source = (
        "console.log('a', 1, {b: [2]}); console.info(null); console.warn('w'); console.error(new Error('e'))"
    )
    assert (await run(source)).stdout == 'a 1 {"b":[2]}\nnull\nWARN: w\nERROR: Error: e\n'


async def test_what_cannot_be_json_is_still_printed(run):
    assert (await run("const a = {}; a.a = a; console.log(a, 1n, undefined)")).stdout == (
        "[object Object] 1 undefined\n"
    )


@pytest.mark.parametrize(
    ("source", "message", "line"),
    [
        ("throw new Error('no money')", "no money", 1),
        ("const a = 1;\n\nnull.x", "cannot read property 'x' of null", 3),
        ("await null;\nmissing()", "missing is not defined", 2),
        ("const a =\n= 2", "unexpected token in expression: '='", 2),
        ("throw new TypeError()", "TypeError", 1),
        ("throw 'a text'", "a text", None),
        ("throw {message: 'like an error'}", "like an error", None),
        ("throw {code: 7}", '{"code":7}', None),
        ("throw undefined", "undefined", None),
        ("throw {get message() { throw 1 }}", "The program threw something that has no text", None),
        ("throw new Error('\\ud800')", "\N{REPLACEMENT CHARACTER}", 1),
    ],
)
async def test_a_throw_gives_its_message_and_line(fault, source, message, line):
    error = await fault(source)
    assert (error.message, error.line) == (message, line)


async def test_a_failed_program_still_shows_what_it_printed(fault):
    assert (await fault("console.log('so far'); throw 1")).stdout == "so far\n"


@pytest.mark.parametrize(
    ("expression", "value", "truthy"),
    [
        ("1 + 1", 2, True),
        ("0", 0, False),
        ("'' // nothing", "", False),
        ("'0'", "0", True),
        ("[]", [], True),
        ("NaN", None, False),
        ("({a: 1})", {"a": 1}, True),
        ("await Promise.resolve(false)", False, False),
    ],
)
async def test_an_expression_has_a_value_and_a_truth_as_javascript_sees_it(run, expression, value, truthy):
    result = await run(expression, "expression")
    assert (result.value, result.truthy) == (value, truthy)
