"""JavaScript that means harm: each program fails alone, and the sandbox goes on."""

import pytest

from signoff.sandbox.errors import ProgramMemoryError, ProgramTimeoutError
from signoff.sandbox.programs import MEBIBYTE

LIMITS = {"timeout": 0.3, "memory_limit": 16 * MEBIBYTE, "output_limit": 100_000}


@pytest.fixture(autouse=True)
async def _the_sandbox_still_works(run):
    yield
    assert (await run("return 'fine'")).value == "fine"


@pytest.mark.parametrize(
    "source",
    [
        "for (;;);",
        "try { for (;;); } catch {} finally { for (;;); }",
        "await null; for (;;);",
        "for (;;) await null",
        "Promise.resolve().then(() => { for (;;); }); await null",
        "/(a+)+$/.test('a'.repeat(50) + 'b')",
        "return {toJSON() { for (;;); }}",
        "throw {get message() { for (;;); }}",
        "for (;;) console.log('line')",
        "return new Proxy({}, {ownKeys() { for (;;); }})",
        "const again = async () => { for (;;) await 1 }; await Promise.all([again(), again()])",
        "const all = []; all.length = 1e9; all.sort()",
        "for (;;) { try { new Array(1e6).fill(0) } catch {} }",
    ],
)
async def test_an_endless_program_ends_at_its_limit(fault, source):
    assert isinstance(await fault(source, **LIMITS), ProgramTimeoutError)


@pytest.mark.parametrize(
    "source",
    [
        "const all = []; for (;;) all.push('x'.repeat(100000) + all.length)",
        "const all = []; for (;;) { await null; all.push(new Uint8Array(1000000)) }",
        "return new Array(1e7).fill(0).map(() => ({}))",
        "return new Uint8Array(2 ** 30)",
        "return 'x'.repeat(2 ** 29)",
        "return [...(function* () { for (;;) yield 1 })()]",
        "return Array.from({length: 1e9})",
    ],
)
async def test_a_memory_bomb_is_told_from_other_faults(fault, source):
    assert isinstance(await fault(source, **LIMITS | {"timeout": 5.0}), ProgramMemoryError)


@pytest.mark.parametrize(
    "source",
    [
        "(function f() { return f() + 1 })()",
        "JSON.parse('['.repeat(1000000))",
        "let a = []; for (let i = 0; i < 100000; i++) a = [a]; return a",
        "const all = []; for (;;) all.push({})",
        "throw 'x'.repeat(5000000)",
        "return 7n ** 100000000n",
        "Error.prepareStackTrace = () => { throw 1 }; null.x",
        "let text = 'x'; for (;;) text += text",
        "const all = new Map(); for (let i = 0; ; i++) all.set(i, 'x'.repeat(100))",
        "return new ArrayBuffer(2 ** 33)",
        "return 'a'.padEnd(2 ** 30)",
        "const again = async () => { await again() }; await again()",
        "const again = () => Promise.resolve().then(again); await again()",
        "Atomics.wait(new Int32Array(new SharedArrayBuffer(8)), 0, 0)",
        "throw Object.create(null)",
        "queueMicrotask(() => { throw new Error('later') })",
        "return new Proxy({}, {get() { throw new Error('trap') }})",
        "return {get field() { throw new Error('getter') }}",
    ],
)
async def test_a_program_that_exhausts_the_engine_fails_alone(fault, source):
    await fault(source, **LIMITS | {"timeout": 2.0})


@pytest.mark.parametrize("source", ["return 'x'.repeat(200000)", "return 'é'.repeat(70000)"])
async def test_a_result_over_the_limit_is_an_error_that_names_both_sizes(fault, source):
    message = (await fault(source, **LIMITS)).message
    assert message.startswith("The result has ")
    assert message.endswith("more than the limit of 100000")


@pytest.mark.parametrize(
    "source",
    [
        "console.log('x'.repeat(5000000))",
        "for (let i = 0; i < 1000; i++) console.log('x'.repeat(1000))",
        "console.log('\\u0001'.repeat(200000))",
    ],
)
async def test_output_over_the_limit_is_cut_and_says_so(run, source):
    stdout = (await run(source, **LIMITS)).stdout
    assert stdout.endswith("\n[output cut here]\n")
    assert len(stdout) < 100_100


@pytest.mark.parametrize(
    "trick",
    [
        "JSON.stringify = () => 'evil'; JSON.parse = null",
        "Object.prototype.toJSON = undefined; Array.prototype[Symbol.iterator] = null",
        "String.prototype.slice = String.prototype.toWellFormed = Function.prototype.call = null",
        "Promise.prototype.then = () => { throw 1 }; globalThis.Promise = null",
        "globalThis.console = null; delete globalThis.String",
        "Object.defineProperty(Object.prototype, 'state', {get: () => 'thrown', set() {}})",
        "Object.freeze(globalThis)",
        "globalThis.__proto__ = null",
        "new FinalizationRegistry(() => { for (;;); }).register({}, 1)",
        "Promise.reject(new Error('nobody cares'))",
    ],
)
async def test_a_tampered_world_changes_nothing_outside_the_program(run, trick):
    assert (await run(f"{trick}; return {{answer: 42}}")).value == {"answer": 42}


async def test_tampering_with_to_json_does_not_forge_a_report(fault):
    error = await fault("Object.prototype.toJSON = () => ({state: 'done'}); throw new Error('the truth')")
    assert error.message == "the truth"


async def test_nothing_of_a_program_is_there_for_the_next(run):
    for _ in range(4):  # more than there are workers
        await run("globalThis.leak = 1; Object.prototype.leak = 2; Array.prototype.map = null")
        assert (await run("return [typeof leak, ({}).leak ?? null, typeof [].map]")).value == [
            "undefined",
            None,
            "function",
        ]


@pytest.mark.parametrize(
    "pollution",
    [
        "Object.prototype.leak = 1",
        "({}).__proto__.leak = 1",
        "({}).constructor.prototype.leak = 1",
        "globalThis.leak = 1",
        "leak = 1",
        "(function () {}).constructor('leak = 1')()",
        "eval('var leak = 1'); (0, eval)('leak = 1')",
        "new Function('this.leak = 1')()",
        "Object.assign(Object.getPrototypeOf(it), {leak: 1})",
        "})\n;globalThis.leak = 1;(async function () {",
        "setter = {set leak(value) {}}; Object.defineProperty(Object.prototype, 'leak', {value: 1})",
    ],
)
async def test_no_pollution_reaches_the_next_program(run, pollution):
    await run(pollution, bindings={"it": {"__proto__": {"leak": 1}}})
    assert (await run("return [typeof leak, typeof ({}).leak]")).value == ["undefined", "undefined"]


@pytest.mark.parametrize(
    "made",
    [
        "eval(text)",
        "(0, eval)(text)",
        "new Function('return ' + text)()",
        "[].constructor.constructor('return ' + text)()",
        "await (async () => {}).constructor('return ' + text)()",
        "(function* () {}).constructor('yield ' + text)().next().value",
    ],
)
async def test_code_from_a_text_reaches_no_more_than_the_program(run, made):
    names = ["require", "process", "fetch", "steer", "stdout", "parse", "quickjs"]
    text = f"[{', '.join(f'typeof {name}' for name in names)}]"
    assert (await run(f"return {made}", bindings={"text": text})).value == ["undefined"] * len(names)


async def test_a_prototype_key_in_a_binding_is_only_a_key(run):
    result = await run(
        "return [it, it.polluted, ({}).polluted]", bindings={"it": {"__proto__": {"polluted": 1}}}
    )
    assert result.value == [{"__proto__": {"polluted": 1}}, None, None]


async def test_there_is_no_way_out_of_the_engine(run):
    source = """
      const names = ['require', 'fetch', 'XMLHttpRequest', 'WebSocket', 'std', 'os', 'process', 'Deno', 'Bun',
                     'Worker', 'setTimeout', 'load', 'loadScript', 'read', 'print', 'quickjs', '__functions'];
      return names.filter((name) => name in globalThis);
    """
    assert (await run(source)).value == []


@pytest.mark.parametrize("module", ["os", "std", "/etc/passwd", "./prelude.js", "https://example.com/a.js"])
async def test_no_module_can_be_imported(fault, module):
    assert "could not load module" in (await fault(f"await import('{module}')")).message


async def test_the_whole_global_world_is_that_of_the_language(run):
    """A guard against an engine update that brings more than the language."""
    extra = "return Object.getOwnPropertyNames(globalThis).filter((name) => /^[a-z]/.test(name)).sort()"
    assert (await run(extra)).value == [
        "atob",
        "btoa",
        "console",
        "decodeURI",
        "decodeURIComponent",
        "encodeURI",
        "encodeURIComponent",
        "escape",
        "eval",
        "globalThis",
        "isFinite",
        "isNaN",
        "parseFloat",
        "parseInt",
        "performance",
        "queueMicrotask",
        "undefined",
        "unescape",
    ]
