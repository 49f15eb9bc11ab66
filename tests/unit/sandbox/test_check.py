"""What is found in the text of a program without running it."""

import pytest

from signoff.sandbox.errors import SandboxClosedError
from signoff.sandbox.pool import Sandbox
from signoff.sandbox.programs import CodeFault


@pytest.mark.parametrize(
    ("source", "line", "column"),
    [
        ("const a =\n= 2", 2, 1),
        ("return 1 +", 1, 11),
        ("let text = 'abc\n", 1, 12),
        ("const a = 1;\nconst a = 2", 2, 9),
        ("a b", 1, 3),
        ("\n\nimport x from 'y'", 3, 8),
        ("return /(/", None, None),
        ("(" * 100_000, None, None),
    ],
)
async def test_a_syntax_error_in_javascript_is_found_at_its_place(check, source, line, column):
    (fault,) = await check(source)
    assert (fault.line, fault.column, fault.warning) == (line, column, False)
    assert fault.message


@pytest.mark.parametrize("kind", ["expression", "condition"])
@pytest.mark.parametrize(
    ("source", "line", "column"), [("a >", 1, 4), (") + (1", 1, 1), ("a\n= = b", 2, 3), ("return 1", 1, 1)]
)
async def test_a_syntax_error_in_an_expression_is_found_at_its_place(check, kind, source, line, column):
    (fault,) = await check(source, kind=kind)
    assert (fault.line, fault.column) == (line, column)


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        ("", "function"),
        ("return __ref0 * 2", "function"),
        ("await null; return 1 // done", "function"),
        ("__ref0 > 10 && context.a", "condition"),
        ("a // why", "condition"),
        ("for (;;);", "function"),
    ],
)
async def test_good_javascript_has_no_faults(check, source, kind):
    assert await check(source, kind=kind) == []


@pytest.mark.parametrize(
    "source",
    [
        "x.fetch()",
        "x?.fetch()",
        "return {fetch: 1}",
        "'fetch()'",
        "// fetch()\n/* fetch() */",
        "return `fetch()`",
        "return /fetch(`)/.test(x)",
        "const fetch = 1; return fetch",
        "function fetch() {} fetch()",
        "if (typeof fetch === 'function') fetch()",
        "myfetch(); fetching()",
    ],
)
async def test_a_name_that_is_not_meant_is_not_warned_of(check, source):
    assert await check(source) == []


@pytest.mark.parametrize(
    ("source", "line", "column"),
    [
        ("const r = await fetch('x')", 1, 17),
        ("\n  return `${fetch(1)}`", 2, 13),
        ("a ? fetch(1) : b", 1, 5),
        ("/[`'\"]/.test(x)\nfetch()", 2, 1),
        ("x = 4 / 2; fetch(); y = 4 / 2", 1, 12),
    ],
)
async def test_a_name_that_is_not_there_is_warned_of_where_it_is_used_first(check, source, line, column):
    (warning,) = await check(f"{source}\nfetch()")
    assert (warning.line, warning.column, warning.warning) == (line, column, True)
    assert warning.message == "fetch does not exist in the sandbox"
    assert warning.hint == "there is no network: use an api block"


async def test_a_name_that_will_be_bound_is_there(check):
    assert await check("fetch()", names={"fetch"}) == []
    assert await check("vars + __ref0", names={"vars", "__ref0"}, language="python") == []


@pytest.mark.parametrize(
    ("source", "message", "line", "column"),
    [
        ("x = = 1", "Expected an expression", 1, 5),
        ("x = 1\n  y = 2", "Unexpected indentation", 2, 1),
        ("x = (1,", "unexpected EOF while parsing", 1, 8),
        ("x = 1\nx = '''a", "missing closing quote in string literal", 2, 5),
        ("def rows():\n  yield 1", "Not in the sandbox's Python: yield expressions", 2, 3),
        ("(" * 100_000, "Source is too deeply nested", 1, 201),
    ],
)
async def test_what_python_does_not_take_is_found_at_its_place(check, source, message, line, column):
    assert await check(source, language="python") == [CodeFault(message, line, column)]


@pytest.mark.parametrize(
    "source",
    [
        "",
        "return 1",
        "from __future__ import annotations\nimport os.path as p, json\nreturn p, json",
        "for n in [1]: pass\nreturn [n for n in range(n)]",
        "def f(a, /, b, *c, d=1, **e): return a, b, c, d, e",
        "match 1:\n  case {'a': b, **c}: print(b, c)\n  case [d, *e]: print(d, e)\n  case f: print(f)",
        "try: pass\nexcept ValueError as e: print(e)",
        "class A:\n  x: int = 1\nreturn (lambda q: q)(A)",
        "exec('y = 1')\nreturn y",
        "return f'{__sim_result__!r:>{1}}'",
        "while True: pass",
    ],
)
async def test_good_python_has_no_faults_and_is_not_run(check, source):
    assert await check(source, language="python") == []


async def test_a_python_module_that_is_not_there_is_a_fault_unless_the_text_expects_it(check):
    source = "é = 'ü'; import numpy\ntry:\n  import pandas\nexcept: pass\nfrom os import fork, path"
    faults = await check(source, language="python")
    assert [(f.message.partition(" (")[0], f.line, f.column, f.warning) for f in faults] == [
        ("No module named 'numpy'", 1, 17, False),
        ("No module named 'pandas'", 3, 10, True),
        ("cannot import name 'fork' from 'os'", 5, 16, False),
    ]


async def test_a_python_name_that_is_not_there_is_a_warning(check):
    assert await check("ü = 1; print(ü, amout)", language="python") == [
        CodeFault("name 'amout' is not defined", 1, 17, warning=True)
    ]


@pytest.mark.parametrize("language", ["javascript", "python"])
@pytest.mark.parametrize(
    "source",
    [
        "x;" * 200_000,
        "[" * 1_000_000,
        "x = '" + "a" * 5_000_000 + "'",
        "\0",
        "\ud800",
        "a\n" * 100_000,
        "'" * 99_999,
        "\n" * 1_000_000,
        "return" + " " * 1_000_000,
        "x = 1 " + "/ 1 " * 100_000,
        "`${" * 10_000 + "1" + "}`" * 10_000,
    ],
    ids=lambda source: repr(source[:9]),
)
async def test_the_check_survives_any_text(check, language, source):
    assert len(await check(source, language=language)) < 100
    assert await check("return 1", language=language) == []


@pytest.mark.parametrize(
    "source", ["})\n;for (;;);(async function () {", "}), (() => { for (;;); })(), (() => {"]
)
async def test_a_text_that_breaks_out_of_its_function_is_stopped(check, source):
    (fault,) = await check(source)
    assert not fault.warning


async def test_a_closed_sandbox_checks_nothing():
    sandbox = await Sandbox.start(workers=1)
    await sandbox.close()
    with pytest.raises(SandboxClosedError):
        await sandbox.check("return 1", workspace="home")


async def test_a_text_with_half_a_character_costs_no_worker():
    async with await Sandbox.start(workers=1) as sandbox:
        before = {language: list(idle) for language, idle in sandbox._idle.items()}
        for language in before:
            (fault,) = await sandbox.check("'\ud800'", language=language, workspace="home")
            assert "lone surrogate" in fault.message
        assert sandbox._idle == before
