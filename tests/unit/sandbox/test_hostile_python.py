"""Python that means harm: each program fails alone, and the sandbox goes on."""

import pytest

from signoff.sandbox.errors import ProgramMemoryError, ProgramTimeoutError
from signoff.sandbox.programs import MEBIBYTE

LIMITS = {"timeout": 0.3, "memory_limit": 16 * MEBIBYTE, "output_limit": 100_000}


@pytest.fixture
def language() -> str:
    return "python"


@pytest.fixture(autouse=True)
async def _the_sandbox_still_works(run):
    yield
    assert (await run("return 'fine'")).value == "fine"


@pytest.mark.parametrize(
    "source",
    [
        "while True: pass",
        "try:\n  while True: pass\nexcept BaseException: pass\nfinally:\n  while True: pass",
        "return sum(range(10 ** 12))",
        "import itertools\nfor each in itertools.count(): pass",
        "import math\nmath.factorial(10 ** 6)",
        "import hashlib\nhashlib.pbkdf2_hmac('sha256', b'a', b'b', 10 ** 9)",
        "import asyncio\nwhile True: await asyncio.sleep(0)",
        "while True: print('line')",
    ],
)
async def test_an_endless_program_ends_at_its_limit(fault, source):
    assert isinstance(await fault(source, **LIMITS), ProgramTimeoutError)


@pytest.mark.parametrize(
    "source",
    [
        "return 'a' * 10 ** 10",
        "return [0] * 10 ** 9",
        "return 10 ** 10 ** 8",
        "return 1 << 10 ** 10",
        "all = []\nwhile True: all.append('x' * 1000)",
        "text = 'x'\nwhile True: text += text",
        "all = [1]\nfor each in all: all.append(each)",
        "return bytes(10 ** 10)",
        "return '{:>999999999}'.format(1)",
        "return f'{1:>999999999}'",
        "return '%999999999d' % 1",
        "return list(range(10 ** 9))",
        "import itertools\nreturn list(itertools.product(range(1000), repeat=9))",
        "import asyncio\nasync def f(): await asyncio.gather(*[f() for _ in range(10)])\nawait f()",
        # What the sandbox's process does not survive.
        "return [0] * 700_000",
        "return 'x' * 12_000_000",
    ],
)
async def test_a_memory_bomb_is_told_from_other_faults(fault, source):
    assert isinstance(await fault(source, **LIMITS | {"timeout": 5.0}), ProgramMemoryError)


@pytest.mark.parametrize(
    "source",
    [
        "def again(): again()\nagain()",
        "class A:\n  def __repr__(self): return repr(self)\nrepr(A())",
        "class A:\n  def __eq__(self, other): return self == other\nA() == A()",
        "eval('(' * 100_000)",
        "import json\njson.loads('[' * 1_000_000)",
        "all = []\nfor _ in range(100_000): all = [all]\nreturn all",
        "all = {}\nfor _ in range(100_000): all = {'a': all}\nreturn all",
        "return 10 ** 5000",
        "import re\nre.compile('(((a{1,1000}){1,1000}){1,1000})')",
        "import re\nre.match(r'(?:(a|aa)+)\\1$', 'a' * 5000 + 'b')",
        "import time\ntime.sleep(1e9)",
        "raise SystemExit(3)",
        "raise KeyboardInterrupt",
        "raise ValueError('x' * 5_000_000)",
        "-" * 50_000 + "1",
        "x = " + "[" * 50_000,
    ],
)
async def test_a_program_that_exhausts_the_engine_fails_alone(fault, source):
    await fault(source, **LIMITS | {"timeout": 5.0})


async def test_many_short_sleeps_are_not_longer_than_the_limit(fault):
    error = await fault("import time\nfor _ in range(10): time.sleep(0.1)", **LIMITS)
    assert "sleep limit exceeded" in error.message


@pytest.mark.parametrize("source", ["return 'x' * 200_000", "return 'é' * 70_000"])
async def test_a_result_over_the_limit_is_an_error_that_names_both_sizes(fault, source):
    message = (await fault(source, **LIMITS)).message
    assert message.startswith("The result has ")
    assert message.endswith("more than the limit of 100000")


@pytest.mark.parametrize(
    "source", ["print('x' * 5_000_000)", "for _ in range(1000): print('x' * 1000)", "print('é' * 100_000)"]
)
async def test_output_over_the_limit_is_cut_and_says_so(run, source):
    stdout = (await run(source, **LIMITS)).stdout
    assert stdout.endswith("\n[output cut here]\n")
    assert len(stdout.encode()) <= 100_000 + len("\n[output cut here]\n")


@pytest.mark.parametrize(
    "source",
    [
        "__import__('os')",
        "import builtins",
        "import importlib",
        "import subprocess",
        "import socket",
        "import ctypes",
        "import posix",
        "import gc",
        "import sys\nsys.modules['os']",
        "import sys\nsys._getframe()",
        "import os\nos.system('id')",
        "import os\nos.fork()",
        "import os\nos.execv('/bin/sh', [])",
        "import os\nos.listdir('/')",
        "import os\nos.remove('/etc/hostname')",
        "import os\nos.environ['PATH']",
        "import os\nos.path.expandvars('$PATH')",
        "import posixpath\nposixpath.realpath('/proc/self')",
        "import pathlib\npathlib.Path('/tmp/escaped').write_text('x')",
        "open('/etc/passwd')",
        "open('/proc/self/environ', 'rb')",
        "eval('open')('/etc/passwd')",
        "eval('__import__(\"os\")')",
        "exec('import socket')",
        "().__class__.__base__.__subclasses__()",
        "''.__class__.__mro__",
        "getattr((), '__cla' + 'ss__')",
        "(lambda: 0).__globals__",
        "(lambda: 0).__code__",
        "print.__self__",
        "object.__new__",
        "[].__reduce__()",
        "__builtins__",
        "__loader__",
        "try: 1 / 0\nexcept Exception as e: e.__traceback__.tb_frame",
        "f'{().__class__}'",
        "'{0.__class__.__init__.__globals__}'.format('')",
        "'{a[0].__class__}'.format(a=[1])",
        "__sim_result__.__class__",
    ],
)
async def test_there_is_no_way_out_of_the_engine(fault, source):
    error = await fault(source)
    assert error.message.partition(":")[0] in {
        "AttributeError",
        "ModuleNotFoundError",
        "NameError",
        "PermissionError",
        "RuntimeError",
    }


async def test_walking_the_file_system_finds_nothing(run):
    assert (await run("import os\nreturn list(os.walk('/'))")).value == []


@pytest.mark.parametrize(
    "pollution",
    [
        "leak = 1",
        "global leak\nleak = 1",
        "exec('leak = 1')",
        "def leak(): pass",
        "class leak: pass",
        "from json import dumps as leak",
        "leak = print; print = None",
    ],
)
async def test_nothing_of_a_program_is_there_for_the_next(run, fault, pollution):
    await run(pollution)
    assert (await fault("leak")).message == "NameError: name 'leak' is not defined"
    assert (await run("print(__name__)")).stdout == "__main__\n"


async def test_a_module_cannot_be_changed(fault):
    assert (await fault("import json\njson.dumps = None")).message.startswith("AttributeError")


async def test_chance_that_one_program_seeded_is_chance_for_the_next(run):
    draw = "import random\nreturn random.random()"
    seeded = [(await run(f"import random\nrandom.seed(1)\n{draw}")).value for _ in range(2)]
    fresh = [(await run(draw)).value for _ in range(2)]
    assert len({*seeded, *fresh}) == 3


async def test_a_limit_cannot_be_caught(fault):
    source = "try:\n  text = 'a' * 10 ** 9\nexcept BaseException:\n  pass\nreturn 'caught'"
    assert isinstance(await fault(source), ProgramMemoryError)
