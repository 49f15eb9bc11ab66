"""Runs the Python on a page from its first block to its last, as one program with `await` anywhere."""

import ast
import asyncio
import inspect
import re
import sys
from pathlib import Path

_BLOCK = re.compile(r"^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)


async def run(page: str, text: str) -> None:
    names: dict[str, object] = {}
    for block in _BLOCK.finditer(text):
        # As many empty lines before as on the page: a traceback then names the page's line.
        source = "\n" * text.count("\n", 0, block.start(1)) + block[1]
        done = eval(compile(source, page, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT), names)
        if inspect.iscoroutine(done):
            await done


if __name__ == "__main__":
    asyncio.run(run(sys.argv[1], Path(sys.argv[1]).read_text()))
